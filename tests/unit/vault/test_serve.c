/* The whole exchange over real channels: master, store and tls-worker are
 * played by the test. */
#include "vault_test.h"

#include <sys/socket.h>

#include "serve.h"

#define CHAN_STORE 4
#define CHAN_TLS 5
#define CHAN_TLS2 6

/* The last message that each of the played processes got, copied. */
static struct seen {
	enum msg_type type;
	uint64_t ticket;
	char word[LIM_CODE + 1];	/* mechanism or code */
	uint8_t data[8192];
	size_t n;
} seen;
static struct chan *store, *tls, *tls2;

static void
copy_data(struct slice s)
{
	assert_true(s.n <= sizeof(seen.data));
	if (s.n > 0)
		memcpy(seen.data, s.p, s.n);
	seen.n = s.n;
}

static int
on_record_get(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	seen.type = MSG_record_get;
	seen.ticket = m->record_get.ticket;
	assert_int_equal(m->record_get.unit, 7);
	return 0;
}

static int
on_seal_opened(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	seen.type = MSG_seal_opened;
	assert_int_equal(slice_copy(m->seal_opened.code, seen.word, sizeof(seen.word)), 0);
	copy_data(m->seal_opened.record);
	return 0;
}

static int
on_auth_respond(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	seen.type = MSG_auth_respond;
	seen.ticket = m->auth_respond.ticket;
	assert_int_equal(slice_copy(m->auth_respond.mechanism, seen.word, sizeof(seen.word)), 0);
	copy_data(m->auth_respond.data);
	return 0;
}

static int
on_auth_refused(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	seen.type = MSG_auth_refused;
	seen.ticket = m->auth_refused.ticket;
	assert_int_equal(slice_copy(m->auth_refused.code, seen.word, sizeof(seen.word)), 0);
	return 0;
}

static const chan_handler played[MSG__COUNT] = { [MSG_record_get] = on_record_get,
	[MSG_seal_opened] = on_seal_opened, [MSG_auth_respond] = on_auth_respond,
	[MSG_auth_refused] = on_auth_refused };

static void
broken(struct chan *c, const char *why)
{
	(void)c;
	fail_msg("%s", why);
}

static const struct chan_ops played_ops = { .handlers = played, .on_broken = broken };

/* A wired pair: the vault's end is added to its peers, the other is ours. */
static struct chan *
wire(uint32_t number, enum role role, const char *ats, const char *host)
{
	struct chan_peer far = { .chan = number, .role = role }, near = { .chan = number, .role = ROLE_VAULT };
	struct chan *c;
	int fds[2];

	assert_int_equal(slice_copy(slice_str(ats), far.ats, sizeof(far.ats)), 0);
	assert_int_equal(slice_copy(slice_str(host), far.host, sizeof(far.host)), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	peers_add(&far, fds[0]);
	c = chan_new(fds[1], role, &near, &played_ops, NULL);
	assert_non_null(c);
	chan_run(c);
	return c;
}

static void
turn(void)
{
	memset(&seen, 0, sizeof(seen));
	for (uint32_t i = CHAN_STORE; i <= CHAN_TLS2; i++) {
		struct chan *c = peers_find(i, i == CHAN_STORE ? ROLE_STORE : ROLE_TLS);

		assert_non_null(c);
		chan_read(c);
	}
	chan_read(store);
	chan_read(tls);
	chan_read(tls2);
}

static void
issue(uint64_t id, uint16_t port, uint32_t link)
{
	union msg m = { .ticket = { .ticket = id, .ats = slice_str("agency"), .unit = 7, .link = link, .generation = 1,
		.service = SERVICE_IMAP, .host = slice_str("imap.example.org"), .port = port, .security = SECURITY_TLS,
		.store_chan = CHAN_STORE, .tls_chan = CHAN_TLS } };
	int fd = -1;

	assert_int_equal(serve_master[MSG_ticket](NULL, &m, &fd), 0);
}

static void
begin(struct chan *c, uint64_t id, const char *mechanism)
{
	struct wbuf list;

	endpoints(&list, mechanism, NULL);
	assert_int_equal(send_auth_begin(c, &(struct msg_auth_begin){ id, wbuf_slice(&list) }), 0);
	wbuf_free(&list);
	turn();
}

/* The record of the sample credential for link 7, made through seal_open. */
static size_t
intake(uint8_t record[8192])
{
	uint8_t buf[LIM_SEAL_PLAIN];
	struct wbuf list;
	struct seal_plain p = sample(&list);
	struct msg_seal_open m = { .req = 1, .link = 7, .generation = 1, .address = p.address, .user = p.user,
		.endpoints = p.endpoints, .seal = seal_of(&p, buf) };

	assert_int_equal(send_seal_open(store, &m), 0);
	turn();
	assert_int_equal(seen.type, MSG_seal_opened);
	assert_string_equal(seen.word, "");
	memcpy(record, seen.data, seen.n);
	wbuf_free(&list);
	return seen.n;
}

static void
answer(uint64_t id, const uint8_t *record, size_t n)
{
	assert_int_equal(send_record(store, &(struct msg_record){ id, slice_mem(record, n) }), 0);
	turn();
}

static void
refused(const char *code)
{
	assert_int_equal(seen.type, MSG_auth_refused);
	assert_string_equal(seen.word, code);
}

static void
login_by_plain(void **state)
{
	uint8_t record[8192];
	size_t n = intake(record);

	(void)state;
	issue(100, 993, 7);
	begin(tls, 100, "PLAIN");
	assert_int_equal(seen.type, MSG_record_get);
	answer(100, record, n);
	assert_int_equal(seen.type, MSG_auth_respond);
	assert_string_equal(seen.word, "PLAIN");
	assert_memory_equal(seen.data, "\0anna\0" SECRET, seen.n);
	assert_null(memmem(areas[AREA_OPENED], AREA_N, SECRET, strlen(SECRET)));
	assert_null(memmem(areas[AREA_BUILT], AREA_N, SECRET, strlen(SECRET)));
	assert_int_equal(send_auth_result(tls, &(struct msg_auth_result){ .ticket = 100, .ok = true }), 0);
	turn();
	assert_int_equal(seen.type, MSG_none);
	begin(tls, 100, "PLAIN");	/* a ticket is good once */
	refused("auth.temp_unavailable");
}

static void
login_by_login(void **state)
{
	uint8_t record[8192];
	size_t n = intake(record);

	(void)state;
	issue(101, 993, 7);
	begin(tls, 101, "LOGIN");
	answer(101, record, n);
	assert_true(slice_eq_str(slice_mem(seen.data, seen.n), "anna"));
	begin(tls, 101, "LOGIN");	/* not twice at the same time either */
	refused("auth.temp_unavailable");
	assert_int_equal(send_auth_challenge(tls, &(struct msg_auth_challenge){ 101, slice_str("Password:") }), 0);
	turn();
	assert_true(slice_eq_str(slice_mem(seen.data, seen.n), SECRET));
	assert_int_equal(send_auth_challenge(tls, &(struct msg_auth_challenge){ 101, slice_str("Again:") }), 0);
	turn();
	refused("sync.protocol_error");
	assert_null(ticket_find(101));
}

static void
another_tls_worker_gets_nothing(void **state)
{
	uint8_t record[8192];
	size_t n = intake(record);

	(void)state;
	issue(102, 993, 7);
	begin(tls2, 102, "PLAIN");
	refused("auth.temp_unavailable");
	begin(tls, 102, "PLAIN");	/* the rightful owner is not harmed */
	answer(102, record, n);
	assert_int_equal(seen.type, MSG_auth_respond);
	assert_int_equal(send_auth_challenge(tls2, &(struct msg_auth_challenge){ 102, SLICE_NONE }), 0);
	turn();
	refused("auth.temp_unavailable");
	ticket_drop(ticket_find(102));
}

static void
a_record_serves_only_its_place(void **state)
{
	uint8_t record[8192];
	size_t n = intake(record);

	(void)state;
	issue(103, 994, 7);	/* another port */
	begin(tls, 103, "PLAIN");
	answer(103, record, n);
	refused("store.secret_tampered");
	issue(104, 993, 8);	/* another link */
	begin(tls, 104, "PLAIN");
	answer(104, record, n);
	refused("store.secret_tampered");
	issue(105, 993, 7);	/* none */
	begin(tls, 105, "PLAIN");
	answer(105, NULL, 0);
	refused("store.key_missing");
	answer(105, record, n);	/* too late: nobody waits */
	assert_int_equal(seen.type, MSG_none);
}

static void
no_common_mechanism(void **state)
{
	(void)state;
	issue(106, 993, 7);
	begin(tls, 106, "GSSAPI");
	refused("auth.no_mechanism");
	assert_null(ticket_find(106));
}

static void
too_many_logins(void **state)
{
	(void)state;
	rate_init();
	for (uint64_t i = 0; i < LIM_TICKETS_PER_MINUTE; i++) {
		issue(200 + i, 993, 9);
		begin(tls, 200 + i, "PLAIN");
		assert_int_equal(seen.type, MSG_record_get);
		ticket_drop(ticket_find(200 + i));
	}
	issue(300, 993, 9);
	begin(tls, 300, "PLAIN");
	refused("auth.too_many_attempts");
}

static void
the_stores_name_is_its_channels(void **state)
{
	uint8_t buf[LIM_SEAL_PLAIN];
	struct wbuf list;
	struct seal_plain p = sample(&list);
	struct msg_seal_open m = { .req = 1, .link = 7, .generation = 1, .address = p.address, .user = p.user,
		.endpoints = p.endpoints };

	(void)state;
	p.ats = slice_str("agency2");
	m.seal = seal_of(&p, buf);
	assert_int_equal(send_seal_open(store, &m), 0);
	turn();
	assert_string_equal(seen.word, "store.secret_tampered");
	assert_int_equal(seen.n, 0);
	wbuf_free(&list);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(login_by_plain), cmocka_unit_test(login_by_login),
		cmocka_unit_test(another_tls_worker_gets_nothing), cmocka_unit_test(a_record_serves_only_its_place),
		cmocka_unit_test(no_common_mechanism), cmocka_unit_test(too_many_logins),
		cmocka_unit_test(the_stores_name_is_its_channels) };

	load_fresh_key();
	rate_init();
	store = wire(CHAN_STORE, ROLE_STORE, "agency", "");
	tls = wire(CHAN_TLS, ROLE_TLS, "agency", "imap.example.org");
	tls2 = wire(CHAN_TLS2, ROLE_TLS, "agency", "imap.example.org");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

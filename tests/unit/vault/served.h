/*
 * served.h - the vault over real channels: master, store and tls-workers are
 * played by the test.
 */
#ifndef VAULT_SERVED_H
#define VAULT_SERVED_H

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
static uint8_t binding;	/* told with the next auth_begin: no, or 32 times B */

static inline void
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

static int
on_record_put(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	seen.type = MSG_record_put;
	seen.ticket = m->record_put.req;
	assert_int_equal(m->record_put.unit, 7);
	assert_int_equal(m->record_put.service, SERVICE_IMAP);
	copy_data(m->record_put.data);
	assert_true(m->record_put.was.n > 0);
	return 0;
}

static const chan_handler played[MSG__COUNT] = { [MSG_record_get] = on_record_get, [MSG_record_put] = on_record_put,
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
static inline struct chan *
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

static inline void
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

static inline void
issue(uint64_t id, uint16_t port, uint32_t link)
{
	union msg m = { .ticket = { .ticket = id, .ats = slice_str("agency"), .unit = 7, .link = link, .generation = 1,
		.service = SERVICE_IMAP, .host = slice_str("imap.example.org"), .port = port, .security = SECURITY_TLS,
		.store_chan = CHAN_STORE, .tls_chan = CHAN_TLS } };
	int fd = -1;

	assert_int_equal(serve_master[MSG_ticket](NULL, &m, &fd), 0);
}

static inline void
begin(struct chan *c, uint64_t id, const char *mechanism)
{
	struct wbuf list;

	endpoints(&list, mechanism, NULL);
	assert_int_equal(send_auth_begin(c, &(struct msg_auth_begin){ id, wbuf_slice(&list), binding,
	    slice_str(binding != BINDING_NONE ? "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB" : "") }), 0);
	wbuf_free(&list);
	turn();
}

/* The record of the sample credential for link 7, made through seal_open. */
static inline size_t
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

static inline void
answer(uint64_t id, const uint8_t *record, size_t n)
{
	assert_int_equal(send_record(store, &(struct msg_record){ id, slice_mem(record, n) }), 0);
	turn();
}

static inline void
refused(const char *code)
{
	assert_int_equal(seen.type, MSG_auth_refused);
	assert_string_equal(seen.word, code);
}

static inline void
serve_all(void)
{
	load_fresh_key();
	rate_init();
	store = wire(CHAN_STORE, ROLE_STORE, "agency", "");
	tls = wire(CHAN_TLS, ROLE_TLS, "agency", "imap.example.org");
	tls2 = wire(CHAN_TLS2, ROLE_TLS, "agency", "imap.example.org");
	assert_int_equal(proof_init(), 0);
}

#endif

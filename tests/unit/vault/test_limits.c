/* Limits of the vault, on both sides of each. What is private to one file is reached by including it. */
#include "vault_test.h"

#include <sys/socket.h>

#include "rate.c"
#include "seal.c"

#include "log.h"

static uint8_t buf[LIM_SEAL_PLAIN + 1 + crypto_box_SEALBYTES];

/* ---- tickets ---- */
static const char *
add(uint64_t id, const char *ats, uint64_t now)
{
	struct msg_ticket m = { .ticket = id, .ats = slice_str(ats), .host = slice_str("imap.example.org"), .tls_chan = 5 };

	return ticket_add(&m, now);
}

/* limit: LIM_TICKETS LIM_TICKETS_ATS */
static void
tickets(void **state)
{
	static const char *const names[] = { "one", "two", "three", "four" };
	uint64_t id = 0, later = LIM_TICKET_SECONDS * 1000 + 1;

	(void)state;
	assert_int_equal(LIM_TICKETS % LIM_TICKETS_ATS, 0);
	for (size_t t = 0; t < LIM_TICKETS / LIM_TICKETS_ATS; t++) {
		for (size_t i = 0; i < LIM_TICKETS_ATS; i++)
			assert_null(add(++id, names[t % 4], 0));
		assert_string_equal(add(++id, names[t % 4], 0), "too many at once");
	}
	assert_string_equal(add(++id, "five", 0), "too many at once");
	ticket_drop(ticket_find(1));
	assert_null(add(++id, "five", 0));
	assert_string_equal(add(++id, "five", 0), "too many at once");
	assert_null(add(++id, "five", later));	/* nobody came for all those */
	assert_null(ticket_find(2));
	ticket_drop(ticket_find(id));
}

/* limit: LIM_TICKET_SECONDS */
static void
ticket_age(void **state)
{
	static const struct chan_peer tls = { .chan = 5, .role = ROLE_TLS, .ats = "one", .host = "imap.example.org" };

	(void)state;
	assert_null(add(1, "one", 0));
	assert_null(ticket_check(ticket_find(1), &tls, TICKET_ISSUED, LIM_TICKET_SECONDS * 1000));
	assert_string_equal(ticket_check(ticket_find(1), &tls, TICKET_ISSUED, LIM_TICKET_SECONDS * 1000 + 1), "expired");
	ticket_drop(ticket_find(1));
}

/* limit: LIM_RATE_BUCKETS: beyond, some share one. */
static void
buckets(void **state)
{
	uint32_t allowed = 0;

	(void)state;
	rate_init();
	for (uint32_t link = 1; link <= 100; link++)
		allowed += rate_allow('l', "one", link, 1, 100000);
	assert_true(allowed >= 90);	/* a few may meet by chance */
	for (uint32_t link = 101; link <= 40 * LIM_RATE_BUCKETS; link++)
		allowed += rate_allow('l', "one", link, 1, 100000);
	assert_int_equal(allowed, LIM_RATE_BUCKETS);
	assert_true(rate_allow('a', "one", 0, 1, 100000));	/* tenants have theirs */
	rate_init();
}

/* ---- channels ---- */

/* limit: LIM_VAULT_PEERS: one more is closed; the others stay. */
static void
peers(void **state)
{
	struct chan_peer p = { .role = ROLE_TLS, .ats = "one", .host = "imap.example.org" };
	struct chan *c;
	int fd = dup(STDERR_FILENO);

	(void)state;
	for (p.chan = 1; p.chan <= LIM_VAULT_PEERS; p.chan++)
		peers_add(&p, fd);
	assert_non_null(c = peers_find(LIM_VAULT_PEERS, ROLE_TLS));
	peers_add(&p, dup(STDERR_FILENO));
	assert_null(peers_find(LIM_VAULT_PEERS + 1, ROLE_TLS));
	assert_ptr_equal(peers_find(LIM_VAULT_PEERS, ROLE_TLS), c);
	assert_non_null(peers_find(1, ROLE_TLS));
}

/* ---- seals and records ---- */

/* limit: LIM_SEAL_ENDPOINTS: our encoder makes no more, and what another made is refused. */
static void
seal_endpoints(void **state)
{
	static const char *const all[] = { "imap:tls:a:1", "imap:tls:a:2", "imap:tls:a:3", "imap:tls:a:4" };
	struct wbuf list = { 0 }, plain = { .max = LIM_SEAL_PLAIN };
	struct seal_plain p = sample(&list), c;

	(void)state;
	wbuf_reset(&list);
	for (size_t n = 0; n < LIM_SEAL_ENDPOINTS; n++)
		list_add(&list, slice_str(all[n % 4]));
	p.endpoints = wbuf_slice(&list);
	assert_string_equal(seal_open(seal_of(&p, buf), &p, &c), "");
	assert_int_equal(seal_plain_encode(&plain, &p), 0);
	plain.p[plain.n - list.n - 1]++;	/* their number, before them */
	list_add(&plain, slice_str("smtp:tls:a:5"));
	list_add(&list, slice_str("smtp:tls:a:5"));
	p.endpoints = wbuf_slice(&list);
	assert_string_equal(seal_open(seal_bytes(wbuf_slice(&plain), buf), &p, &c), "cfg.invalid");
	wbuf_reset(&plain);
	assert_int_equal(seal_plain_encode(&plain, &p), -1);
	wbuf_free(&list);
	wbuf_free(&plain);
}

/* limit: LIM_SEAL_PLAIN: a longer one is not even opened. */
static void
seal_size(void **state)
{
	struct seal_plain c;

	(void)state;
	memset(buf, 'x', sizeof(buf));
	assert_string_equal(seal_open(slice_mem(buf, LIM_SEAL_PLAIN + crypto_box_SEALBYTES), &c, &c), "store.key_wrong");
	assert_string_equal(seal_open(slice_mem(buf, sizeof(buf)), &c, &c), "cfg.invalid");
}

/* limit: LIM_SEALS_SEEN: after so many others the vault has forgotten one; the store has not. */
static void
seals_seen(void **state)
{
	static uint8_t other[LIM_SEAL_PLAIN];
	struct wbuf list = { 0 };
	struct seal_plain p = sample(&list), c;
	struct slice first = seal_of(&p, buf);

	(void)state;
	seen_count = 0;
	assert_string_equal(seal_open(first, &p, &c), "");
	seen_count = LIM_SEALS_SEEN - 1;	/* as if others had been opened */
	assert_string_equal(seal_open(seal_of(&p, other), &p, &c), "");
	assert_string_equal(seal_open(first, &p, &c), "api.conflict");
	assert_string_equal(seal_open(seal_of(&p, other), &p, &c), "");
	assert_string_equal(seal_open(first, &p, &c), "");
	assert_string_equal(seal_open(first, &p, &c), "api.conflict");
	wbuf_free(&list);
}

/* limit: LIM_RECORD */
static void
record_size(void **state)
{
	static const struct record_place here = { { (const uint8_t *)"one", 3 }, 7, 3 };
	static uint8_t text[LIM_RECORD + 1];
	struct wbuf list = { 0 }, record = { .max = LIM_RECORD };
	struct seal_plain p, c;

	(void)state;
	/* the largest credential there can be fits */
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < LIM_SEAL_ENDPOINTS; i++)
		list_add(&list, slice_mem(text, SEAL_ENDPOINT_MAX));
	p = (struct seal_plain){ .kind = SEAL_KIND_PASSWORD, .ats = here.ats, .address = slice_mem(text, LIM_ADDRESS),
		.user = slice_mem(text, LIM_USER), .secret = slice_mem(text, LIM_SECRET), .endpoints = wbuf_slice(&list) };
	assert_int_equal(record_make(&p, &here, &record), 0);
	assert_string_equal(record_open(wbuf_slice(&record), &here, &c), "");
	/* a longer one is none, whatever key it names */
	text[0] = RECORD_VERSION;
	assert_string_equal(record_open(slice_mem(text, LIM_RECORD), &here, &c), "store.key_wrong");
	assert_string_equal(record_open(slice_mem(text, LIM_RECORD + 1), &here, &c), "store.secret_tampered");
	area_wipe();
	wbuf_free(&list);
	wbuf_free(&record);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tickets), cmocka_unit_test(ticket_age),
		cmocka_unit_test(buckets), cmocka_unit_test(peers), cmocka_unit_test(seal_endpoints),
		cmocka_unit_test(seal_size), cmocka_unit_test(seals_seen), cmocka_unit_test(record_size) };

	log_set_level(LOG_LVL_ERROR);
	load_fresh_key();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

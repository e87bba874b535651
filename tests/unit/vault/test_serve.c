/* Logins and intake, over real channels. */
#include "served.h"

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

	serve_all();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the audit log hears of the vault: each release, each refusal, whose it was, and never twice. */
#include "audited.h"

static void
ended(uint64_t id, bool ok, const char *code)
{
	assert_int_equal(send_auth_result(tls, &(struct msg_auth_result){ .ticket = id, .ok = ok,
	    .code = slice_str(code) }), 0);
	turn();
}

static size_t
taken_in(uint8_t record[8192])
{
	size_t n = intake(record);

	told("\nseal.opened ats=agency link=7 generation=1");
	return n;
}

static void
releases(void **state)
{
	uint8_t record[8192];
	size_t n = taken_in(record);

	(void)state;
	issue(0x500, 993, 7);
	begin(tls, 0x500, "PLAIN");
	told("");	/* the store was asked, nothing is out yet */
	answer(0x500, record, n);
	told_of("credential.released", "PLAIN", 0x500, "");
	ended(0x500, true, "");
	told("");
	issue(0x501, 993, 7);
	begin(tls, 0x501, "LOGIN");
	answer(0x501, record, n);
	told_of("credential.released", "LOGIN", 0x501, "");
	assert_int_equal(send_auth_challenge(tls, &(struct msg_auth_challenge){ 0x501, slice_str("Password:") }), 0);
	turn();
	told("");	/* its second step is the same release */
	ended(0x501, false, "auth.rejected");
	told_of("login.rejected", "LOGIN", 0x501, " code=auth.rejected");
}

static void
refusals(void **state)
{
	uint8_t record[8192];
	size_t n = taken_in(record);

	(void)state;
	issue(0x510, 993, 7);
	begin(tls, 0x510, "PLAIN");
	record[n - 1] ^= 1;
	answer(0x510, record, n);
	refused("store.secret_tampered");
	told_of("credential.refused", "PLAIN", 0x510, " code=store.secret_tampered");
	issue(0x511, 993, 7);
	begin(tls, 0x511, "PLAIN");
	answer(0x511, NULL, 0);
	told_of("credential.refused", "PLAIN", 0x511, " code=store.key_missing");
}

/* Its ticket is found or not: who came with it, and whose it is. */
static void
claims(void **state)
{
	(void)state;
	issue(0x520, 993, 7);
	begin(tls2, 0x520, "PLAIN");
	told("\nticket.refused role=tls-worker ats=agency host=imap.example.org ticket=0000000000000520 "
	    "owner_ats=agency owner_unit=7 owner_host=imap.example.org reason=of another process");
	begin(tls2, 0x521, "PLAIN");
	told("\nticket.refused role=tls-worker ats=agency host=imap.example.org ticket=0000000000000521 "
	    "owner_ats= owner_unit=0 owner_host= reason=unknown");
	ticket_drop(ticket_find(0x520));
}

/* A seal of another ATS: whose it is, if it can be known. */
static void
seals(void **state)
{
	uint8_t buf[LIM_SEAL_PLAIN];
	struct wbuf list;
	struct seal_plain p = sample(&list);
	struct msg_seal_open m = { .req = 1, .link = 7, .generation = 2, .address = p.address, .user = p.user,
		.endpoints = p.endpoints };

	(void)state;
	p.ats = slice_str("rival");
	m.seal = seal_of(&p, buf);
	assert_int_equal(send_seal_open(store, &m), 0);
	turn();
	told("\nseal.refused ats=agency link=7 generation=2 code=store.secret_tampered owner_ats=rival");
	wbuf_free(&list);
}

/* Called accepted before the server proved that it knows the password. */
static void
unproven(void **state)
{
	uint8_t record[8192];
	size_t n = taken_in(record);

	(void)state;
	issue(0x530, 993, 7);
	begin(tls, 0x530, "SCRAM-SHA-256");
	answer(0x530, record, n);
	assert_int_equal(seen.type, MSG_auth_respond);
	told("");	/* a nonce is no credential */
	ended(0x530, true, "");
	told_of("login.unproven", "SCRAM-SHA-256", 0x530, "");
}

static void
key(void **state)
{
	char hex[2 * KEY_PUBLIC_N + 1], line[200];

	(void)state;
	(void)sodium_bin2hex(hex, sizeof(hex), key_public(), KEY_PUBLIC_N);
	snprintf(line, sizeof(line), "\nvault.key key=%s locked=no", hex);
	told_key();
	told(line);
}

/* A key without a passphrase stays open: then nothing was locked, and nothing is said. */
static void
lock(void **state)
{
	union msg m = { 0 };
	int fd = -1;

	(void)state;
	assert_int_equal(serve_master[MSG_vault_lock](NULL, &m, &fd), 0);
	assert_false(key_locked());
	told("");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(releases), cmocka_unit_test(refusals),
		cmocka_unit_test(claims), cmocka_unit_test(seals), cmocka_unit_test(unproven), cmocka_unit_test(key),
		cmocka_unit_test(lock) };

	serve_all();
	audited_start();
	return cmocka_run_group_tests_name("vault told", tests, NULL, NULL);
}

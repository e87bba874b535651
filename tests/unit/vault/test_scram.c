/* SCRAM by RFC 7677's example, and what a server must not get past. */
#include "vault_test.h"

#include <assert.h>
#include <stdio.h>

#include "sasl.h"

#define OWN "rOprNGfwEbeRWgbNEkqO"
#define WHOLE OWN "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
#define FINAL "c=biws,r=" WHOLE ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="

static const uint8_t salt[16] = { 0x5b, 0x6d, 0x99, 0x68, 0x9d, 0x12, 0x35, 0x8e, 0xec, 0xa0, 0x4b, 0x14, 0x12, 0x36,
	0xfa, 0x81 };
static const struct seal_plain pencil = { .user = { (const uint8_t *)"user", 4 },
	.secret = { (const uint8_t *)"pencil", 6 } };
static struct scram s;
static struct scram_work work;
static struct wbuf out;

/* As after scram_client_first, with a nonce of our choice. */
static void
begun(const char *nonce)
{
	s = (struct scram){ .step = SCRAM_AWAITS_FIRST, .own = strlen(nonce) };
	memcpy(s.nonce, nonce, strlen(nonce));
	wbuf_reset(&out);
}

static const char *
first(const char *nonce, size_t salt_n, uint32_t iterations)
{
	uint8_t bytes[8192] = { 1 };

	return scram_server_first(&s, slice_str(nonce), slice_mem(bytes, salt_n), iterations);
}

static void
example_of_the_rfc(void **state)
{
	uint8_t v[32];
	size_t n;

	(void)state;
	begun(OWN);
	assert_string_equal(scram_server_first(&s, slice_str(WHOLE), slice_mem(salt, sizeof(salt)), 4096), "");
	scram_work_start(&work, &s, pencil.secret);
	assert_int_equal(scram_client_final(&s, &work, &pencil, &out), -1);	/* not hashed yet */
	assert_false(scram_work_slice(&work, 4094));
	assert_true(scram_work_slice(&work, 4094));
	assert_int_equal(scram_client_final(&s, &work, &pencil, &out), 0);
	assert_true(slice_eq_str(wbuf_slice(&out), FINAL));
	assert_int_equal(sodium_base642bin(v, 32, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=", 44, NULL, &n, NULL,
	    sodium_base64_VARIANT_ORIGINAL), 0);
	assert_true(scram_server_final(&s, slice_mem(v, 32)));
	assert_int_equal(s.step, SCRAM_PROVEN);
	assert_false(scram_server_final(&s, slice_mem(v, 32)));	/* once */
}

static void
prove(void)
{
	wbuf_reset(&out);
	scram_work_start(&work, &s, pencil.secret);
	while (!scram_work_slice(&work, LIM_SCRAM_SLICE))
		;
	assert_int_equal(scram_client_final(&s, &work, &pencil, &out), 0);
}

/* No byte of it may differ, and none be missing. */
static void
a_server_proves_itself(void **state)
{
	uint8_t good[33];

	(void)state;
	for (size_t i = 0; i < 32 + 3; i++) {
		begun(OWN);
		assert_string_equal(first(WHOLE, 16, 4096), "");
		prove();
		memcpy(good, s.signature, 32);
		if (i < 32)
			good[i] ^= 1;
		assert_false(scram_server_final(&s, slice_mem(good, i < 32 ? 32 : i == 32 ? 31 : i == 33 ? 33 : 0)));
		assert_false(scram_server_final(&s, slice_mem(s.signature, 32)));	/* no second try */
	}
	begun(OWN);
	assert_false(scram_server_final(&s, slice_mem(s.signature, 32)));	/* before its time */
}

/* limit: LIM_SCRAM_ITERATIONS_MIN LIM_SCRAM_ITERATIONS LIM_SCRAM_SALT LIM_SCRAM_NONCE */
static void
both_sides_of_each_limit(void **state)
{
	static const struct {
		size_t nonce_n, salt_n;
		uint32_t iterations;
		bool good;
	} rows[] = {
		{ 40, 16, 4095, false }, { 40, 16, 4096, true }, { 40, 16, 200000, true }, { 40, 16, 200001, false },
		{ 40, 16, 0, false }, { 40, 16, UINT32_MAX, false },
		{ 40, 0, 4096, false }, { 40, 1, 4096, true }, { 40, LIM_SCRAM_SALT, 4096, true },
		{ 40, LIM_SCRAM_SALT + 1, 4096, false }, { 40, 8192, 4096, false },
		{ 20, 16, 4096, false }, { 21, 16, 4096, true }, { LIM_SCRAM_NONCE, 16, 4096, true },
		{ LIM_SCRAM_NONCE + 1, 16, 4096, false }, { 0, 16, 4096, false }, { 19, 16, 4096, false },
	};
	char nonce[LIM_SCRAM_NONCE + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(nonce, '!', sizeof(nonce));
		memcpy(nonce, OWN, strlen(OWN));
		nonce[rows[i].nonce_n] = '\0';
		begun(OWN);
		assert_string_equal(first(nonce, rows[i].salt_n, rows[i].iterations),
		    rows[i].good ? "" : "auth.scram_unsafe");
		assert_int_equal(s.step, rows[i].good ? SCRAM_HASHES : SCRAM_AWAITS_FIRST);
	}
}

static void
nonces(void **state)
{
	char nonce[32];

	(void)state;
	for (int c = 1; c < 256; c++) {
		bool good = c >= 0x21 && c <= 0x7e && c != ',';

		snprintf(nonce, sizeof(nonce), "%sab%cd", OWN, c);
		begun(OWN);
		assert_string_equal(first(nonce, 16, 4096), good ? "" : "auth.scram_unsafe");
	}
	begun(OWN);
	assert_string_equal(first("SOprNGfwEbeRWgbNEkqOab", 16, 4096), "auth.scram_unsafe");	/* not ours */
	assert_string_equal(first("rOprNGfwEbeRWgbNEkqoab", 16, 4096), "auth.scram_unsafe");
	assert_string_equal(first(WHOLE, 16, 4096), "");
	assert_string_equal(first(WHOLE, 16, 4096), "sync.protocol_error");	/* twice */
}

/* limit: LIM_CHANNEL_BINDING */
static void
bindings(void **state)
{
	uint8_t data[LIM_CHANNEL_BINDING + 1];
	char text[512];

	(void)state;
	memset(data, 'B', sizeof(data));
	begun(OWN);
	assert_int_equal(scram_bind(&s, BINDING_NONE, slice_mem(data, 1)), -1);
	assert_int_equal(scram_bind(&s, BINDING_TLS_EXPORTER, SLICE_NONE), -1);
	assert_int_equal(scram_bind(&s, BINDING_TLS_UNIQUE + 1, slice_mem(data, 12)), -1);
	assert_int_equal(scram_bind(&s, BINDING_TLS_UNIQUE, slice_mem(data, LIM_CHANNEL_BINDING + 1)), -1);
	assert_int_equal(scram_bind(&s, BINDING_TLS_UNIQUE, slice_mem(data, LIM_CHANNEL_BINDING)), 0);
	assert_int_equal(scram_bind(&s, BINDING_TLS_EXPORTER, slice_mem(data, 32)), 0);
	s.plus = s.plus_offered = true;
	scram_client_first(&s, &pencil, &out);
	snprintf(text, sizeof(text), "p=tls-exporter,,n=user,r=%s", s.nonce);
	assert_true(slice_eq_str(wbuf_slice(&out), text));
	snprintf(text, sizeof(text), "%s!", s.nonce);
	assert_string_equal(first(text, 16, 4096), "");
	prove();
	/* base64 of "p=tls-exporter,," and 32 times B */
	assert_memory_equal(out.p, "c=cD10bHMtZXhwb3J0ZXIsLEJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJC,r=", 69);
}

static void
gs2_headers(void **state)
{
	static const struct {
		enum channel_binding binding;
		bool plus, offered;
		const char *header;
	} rows[] = {
		{ BINDING_NONE, false, false, "n,,n=" }, { BINDING_NONE, false, true, "n,,n=" },
		{ BINDING_TLS_EXPORTER, false, false, "y,,n=" }, { BINDING_TLS_UNIQUE, false, false, "y,,n=" },
		{ BINDING_TLS_EXPORTER, true, true, "p=tls-exporter,,n=" },
		{ BINDING_TLS_UNIQUE, true, true, "p=tls-unique,,n=" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begun("");
		s.binding = rows[i].binding;
		s.plus = rows[i].plus;
		s.plus_offered = rows[i].offered;
		scram_client_first(&s, &pencil, &out);
		assert_memory_equal(out.p, rows[i].header, strlen(rows[i].header));
		assert_int_equal(strlen(s.nonce), SCRAM_OWN_NONCE);
	}
}

static void
names_are_escaped(void **state)
{
	struct seal_plain c = { .user = slice_str("a=b,c=") };

	(void)state;
	begun("");
	scram_client_first(&s, &c, &out);
	assert_memory_equal(out.p, "n,,n=a=3Db=2Cc=3D,r=", 20);
}

/* SASLprep leaves these as they are; of others it is not known here. */
static void
what_needs_no_saslprep(void **state)
{
	static const char *const yes[] = { "pass word~", "M\xc3\xbcller", "\xc3\x80\xc3\xbf" };
	static const char *const no[] = { "caf\x65\xcc\x81", "\xc2\xa0", "\xc2\xad", "\xc3", "a\xc3z", "\xe2\x84\xab",
		"\xc4\xb2", "\xef\xac\x81", "\xff", "tab\t" };
	struct seal_plain c = { .user = slice_str("user") };

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		c.secret = slice_str(yes[i]);
		assert_true(scram_fits(&c));
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		c.secret = slice_str(no[i]);
		assert_false(scram_fits(&c));
		assert_false(scram_fits(&(struct seal_plain){ .user = c.secret, .secret = slice_str("pencil") }));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(example_of_the_rfc),
		cmocka_unit_test(a_server_proves_itself), cmocka_unit_test(both_sides_of_each_limit),
		cmocka_unit_test(nonces), cmocka_unit_test(bindings), cmocka_unit_test(gs2_headers),
		cmocka_unit_test(names_are_escaped), cmocka_unit_test(what_needs_no_saslprep) };

	assert(sodium_init() != -1);
	wbuf_init(&out, 8192);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Intake: a seal opens once, for exactly what it was made for. */
#include "vault_test.h"

static uint8_t buf[LIM_SEAL_PLAIN + 200];

static void
opens_for_its_binding(void **state)
{
	struct wbuf list;
	struct seal_plain p = sample(&list), c;

	(void)state;
	assert_string_equal(seal_open(seal_of(&p, buf), &p, &c), "");
	assert_true(slice_eq_str(c.secret, SECRET));
	assert_true(slice_eq_str(c.user, "anna"));
	assert_int_equal(list_count(c.endpoints), 2);
	wbuf_free(&list);
}

static void
endpoints_in_any_order(void **state)
{
	struct wbuf list, turned;
	struct seal_plain p = sample(&list), wanted = p, c;

	(void)state;
	endpoints(&turned, SMTP_AT, IMAP_AT);
	wanted.endpoints = wbuf_slice(&turned);
	assert_string_equal(seal_open(seal_of(&p, buf), &wanted, &c), "");
	wbuf_free(&list);
	wbuf_free(&turned);
}

static void
opens_once(void **state)
{
	struct wbuf list;
	struct seal_plain p = sample(&list), c;
	struct slice s = seal_of(&p, buf);

	(void)state;
	assert_string_equal(seal_open(s, &p, &c), "");
	for (int i = 0; i < 3; i++)
		assert_string_equal(seal_open(s, &p, &c), "api.conflict");
	wbuf_free(&list);
}

static void
every_flipped_bit_is_refused(void **state)
{
	struct wbuf list;
	struct seal_plain p = sample(&list), c;
	struct slice s = seal_of(&p, buf);

	(void)state;
	for (size_t i = 0; i < s.n; i++)
		for (int bit = 0; bit < 8; bit += 7) {
			buf[i] ^= (uint8_t)(1u << bit);
			assert_string_equal(seal_open(s, &p, &c), "store.key_wrong");
			buf[i] ^= (uint8_t)(1u << bit);
		}
	assert_string_equal(seal_open(s, &p, &c), "");
	wbuf_free(&list);
}

static void
every_cut_and_any_addition_is_refused(void **state)
{
	struct wbuf list, w;
	struct seal_plain p = sample(&list), c;
	struct slice s = seal_of(&p, buf);

	(void)state;
	for (size_t n = 0; n < s.n; n++)
		assert_string_equal(seal_open(slice_mem(buf, n), &p, &c),
		    n <= crypto_box_SEALBYTES ? "cfg.invalid" : "store.key_wrong");
	buf[s.n] = 0;
	assert_string_equal(seal_open(slice_mem(buf, s.n + 1), &p, &c), "store.key_wrong");
	/* The same inside: sealed anew at every length, and with one more byte. */
	wbuf_init(&w, LIM_SEAL_PLAIN);
	assert_int_equal(seal_plain_encode(&w, &p), 0);
	for (size_t n = 0; n < w.n; n++)
		assert_string_equal(seal_open(seal_bytes(slice_mem(w.p, n), buf), &p, &c), "cfg.invalid");
	w_u8(&w, 0);
	assert_string_equal(seal_open(seal_bytes(wbuf_slice(&w), buf), &p, &c), "cfg.invalid");
	wbuf_free(&w);
	wbuf_free(&list);
}

static void
refused_for(struct seal_plain wanted, const char *code)
{
	struct wbuf list;
	struct seal_plain p = sample(&list), c;

	assert_string_equal(seal_open(seal_of(&p, buf), &wanted, &c), code);
	wbuf_free(&list);
}

static void
moved_seals_are_refused(void **state)
{
	static const char *const places[][2] = { { IMAP_AT, NULL }, { IMAP_AT, IMAP_AT },
		{ IMAP_AT, "smtp:starttls:smtp.example.com:587" }, { IMAP_AT, "smtp:starttls:smtp.example.org:588" },
		{ IMAP_AT, "smtp:none:smtp.example.org:587" }, { IMAP_AT, "imap:starttls:smtp.example.org:587" },
		{ "imap:tls:imap.example.org.evil.example:993", SMTP_AT } };
	struct wbuf list, other;
	struct seal_plain p = sample(&list), wanted;

	(void)state;
	wanted = p;
	wanted.ats = slice_str("agency2");
	refused_for(wanted, "store.secret_tampered");
	wanted = p;
	wanted.address = slice_str("bert@example.org");
	refused_for(wanted, "store.secret_tampered");
	wanted = p;
	wanted.user = slice_str("bert");
	refused_for(wanted, "store.secret_tampered");
	wanted = p;
	wanted.endpoints = SLICE_NONE;
	refused_for(wanted, "store.secret_tampered");
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		endpoints(&other, places[i][0], places[i][1]);
		wanted.endpoints = wbuf_slice(&other);
		refused_for(wanted, "store.secret_tampered");
		wbuf_free(&other);
	}
	wbuf_free(&list);
}

/* Plain bytes by hand: what the encoder would never write. */
static const char *
open_plain(const char *bytes, size_t n, const struct seal_plain *wanted)
{
	struct seal_plain c;

	return seal_open(seal_bytes(slice_mem(bytes, n), buf), wanted, &c);
}
#define OPEN_PLAIN(s, wanted) open_plain(s, sizeof(s) - 1, wanted)

static void
strict_parse(void **state)
{
	struct wbuf list;
	struct seal_plain w = { .ats = slice_str("a"), .address = slice_str("b"), .user = slice_str("c") };

	(void)state;
	endpoints(&list, "e", NULL);
	w.endpoints = wbuf_slice(&list);
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\1\0d\1\1\0e", &w), "");
	assert_string_equal(OPEN_PLAIN("\2\1\1\0a\1\0b\1\0c\1\0d\1\1\0e", &w), "cfg.invalid");	/* version */
	assert_string_equal(OPEN_PLAIN("\1\2\1\0a\1\0b\1\0c\1\0d\1\1\0e", &w), "cfg.invalid");	/* oauth2 */
	assert_string_equal(OPEN_PLAIN("\1\0\1\0a\1\0b\1\0c\1\0d\1\1\0e", &w), "cfg.invalid");	/* kind 0 */
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\1\0d\0\1\0e", &w), "cfg.invalid");	/* n too small */
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\1\0d\2\1\0e", &w), "cfg.invalid");	/* n too large */
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\1\0d\0", &w), "cfg.invalid");	/* no endpoint */
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\0\0\1\1\0e", &w), "cfg.invalid");	/* empty secret */
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\2\0d\0\1\1\0e", &w), "cfg.invalid"); /* NUL in it */
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\2\0d\n\1\1\0e", &w), "cfg.invalid"); /* line end */
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\2\0c\r\1\0d\1\1\0e", &w), "cfg.invalid");
	assert_string_equal(OPEN_PLAIN("\1\1\1\0a\1\0b\1\0c\377\377d\1\1\0e", &w), "cfg.invalid"); /* length */
	wbuf_free(&list);
}

/* limit: LIM_SECRET */
static void
long_fields_are_refused(void **state)
{
	static char secret[LIM_SECRET + 1];
	struct wbuf list;
	struct seal_plain p = sample(&list), c;

	(void)state;
	memset(secret, 'x', sizeof(secret));
	p.secret = slice_mem(secret, LIM_SECRET);
	assert_string_equal(seal_open(seal_of(&p, buf), &p, &c), "");
	p.secret = slice_mem(secret, LIM_SECRET + 1);
	assert_string_equal(seal_open(seal_of(&p, buf), &p, &c), "cfg.invalid");
	wbuf_free(&list);
}

static void
another_vaults_seal(void **state)
{
	uint8_t public[KEY_PUBLIC_N], secret[KEY_SECRET_N], plain[] = "\1\1\1\0a\1\0b\1\0c\1\0d\1\1\0e";
	struct seal_plain wanted = { 0 }, c;

	(void)state;
	crypto_box_keypair(public, secret);
	assert_int_equal(crypto_box_seal(buf, plain, sizeof(plain) - 1, public), 0);
	assert_string_equal(seal_open(slice_mem(buf, sizeof(plain) - 1 + crypto_box_SEALBYTES), &wanted, &c), "store.key_wrong");
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(opens_for_its_binding),
		cmocka_unit_test(endpoints_in_any_order), cmocka_unit_test(opens_once),
		cmocka_unit_test(every_flipped_bit_is_refused), cmocka_unit_test(every_cut_and_any_addition_is_refused),
		cmocka_unit_test(moved_seals_are_refused), cmocka_unit_test(strict_parse),
		cmocka_unit_test(long_fields_are_refused), cmocka_unit_test(another_vaults_seal) };

	load_fresh_key();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Records: readable only by this vault, only where they were put. */
#include "vault_test.h"

static const struct record_place here = { { (const uint8_t *)"agency", 6 }, 7, 3 };

static void
make(struct wbuf *out)
{
	struct wbuf list;
	struct seal_plain p = sample(&list);

	wbuf_init(out, LIM_RECORD);
	assert_int_equal(record_make(&p, &here, out), 0);
	area_wipe();
	wbuf_free(&list);
}

static void
comes_back(void **state)
{
	struct wbuf r;
	struct seal_plain c;

	(void)state;
	make(&r);
	assert_null(memmem(r.p, r.n, SECRET, strlen(SECRET)));
	assert_string_equal(record_open(wbuf_slice(&r), &here, &c), "");
	assert_true(slice_eq_str(c.secret, SECRET) && slice_eq_str(c.user, "anna"));
	assert_true(slice_eq_str(c.address, "anna@example.org"));
	assert_true(cred_list_has(c.endpoints, slice_str(IMAP_AT)));
	assert_false(cred_list_has(c.endpoints, slice_str("imap:tls:imap.example.org:99")));
	wbuf_free(&r);
}

static void
pins_come_back(void **state)
{
	struct wbuf list, r;
	struct seal_plain p = sample(&list), c;

	(void)state;
	for (unsigned int pins = 0; pins < 256; pins++) {
		p.pins = (uint8_t)pins;
		wbuf_init(&r, LIM_RECORD);
		assert_int_equal(record_make(&p, &here, &r), 0);
		c.pins = 0xff;
		assert_string_equal(record_open(wbuf_slice(&r), &here, &c),
		    (pins & ~RECORD_PINS) == 0 ? "" : "store.secret_tampered");
		if ((pins & ~RECORD_PINS) == 0)
			assert_int_equal(c.pins, pins);
		wbuf_free(&r);
	}
	area_wipe();
	wbuf_free(&list);
}

static void
never_twice_the_same(void **state)
{
	struct wbuf a, b;

	(void)state;
	make(&a);
	make(&b);
	assert_false(slice_eq(wbuf_slice(&a), wbuf_slice(&b)));
	wbuf_free(&a);
	wbuf_free(&b);
}

static void
moved_records_are_refused(void **state)
{
	struct record_place place = here;
	struct seal_plain c;
	struct wbuf r;

	(void)state;
	make(&r);
	place.ats = slice_str("agency2");
	assert_string_equal(record_open(wbuf_slice(&r), &place, &c), "store.secret_tampered");
	place = here;
	place.link = 8;
	assert_string_equal(record_open(wbuf_slice(&r), &place, &c), "store.secret_tampered");
	place = here;
	place.generation = 4;
	assert_string_equal(record_open(wbuf_slice(&r), &place, &c), "store.secret_tampered");
	wbuf_free(&r);
}

static void
every_byte_and_length_counts(void **state)
{
	struct seal_plain c;
	struct wbuf r;

	(void)state;
	make(&r);
	for (size_t i = 0; i < r.n; i++) {
		r.p[i] ^= 1;
		assert_string_not_equal(record_open(wbuf_slice(&r), &here, &c), "");
		r.p[i] ^= 1;
		assert_string_not_equal(record_open(slice_mem(r.p, i), &here, &c), "");
	}
	assert_string_equal(record_open(wbuf_slice(&r), &here, &c), "");
	wbuf_free(&r);
}

static void
another_key(void **state)
{
	struct seal_plain c;
	struct wbuf r;

	(void)state;
	make(&r);
	load_fresh_key();
	assert_string_equal(record_open(wbuf_slice(&r), &here, &c), "store.key_wrong");
	/* Even with the name of the new key on it. */
	memcpy(r.p + 1, keys->public, KEY_ID_N);
	assert_string_equal(record_open(wbuf_slice(&r), &here, &c), "store.secret_tampered");
	wbuf_free(&r);
}

static void
wiping_leaves_nothing(void **state)
{
	struct seal_plain c;
	struct wbuf r;

	(void)state;
	make(&r);
	assert_string_equal(record_open(wbuf_slice(&r), &here, &c), "");
	assert_non_null(memmem(areas[AREA_OPENED], AREA_N, SECRET, strlen(SECRET)));
	area_wipe();
	assert_null(memmem(areas[AREA_OPENED], AREA_N, SECRET, strlen(SECRET)));
	assert_null(memmem(areas[AREA_BUILT], AREA_N, SECRET, strlen(SECRET)));
	wbuf_free(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(comes_back), cmocka_unit_test(pins_come_back), cmocka_unit_test(never_twice_the_same),
		cmocka_unit_test(moved_records_are_refused), cmocka_unit_test(every_byte_and_length_counts),
		cmocka_unit_test(another_key), cmocka_unit_test(wiping_leaves_nothing) };

	load_fresh_key();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

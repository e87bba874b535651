/* The codec: every message and record survives, and no damaged one is accepted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>

#include "messages.h"

static void
test_integers(void **state)
{
	struct wbuf w;
	struct rbuf r;

	(void)state;
	wbuf_init(&w, 64);
	w_u8(&w, 0xfe);
	w_u16(&w, 0xfedc);
	w_u32(&w, 0xfedcba98);
	w_u64(&w, 0xfedcba9876543210);
	assert_int_equal(w.n, 15);
	assert_int_equal(w.p[1], 0xdc);	/* little-endian */
	rbuf_init(&r, wbuf_slice(&w));
	assert_int_equal(r_u8(&r), 0xfe);
	assert_int_equal(r_u16(&r), 0xfedc);
	assert_int_equal(r_u32(&r), 0xfedcba98);
	assert_true(r_u64(&r) == 0xfedcba9876543210);
	assert_false(r.failed);
	assert_int_equal(r_u8(&r), 0);
	assert_true(r.failed);
	wbuf_free(&w);
}

static void
test_bounds(void **state)
{
	struct wbuf w;
	struct rbuf r;

	(void)state;
	wbuf_init(&w, 4);
	w_u32(&w, 1);
	assert_false(w.failed);
	w_u8(&w, 1);
	assert_true(w.failed);
	wbuf_free(&w);
	/* A length that is larger than what is there. */
	rbuf_init(&r, slice_mem("\xff\xff\xff\xff" "abc", 7));
	assert_int_equal(r_bytes(&r, SIZE_MAX).n, 0);
	assert_true(r.failed);
	/* A length over the field's limit, bytes present. */
	rbuf_init(&r, slice_mem("\x03\0\0\0abc", 7));
	assert_int_equal(r_bytes(&r, 2).n, 0);
	assert_true(r.failed);
}

static void
test_str_refuses_nul(void **state)
{
	struct rbuf r;

	(void)state;
	rbuf_init(&r, slice_mem("\x03\0\0\0a\0c", 7));
	assert_int_equal(r_str(&r, 10).n, 0);
	assert_true(r.failed);
}

static void
test_lists(void **state)
{
	struct wbuf w;
	struct slice l, item;

	(void)state;
	wbuf_init(&w, 64);
	list_add(&w, slice_str("one"));
	list_add(&w, slice_str(""));
	list_add(&w, slice_str("three"));
	l = wbuf_slice(&w);
	assert_true(list_valid(l, 3, 5));
	assert_false(list_valid(l, 2, 5));
	assert_false(list_valid(l, 3, 4));
	assert_int_equal(list_count(l), 3);
	assert_true(list_next(&l, &item) && slice_eq_str(item, "one"));
	assert_true(list_next(&l, &item) && item.n == 0);
	assert_true(list_next(&l, &item) && slice_eq_str(item, "three"));
	assert_false(list_next(&l, &item));
	for (size_t cut = 1; cut < w.n; cut++)
		if (cut != 5 && cut != 7)
			assert_false(list_valid(slice_mem(w.p, cut), 3, 5));
	wbuf_free(&w);
}

static void
test_record_versions(void **state)
{
	struct rec_address in = { .name = slice_str("Ada"), .email = slice_str("ada@example.org") }, out;
	struct wbuf w;

	(void)state;
	wbuf_init(&w, 0);
	rec_address_encode(&w, &in);
	assert_int_equal(rec_address_decode(wbuf_slice(&w), &out), 0);
	assert_true(slice_eq(out.email, in.email));
	w.p[0]++;
	assert_int_equal(rec_address_decode(wbuf_slice(&w), &out), -1);
	w.p[0]--;
	for (size_t cut = 0; cut < w.n; cut++)
		assert_int_equal(rec_address_decode(slice_mem(w.p, cut), &out), -1);
	w_u8(&w, 0);
	assert_int_equal(rec_address_decode(wbuf_slice(&w), &out), -1);
	wbuf_free(&w);
}

/* Every row, all fields zero: encoded, decoded, and refused at each cut. */
static void
test_every_message(void **state)
{
	static union msg zero, out;
	struct wbuf w;

	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		wbuf_init(&w, LIM_CHAN_MSG);
		msg_encode(&w, t, &zero);
		assert_false(w.failed);
		assert_int_equal(msg_decode(t, wbuf_slice(&w), &out), 0);
		for (size_t cut = 0; cut < w.n; cut++)
			assert_int_equal(msg_decode(t, slice_mem(w.p, cut), &out), -1);
		w_u8(&w, 0);
		assert_int_equal(msg_decode(t, wbuf_slice(&w), &out), -1);
		wbuf_free(&w);
	}
}

#define F_U8(n) +1
#define F_U16(n) +2
#define F_U32(n) +4
#define F_U64(n) +8
#define F_BOOL(n) +1
#define F_STR(n, max) +4 + (max)
#define F_BYTES(n, max) +4 + (max)
#define F_LIST(n, items, max) +4 + (items) * ((max) + 2)
static const struct {
	const char *name;
	size_t max;
} sizes[] = {
#define MSG(name, from, to, phase, class, fds, fields) { #name, 2 fields },
#include "messages.def"
#undef MSG
};

/* A row whose fields at their limits do not fit one packet could not be sent. */
static void
test_rows_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		if (sizes[i].max > LIM_CHAN_MSG)
			fail_msg("%s may need %zu bytes", sizes[i].name, sizes[i].max);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_integers),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_str_refuses_nul),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_record_versions),
		cmocka_unit_test(test_every_message),
		cmocka_unit_test(test_rows_fit),
	};
	return cmocka_run_group_tests_name("wire", tests, NULL, NULL);
}

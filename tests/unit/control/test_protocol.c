/* The frames of the admin protocol: what is written is read back, nothing else. */
#include "control_test.h"

static struct wbuf w = { .max = 10 * LIM_CTL_FRAME };

static struct slice
test_frame(void)
{
	const struct ctl_link_test m = { .ats = slice_str("agency"), .link = slice_str("a@example.org"), .send_test = true };

	wbuf_reset(&w);
	assert_int_equal(ctl_encode(&w, CTL_link_test, &m), 0);
	return wbuf_slice(&w);
}

static void
comes_back(void **state)
{
	struct slice s = test_frame();
	struct ctl f;

	(void)state;
	assert_int_equal(ctl_decode(s, CTLD_ASK, &f), (int)s.n);
	assert_int_equal(f.type, CTL_link_test);
	assert_true(slice_eq_str(f.link_test.ats, "agency") && slice_eq_str(f.link_test.link, "a@example.org"));
	assert_true(f.link_test.send_test);
}

static void
every_cut_waits_for_more(void **state)
{
	struct slice s = test_frame();
	struct ctl f;

	(void)state;
	for (size_t n = 0; n < s.n; n++)
		assert_int_equal(ctl_decode(slice_mem(s.p, n), CTLD_ASK, &f), 0);
}

static void
directions_are_kept(void **state)
{
	struct slice s = test_frame();
	struct ctl f;

	(void)state;
	assert_int_equal(ctl_decode(s, CTLD_ANSWER, &f), -1);
	wbuf_reset(&w);
	assert_int_equal(ctl_encode(&w, CTL_done, &(struct ctl_done){ 0 }), 0);
	assert_int_equal(ctl_decode(wbuf_slice(&w), CTLD_ASK, &f), -1);
}

/* Refused as soon as the head is there: no byte of a huge frame is waited for. */
static void
heads_that_lie(void **state)
{
	static const uint8_t heads[][CTL_HEAD] = { { 0xff, 0xff, 0xff, 0xff, CTL_reload, 0 },
		{ 0x41, 0x9c, 0, 0, CTL_reload, 0 }, { 0, 0, 0, 0, CTL_reload, 0 }, { 1, 0, 0, 0, CTL_reload, 0 },
		{ 3, 0, 0, 0, 0, 0 }, { 3, 0, 0, 0, CTL__COUNT, 0 }, { 3, 0, 0, 0, CTL_reload, 1 },
		{ 3, 0, 0, 0, 0xff, 0xff } };
	struct ctl f;

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		assert_int_equal(ctl_decode(slice_mem(heads[i], CTL_HEAD), CTLD_ASK, &f), -1);
}

static void
every_flipped_byte_is_safe(void **state)
{
	struct slice s = test_frame();
	struct ctl f;

	(void)state;
	for (size_t i = 0; i < s.n; i++)
		for (unsigned int v = 0; v < 256; v++) {
			uint8_t old = w.p[i];
			int n;

			w.p[i] = (uint8_t)v;
			n = ctl_decode(s, CTLD_ASK, &f);
			assert_true(n >= -1 && n <= (int)s.n);
			w.p[i] = old;
		}
}

static void
surplus_bytes_are_refused(void **state)
{
	struct ctl f;

	(void)state;
	(void)test_frame();
	w_u8(&w, 0);
	w.p[0]++;	/* the length covers it */
	assert_int_equal(ctl_decode(wbuf_slice(&w), CTLD_ASK, &f), -1);
}

static void
limits_of_fields(void **state)
{
	static char name[LIM_ATS_NAME + 1];
	struct ctl_show_links m = { .ats = slice_mem(name, sizeof(name)) };

	(void)state;
	memset(name, 'a', sizeof(name));
	wbuf_reset(&w);
	assert_int_equal(ctl_encode(&w, CTL_show_links, &m), -1);
	assert_int_equal(w.n, 0);
	assert_false(w.failed);
	m.ats.n--;
	assert_int_equal(ctl_encode(&w, CTL_show_links, &m), 0);
	name[3] = '\0';
	assert_int_equal(ctl_encode(&w, CTL_show_links, &m), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(comes_back), cmocka_unit_test(every_cut_waits_for_more),
		cmocka_unit_test(directions_are_kept), cmocka_unit_test(heads_that_lie),
		cmocka_unit_test(every_flipped_byte_is_safe), cmocka_unit_test(surplus_bytes_are_refused),
		cmocka_unit_test(limits_of_fields) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

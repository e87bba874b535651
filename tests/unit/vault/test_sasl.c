/* The bytes of each mechanism. */
#include "vault_test.h"

static struct sasl s;
static struct seal_plain cred;
static struct wbuf out;

static int
begin(const char *a, const char *b)
{
	struct wbuf list;
	int r;

	endpoints(&list, a, b);
	r = sasl_begin(&s, wbuf_slice(&list));
	wbuf_free(&list);
	wbuf_reset(&out);
	return r;
}

static void
plain(void **state)
{
	(void)state;
	assert_int_equal(begin("LOGIN", "plain"), 0);
	assert_string_equal(sasl_name(&s), "PLAIN");
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
	assert_int_equal(out.n, 1 + 4 + 1 + strlen(SECRET));
	assert_memory_equal(out.p, "\0anna\0" SECRET, out.n);
	assert_int_equal(sasl_step(&s, &cred, slice_str("more?"), &out), -1);
}

static void
login(void **state)
{
	(void)state;
	assert_int_equal(begin("XOAUTH2", "LOGIN"), 0);
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), 0);
	assert_true(slice_eq_str(wbuf_slice(&out), "anna"));
	wbuf_reset(&out);
	assert_int_equal(sasl_step(&s, &cred, slice_str("Password:"), &out), 0);
	assert_true(slice_eq_str(wbuf_slice(&out), SECRET));
	wbuf_reset(&out);
	assert_int_equal(sasl_step(&s, &cred, slice_str("Password:"), &out), -1);
	assert_int_equal(out.n, 0);
}

static void
none(void **state)
{
	(void)state;
	assert_int_equal(begin("GSSAPI", "PLAINX"), -1);
	assert_int_equal(sasl_step(&s, &cred, SLICE_NONE, &out), -1);
	assert_int_equal(sasl_begin(&s, SLICE_NONE), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(plain), cmocka_unit_test(login), cmocka_unit_test(none) };
	struct wbuf list;

	cred = sample(&list);
	wbuf_init(&out, 8192);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

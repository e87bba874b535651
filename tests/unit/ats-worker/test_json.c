/* Ids, dates, patches, pointers and references. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "jmap_date.h"
#include "jmap_patch.h"
#include "jmap_request.h"
#include "json_util.h"

static json_t *
parse(const char *text)
{
	json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(v);
	return v;
}

static void
test_ids(void **state)
{
	char text[JMAP_ID_MAX];
	struct jmap_blob b;
	uint64_t id, epoch, n;

	(void)state;
	assert_int_equal(jmap_id_parse("E12", 'E', &id), 0);
	assert_int_equal(id, 12);
	assert_int_equal(jmap_id_parse("E18446744073709551615", 'E', &id), 0);
	assert_int_equal(jmap_id_parse("E18446744073709551616", 'E', &id), -1);
	assert_int_equal(jmap_id_parse("E0", 'E', &id), -1);
	assert_int_equal(jmap_id_parse("E01", 'E', &id), -1);
	assert_int_equal(jmap_id_parse("M1", 'E', &id), -1);
	assert_int_equal(jmap_id_parse("E1x", 'E', &id), -1);
	assert_int_equal(jmap_id_parse("", 'E', &id), -1);
	assert_int_equal(jmap_blob_parse("B7", &b), 0);
	assert_int_equal(b.kind, BLOB_RAW);
	assert_int_equal(jmap_blob_parse("P7-12", &b), 0);
	assert_int_equal(b.kind, BLOB_PART);
	assert_string_equal(b.part, "12");
	assert_int_equal(jmap_blob_parse("P7-0", &b), 0);
	assert_string_equal(b.part, "");
	assert_int_equal(jmap_blob_parse("P7-", &b), -1);
	assert_int_equal(jmap_blob_parse("P7-1/2", &b), -1);
	jmap_blob_print_part(text, 9, slice_str("3"));
	assert_string_equal(text, "P9-3");
	jmap_state_print(text, 0xabc, 17);
	assert_string_equal(text, "abc-17");
	assert_int_equal(jmap_state_parse("abc-17", &epoch, &n), 0);
	assert_int_equal(epoch, 0xabc);
	assert_int_equal(n, 17);
	assert_int_equal(jmap_state_parse("17", &epoch, &n), -1);
	assert_int_equal(jmap_state_parse("", &epoch, &n), -1);
}

static void
test_dates(void **state)
{
	char text[JMAP_DATE_MAX];
	uint64_t t;

	(void)state;
	assert_int_equal(jmap_date_parse("1970-01-01T00:00:01Z", true, &t), 0);
	assert_int_equal(t, 1);
	assert_int_equal(jmap_date_parse("2024-02-29T23:59:59.123Z", true, &t), 0);
	jmap_date_print(text, t);
	assert_string_equal(text, "2024-02-29T23:59:59Z");
	assert_int_equal(jmap_date_parse("2014-10-30T14:12:00+08:00", false, &t), 0);
	jmap_date_print(text, t);
	assert_string_equal(text, "2014-10-30T06:12:00Z");
	jmap_date_print_zone(text, t, 480);
	assert_string_equal(text, "2014-10-30T14:12:00+08:00");
	jmap_date_print_zone(text, t, -90);
	assert_string_equal(text, "2014-10-30T04:42:00-01:30");
	assert_int_equal(jmap_date_parse("2014-10-30T14:12:00+08:00", true, &t), -1);
	assert_int_equal(jmap_date_parse("2023-02-29T00:00:00Z", true, &t), -1);
	assert_int_equal(jmap_date_parse("2023-02-28 00:00:00Z", true, &t), -1);
	assert_int_equal(jmap_date_parse("2023-02-28T00:00:00", true, &t), -1);
	assert_int_equal(jmap_date_parse("2023-02-28T24:00:00Z", true, &t), -1);
	assert_int_equal(jmap_date_parse("2023-02-28T00:00:00.Z", true, &t), -1);
	assert_int_equal(jmap_date_parse("", true, &t), -1);
	assert_int_equal(jmap_date_parse("1960-01-01T00:00:00Z", true, &t), 0);
	assert_int_equal(t, 0);
}

static void
check_patch(const char *current, const char *patch, const char *wanted)
{
	json_t *c = parse(current), *p = parse(patch), *got = jmap_patch_apply(c, p), *w;

	if (wanted == NULL)
		assert_null(got);
	else {
		w = parse(wanted);
		assert_non_null(got);
		assert_true(json_equal(got, w));
		json_decref(w);
	}
	/* The stored object is never touched. */
	w = parse(current);
	assert_true(json_equal(c, w));
	json_decref(w);
	json_decref(got);
	json_decref(c);
	json_decref(p);
}

static void
test_patch(void **state)
{
	(void)state;
	check_patch("{\"a\": 1}", "{\"a\": 2}", "{\"a\": 2}");
	check_patch("{\"a\": 1, \"b\": 1}", "{\"a\": null}", "{\"a\": null}");
	check_patch("{\"k\": {\"x\": true}}", "{\"k/y\": true}", "{\"k\": {\"x\": true, \"y\": true}}");
	check_patch("{\"k\": {\"x\": true}}", "{\"k/x\": null}", "{\"k\": {}}");
	check_patch("{\"k\": {\"x\": true}}", "{\"k/x\": null, \"k/y\": true}", "{\"k\": {\"y\": true}}");
	check_patch("{\"k\": {}}", "{\"k/a~1b~0c\": true}", "{\"k\": {\"a/b~c\": true}}");
	check_patch("{\"k\": {\"a\": {}}}", "{\"k/a/b\": 1, \"k/a/c\": 2}", "{\"k\": {\"a\": {\"b\": 1, \"c\": 2}}}");
	/* prefix conflict, missing parent, array, bad escape */
	check_patch("{\"k\": {}}", "{\"k\": {}, \"k/x\": true}", NULL);
	check_patch("{\"k\": {\"a\": {}}}", "{\"k/a\": 1, \"k/a/c\": 2}", NULL);
	check_patch("{}", "{\"k/x\": true}", NULL);
	check_patch("{\"k\": {}}", "{\"k/a/b\": true}", NULL);
	check_patch("{\"k\": [1]}", "{\"k/0\": 2}", NULL);
	check_patch("{\"k\": {}}", "{\"k/~2\": 2}", NULL);
	check_patch("{\"k\": {}}", "{\"~\": 2}", NULL);
}

static void
check_pointer(const char *root, const char *path, const char *wanted)
{
	json_t *r = parse(root), *got = jmap_pointer_get(r, path), *w;

	if (wanted == NULL)
		assert_null(got);
	else {
		w = parse(wanted);
		assert_non_null(got);
		assert_true(json_equal(got, w));
		json_decref(w);
	}
	json_decref(got);
	json_decref(r);
}

static void
test_pointer(void **state)
{
	(void)state;
	check_pointer("{\"a\": [1, 2]}", "/a/1", "2");
	check_pointer("{\"a\": [1, 2]}", "/a", "[1, 2]");
	check_pointer("{\"a\": [1, 2]}", "", "{\"a\": [1, 2]}");
	check_pointer("{\"l\": [{\"i\": 1}, {\"i\": 2}]}", "/l/*/i", "[1, 2]");
	check_pointer("{\"l\": [{\"i\": [1, 2]}, {\"i\": [3]}]}", "/l/*/i", "[1, 2, 3]");
	check_pointer("{\"l\": []}", "/l/*/i", "[]");
	check_pointer("{\"l\": [{\"i\": 1}, {}]}", "/l/*/i", NULL);
	check_pointer("{\"*\": 1}", "/*", "1");
	check_pointer("{\"a\": [1]}", "/a/01", NULL);
	check_pointer("{\"a\": [1]}", "/a/1", NULL);
	check_pointer("{\"a\": [1]}", "/a/-", NULL);
	check_pointer("{\"a\": 1}", "a", NULL);
	check_pointer("{\"a\": 1}", "/a/b", NULL);
}

static void
check_reference(const char *args, const char *wanted, const char *wanted_error)
{
	json_t *responses = parse("[[\"Foo/query\", {\"ids\": [\"E1\", \"E2\"]}, \"c0\"],"
				  " [\"error\", {\"type\": \"x\"}, \"c1\"]]");
	json_t *a = parse(args), *w;
	const char *error = NULL;
	int r = jmap_resolve_references(a, responses, &error);

	if (wanted_error != NULL) {
		assert_int_equal(r, -1);
		assert_string_equal(error, wanted_error);
	} else {
		w = parse(wanted);
		assert_int_equal(r, 0);
		assert_true(json_equal(a, w));
		json_decref(w);
	}
	json_decref(a);
	json_decref(responses);
}

static void
test_references(void **state)
{
	(void)state;
	check_reference("{\"#ids\": {\"resultOf\": \"c0\", \"name\": \"Foo/query\", \"path\": \"/ids\"}, \"x\": 1}",
	    "{\"ids\": [\"E1\", \"E2\"], \"x\": 1}", NULL);
	check_reference("{\"#ids\": {\"resultOf\": \"c0\", \"name\": \"Foo/get\", \"path\": \"/ids\"}}", NULL,
	    "invalidResultReference");
	check_reference("{\"#ids\": {\"resultOf\": \"c9\", \"name\": \"Foo/query\", \"path\": \"/ids\"}}", NULL,
	    "invalidResultReference");
	check_reference("{\"#ids\": {\"resultOf\": \"c1\", \"name\": \"Foo/query\", \"path\": \"/ids\"}}", NULL,
	    "invalidResultReference");
	check_reference("{\"#ids\": 3}", NULL, "invalidResultReference");
	check_reference("{\"ids\": [], \"#ids\": {\"resultOf\": \"c0\", \"name\": \"Foo/query\", \"path\": \"/ids\"}}",
	    NULL, "invalidArguments");
}

static void
test_parse(void **state)
{
	char deep[300];
	json_t *v;

	(void)state;
	v = ju_parse(slice_str("{\"a\": [1, \"}{\"]}"));
	assert_non_null(v);
	json_decref(v);
	assert_null(ju_parse(slice_str("{\"a\": 1, \"a\": 2}")));
	assert_null(ju_parse(slice_str("{\"a\": \"\\u0000\"}")));
	assert_null(ju_parse(slice_str("{\"a\": \"\\ud800\"}")));
	assert_null(ju_parse(slice_str("{\"a\": \"\xff\"}")));
	assert_null(ju_parse(slice_str("{} {}")));
	assert_null(ju_parse(slice_str("")));
	memset(deep, '[', sizeof(deep));
	assert_null(ju_parse(slice_mem(deep, sizeof(deep))));
	assert_true(ju_depth_ok(slice_str("\"[[[[\\\"[[\""), 1));
	assert_false(ju_depth_ok(slice_str("[[]]"), 1));
}

static void
test_strings(void **state)
{
	json_t *v = ju_str(slice_str("a\xff" "b\xc3\xa4\xed\xa0\x80"));

	(void)state;
	assert_string_equal(json_string_value(v), "a\xef\xbf\xbd" "b\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
	json_decref(v);
	v = ju_blob_part(7, slice_str("1\xff"));
	assert_string_equal(json_string_value(v), "P7-1\xef\xbf\xbd");
	json_decref(v);
	v = ju_str(slice_mem("a\0b", 3));
	assert_int_equal(json_string_length(v), 3);
	json_decref(v);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_patch),
		cmocka_unit_test(test_pointer),
		cmocka_unit_test(test_references),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

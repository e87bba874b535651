/* What json_write writes is what Jansson writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>

#include "json_util.h"
#include "json_write.h"

static char *
written(const json_t *v)
{
	struct evbuffer *b = evbuffer_new();
	size_t n;
	char *text;

	assert_int_equal(json_write(b, v), 0);
	n = evbuffer_get_length(b);
	text = calloc(1, n + 1);
	assert_non_null(text);
	assert_int_equal(evbuffer_remove(b, text, n), n);
	evbuffer_free(b);
	return text;
}

static void
as_jansson(json_t *v)
{
	char *ours = written(v), *theirs = json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY);

	assert_string_equal(ours, theirs);
	free(ours);
	free(theirs);
	json_decref(v);
}

static void
test_values(void **state)
{
	static const char *const texts[] = { "{}", "[]", "null", "true", "[true,false,null]", "0", "-1",
		"9007199254740991", "-9223372036854775808", "9223372036854775807", "0.5", "-1e300", "\"\"",
		"\"plain\"", "\"\\u0001\\u001f\\b\\f\\n\\r\\t\\\"\\\\/\"", "\"\\u007f\\u00fc\\ud83d\\ude00\"",
		"{\"a\":{\"b\":[1,[2,[3]]]},\"\\n\":\"\",\"c\":[{},{}]}" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		as_jansson(json_loads(texts[i], JSON_DECODE_ANY, NULL));
	as_jansson(json_stringn("a\0b", 3));
}

/* Each byte that may stand in UTF-8, and what is not UTF-8 after ju_str. */
static void
test_bytes(void **state)
{
	json_t *a = json_array();
	uint8_t bytes[12];

	(void)state;
	for (unsigned int c = 0; c < 256; c++)
		for (unsigned int at = 0; at < sizeof(bytes); at++) {
			memset(bytes, 'x', sizeof(bytes));
			bytes[at] = (uint8_t)c;
			ju_push(a, ju_str(slice_mem(bytes, sizeof(bytes))));
		}
	assert_false(ju_failed_take());
	as_jansson(a);
}

static void
test_large(void **state)
{
	json_t *a = json_array();

	(void)state;
	for (int i = 0; i < 20000; i++)
		ju_push(a, json_pack("{s:i, s:s}", "number", i, "text", "some text with a \" in it"));
	as_jansson(a);
}

static void
test_nothing(void **state)
{
	struct evbuffer *b = evbuffer_new();

	(void)state;
	assert_int_equal(json_write(b, NULL), -1);
	assert_int_equal(evbuffer_get_length(b), 0);
	evbuffer_free(b);
}

/* Names of objects come from the wire too. */
static void
test_names(void **state)
{
	json_t *o = json_object();

	(void)state;
	ju_set(o, "gr\xc3\xbc\xc3\x9f", json_true());
	assert_false(ju_failed_take());
	ju_set(o, "not\xff", json_true());
	assert_true(ju_failed_take());
	as_jansson(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_values), cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_large), cmocka_unit_test(test_nothing), cmocka_unit_test(test_names) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

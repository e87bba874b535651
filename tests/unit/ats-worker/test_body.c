/* Body trees, cutting of texts, drafts from bodyStructure, error codes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "email_body.h"
#include "email_parts.h"
#include "error_codes.h"
#include "sse.h"

static void
add(struct wbuf *list, uint8_t depth, const char *id, const char *type, uint8_t flags)
{
	struct wbuf one = { .max = 4096 };
	struct rec_part p = { .part_id = slice_str(id), .depth = depth, .multipart = *id == '\0',
		.type = slice_str(type), .flags = flags };

	rec_part_encode(&one, &p);
	list_add(list, wbuf_slice(&one));
	wbuf_free(&one);
}

/* "type(sub sub)" of a tree. */
static void
shape(const json_t *o, char *out, size_t size)
{
	json_t *subs = json_object_get(o, "subParts"), *sub;
	size_t i;

	(void)snprintf(out + strlen(out), size - strlen(out), "%s", json_string_value(json_object_get(o, "type")));
	if (subs == NULL)
		return;
	(void)snprintf(out + strlen(out), size - strlen(out), "(");
	json_array_foreach(subs, i, sub) {
		(void)snprintf(out + strlen(out), size - strlen(out), i > 0 ? " " : "");
		shape(sub, out, size);
	}
	(void)snprintf(out + strlen(out), size - strlen(out), ")");
}

static void
check_shape(const struct wbuf *list, const char *wanted)
{
	char text[1024] = "";
	json_t *names = json_pack("[s]", "type"), *tree = email_body_structure(1, wbuf_slice(list), names);

	if (wanted == NULL)
		assert_true(json_is_null(tree));
	else {
		shape(tree, text, sizeof(text));
		assert_string_equal(text, wanted);
	}
	json_decref(tree);
	json_decref(names);
}

static void
test_structure(void **state)
{
	struct wbuf w = { .max = 0 };

	(void)state;
	check_shape(&w, NULL);
	add(&w, 0, "1", "text/plain", PART_TEXT_BODY | PART_HTML_BODY);
	check_shape(&w, "text/plain");
	wbuf_reset(&w);
	/* The example of RFC 8621 s. 4.1.4. */
	add(&w, 0, "", "mixed", 0);
	add(&w, 1, "1", "A", PART_TEXT_BODY | PART_HTML_BODY);
	add(&w, 1, "", "mixed", 0);
	add(&w, 2, "", "alternative", 0);
	add(&w, 3, "", "mixed", 0);
	add(&w, 4, "2", "B", PART_TEXT_BODY);
	add(&w, 4, "3", "C", PART_TEXT_BODY | PART_ATTACHMENT);
	add(&w, 4, "4", "D", PART_TEXT_BODY);
	add(&w, 3, "", "related", 0);
	add(&w, 4, "5", "E", PART_HTML_BODY);
	add(&w, 4, "6", "F", PART_ATTACHMENT);
	add(&w, 2, "7", "G", PART_ATTACHMENT);
	add(&w, 1, "8", "K", PART_TEXT_BODY | PART_HTML_BODY);
	check_shape(&w, "mixed(A mixed(alternative(mixed(B C D) related(E F)) G) K)");
	/* Depths that make no tree: nothing is lost but a second root. */
	wbuf_reset(&w);
	add(&w, 0, "", "mixed", 0);
	add(&w, 9, "1", "A", 0);
	add(&w, 255, "", "mixed", 0);
	add(&w, 255, "2", "B", 0);
	add(&w, 0, "3", "C", 0);
	add(&w, 1, "4", "D", 0);
	check_shape(&w, "mixed(A mixed(B) D)");
	wbuf_free(&w);
}

static void
test_lists(void **state)
{
	struct wbuf w = { .max = 0 };
	json_t *list;

	(void)state;
	add(&w, 0, "", "multipart/mixed", 0);
	add(&w, 1, "1", "text/plain", PART_TEXT_BODY);
	add(&w, 1, "2", "text/html", PART_HTML_BODY);
	list = email_body_list(5, wbuf_slice(&w), PART_HTML_BODY, NULL);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "blobId")), "P5-2");
	json_decref(list);
	wbuf_free(&w);
}

static void
check_cut(const char *text, uint64_t max, bool html, const char *wanted)
{
	struct slice s = slice_str(text);
	bool cut = email_body_truncate(&s, max, html);

	assert_true(slice_eq_str(s, wanted));
	assert_int_equal(cut, strcmp(text, wanted) != 0);
}

static void
test_truncate(void **state)
{
	(void)state;
	check_cut("hello", 0, false, "hello");
	check_cut("hello", 5, false, "hello");
	check_cut("hello", 4, false, "hell");
	check_cut("a\xc3\xa4", 2, false, "a");
	check_cut("\xf0\x9f\x98\x80", 3, false, "");
	check_cut("ab<b class=x>c", 8, true, "ab");
	check_cut("ab<b>c<i>d", 6, true, "ab<b>c");
	check_cut("ab<b>c<i>d", 7, true, "ab<b>c");
}

/* "depth type" of the draft's parts. */
static int
draft(const char *json, char *out, size_t size)
{
	json_t *v = json_loads(json, 0, NULL);
	struct rec_draft_part p;
	struct email_parts e;
	struct rbuf r;
	int rc;

	assert_non_null(v);
	rc = email_parts_read(&e, v);
	rbuf_init(&r, wbuf_slice(&e.parts));
	out[0] = '\0';
	while (rc == 0 && r.n > 0) {
		assert_int_equal(rec_draft_part_decode(r_bytes(&r, r.n), &p), 0);
		(void)snprintf(out + strlen(out), size - strlen(out), "%u%.*s ", p.depth, (int)p.type.n,
		    (const char *)p.type.p);
	}
	if (rc == -1)
		(void)snprintf(out, size, "!%s", e.property);
	email_parts_free(&e);
	json_decref(v);
	return rc;
}

static void
test_draft_parts(void **state)
{
	static const struct {
		const char *json, *wanted;
	} cases[] = {
		{ "{}", "0text/plain " },
		{ "{\"textBody\":[{\"partId\":\"a\"}],\"bodyValues\":{\"a\":{\"value\":\"x\"}}}", "0text/plain " },
		{ "{\"htmlBody\":[{\"partId\":\"a\",\"type\":\"text/html\"}],\"bodyValues\":{\"a\":{\"value\":\"x\"}}}", "0text/html " },
		{ "{\"attachments\":[{\"blobId\":\"B1\"}]}", "0multipart/mixed 1text/plain 1application/octet-stream " },
		{ "{\"bodyStructure\":{\"type\":\"multipart/mixed\",\"subParts\":[{\"partId\":\"a\"},{\"type\":\"multipart/x\","
		  "\"subParts\":[{\"blobId\":\"P3-1\",\"type\":\"image/png\"}]}]},\"bodyValues\":{\"a\":{\"value\":\"\"}}}",
		    "0multipart/mixed 1text/plain 1multipart/x 2image/png " },
		{ "{\"bodyStructure\":{\"partId\":\"a\"},\"textBody\":[]}", "!bodyStructure" },
		{ "{\"textBody\":[{\"partId\":\"a\"},{\"partId\":\"a\"}]}", "!textBody" },
		{ "{\"textBody\":[{\"partId\":\"a\",\"type\":\"text/html\"}],\"bodyValues\":{\"a\":{\"value\":\"x\"}}}", "!textBody" },
		{ "{\"textBody\":[{\"partId\":\"a\",\"blobId\":\"B1\"}]}", "!partId" },
		{ "{\"textBody\":[{\"partId\":\"a\",\"charset\":\"x\"}],\"bodyValues\":{\"a\":{\"value\":\"x\"}}}", "!partId" },
		{ "{\"textBody\":[{\"partId\":\"a\"}],\"bodyValues\":{\"a\":{\"value\":\"x\",\"isTruncated\":true}}}", "!bodyValues" },
		{ "{\"attachments\":[{\"blobId\":\"B1\",\"type\":\"a/b\\r\\nX: y\"}]}", "!type" },
		{ "{\"attachments\":[{\"blobId\":\"B1\",\"name\":\"a\\r\\nX: y\"}]}", "!name" },
		{ "{\"attachments\":[{\"blobId\":\"B1\",\"cid\":\"a>b\"}]}", "!cid" },
		{ "{\"attachments\":[{\"blobId\":\"B1\",\"headers\":[]}]}", "!headers" },
		{ "{\"bodyStructure\":{\"type\":\"text/plain\",\"subParts\":[]}}", "!bodyStructure" },
		{ "{\"bodyStructure\":3}", "!bodyStructure" },
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)draft(cases[i].json, text, sizeof(text));
		assert_string_equal(text, cases[i].wanted);
	}
}

static void
test_error_codes(void **state)
{
	const struct error_code *row;

	(void)state;
	assert_int_equal(error_code_find(slice_str("auth.rejected"))->class, 'U');
	assert_int_equal(error_code_find(slice_str("never.heard"))->class, 'T');
	for (size_t i = 0; (row = error_code_at(i)) != NULL; i++) {
		assert_true(strlen(row->code) <= LIM_CODE);
		assert_non_null(strchr("UIATPW", row->class));
		assert_ptr_equal(error_code_find(slice_str(row->code)), row);
	}
}

static void
test_sse_args(void **state)
{
	struct http_target t;
	struct sse_args a;

	(void)state;
	assert_int_equal(http_target_parse(&t, slice_str("/e?types=*&closeafter=no&ping=0")), 0);
	assert_int_equal(sse_args_read(&t, &a), 0);
	assert_int_equal(a.types, UINT32_MAX);
	assert_int_equal(a.ping, 0);
	assert_int_equal(http_target_parse(&t, slice_str("/e?types=Email,Nope&closeafter=state&ping=9999")), 0);
	assert_int_equal(sse_args_read(&t, &a), 0);
	assert_int_equal(a.types, 1u << OBJ_EMAIL);
	assert_true(a.close_after_state);
	assert_int_equal(a.ping, LIM_PING_MAX_SECONDS);
	assert_int_equal(http_target_parse(&t, slice_str("/e?ping=x")), 0);
	assert_int_equal(sse_args_read(&t, &a), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_structure),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_draft_parts),
		cmocka_unit_test(test_error_codes),
		cmocka_unit_test(test_sse_args),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

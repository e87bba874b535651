/* What the tests of the mime-worker share: reading records back. */
#ifndef MIME_TEST_HELPER_H
#define MIME_TEST_HELPER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "enums.h"
#include "header.h"
#include "messages.h"
#include "parse_body.h"
#include "parse_header.h"
#include "utf8.h"
#include "warm.h"

#define UNUSED __attribute__((unused))
#define assert_slice(s, text) assert_text_(s, text, __FILE__, __LINE__)

static inline void
assert_text_(struct slice s, const char *text, const char *file, int line)
{
	char *got = slice_dup(s);

	_assert_true(got != NULL, "memory", file, line);
	_assert_string_equal(got, text, file, line);
	free(got);
}

static UNUSED void
put(struct wbuf *m, const char *s)
{
	w_raw(m, s, strlen(s));
}

static UNUSED void
put_many(struct wbuf *m, const char *s, size_t times)
{
	for (size_t i = 0; i < times; i++)
		put(m, s);
}

/* A parsed message that lives until parsed_free. */
struct parsed {
	struct wbuf bytes;
	struct rec_parsed rec;
	struct rec_header header;
	struct mime_tree *tree;
	struct slice message;
};

static UNUSED void
test_parse(struct parsed *p, struct slice message, bool header_only)
{
	warm_libraries();
	memset(p, 0, sizeof(*p));
	p->message = message;
	wbuf_init(&p->bytes, 0);
	p->tree = header_only ? NULL : parse_tree(message);
	assert_int_equal(parse_record(&p->bytes, message, p->tree), 0);
	assert_int_equal(rec_parsed_decode(wbuf_slice(&p->bytes), &p->rec), 0);
	assert_int_equal(rec_header_decode(p->rec.header, &p->header), 0);
}

static UNUSED void
parsed_free(struct parsed *p)
{
	wbuf_free(&p->bytes);
	structure_free(p->tree);
}

/* The n-th text of the record; false when there are fewer. */
static UNUSED bool
test_text(const struct parsed *p, size_t n, struct rec_text *t)
{
	struct rbuf r;

	rbuf_init(&r, p->rec.texts);
	for (size_t i = 0; r.n > 0; i++) {
		assert_int_equal(rec_text_decode(r_bytes(&r, LIM_MIME_TEXT), t), 0);
		assert_false(r.failed);
		if (i == n)
			return true;
	}
	return false;
}

/* The text for a note, wherever it stands. */
static UNUSED struct slice
test_note(const struct parsed *p)
{
	struct rec_text t;

	if (p->rec.note_part.n == 0)
		return p->rec.note_text;
	assert_int_equal(p->rec.note_text.n, 0);
	for (size_t i = 0; test_text(p, i, &t); i++)
		if (slice_eq(t.part, p->rec.note_part))
			return t.data;
	fail_msg("the text for a note is nowhere");
	return SLICE_NONE;
}

static UNUSED size_t
test_parts(const struct parsed *p)
{
	return list_count(p->rec.parts);
}

static UNUSED struct rec_part
test_part(const struct parsed *p, size_t n)
{
	struct slice list = p->rec.parts, item;
	struct rec_part part = { 0 };

	for (size_t i = 0; list_next(&list, &item); i++)
		if (i == n) {
			assert_int_equal(rec_part_decode(item, &part), 0);
			return part;
		}
	fail_msg("no part %zu", n);
	return part;
}

static UNUSED struct rec_address
test_address(struct slice list, size_t n)
{
	struct rec_address a = { 0 };
	struct slice item;

	for (size_t i = 0; list_next(&list, &item); i++)
		if (i == n) {
			assert_int_equal(rec_address_decode(item, &a), 0);
			return a;
		}
	fail_msg("no address %zu", n);
	return a;
}

static UNUSED struct slice
test_item(struct slice list, size_t n)
{
	struct slice item = SLICE_NONE;

	for (size_t i = 0; list_next(&list, &item); i++)
		if (i == n)
			return item;
	fail_msg("no item %zu", n);
	return item;
}

#endif

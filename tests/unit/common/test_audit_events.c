/* Events of the audit log on their way to the master: every row, every text, at its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "../audit_any.h"
#include "audit.h"

/* ---- events on the wire ---- */

static void
collect(void *ctx, const char *key, struct slice text)
{
	char *out = ctx;
	size_t n = strlen(out);

	snprintf(out + n, 400 - n, "%s=%.*s ", key, (int)text.n, (const char *)text.p);
}

static void
test_events(void **state)
{
	struct wbuf w = { .max = LIM_AUDIT_FIELDS };
	struct audit_content_demand e = { .link = 3, .uid = AUDIT_NOBODY, .email = 17, .outcome = slice_str("a\0b") };
	char text[400] = "", longer[LIM_CODE + 20];

	(void)state;
	audit_encode(&w, AUDIT_content_demand, &e);
	assert_int_equal(audit_decode(AUDIT_content_demand, wbuf_slice(&w), collect, text), 0);
	assert_string_equal(text, "link=3 uid=unknown email=17 outcome=a ");
	for (size_t n = 0; n < w.n; n++)
		assert_int_equal(audit_decode(AUDIT_content_demand, slice_mem(w.p, n), collect, NULL), -1);
	w_u8(&w, 0);
	assert_int_equal(audit_decode(AUDIT_content_demand, wbuf_slice(&w), collect, NULL), -1);
	memset(longer, 'x', sizeof(longer));
	e.outcome = slice_mem(longer, sizeof(longer));
	wbuf_reset(&w);
	audit_encode(&w, AUDIT_content_demand, &e);
	assert_false(w.failed);
	assert_int_equal(audit_decode(AUDIT_content_demand, wbuf_slice(&w), NULL, NULL), 0);
	wbuf_free(&w);
}

/* Every row can be said at its longest, and names its party. */
static void
find_party(void *ctx, const char *key, struct slice text)
{
	const char **party = ctx;

	(void)text;
	if (*party != NULL && strcmp(key, *party) == 0)
		*party = NULL;
}

static void
test_rows(void **state)
{
	static union audit_any any;
	struct wbuf w = { .max = LIM_AUDIT_FIELDS };

	(void)state;
	for (unsigned int e = 1; e < AUDIT__COUNT; e++) {
		const char *party = audit_table[e].party;

		wbuf_reset(&w);
		audit_encode(&w, e, &any);
		assert_int_equal(audit_decode(e, wbuf_slice(&w), find_party, &party), 0);
		assert_null(party);
		assert_true(audit_table[e].from != 0);
		for (unsigned int k = 1; k < e; k++)
			assert_string_not_equal(audit_table[k].name, audit_table[e].name);
	}
	assert_int_equal(audit_decode(AUDIT_none, SLICE_NONE, NULL, NULL), -1);
	assert_int_equal(audit_decode(AUDIT__COUNT, SLICE_NONE, NULL, NULL), -1);
	wbuf_free(&w);
}

/* Each text of each row: all of it up to its limit, and no byte more.
 * limit: LIM_AUDIT_WHO LIM_AUDIT_ENDPOINT LIM_AUDIT_FIELDS */
struct text_field {
	const char *key;
	size_t n;
};

static void
measure(void *ctx, const char *key, struct slice text)
{
	struct text_field *f = ctx;

	if (strcmp(key, f->key) == 0)
		f->n = text.n;
}

static size_t
length_of(enum audit_event e, const void *fields, const char *key)
{
	static struct wbuf w = { .max = LIM_AUDIT_FIELDS };
	struct text_field f = { .key = key };

	wbuf_reset(&w);
	audit_encode(&w, e, fields);
	assert_int_equal(audit_decode(e, wbuf_slice(&w), measure, &f), 0);
	return f.n;
}

static void
test_texts(void **state)
{
	static char big[LIM_AUDIT_FIELDS];

	(void)state;
	memset(big, 'x', sizeof(big));
#define F_U16(n)
#define F_U32(n)
#define F_U64(n)
#define F_X64(n)
#define F_UID(n)
#define F_BOOL(n)
#define F_STR(n, max)                                                                                                  \
	f.n = slice_mem(big, (max) - 1);                                                                               \
	assert_int_equal(length_of(event, &f, #n), (max) - 1);                                                         \
	f.n = slice_mem(big, (max));                                                                                   \
	assert_int_equal(length_of(event, &f, #n), (max));                                                             \
	f.n = slice_mem(big, (max) + 1);                                                                               \
	assert_int_equal(length_of(event, &f, #n), (max));
#define AUDIT(e, name, from, party, fields)                                                                            \
	{                                                                                                              \
		static struct audit_##e f;                                                                             \
		const enum audit_event event = AUDIT_##e;                                                              \
		fields(void) event;                                                                                    \
		(void)f;                                                                                               \
	}
#include "audit.def"
#undef AUDIT
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_events), cmocka_unit_test(test_rows),
		cmocka_unit_test(test_texts) };

	return cmocka_run_group_tests_name("audit events", tests, NULL, NULL);
}

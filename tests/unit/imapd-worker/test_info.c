/*
 * ID, NAMESPACE, STATUS and the words of CAPABILITY as they are parsed; what is
 * kept of them; literals that are not waited for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>

#include "folders.h"
#include "imap_command.h"
#include "imap_response.h"

static char line[LIM_IMAP_LINE];

static int
parse(struct imap_response *r, const char *text)
{
	(void)snprintf(line, sizeof(line), "%s", text);
	return imap_response_parse(r, (uint8_t *)line, strlen(line), LIM_INLINE);
}

static void
id(void **state)
{
	static const struct {
		const char *text, *name, *vendor;
		int result;
	} rows[] = {
		{ "* ID NIL", "", "", 0 },
		{ "* ID ()", "", "", 0 },
		{ "* ID (\"name\" \"Dovecot\")", "Dovecot", "", 0 },
		{ "* ID (\"NAME\" \"Cyrus\" \"vendor\" \"Project Cyrus\" \"version\" NIL)", "Cyrus", "Project Cyrus", 0 },
		{ "* ID (\"name\" NIL NIL \"x\")", "", "", 0 },
		{ "* ID (\"name\")", "", "", -1 },
		{ "* ID (\"name\" (\"nested\"))", "", "", -1 },
		{ "* ID (\"name\" \"no end\"", "", "", -1 },
		{ "* ID", "", "", -1 },
	};
	struct imap_response r;
	char name[LIM_NAME + 3], text[LIM_NAME + 50];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (parse(&r, rows[i].text) != rows[i].result)
			fail_msg("%s", rows[i].text);
		if (rows[i].result == -1)
			continue;
		assert_int_equal(r.kind, IMAP_ID);
		assert_true(slice_eq_str(r.server.name, rows[i].name));
		assert_true(slice_eq_str(r.server.vendor, rows[i].vendor));
	}
	for (int more = 0; more <= 1; more++) {
		memset(name, 'n', sizeof(name));
		name[LIM_NAME + more] = '\0';
		(void)snprintf(text, sizeof(text), "* ID (\"name\" \"%s\")", name);
		assert_int_equal(parse(&r, text), 0);
		assert_int_equal(r.server.name.n, more ? 0 : LIM_NAME);
	}
}

static void
namespace(void **state)
{
	static const char *const bad[] = { "* NAMESPACE", "* NAMESPACE NIL NIL", "* NAMESPACE ((\"\" \"/\") NIL NIL",
		"* NAMESPACE ((\"\")) NIL NIL", "* NAMESPACE (\"\" \"/\") NIL NIL", "* NAMESPACE () () (x)" };
	struct imap_response r;

	(void)state;
	assert_int_equal(parse(&r, "* NAMESPACE ((\"\" \"/\")(\"#mh/\" \"/\" \"X-PARAM\" (\"FLAG1\" \"FLAG2\"))) NIL "
				   "((\"Public.\" \".\") (\"flat\" NIL))"), 0);
	assert_int_equal(r.kind, IMAP_NAMESPACE);
	assert_int_equal(r.spaces.n, 4);
	assert_int_equal(r.spaces.v[0].kind, SPACE_PERSONAL);
	assert_int_equal(r.spaces.v[0].prefix.n, 0);
	assert_int_equal(r.spaces.v[1].separator, '/');
	assert_true(slice_eq_str(r.spaces.v[1].prefix, "#mh/"));
	assert_int_equal(r.spaces.v[2].kind, SPACE_SHARED);
	assert_int_equal(r.spaces.v[3].separator, 0);
	assert_int_equal(parse(&r, "* NAMESPACE NIL NIL NIL"), 0);
	assert_int_equal(r.spaces.n, 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (parse(&r, bad[i]) != -1)
			fail_msg("%s", bad[i]);
	}
}

/* limit: LIM_NAMESPACES */
static void
many_roots(void **state)
{
	struct imap_response r;
	struct folders fs = { 0 };
	char text[1000] = "* NAMESPACE (";
	size_t i;

	(void)state;
	for (i = 0; i < LIM_NAMESPACES; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "(\"r%zu/\" \"/\")", i);
	(void)snprintf(line, sizeof(line), "%s) NIL NIL", text);
	assert_int_equal(imap_response_parse(&r, (uint8_t *)line, strlen(line), LIM_INLINE), 0);
	assert_int_equal(r.spaces.n, LIM_NAMESPACES);
	assert_true(slice_eq_str(r.spaces.v[LIM_NAMESPACES - 1].prefix, "r15/"));
	(void)snprintf(line, sizeof(line), "%s(\"more/\" \"/\")) NIL NIL", text);
	assert_int_equal(imap_response_parse(&r, (uint8_t *)line, strlen(line), LIM_INLINE), 0);
	assert_int_equal(r.spaces.n, LIM_NAMESPACES);
	for (i = 0; i <= LIM_NAMESPACES; i++)
		folders_space(&fs, SPACE_SHARED, slice_str("a/"), '/');
	assert_int_equal(fs.nspaces, LIM_NAMESPACES);
	folders_free(&fs);
}

static void
status(void **state)
{
	struct imap_response r;

	(void)state;
	assert_int_equal(parse(&r, "* STATUS \"A b\" (MESSAGES 3 SIZE 5000000000 UNSEEN 2 HIGHESTMODSEQ 9 MAILBOXID (M1))"), 0);
	assert_int_equal(r.kind, IMAP_MAILBOX_STATUS);
	assert_true(r.mailbox.has_size && r.mailbox.size == 5000000000);
	assert_true(r.mailbox.has_modseq && !r.mailbox.has_uidnext);
	assert_true(slice_eq_str(r.mailbox.objectid, "M1"));
	assert_int_equal(parse(&r, "* STATUS A (SIZE x)"), -1);
	assert_int_equal(parse(&r, "* STATUS A (SIZE"), -1);
}

static void
words(void **state)
{
	static const struct {
		const char *word;
		uint32_t cap;
	} caps[] = { { "ID", CAP_ID }, { "NAMESPACE", CAP_NAMESPACE }, { "LIST-STATUS", CAP_LIST_STATUS },
		{ "status=size", CAP_STATUS_SIZE }, { "COMPRESS=DEFLATE", CAP_COMPRESS },
		{ "UTF8=ACCEPT", CAP_UTF8 | CAP_ENABLE }, { "UTF8=ONLY", CAP_UTF8 | CAP_ENABLE }, { "UNSELECT", CAP_UNSELECT },
		{ "COMPRESS=LZ4", 0 }, { "COMPRESS", 0 }, { "XCOMPRESS=DEFLATE", 0 } };
	struct imap_response r;
	char text[100];

	(void)state;
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		(void)snprintf(text, sizeof(text), "* CAPABILITY %s", caps[i].word);
		assert_int_equal(parse(&r, text), 0);
		assert_int_equal(r.caps, caps[i].cap);
	}
}

/* Is a literal of that size sent at once? */
static bool
at_once(uint32_t caps, size_t n)
{
	struct evbuffer *out = evbuffer_new();
	struct imap_writer w;
	char *big = malloc(n);
	bool sent;

	assert_non_null(big);
	memset(big, 0x80, n);
	imap_writer_init(&w, out);
	w.caps = caps;
	(void)imap_begin(&w, CMD_NOOP);
	imap_astring(&w, slice_mem(big, n));
	assert_int_equal(imap_end(&w), 0);
	sent = w.nheld == 0;
	imap_writer_reset(&w);
	evbuffer_free(out);
	free(big);
	return sent;
}

/* limit: LIM_LITERAL_PLUS LIM_LITERAL_MINUS */
static void
literals(void **state)
{
	(void)state;
	assert_false(at_once(0, 1));
	assert_true(at_once(CAP_LITERAL_MINUS, LIM_LITERAL_MINUS));
	assert_false(at_once(CAP_LITERAL_MINUS, LIM_LITERAL_MINUS + 1));
	assert_true(at_once(CAP_LITERAL_PLUS, LIM_LITERAL_PLUS));
	assert_false(at_once(CAP_LITERAL_PLUS, LIM_LITERAL_PLUS + 1));
}

/* A name goes to the server in its own spelling. */
static void
names(void **state)
{
	static const struct {
		const char *raw, *plain, *utf8;
	} rows[] = { { "Entw&APw-rfe", "\"Entw&APw-rfe\"", "\"Entwürfe\"" }, { "A &- B", "\"A &- B\"", "\"A & B\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"", "\"a\\\"b\\\\c\"" }, { "odd & name", "\"odd & name\"", "\"odd & name\"" } };
	struct evbuffer *out = evbuffer_new();
	struct imap_writer w;
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (int utf8 = 0; utf8 <= 1; utf8++) {
			imap_writer_init(&w, out);
			w.utf8 = utf8 == 1;
			(void)imap_begin(&w, CMD_NOOP);
			imap_mailbox(&w, slice_str(rows[i].raw));
			assert_int_equal(imap_end(&w), 0);
			text[evbuffer_remove(out, text, sizeof(text))] = '\0';
			assert_non_null(strstr(text, utf8 ? rows[i].utf8 : rows[i].plain));
		}
	}
	evbuffer_free(out);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(id),
		cmocka_unit_test(namespace),
		cmocka_unit_test(many_roots),
		cmocka_unit_test(status),
		cmocka_unit_test(words),
		cmocka_unit_test(literals),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

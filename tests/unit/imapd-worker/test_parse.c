/*
 * Framing and parsing: lines as servers send them, bytes as they may arrive,
 * and what is no IMAP at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "body.h"
#include "enums.h"
#include "imap_frame.h"
#include "imap_response.h"
#include "uidset.h"

static const struct imap_limits small = { .text = 4096, .inline_max = 32, .literal_max = 1000 };
static struct imap_response r;

/* One response out of text; what it points to lives until the next call. */
static int
parse(const char *text)
{
	static uint8_t buf[65536];
	size_t n = strlen(text);

	assert_true(n < sizeof(buf));
	memcpy(buf, text, n);
	return imap_response_parse(&r, buf, n, 65536);
}

#define IS(s, text) assert_true(slice_eq_str(s, text))

static void
statuses(void **state)
{
	(void)state;
	assert_int_equal(parse("P12 OK [APPENDUID 38505 3955] APPEND completed"), 0);
	assert_int_equal(r.kind, IMAP_TAGGED);
	assert_int_equal(r.tag, 12);
	assert_int_equal(r.status, IMAP_OK);
	assert_int_equal(r.code, IMAP_CODE_APPENDUID);
	assert_int_equal(r.uidvalidity, 38505);
	IS(r.uids_to, "3955");
	IS(r.text, "APPEND completed");
	assert_int_equal(parse("* OK [COPYUID 38505 304,319:320 3956:3958] Done"), 0);
	IS(r.uids_from, "304,319:320");
	IS(r.uids_to, "3956:3958");
	assert_int_equal(parse("* OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] Limited"), 0);
	assert_int_equal(r.number, 1);
	assert_int_equal(parse("* OK [PERMANENTFLAGS ()] None"), 0);
	assert_int_equal(r.number, 0);
	assert_int_equal(parse("* OK [HIGHESTMODSEQ 715194045007] ok"), 0);
	assert_true(r.number == 715194045007u);
	assert_int_equal(parse("* ok [uidvalidity 3857529045] UIDs valid"), 0);
	assert_int_equal(r.code, IMAP_CODE_UIDVALIDITY);
	assert_int_equal(parse("* OK [MAILBOXID (F2212ea87-6097-4256-9d51-71338625)] Ok"), 0);
	IS(r.objectid, "F2212ea87-6097-4256-9d51-71338625");
	assert_int_equal(parse("P3 NO [TRYCREATE] no"), 0);
	assert_int_equal(r.code, IMAP_CODE_TRYCREATE);
	assert_int_equal(parse("* BYE"), 0);
	assert_int_equal(r.status, IMAP_BYE);
	assert_int_equal(parse("P4 BAD Request is throttled. Suggested Backoff Time: 9000 milliseconds"), 0);
	assert_int_equal(r.status, IMAP_BAD);
	assert_int_equal(parse("* OK [BADCHARSET (\"a]b\")] x"), 0);
	IS(r.text, "x");
	assert_int_equal(parse("* OK [UIDNEXT nonsense] text"), 0);
	assert_int_equal(r.code, IMAP_CODE_OTHER);
	assert_int_equal(parse("+ idling"), 0);
	assert_int_equal(r.kind, IMAP_CONTINUE);
	assert_int_equal(parse("+"), 0);
	assert_int_equal(r.kind, IMAP_CONTINUE);
}

static void
lists(void **state)
{
	(void)state;
	assert_int_equal(parse("* LIST (\\HasNoChildren \\Sent) \"/\" \"[Gmail]/Sent Mail\""), 0);
	assert_int_equal(r.kind, IMAP_LIST);
	assert_int_equal(r.list.role, MBOX_SENT);
	assert_int_equal(r.list.separator, '/');
	IS(r.list.name, "[Gmail]/Sent Mail");
	assert_int_equal(parse("* LIST (\\Noselect) NIL Archive.old"), 0);
	assert_int_equal(r.list.attributes, LIST_NOSELECT);
	assert_int_equal(r.list.separator, 0);
	assert_int_equal(parse("* LIST () \"\\\\\" {5}\r\na\"b\\c"), 0);
	assert_int_equal(r.list.separator, '\\');
	IS(r.list.name, "a\"b\\c");
	assert_int_equal(parse("* LIST () \"/\" \"a \\\"q\\\"\" (\"CHILDINFO\" (\"SUBSCRIBED\"))"), 0);
	IS(r.list.name, "a \"q\"");
	assert_int_equal(parse("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292 X (1 (2)) HIGHESTMODSEQ 7)"), 0);
	assert_int_equal(r.kind, IMAP_MAILBOX_STATUS);
	assert_int_equal(r.mailbox.messages, 231);
	assert_int_equal(r.mailbox.uidnext, 44292);
	assert_true(r.mailbox.has_modseq && !r.mailbox.has_uidvalidity);
	assert_int_equal(parse("* CAPABILITY IMAP4rev1 STARTTLS QRESYNC LITERAL- X-GM-EXT-1"), 0);
	assert_int_equal(r.caps,
	    CAP_IMAP4REV1 | CAP_QRESYNC | CAP_CONDSTORE | CAP_ENABLE | CAP_LITERAL_MINUS | CAP_GMAIL);
	assert_int_equal(parse("* LSUB () \"/\" x"), 0);
	assert_int_equal(r.kind, IMAP_OTHER);
}

static void
fetches(void **state)
{
	(void)state;
	assert_int_equal(parse("* 12 FETCH (FLAGS (\\Seen $MDNSent) INTERNALDATE \" 7-Jul-1996 02:44:25 -0700\" "
			       "RFC822.SIZE 4286 ENVELOPE (\"x (\" NIL ((\"a\" NIL \"b\" \"c\")) NIL) UID 99 MODSEQ (12345)"
			       " BODY[HEADER] {6}\r\na: b\r\n)"),
	    0);
	assert_int_equal(r.kind, IMAP_FETCH);
	assert_int_equal(r.number, 12);
	assert_int_equal(r.fetch.uid, 99);
	assert_true(r.fetch.modseq == 12345);
	assert_string_equal(r.fetch.flags, "\\Seen $MDNSent");
	assert_true(r.fetch.internaldate == 836732665);
	assert_int_equal(r.fetch.size, 4286);
	IS(r.fetch.header, "a: b\r\n");
	assert_int_equal(parse("* 1 FETCH (UID 5 EMAILID (M6d99) THREADID NIL X-GM-MSGID 1278455344230334865 "
			       "X-GM-THRID 1266894439832287888 X-GM-LABELS (\\Inbox \"a b\") BODY[] NIL)"),
	    0);
	IS(r.fetch.emailid, "M6d99");
	assert_int_equal(r.fetch.threadid.n, 0);
	assert_true(r.fetch.gm_msgid == 1278455344230334865u);
	assert_true(r.fetch.has_body && r.fetch.body_nil);
	assert_int_equal(parse("* 1 FETCH (EMAILID (A-z_09) THREADID (NIL) UID 5)"), 0);	/* Cyrus */
	IS(r.fetch.emailid, "A-z_09");
	assert_int_equal(r.fetch.threadid.n, 0);
	assert_int_equal(parse("* 1 FETCH (EMAILID (\"a b\") THREADID (\"\") UID 5)"), 0);
	assert_int_equal(r.fetch.emailid.n + r.fetch.threadid.n, 0);
	assert_int_equal(parse("* 1 FETCH (BODY[HEADER.FIELDS (From To)] {3}\r\n)(\" UID 3 RFC822.SIZE -1)"), 0);
	assert_int_equal(r.fetch.uid, 3);
	assert_int_equal(parse("* 1 FETCH (UID 3 INTERNALDATE \"someday\")"), 0);
	assert_int_equal(r.fetch.internaldate, 0);
}

static void
searches(void **state)
{
	struct uidrange range;
	struct slice set;
	uint32_t uid;
	bool bad;

	(void)state;
	assert_int_equal(parse("* SEARCH 2 84 882 (MODSEQ 917162500)"), 0);
	assert_true(imap_search_next(&r, &uid) && uid == 2);
	assert_true(imap_search_next(&r, &uid) && uid == 84);
	assert_true(imap_search_next(&r, &uid) && uid == 882);
	assert_false(imap_search_next(&r, &uid));
	assert_int_equal(parse("* SEARCH"), 0);
	assert_false(imap_search_next(&r, &uid));
	assert_int_equal(parse("* ESEARCH (TAG \"P7\") UID MIN 2 COUNT 3 ALL 4:8,9 RELEVANCY (4 99)"), 0);
	assert_int_equal(r.search.tag, 7);
	assert_true(r.search.uid && r.search.has_min && r.search.min == 2 && r.search.count == 3);
	set = r.search.all;
	assert_true(uidset_next(&set, &range, &bad) && range.first == 4 && range.last == 8);
	assert_true(uidset_next(&set, &range, &bad) && range.first == 9 && range.last == 9);
	assert_false(uidset_next(&set, &range, &bad));
	assert_false(bad);
	assert_int_equal(parse("* VANISHED (EARLIER) 41,43:116,118"), 0);
	assert_true(r.earlier);
	set = slice_str("5:1,");
	assert_false(uidset_next(&set, &range, &bad));
	assert_true(bad);
	set = slice_str("9:*");
	assert_true(uidset_next(&set, &range, &bad) && range.first == 9 && range.last == UINT32_MAX);
}

static void
ranges_settle(void **state)
{
	struct uidset s;

	(void)state;
	uidset_init(&s, 4);
	uidset_add(&s, 9, 12);
	uidset_add(&s, 5, 7);
	uidset_add(&s, 8, 8);
	uidset_add(&s, 1, 2);
	assert_false(s.over);
	uidset_settle(&s, 2, 11);
	assert_int_equal(s.n, 2);
	assert_true(s.r[0].first == 2 && s.r[0].last == 2 && s.r[1].first == 5 && s.r[1].last == 11);
	uidset_clear(&s);
	for (uint32_t i = 0; i < 5; i++)
		uidset_add(&s, 1 + i * 2, 1 + i * 2);
	assert_true(s.over);
	uidset_free(&s);
}

static void
nonsense(void **state)
{
	static const char *const lines[] = { "", "*", "* ", "P1", "P1 ", "P1 PERHAPS x", "X1 OK", "P0 OK", "P99999999999 OK",
		"* LIST", "* LIST (", "* LIST (\\x", "* LIST () \"/\"", "* LIST () \"/\" \"unfinished", "* 5 FETCH",
		"* 5 FETCH (", "* 5 FETCH (UID", "* 5 FETCH (UID x)", "* 5 FETCH (UID 99999999999)", "* 5 FETCH (FLAGS \\Seen)",
		"* 5 FETCH (BODY[ {1}\r\nx)", "* 5 FETCH (BODY[] {9}\r\nx)", "* 5 FETCH (BODY[] x)", "* 5 FETCH (MODSEQ 5)",
		"* STATUS x (MESSAGES)", "* STATUS x (MESSAGES (1))", "* ESEARCH (TAG", "* VANISHED", "* VANISHED (EARLIER)",
		"* 5 FETCH (X ((((((((((((((((((((((((((((((((((((((((((((((()", "* \x01", "* CAPABILITY )" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (parse(lines[i]) != -1)
			fail_msg("accepted: %s", lines[i]);
	}
	/* as a SEARCH answer it is only found out while it is read */
	assert_int_equal(parse("* SEARCH 1 (("), 0);
}

/* ---- framing ---- */

static const char transcript[] =
    "* OK [CAPABILITY IMAP4rev1] hello {5}\r\n"
    "* 1 FETCH (UID 1 BODY[HEADER] {10}\r\n12345\r\n89) FLAGS () X {0}\r\n)\r\n"
    "* 2 FETCH (UID 2 BODY[] {40}\r\n0123456789012345678901234567890123456789 UID 2)\r\n"
    "* LIST () \"/\" {3+}\r\na\r\n\r\n"
    "* LIST () \"/\" \"x{3}\"\n"
    "P1 OK done {7}\r\n";

static const char cut[] = "* OK [CAPABILITY IMAP4rev1] hello {5}|"
			  "* 1 FETCH (UID 1 BODY[HEADER] {10}\r\n12345\r\n89) FLAGS () X {0}\r\n)|"
			  "* 2 FETCH (UID 2 BODY[] {40}\r\n UID 2)[40]|"
			  "* LIST () \"/\" {3+}\r\na\r\n|"
			  "* LIST () \"/\" \"x{3}\"|"
			  "P1 OK done {7}|";

/* All responses, joined by bars, of n bytes fed in pieces. */
static const char *
frames(const char *text, size_t n, size_t piece)
{
	static char out[8192];
	struct imap_frame f;
	size_t at = 0, used, len, end;
	int fd;

	out[0] = '\0';
	end = 0;
	imap_frame_init(&f, &small);
	while (at < n) {
		len = n - at < piece ? n - at : piece;
		switch (imap_frame_feed(&f, (const uint8_t *)text + at, len, &used)) {
		case IMAP_FRAME_BAD:
			imap_frame_free(&f);
			return f.error;
		case IMAP_FRAME_DONE:
			memcpy(out + end, f.text.p, f.text.n);
			end += f.text.n;
			if ((fd = imap_frame_take(&f)) != -1) {
				struct body b;

				assert_int_equal(body_open(&b, SLICE_NONE, &fd), 0);
				end += (size_t)snprintf(out + end, 16, "[%zu]", b.data.n);
				assert_memory_equal(b.data.p, "0123456789", 10);
				body_close(&b);
			}
			out[end++] = '|';
			imap_frame_next(&f);
			break;
		default:
			assert_int_equal(used, len);
		}
		at += used;
	}
	out[end] = '\0';
	imap_frame_free(&f);
	return out;
}

static void
any_pieces(void **state)
{
	size_t piece;

	(void)state;
	for (piece = 1; piece <= sizeof(transcript); piece++)
		assert_string_equal(frames(transcript, sizeof(transcript) - 1, piece), cut);
}

/* Cut off anywhere: no response is made up, nothing is leaked. */
static void
truncated(void **state)
{
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(transcript) - 1; n++) {
		const char *got = frames(transcript, n, 7);

		assert_true(strncmp(got, cut, strlen(got)) == 0);
	}
}

static void
limits(void **state)
{
	static char line[8192];

	(void)state;
	assert_string_equal(frames("* X {1001}\r\n", 12, 100), "literal beyond the limit");
	assert_string_equal(frames("* X {99999999999999999999999}\r\n", 31, 100), "literal beyond the limit");
	assert_string_equal(frames("* X\0\r\n", 6, 100), "NUL in a response");
	memset(line, 'a', sizeof(line));
	assert_string_equal(frames(line, sizeof(line), 100), "response too long");
	memset(line, 'b', sizeof(line));
	memcpy(line, "* {40}\r\n", 8);
	memcpy(line + 48, "{41}\r\n", 6);
	assert_string_equal(frames(line, 60, 100), "two big literals in one response");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statuses),
		cmocka_unit_test(lists),
		cmocka_unit_test(fetches),
		cmocka_unit_test(searches),
		cmocka_unit_test(ranges_settle),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(any_pieces),
		cmocka_unit_test(truncated),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Header fields: encoded words, addresses, ids, dates, kinds. */
#include "helper.h"

#include "address.h"
#include "classify.h"
#include "limits.h"
#include "message_id.h"
#include "rfc2047.h"

static void
subject_is(const char *field, const char *expected)
{
	struct parsed p;
	char *message = NULL;

	assert_true(asprintf(&message, "Subject: %s\r\n\r\n", field) > 0);
	test_parse(&p, slice_str(message), true);
	assert_slice(p.header.subject, expected);
	parsed_free(&p);
	free(message);
}

static void
test_encoded_words(void **state)
{
	(void)state;
	subject_is("plain", "plain");
	subject_is("=?utf-8?Q?a=C3=A4?=", "a\xc3\xa4");
	subject_is("=?UTF-8?B?w6TDtsO8?=", "\xc3\xa4\xc3\xb6\xc3\xbc");
	subject_is("=?iso-8859-1?q?Andr=E9?= Pirard", "Andr\xc3\xa9 Pirard");
	subject_is("=?ISO-8859-15?Q?100_=A4?=", "100 \xe2\x82\xac");
	/* RFC 2047 s. 8 */
	subject_is("=?ISO-8859-1?Q?a?= b", "a b");
	subject_is("=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab");
	subject_is("=?ISO-8859-1?Q?a?=  \r\n =?ISO-8859-1?Q?b?=", "ab");
	subject_is("=?ISO-8859-1?Q?a_b?=", "a b");
	subject_is("=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b");
	/* RFC 2231 s. 5 */
	subject_is("=?us-ascii*en?Q?Keith_Moore?=", "Keith Moore");
	/* a character split over two words */
	subject_is("=?utf-8?Q?=C3?= =?utf-8?Q?=A4?=", "\xc3\xa4");
	subject_is("=?utf-8?B?ww==?= =?utf-8?B?pA==?=", "\xc3\xa4");
	subject_is("=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "\xe6\x97\xa5\xe6\x9c\xac");
	subject_is("=?gb2312?B?xOO6ww==?=", "\xe4\xbd\xa0\xe5\xa5\xbd");
	subject_is("=?koi8-r?B?8NLJ18XU?=", "\xd0\x9f\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82");
}

static void
test_encoded_words_broken(void **state)
{
	(void)state;
	subject_is("a=?utf-8?Q?b?=c", "abc");			/* glued */
	subject_is("=?utf-8?Q?a b?=", "a b");			/* white space inside */
	subject_is("=?utf-8?Q?open", "=?utf-8?Q?open");
	subject_is("=?utf-8?X?a?=", "=?utf-8?X?a?=");
	subject_is("=?=?=?", "=?=?=?");
	subject_is("=?utf-8?Q?=FF=C3?=", "\xef\xbf\xbd\xef\xbf\xbd");
	subject_is("=?x-none?Q?a=E4?=", "a\xc3\xa4");		/* unknown: windows-1252 */
	subject_is("=?utf-8?Q?a=00b=0D=0AX:_y?=", "ab X: y");	/* no NUL, one line */
	subject_is("raw \xc3\xa4 and \xe4 bytes", "raw \xc3\xa4 and \xef\xbf\xbd bytes");
	subject_is("=?utf-8?B?w6Q?=", "\xc3\xa4");
	subject_is("=??Q?a?=", "a");
}

static void
test_folding(void **state)
{
	(void)state;
	subject_is("one\r\n two\r\n\tthree", "one two three");
	subject_is("one\n two", "one two");
	subject_is("\r\n late", "late");
}

/* limit: LIM_SUBJECT */
static void
test_subject_limit(void **state)
{
	static char plain[LIM_SUBJECT + 20];
	struct parsed p;
	struct wbuf m;

	(void)state;
	wbuf_init(&m, 0);
	w_raw(&m, "Subject: a", 10);
	for (int i = 0; i < 5000; i++)
		w_raw(&m, "\xc3\xa4", 2);
	w_raw(&m, "\r\n\r\n", 4);
	test_parse(&p, wbuf_slice(&m), true);
	assert_int_equal(p.header.subject.n, LIM_SUBJECT - 1);
	assert_true(utf8_valid(p.header.subject));
	parsed_free(&p);
	wbuf_free(&m);
	for (size_t n = LIM_SUBJECT; n <= LIM_SUBJECT + 1; n++) {
		memset(plain, 'x', sizeof(plain));
		memcpy(plain, "Subject: ", 9);
		plain[8 + n] = n > LIM_SUBJECT ? 'z' : 'y';
		memcpy(plain + 9 + n, "\r\n\r\n", 4);
		test_parse(&p, slice_mem(plain, 9 + n + 4), true);
		assert_int_equal(p.header.subject.n, LIM_SUBJECT);
		assert_int_equal(p.header.subject.p[LIM_SUBJECT - 1], n > LIM_SUBJECT ? 'x' : 'y');
		parsed_free(&p);
	}
}

/* Each mailbox as "name|email", joined by ";". */
static void
addresses_are(const char *value, const char *expected)
{
	struct wbuf list, text;
	struct slice rest, item;
	struct rec_address a;
	size_t budget = 100000;

	warm_libraries();
	wbuf_init(&list, 0);
	wbuf_init(&text, 0);
	address_list(&list, slice_str(value), LIM_ADDRESSES_HEADER, &budget);
	rest = wbuf_slice(&list);
	while (list_next(&rest, &item)) {
		assert_int_equal(rec_address_decode(item, &a), 0);
		if (text.n > 0)
			w_u8(&text, ';');
		w_raw(&text, a.name.p, a.name.n);
		w_u8(&text, '|');
		w_raw(&text, a.email.p, a.email.n);
	}
	assert_slice(wbuf_slice(&text), expected);
	wbuf_free(&list);
	wbuf_free(&text);
}

static void
test_addresses(void **state)
{
	(void)state;
	addresses_are("", "");
	addresses_are("a@b.c", "|a@b.c");
	addresses_are("<a@b.c>", "|a@b.c");
	addresses_are("John Doe <a@b.c>", "John Doe|a@b.c");
	addresses_are("\"Doe, John\" <a@b.c>", "Doe, John|a@b.c");
	addresses_are("\"a \\\"b\\\" c\" <a@b.c>", "a \"b\" c|a@b.c");
	addresses_are("a@b.c, d@e.f", "|a@b.c;|d@e.f");
	addresses_are("A <a@b.c>,B <d@e.f> ,, <g@h.i>", "A|a@b.c;B|d@e.f;|g@h.i");
	addresses_are("=?utf-8?Q?J=C3=B6rg?= <j@x.org>", "J\xc3\xb6rg|j@x.org");
	addresses_are("=?utf-8?Q?Doe=2C_J?= <j@x.org>", "Doe, J|j@x.org");
	addresses_are("\"=?utf-8?Q?J=C3=B6rg?=\" <j@x.org>", "J\xc3\xb6rg|j@x.org");
	addresses_are("J\xc3\xb6rg <j\xc3\xb6rg@b\xc3\xbc" "cher.example>",
	    "J\xc3\xb6rg|j\xc3\xb6rg@b\xc3\xbc" "cher.example");
	addresses_are("\"odd local\"@b.c", "|\"odd local\"@b.c");
	addresses_are("a@[192.0.2.1]", "|a@[192.0.2.1]");
	addresses_are("X <a@[IPv6:2001:db8::1]>", "X|a@[IPv6:2001:db8::1]");
	addresses_are("a@xn--bcher-kva.example", "|a@xn--bcher-kva.example");
}

static void
test_address_groups(void **state)
{
	(void)state;
	addresses_are("undisclosed-recipients:;", "");
	addresses_are("Team: A <a@b.c>, d@e.f;", "A|a@b.c;|d@e.f");
	addresses_are("x@y.z, Team: a@b.c;, last@y.z", "|x@y.z;|a@b.c;|last@y.z");
	addresses_are("A:B:C:a@b.c;;", "|a@b.c");
}

static void
test_address_comments(void **state)
{
	(void)state;
	addresses_are("a@b.c (John Doe)", "John Doe|a@b.c");
	addresses_are("(x) a@b.c", "x|a@b.c");
	addresses_are("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>", "Pete|pete@silly.test");
	addresses_are("a@b.c (a (nested) one)", "a (nested) one|a@b.c");
	addresses_are("a@b.c (never closed", "never closed|a@b.c");
	addresses_are("A <a@b.c> (work), d@e.f", "A|a@b.c;|d@e.f");
}

static void
test_addresses_broken(void **state)
{
	(void)state;
	addresses_are("Doe, John <a@b.c>", "Doe, John|a@b.c");
	addresses_are("a@b.c; d@e.f", "|a@b.c;|d@e.f");
	addresses_are("user@x.org <user@x.org>", "user@x.org|user@x.org");
	addresses_are("joe@x.com via Site <in@site.example>", "joe@x.com via Site|in@site.example");
	addresses_are("John Doe a@b.c", "John Doe|a@b.c");
	addresses_are("A <a@b.c> B <d@e.f>", "A|a@b.c;B|d@e.f");
	addresses_are("A <<a@b.c>>", "A|a@b.c");
	addresses_are("A <a@b.c", "A|a@b.c");
	addresses_are("John Q. Public <a@b.c>", "John Q. Public|a@b.c");
	addresses_are("a . b @ c . d", "|a.b@c.d");
	addresses_are("<@x,@y:a@b.c>", "|a@b.c");
	addresses_are("root", "|root");
	addresses_are("some words only", "some words only|");
	addresses_are("\"unclosed <a@b.c>", "unclosed|a@b.c");
	addresses_are("A <>", "A|");
	addresses_are("<>", "");
	addresses_are(",;:<>()[]@", "|[]@");
}

static void
test_address_too_long(void **state)
{
	char text[LIM_ADDRESS + 100];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text + sizeof(text) - 7, "@b.org", 7);
	addresses_are(text, "");
}

static void
test_address_limits(void **state)
{
	struct parsed p;
	struct wbuf m;

	(void)state;
	wbuf_init(&m, 0);
	w_raw(&m, "To: ", 4);
	for (int i = 0; i < 3000; i++)
		w_raw(&m, "a@b.example, ", 13);
	w_raw(&m, "\r\n\r\n", 4);
	test_parse(&p, wbuf_slice(&m), true);
	assert_int_equal(list_count(p.header.to), LIM_ADDRESSES_HEADER);
	parsed_free(&p);
	wbuf_free(&m);
}

static void
test_last_field_counts(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p, slice_str("From: a@b.c\r\nSUBJECT : x\r\nFrom: d@e.f\r\nBad line\r\nsubject: y\r\n\r\n"), true);
	assert_slice(test_address(p.header.from, 0).email, "d@e.f");
	assert_slice(p.header.subject, "y");
	parsed_free(&p);
}

static void
test_ids(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p,
	    slice_str("Message-ID: <one@x>\r\nIn-Reply-To: (comment) <two@x> junk <three@\r\n x>\r\n"
		      "References: bare@x other@x\r\n\r\n"),
	    true);
	assert_int_equal(list_count(p.header.message_id), 1);
	assert_slice(test_item(p.header.message_id, 0), "one@x");
	assert_slice(test_item(p.header.in_reply_to, 0), "two@x");
	assert_slice(test_item(p.header.in_reply_to, 1), "three@x");
	assert_slice(test_item(p.header.references, 1), "other@x");
	parsed_free(&p);
}

static void
test_many_references(void **state)
{
	struct parsed p;
	struct wbuf m;
	char id[32];

	(void)state;
	wbuf_init(&m, 0);
	w_raw(&m, "References:", 11);
	for (int i = 0; i < 300; i++)
		w_raw(&m, id, (size_t)snprintf(id, sizeof(id), "\r\n <%d@x>", i));
	w_raw(&m, "\r\n\r\n", 4);
	test_parse(&p, wbuf_slice(&m), true);
	assert_int_equal(list_count(p.header.references), LIM_REFERENCES);
	assert_slice(test_item(p.header.references, 0), "0@x");
	assert_slice(test_item(p.header.references, 1), "173@x");
	assert_slice(test_item(p.header.references, LIM_REFERENCES - 1), "299@x");
	parsed_free(&p);
	wbuf_free(&m);
}

static void
date_is(const char *value, uint64_t seconds, int zone)
{
	struct parsed p;
	char *message = NULL;

	assert_true(asprintf(&message, "Date: %s\r\n\r\n", value) > 0);
	test_parse(&p, slice_str(message), true);
	assert_int_equal(p.header.sent_at, seconds);
	assert_int_equal(p.header.sent_zone, zone + 720);
	parsed_free(&p);
	free(message);
}

static void
test_dates(void **state)
{
	(void)state;
	date_is("Fri, 21 Nov 1997 09:55:06 -0600", 880127706, -360);
	date_is("1 Jan 2026 00:00:00 +0530", 1767205800, 330);
	date_is("Thu, 01 Jan 26 00:00 GMT", 1767225600, 0);
	date_is("Wed, 31 Dec 2025 19:00:00 EST", 1767225600, -300);
	date_is("Thu, 1 Jan 2026 00:00:00 +0000 (UTC)", 1767225600, 0);
	date_is("nonsense", 0, 0);
	date_is("", 0, 0);
	date_is("Fri, 31 Dec 1965 00:00:00 +0000", 0, 0);
	date_is("Mon, 99 Foo 99999 99:99:99 +9999", 0, 0);
}

static void
test_digest_same(void **state)
{
	struct parsed a, b, c;
	uint8_t first[32];

	(void)state;
	test_parse(&a, slice_str("From: a@b.c\r\nSubject: x\r\n\r\nbody"), false);
	test_parse(&b, slice_str("From: a@b.c\r\nSubject: x\r\n\r\n"), true);
	test_parse(&c, slice_str("From: a@b.c\r\nSubject: X\r\n\r\n"), true);
	assert_int_equal(a.header.digest.n, 32);
	memcpy(first, a.header.digest.p, 32);
	assert_memory_equal(first, b.header.digest.p, 32);
	assert_memory_not_equal(first, c.header.digest.p, 32);
	parsed_free(&a);
	parsed_free(&b);
	parsed_free(&c);
}

static void
kind_is(const char *fields, enum mail_kind kind, const char *reason)
{
	struct parsed p;
	struct slice list, item;
	bool found = reason == NULL;
	char *message = NULL;

	assert_true(asprintf(&message, "From: a@b.c\r\n%s\r\n", fields) > 0);
	test_parse(&p, slice_str(message), true);
	list = p.header.kind_reasons;
	while (list_next(&list, &item))
		found |= reason != NULL && slice_eq_str(item, reason);
	if (p.header.kind != kind || !found)
		print_error("in: %s", fields);
	assert_int_equal(p.header.kind, kind);
	assert_true(found);
	parsed_free(&p);
	free(message);
}

static void
test_kinds(void **state)
{
	(void)state;
	kind_is("Subject: hello\r\n", KIND_HUMAN, NULL);
	kind_is("Auto-Submitted: no\r\n", KIND_HUMAN, NULL);
	kind_is("X-Auto-Response-Suppress: All\r\n", KIND_HUMAN, "autoResponseSuppress");
	kind_is("Auto-Submitted: auto-replied (vacation)\r\n", KIND_AUTO_REPLY, "autoSubmitted");
	kind_is("Auto-Submitted: auto-generated\r\n", KIND_AUTO_REPLY, "autoSubmitted");
	kind_is("Auto-Submitted: auto-generated\r\nList-Id: <x.y>\r\n", KIND_LIST, "listId");
	kind_is("X-Autoreply: yes\r\n", KIND_AUTO_REPLY, "autoresponder");
	kind_is("Precedence: auto_reply\r\n", KIND_AUTO_REPLY, "precedence");
	kind_is("Precedence: bulk\r\n", KIND_LIST, "precedence");
	kind_is("Precedence: bulk\r\nIn-Reply-To: <a@b>\r\n", KIND_AUTO_REPLY, "precedence");
	kind_is("List-Unsubscribe: <mailto:x@y.z>\r\n", KIND_LIST, "listUnsubscribe");
	kind_is("Return-Path: <>\r\n", KIND_AUTO_REPLY, "nullReturnPath");
	kind_is("Return-Path: <>\r\nFrom: MAILER-DAEMON@x.y (Mail)\r\n", KIND_BOUNCE, "daemonSender");
	kind_is("From: MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.y\r\n", KIND_BOUNCE, "daemonSender");
	kind_is("From: postmaster@x.y\r\n", KIND_UNSURE, "postmasterSender");
	kind_is("From: postmaster@x.y\r\nReturn-Path: <>\r\n", KIND_BOUNCE, "postmasterSender");
	kind_is("Content-Type: multipart/report;\r\n report-type=delivery-status; boundary=x\r\n", KIND_BOUNCE,
	    "deliveryStatus");
	kind_is("Content-Type: multipart/report; report-type=disposition-notification; boundary=x\r\n",
	    KIND_AUTO_REPLY, "readReceipt");
	kind_is("Subject: Automatische Antwort: Ihre Bewerbung\r\n", KIND_UNSURE, "subject");
	kind_is("Subject: =?utf-8?Q?R=C3=A9ponse_automatique?=\r\nX-Auto-Response-Suppress: All\r\n",
	    KIND_AUTO_REPLY, "subject");
}

static void
test_encoder(void **state)
{
	static const char *const texts[] = { "\xc3\xa4",
	    "J\xc3\xb6rg M\xc3\xbcller und ein sehr langer Betreff, der in mehrere W\xc3\xb6rter "
	    "zerf\xc3\xa4llt, weil er lang ist",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe4\xbb\xb6\xe5\x90\x8d"
	    "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe4\xbb\xb6\xe5\x90\x8d\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e",
	    "=?utf-8?Q?looks_encoded?=", "\xf0\x9f\x98\x80\xf0\x9f\x98\x80" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct wbuf out;
		size_t column = 9, line = 9;
		char *field;

		assert_true(rfc2047_needed(slice_str(texts[i])));
		wbuf_init(&out, 0);
		rfc2047_encode(&out, slice_str(texts[i]), &column);
		for (size_t k = 0; k < out.n; k++) {
			line = out.p[k] == '\n' ? 0 : line + 1;
			assert_true(line <= 78);
		}
		field = slice_dup(wbuf_slice(&out));
		subject_is(field, texts[i]);
		free(field);
		wbuf_free(&out);
	}
	assert_false(rfc2047_needed(slice_str("plain text")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encoded_words),
		cmocka_unit_test(test_encoded_words_broken),
		cmocka_unit_test(test_folding),
		cmocka_unit_test(test_subject_limit),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_address_groups),
		cmocka_unit_test(test_address_comments),
		cmocka_unit_test(test_addresses_broken),
		cmocka_unit_test(test_address_too_long),
		cmocka_unit_test(test_address_limits),
		cmocka_unit_test(test_last_field_counts),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_many_references),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_digest_same),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_encoder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

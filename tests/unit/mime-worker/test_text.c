/* Text parts as UTF-8, HTML as text, previews, extraction. */
#include "helper.h"

#include "charset.h"
#include "extract.h"
#include "html.h"
#include "limits.h"
#include "text.h"

static void
decodes(const char *charset, const char *bytes, size_t n, const char *text, unsigned int flags)
{
	struct wbuf out;

	warm_libraries();
	wbuf_init(&out, 0);
	assert_int_equal(charset_decode(&out, slice_str(charset), slice_mem(bytes, n), 1000), flags);
	assert_slice(wbuf_slice(&out), text);
	wbuf_free(&out);
}
#define DECODES(charset, bytes, text, flags) decodes(charset, bytes, sizeof(bytes) - 1, text, flags)

static void
test_charsets(void **state)
{
	(void)state;
	DECODES("utf-8", "\xc3\xa4", "\xc3\xa4", 0);
	DECODES("UTF-8", "\xff", "\xef\xbf\xbd", CHARSET_PROBLEM);
	DECODES("us-ascii", "abc", "abc", 0);
	DECODES("us-ascii", "\xc3\xa4", "\xc3\xa4", CHARSET_PROBLEM);	/* it lied */
	DECODES("us-ascii", "\xe4", "\xc3\xa4", CHARSET_PROBLEM);
	DECODES("iso-8859-1", "\xe4\x80", "\xc3\xa4\xe2\x82\xac", 0);
	DECODES("ISO-8859-2", "\xb1", "\xc4\x85", 0);
	DECODES("windows-1251", "\xcf\xf0", "\xd0\x9f\xd1\x80", 0);
	DECODES("windows-1258", "ab\xe2", "ab\xc3\xa2", 0);
	DECODES("euc-kr", "\xb0\xa1", "\xea\xb0\x80", 0);
	DECODES("big5", "\xa7\x41", "\xe4\xbd\xa0", 0);
	DECODES("shift_jis", "\x93\xfa", "\xe6\x97\xa5", 0);
	DECODES("utf-16", "\xff\xfe" "a\0b\0", "ab", 0);
	DECODES("utf-16", "\xfe\xff\0a\0b", "ab", 0);
	DECODES("utf-16le", "a\0\0\xd8" "b\0", "a\xef\xbf\xbd" "b", CHARSET_PROBLEM);
	DECODES("utf-16be", "\0a\0", "a\xef\xbf\xbd", CHARSET_PROBLEM);
	DECODES("x-nobody-knows", "a\xe4", "a\xc3\xa4", CHARSET_PROBLEM);
	DECODES("utf-8//IGNORE", "a\xe4", "a\xc3\xa4", CHARSET_PROBLEM);
	DECODES("../../etc/passwd", "a", "a", CHARSET_PROBLEM);
	DECODES("iso-2022-jp", "\x1b$BF|K\\\x1b(B", "\xe6\x97\xa5\xe6\x9c\xac", 0);
	DECODES("iso-2022-jp", "\x1b$B\xff\xff", "\xef\xbf\xbd\xef\xbf\xbd", CHARSET_PROBLEM);
	DECODES("utf-8", "a\0b", "ab", CHARSET_PROBLEM);
	DECODES("utf-8", "\xed\xa0\x80\xf4\x90\x80\x80\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
	    CHARSET_PROBLEM);
}

static void
test_cut(void **state)
{
	struct wbuf out;

	(void)state;
	warm_libraries();
	wbuf_init(&out, 0);
	assert_int_equal(charset_decode(&out, slice_str("utf-8"), slice_str("ab\xc3\xa4" "c"), 3), CHARSET_CUT);
	assert_slice(wbuf_slice(&out), "ab");
	wbuf_reset(&out);
	assert_int_equal(charset_decode(&out, slice_str("iso-8859-1"), slice_str("ab\xe4" "c"), 3), CHARSET_CUT);
	assert_slice(wbuf_slice(&out), "ab");
	wbuf_reset(&out);
	assert_int_equal(charset_decode(&out, slice_str("utf-8"), slice_str("abc"), 3), 0);
	wbuf_free(&out);
}

static void
html_is(const char *html, const char *text)
{
	struct wbuf out;

	wbuf_init(&out, 0);
	html_text(&out, slice_str(html), 1000);
	assert_slice(wbuf_slice(&out), text);
	wbuf_free(&out);
}

static void
test_html(void **state)
{
	(void)state;
	html_is("a <b>b</b>  c", "a b c");
	html_is("<p>one</p><p>two</p>", "one\n\ntwo");
	html_is("one<br>two<br/>three", "one\ntwo\nthree");
	html_is("<div>a</div><div>b</div>", "a\nb");
	html_is("<ul><li>x</li><li>y</li></ul>", "- x\n- y");
	html_is("&lt;&auml;&#8364;&#x20ac;&hellip;&bogus;&", "<\xc3\xa4\xe2\x82\xac\xe2\x82\xac\xe2\x80\xa6&bogus;&");
	html_is("a<!-- <p>no</p> -->b", "ab");
	html_is("<style>p{}</style>x<script>if (a<b) {}</script>y", "xy");
	html_is("<a title=\"1 > 0\">t</a>", "t");
	html_is("1 < 2 <3", "1 < 2 <3");
	html_is("<pre>a\n  b</pre>c", "a\nb\nc");
	html_is("open <b", "open");
	html_is("<!-- open", "");
	html_is("<script>open", "");
	html_is("&#0;&#xd800;&#99999999;&#;", "\xef\xbf\xbd\xef\xbf\xbd&#;");
	html_is("&zwnj;a&shy;b&#8203;", "ab");
	html_is("<!DOCTYPE html><?xml ?></>x", "x");
}

static void
note_is(const char *message, const char *note)
{
	struct parsed p;

	test_parse(&p, slice_str(message), false);
	assert_slice(test_note(&p), note);
	parsed_free(&p);
}

/* A note is a text that is there anyway where it can be. */
static void
test_note_part(void **state)
{
	static const char two[] = "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\none\r\n--x\r\n\r\ntwo\r\n--x--\r\n";
	static const char alternative[] = "Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\n\r\nplain\r\n"
	    "--x\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n--x--\r\n";
	static const struct { const char *message, *part, *note; } cases[] = {
		{ "A: b\r\n\r\nall", "1", "all" },
		{ alternative, "1", "plain" },
		{ two, "", "one\ntwo" },
		{ "Content-Type: text/html\r\n\r\n<b>html</b>", "", "html" },
		{ "Content-Transfer-Encoding: x-strange\r\n\r\nodd", "", "odd" },
		{ "Content-Type: image/png\r\n\r\nx", "", "" },
	};
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		test_parse(&p, slice_str(cases[i].message), false);
		assert_slice(p.rec.note_part, cases[i].part);
		assert_slice(test_note(&p), cases[i].note);
		assert_slice(p.rec.preview, i == 2 ? "one two" : cases[i].note);
		parsed_free(&p);
	}
}

static void
test_line_ends(void **state)
{
	(void)state;
	note_is("A: b\r\n\r\none\r\ntwo\nthree\r\n", "one\ntwo\nthree\n");
	note_is("Content-Transfer-Encoding: quoted-printable\r\n\r\na=\r\nb =3D\r\n", "ab =\n");
	note_is("Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8\r\n", "hello");
	note_is("Content-Transfer-Encoding: base64\r\n\r\naGk=!!aG\r\n8=\r\n", "hiho");
	note_is("Content-Transfer-Encoding: x-strange\r\n\r\nplain\r\n", "plain\n");
}

static void
test_flags(void **state)
{
	struct parsed p;
	struct wbuf out;

	(void)state;
	test_parse(&p, slice_str("Content-Transfer-Encoding: x-strange\r\n\r\nplain\r\n"), false);
	wbuf_init(&out, 0);
	assert_int_equal(text_part(&out, &p.tree->part[0], 100, NULL), BLOB_ENCODING_PROBLEM);
	wbuf_reset(&out);
	assert_int_equal(text_part(&out, &p.tree->part[0], 3, NULL), BLOB_ENCODING_PROBLEM | BLOB_TRUNCATED);
	assert_slice(wbuf_slice(&out), "pla");
	wbuf_free(&out);
	parsed_free(&p);
}

static void
test_cap(void **state)
{
	struct parsed p;
	struct wbuf m, out;

	(void)state;
	wbuf_init(&m, 0);
	wbuf_init(&out, 0);
	w_raw(&m, "A: b\r\n\r\n", 8);
	while (m.n < 3 * LIM_TEXT_PART)
		w_raw(&m, "line of text\r\n", 14);
	test_parse(&p, wbuf_slice(&m), false);
	assert_int_equal(text_part(&out, &p.tree->part[0], LIM_TEXT_PART, NULL), BLOB_TRUNCATED);
	assert_int_equal(out.n, LIM_TEXT_PART);
	assert_int_equal(test_note(&p).n, LIM_NOTE_TEXT);
	parsed_free(&p);
	wbuf_free(&m);
	wbuf_free(&out);
}

static void
test_preview(void **state)
{
	struct parsed p;
	struct wbuf m;

	(void)state;
	test_parse(&p, slice_str("A: b\r\n\r\n> quoted\r\n\r\nmy   answer\r\n> more\r\n"), false);
	assert_slice(p.rec.preview, "my answer");
	parsed_free(&p);
	test_parse(&p, slice_str("A: b\r\n\r\n> only quoted\r\n"), false);
	assert_slice(p.rec.preview, "> only quoted");
	parsed_free(&p);
	wbuf_init(&m, 0);
	w_raw(&m, "Content-Type: text/plain; charset=utf-8\r\n\r\n", 43);
	for (int i = 0; i < 2000; i++)
		w_raw(&m, "\xf0\x9f\x98\x80", 4);
	test_parse(&p, wbuf_slice(&m), false);
	assert_int_equal(p.rec.preview.n, 1024);
	parsed_free(&p);
	wbuf_free(&m);
}

static const char attached[] =
    "Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\ntext\r\n"
    "--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: base64\r\n\r\nAAEC/w==\r\n"
    "--x\r\nContent-Type: message/rfc822\r\n\r\nSubject:  odd   \r\n\r\nbody \r\n\r\n--x--\r\n";

static void
test_extract(void **state)
{
	struct wbuf out;

	(void)state;
	warm_libraries();
	wbuf_init(&out, LIM_BODY);
	assert_null(extract_part(&out, slice_str(attached), slice_str("2")));
	assert_int_equal(out.n, 4);
	assert_memory_equal(out.p, "\0\1\2\xff", 4);
	wbuf_reset(&out);
	assert_null(extract_part(&out, slice_str(attached), slice_str("3")));
	assert_slice(wbuf_slice(&out), "Subject:  odd   \r\n\r\nbody \r\n");
	wbuf_reset(&out);
	assert_null(extract_part(&out, slice_str(attached), slice_str("1")));
	assert_slice(wbuf_slice(&out), "text");
	assert_string_equal(extract_part(&out, slice_str(attached), slice_str("4")), "blobNotFound");
	assert_string_equal(extract_part(&out, slice_str(attached), slice_str("")), "blobNotFound");
	assert_string_equal(extract_part(&out, slice_str(attached), slice_str("01")), "blobNotFound");
	wbuf_free(&out);
}

static void
test_uuencode(void **state)
{
	struct wbuf out;

	(void)state;
	warm_libraries();
	wbuf_init(&out, 0);
	assert_null(extract_part(&out,
	    slice_str("Content-Type: application/x\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 "
	    "x\r\n%:&5L;&\\ \r\n`\r\nend\r\n"),
	    slice_str("1")));
	assert_slice(wbuf_slice(&out), "hello");
	wbuf_free(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_charsets),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_html),
		cmocka_unit_test(test_note_part),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_cap),
		cmocka_unit_test(test_preview),
		cmocka_unit_test(test_extract),
		cmocka_unit_test(test_uuencode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Limits of a message that is read: at each it is whole, one beyond it is cut or refused. */
#include "helper.h"

#include "html.h"
#include "limits.h"
#include "rfc2047.h"
#include "text.h"

/* head, piece so often, tail: parsed. */
static void
parse_many(struct parsed *p, struct wbuf *m, const char *head, const char *piece, size_t times, const char *tail)
{
	wbuf_reset(m);
	put(m, head);
	put_many(m, piece, times);
	put(m, tail);
	test_parse(p, wbuf_slice(m), false);
}

/* limit: LIM_HEADER_VALUE: the rest of a longer value is not read. */
static void
header_value(void **state)
{
	struct wbuf in = { 0 }, out = { 0 };

	(void)state;
	put_many(&in, "x", LIM_HEADER_VALUE - 1);
	put(&in, "yz");
	header_unfold(&out, slice_mem(in.p, LIM_HEADER_VALUE));
	assert_int_equal(out.n, LIM_HEADER_VALUE);
	assert_int_equal(out.p[out.n - 1], 'y');
	wbuf_reset(&out);
	header_unfold(&out, wbuf_slice(&in));
	assert_int_equal(out.n, LIM_HEADER_VALUE);
	assert_int_equal(out.p[out.n - 1], 'y');
	wbuf_free(&in);
	wbuf_free(&out);
}

/* limit: LIM_HEADER_FIELDS: a field behind them is not there. */
static void
header_fields(void **state)
{
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	parse_many(&p, &m, "", "X: y\r\n", LIM_HEADER_FIELDS - 1, "Subject: last\r\n\r\n");
	assert_slice(p.header.subject, "last");
	parsed_free(&p);
	parse_many(&p, &m, "", "X: y\r\n", LIM_HEADER_FIELDS, "Subject: last\r\n\r\n");
	assert_slice(p.header.subject, "");
	parsed_free(&p);
	wbuf_free(&m);
}

/* limit: LIM_ADDRESSES_HEADER LIM_REFERENCES */
static void
header_lists(void **state)
{
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		parse_many(&p, &m, "To: ", "a@b.example, ", LIM_ADDRESSES_HEADER - 1 + over, "z@b.example\r\n\r\n");
		assert_int_equal(list_count(p.header.to), LIM_ADDRESSES_HEADER);
		assert_slice(test_address(p.header.to, LIM_ADDRESSES_HEADER - 1).email,
		    over ? "a@b.example" : "z@b.example");
		parsed_free(&p);
		/* of ids the first and the last are kept: the thread's root and its end */
		parse_many(&p, &m, "References: <root@x> <second@x>", " <a@x>", LIM_REFERENCES - 3 + over,
		    " <parent@x>\r\n\r\n");
		assert_int_equal(list_count(p.header.references), LIM_REFERENCES);
		assert_slice(test_item(p.header.references, 0), "root@x");
		assert_slice(test_item(p.header.references, 1), over ? "a@x" : "second@x");
		assert_slice(test_item(p.header.references, LIM_REFERENCES - 1), "parent@x");
		parsed_free(&p);
	}
	wbuf_free(&m);
}

#define ITEM 256	/* bytes that each address of the next test takes as a list item */
#define IN_FIELD 480	/* so many fit LIM_HEADER_VALUE */

static void
put_euros(struct wbuf *m, const char *field, size_t n)
{
	put(m, field);
	for (size_t i = 0; i < n; i++) {
		put(m, "=?cp1252?B?");
		put_many(m, "gICA", 26);	/* 78 characters of three bytes */
		put(m, "?= <a@b.example>,");
	}
	put(m, "\r\n");
}

/* limit: LIM_ADDRESSES_BYTES: all addresses of one message together. */
static void
header_addresses(void **state)
{
	static const char *const names[] = { "From: ", "Sender: ", "To: ", "Cc: " };
	size_t last = LIM_ADDRESSES_BYTES / ITEM - 4 * IN_FIELD;
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		wbuf_reset(&m);
		for (size_t i = 0; i < 4; i++)
			put_euros(&m, names[i], IN_FIELD);
		put_euros(&m, "Bcc: ", last);
		put_euros(&m, "Reply-To: ", over);
		put(&m, "\r\n");
		test_parse(&p, wbuf_slice(&m), true);
		assert_int_equal(p.header.from.n, IN_FIELD * ITEM);
		assert_int_equal(p.header.from.n + p.header.sender.n + p.header.to.n + p.header.cc.n + p.header.bcc.n,
		    LIM_ADDRESSES_BYTES);
		assert_int_equal(p.header.reply_to.n, 0);
		parsed_free(&p);
	}
	wbuf_free(&m);
}

/* limit: LIM_DATE: a longer one is no date. */
static void
header_date(void **state)
{
	static const char date[] = "Thu, 1 Jan 2026 00:00:00 +0000 (";
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		wbuf_reset(&m);
		put(&m, "Date: ");
		put(&m, date);
		put_many(&m, "x", LIM_DATE - (sizeof(date) - 1) - 1 + over);
		put(&m, ")\r\n\r\n");
		test_parse(&p, wbuf_slice(&m), true);
		assert_int_equal(p.header.sent_at, over ? 0 : 1767225600);
		parsed_free(&p);
	}
	wbuf_free(&m);
}

/* limit: LIM_CHARSET: a longer name makes no encoded word. */
static void
charset_name(void **state)
{
	struct wbuf in = { 0 }, out = { 0 };

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		wbuf_reset(&in);
		wbuf_reset(&out);
		put(&in, "=?utf-8*");
		put_many(&in, "x", LIM_CHARSET - 6 + over);
		put(&in, "?Q?a?=");
		rfc2047_decode(&out, wbuf_slice(&in), 1000);
		assert_int_equal(out.n, over ? in.n : 1);
	}
	wbuf_free(&in);
	wbuf_free(&out);
}

/* limit: LIM_PARTS: the last one takes all the rest. */
static void
many_parts(void **state)
{
	static const char head[] = "Content-Type: multipart/mixed; boundary=x\n\n";
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	parse_many(&p, &m, head, "--x\n\nhi\n", LIM_PARTS - 1, "--x--\n");
	assert_int_equal(test_parts(&p), LIM_PARTS);
	assert_slice(test_part(&p, LIM_PARTS - 1).type, "text/plain");
	assert_int_equal(test_part(&p, LIM_PARTS - 1).size, 2);
	parsed_free(&p);
	parse_many(&p, &m, head, "--x\n\nhi\n", LIM_PARTS, "--x--\n");
	assert_int_equal(test_parts(&p), LIM_PARTS);
	assert_slice(test_part(&p, LIM_PARTS - 2).type, "text/plain");
	assert_slice(test_part(&p, LIM_PARTS - 1).type, "application/octet-stream");
	assert_int_equal(test_part(&p, LIM_PARTS - 1).size, 4 + 8 + 6);
	parsed_free(&p);
	/* the last is a multipart, and what is in it too many */
	parse_many(&p, &m, head, "--x\n\nhi\n", LIM_PARTS - 2,
	    "--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n\nin\n--y--\n--x--\n");
	assert_int_equal(test_parts(&p), LIM_PARTS);
	assert_slice(test_part(&p, LIM_PARTS - 1).type, "application/octet-stream");
	assert_false(test_part(&p, LIM_PARTS - 1).multipart);
	assert_int_equal(test_part(&p, LIM_PARTS - 1).size, 42 + 1 + 4 + 4 + 6 + 6);
	parsed_free(&p);
	wbuf_free(&m);
}

/* limit: LIM_PART_DEPTH: what is nested deeper is one file. */
static void
deep_parts(void **state)
{
	struct wbuf m = { 0 };
	struct parsed p;
	char line[100];

	(void)state;
	for (size_t depth = LIM_PART_DEPTH; depth <= LIM_PART_DEPTH + 1; depth++) {
		wbuf_reset(&m);
		for (size_t i = 0; i < depth; i++) {
			snprintf(line, sizeof(line), "Content-Type: multipart/mixed; boundary=b%zu\n\n--b%zu\n", i, i);
			put(&m, line);
		}
		put(&m, "\nthe core\n");
		test_parse(&p, wbuf_slice(&m), false);
		assert_int_equal(test_parts(&p), LIM_PART_DEPTH + 1);
		assert_slice(test_part(&p, LIM_PART_DEPTH).type,
		    depth == LIM_PART_DEPTH ? "text/plain" : "application/octet-stream");
		assert_slice(p.rec.preview, depth == LIM_PART_DEPTH ? "the core" : "");
		parsed_free(&p);
	}
	wbuf_free(&m);
}

/* limit: LIM_BOUNDARY: a multipart with a longer one is shown as the text it holds. */
static void
boundary(void **state)
{
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	for (size_t n = LIM_BOUNDARY; n <= LIM_BOUNDARY + 1; n++) {
		wbuf_reset(&m);
		put(&m, "Content-Type: multipart/mixed; boundary=");
		put_many(&m, "b", n);
		put(&m, "\n\n--");
		put_many(&m, "b", n);
		put(&m, "\n\nin\n");
		test_parse(&p, wbuf_slice(&m), false);
		assert_int_equal(test_parts(&p), n == LIM_BOUNDARY ? 2 : 1);
		parsed_free(&p);
	}
	wbuf_free(&m);
}

/* limit: LIM_CONTENT_FIELD */
static void
content_field(void **state)
{
	static const char head[] = "text/plain; x=", tail[] = "; name=cv.doc";
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		wbuf_reset(&m);
		put(&m, "Content-Type: ");
		put(&m, head);
		put_many(&m, "x", LIM_CONTENT_FIELD - (sizeof(head) - 1) - (sizeof(tail) - 1) + over);
		put(&m, tail);
		put(&m, "\n\n");
		test_parse(&p, wbuf_slice(&m), false);
		assert_slice(test_part(&p, 0).name, over ? "cv.do" : "cv.doc");
		parsed_free(&p);
	}
	wbuf_free(&m);
}

/* limit: LIM_EXTENSION: a longer one is cut with the rest of a long name. */
static void
extension(void **state)
{
	struct wbuf m = { 0 };
	struct parsed p;
	struct slice name;

	(void)state;
	for (size_t n = LIM_EXTENSION; n <= LIM_EXTENSION + 1; n++) {
		wbuf_reset(&m);
		put(&m, "Content-Disposition: attachment; filename=");
		put_many(&m, "a", LIM_NAME);
		put(&m, ".");
		put_many(&m, "x", n - 1);
		put(&m, "\n\n");
		test_parse(&p, wbuf_slice(&m), false);
		name = test_part(&p, 0).name;
		assert_int_equal(name.n, LIM_NAME);
		assert_int_equal(memchr(name.p, '.', name.n) != NULL, n == LIM_EXTENSION);
		parsed_free(&p);
	}
	wbuf_free(&m);
}

/* limit: LIM_TEXT_PART LIM_NOTE_TEXT */
static void
text_size(void **state)
{
	static const size_t limits[] = { LIM_TEXT_PART, LIM_NOTE_TEXT };
	struct wbuf m = { 0 }, out = { 0 };
	struct slice text;
	struct parsed p;

	(void)state;
	for (size_t i = 0; i < 2; i++)
		for (size_t over = 0; over <= 1; over++) {
			parse_many(&p, &m, "A: b\n\n", "x", limits[i] - 1 + over, "y");
			wbuf_reset(&out);
			assert_int_equal(text_part(&out, &p.tree->part[0], LIM_TEXT_PART, NULL),
			    i == 0 && over ? BLOB_TRUNCATED : 0);
			text = i == 0 ? wbuf_slice(&out) : test_note(&p);
			assert_int_equal(text.n, limits[i]);
			assert_int_equal(text.p[text.n - 1], over ? 'x' : 'y');
			parsed_free(&p);
		}
	wbuf_free(&m);
	wbuf_free(&out);
}

/* limit: LIM_MIME_TEXT: what the last text has too much is cut, and says so. */
static void
texts_size(void **state)
{
	static const char head[] = "Content-Type: multipart/mixed; boundary=x\n";
	size_t most = LIM_MIME_TEXT - LIM_PARTS * 128, whole = most / LIM_TEXT_PART;
	struct wbuf m = { 0 };
	struct rec_text t;
	struct parsed p;

	(void)state;
	for (size_t over = 0; over <= 1; over++) {
		wbuf_reset(&m);
		put(&m, head);
		for (size_t i = 0; i <= whole; i++) {
			put(&m, "\n--x\n\n");
			put_many(&m, "y", i < whole ? LIM_TEXT_PART : most % LIM_TEXT_PART + over);
		}
		put(&m, "\n--x\n\nno room");
		test_parse(&p, wbuf_slice(&m), false);
		assert_true(test_text(&p, whole, &t));
		assert_int_equal(t.data.n, most % LIM_TEXT_PART);
		assert_int_equal(t.flags, over ? BLOB_TRUNCATED : 0);
		assert_true(test_text(&p, whole + 1, &t));
		assert_int_equal(t.data.n, 0);
		assert_int_equal(t.flags, BLOB_TRUNCATED);
		assert_int_equal(p.rec.note_part.n, 0);
		parsed_free(&p);
	}
	wbuf_free(&m);
}

/* limit: LIM_PREVIEW_CHARS LIM_PREVIEW: so many characters of four bytes are so many bytes. */
static void
preview(void **state)
{
	static const char head[] = "Content-Type: text/plain; charset=utf-8\n\n";
	struct wbuf m = { 0 };
	struct parsed p;

	(void)state;
	assert_int_equal(LIM_PREVIEW, 4 * LIM_PREVIEW_CHARS);
	for (size_t over = 0; over <= 1; over++) {
		parse_many(&p, &m, head, "\xf0\x9f\x98\x80", LIM_PREVIEW_CHARS - 1 + over, "\xf0\x9f\x98\x81");
		assert_int_equal(p.rec.preview.n, LIM_PREVIEW);
		assert_int_equal(p.rec.preview.p[LIM_PREVIEW - 1], over ? 0x80 : 0x81);
		parsed_free(&p);
	}
	wbuf_free(&m);
}

static void
html_is(const char *html, const char *text)
{
	struct wbuf out = { 0 };

	html_text(&out, slice_str(html), 1000);
	assert_slice(wbuf_slice(&out), text);
	wbuf_free(&out);
}

/* limit: LIM_ENTITY_NAME LIM_ENTITY_DIGITS: longer ones are none, and stay as they are. */
static void
entities(void **state)
{
	(void)state;
	assert_int_equal(strlen("hellip"), LIM_ENTITY_NAME);
	html_is("&hellip;", "\xe2\x80\xa6");
	html_is("&hellips;", "&hellips;");
	assert_int_equal(strlen("00000065"), LIM_ENTITY_DIGITS);
	html_is("&#00000065;&#x00000041;", "AA");
	html_is("&#000000065;&#x000000041;", "&#000000065;&#x000000041;");
}

/* limit: LIM_PART_RECORD LIM_HEADER_RECORD: the largest part and header keep well below, and no reader takes more. */
static void
records(void **state)
{
	char text[LIM_MESSAGE_ID] = { 0 };
	struct rec_part part = { .part_id = slice_mem(text, 64), .type = slice_mem(text, LIM_TYPE_NAME),
		.charset = slice_mem(text, LIM_TYPE_NAME), .disposition = slice_mem(text, LIM_TYPE_NAME),
		.name = slice_mem(text, LIM_NAME), .cid = slice_mem(text, LIM_MESSAGE_ID) };
	struct wbuf item = { .max = LIM_PART_RECORD }, big = { 0 }, list = { 0 }, rec = { 0 };
	struct rec_parsed p = { 0 };

	(void)state;
	memset(text, 'x', sizeof(text));
	rec_part_encode(&item, &part);
	assert_false(item.failed);
	assert_true(LIM_ADDRESSES_BYTES + (8 + 2 * LIM_REFERENCES) * (LIM_MESSAGE_ID + 2) + LIM_SUBJECT +
	    32 * (LIM_CODE + 2) + 1024 < LIM_HEADER_RECORD);
	put_many(&big, "x", LIM_HEADER_RECORD + 1);
	for (size_t over = 0; over <= 2; over++) {
		wbuf_reset(&list);
		wbuf_reset(&rec);
		list_add(&list, slice_mem(big.p, LIM_PART_RECORD + (over == 1)));
		p.parts = wbuf_slice(&list);
		p.header = slice_mem(big.p, LIM_HEADER_RECORD + (over == 2));
		rec_parsed_encode(&rec, &p);
		assert_int_equal(rec.failed, over != 0);
	}
	wbuf_free(&item);
	wbuf_free(&big);
	wbuf_free(&list);
	wbuf_free(&rec);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_value),
		cmocka_unit_test(header_fields),
		cmocka_unit_test(header_lists),
		cmocka_unit_test(header_addresses),
		cmocka_unit_test(header_date),
		cmocka_unit_test(charset_name),
		cmocka_unit_test(many_parts),
		cmocka_unit_test(deep_parts),
		cmocka_unit_test(boundary),
		cmocka_unit_test(content_field),
		cmocka_unit_test(extension),
		cmocka_unit_test(text_size),
		cmocka_unit_test(texts_size),
		cmocka_unit_test(preview),
		cmocka_unit_test(entities),
		cmocka_unit_test(records),
	};

	warm_libraries();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Composition, its round trip through the parser, and stripping Bcc. */
#include "helper.h"

#include "compose.h"
#include "extract.h"
#include "limits.h"
#include "strip.h"

/* A draft under construction; the slices of rec point into the buffers. */
struct draft {
	struct rec_draft rec;
	struct wbuf from, to, bcc, refs, extra, parts;
	struct wbuf out;
	struct slice blob;
};

static void
draft_init(struct draft *d)
{
	warm_libraries();
	memset(d, 0, sizeof(*d));
	d->rec.sent_at = 1767225600;
	wbuf_init(&d->out, LIM_BODY);
}

static void
draft_free(struct draft *d)
{
	wbuf_free(&d->from);
	wbuf_free(&d->to);
	wbuf_free(&d->bcc);
	wbuf_free(&d->refs);
	wbuf_free(&d->extra);
	wbuf_free(&d->parts);
	wbuf_free(&d->out);
}

static void
add_address(struct wbuf *list, const char *name, const char *email)
{
	struct rec_address a = { .name = slice_str(name), .email = slice_str(email) };
	struct wbuf item;

	wbuf_init(&item, 0);
	rec_address_encode(&item, &a);
	list_add(list, wbuf_slice(&item));
	wbuf_free(&item);
}

static void
add_part(struct draft *d, const struct rec_draft_part *p)
{
	struct wbuf item;

	wbuf_init(&item, 0);
	rec_draft_part_encode(&item, p);
	w_bytes(&d->parts, wbuf_slice(&item), item.n);
	wbuf_free(&item);
}

static bool
find_blob(void *ctx, const struct rec_draft_part *p, struct slice *data)
{
	struct draft *d = ctx;

	*data = d->blob;
	return p->blob == 7;
}

static const char *
make(struct draft *d)
{
	struct wbuf bytes;
	const char *error;

	d->rec.from = wbuf_slice(&d->from);
	d->rec.to = wbuf_slice(&d->to);
	d->rec.bcc = wbuf_slice(&d->bcc);
	d->rec.references = wbuf_slice(&d->refs);
	d->rec.extra = wbuf_slice(&d->extra);
	d->rec.parts = wbuf_slice(&d->parts);
	wbuf_init(&bytes, 0);
	rec_draft_encode(&bytes, &d->rec);
	assert_false(bytes.failed);
	wbuf_reset(&d->out);
	error = compose_message(&d->out, wbuf_slice(&bytes), find_blob, d);
	wbuf_free(&bytes);
	return error;
}

/* Only CRLF, no line over 998, seven bits. */
static void
assert_wire_clean(struct slice m)
{
	size_t line = 0;

	for (size_t i = 0; i < m.n; i++) {
		if (m.p[i] == '\n')
			assert_true(i > 0 && m.p[i - 1] == '\r');
		if (m.p[i] == '\r')
			assert_true(i + 1 < m.n && m.p[i + 1] == '\n');
		assert_true(m.p[i] < 0x80);
		line = m.p[i] == '\n' ? 0 : line + 1;
		assert_true(line <= 999);
	}
	assert_true(m.n > 2 && m.p[m.n - 1] == '\n');
}

static void
test_simple(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	add_address(&d.from, "Rita Recruiter", "rita@agency.example");
	add_address(&d.to, NULL, "cand@mail.example");
	d.rec.subject = slice_str("Interview");
	d.rec.message_id = slice_str("1.2@agency.example");
	add_part(&d, &(struct rec_draft_part){ .type = slice_str("text/plain"), .text = slice_str("Hello\nthere\n") });
	assert_null(make(&d));
	assert_slice(wbuf_slice(&d.out),
	    "Date: Thu, 01 Jan 2026 00:00:00 +0000\r\n"
	    "From: Rita Recruiter <rita@agency.example>\r\n"
	    "To: cand@mail.example\r\n"
	    "Subject: Interview\r\n"
	    "Message-ID: <1.2@agency.example>\r\n"
	    "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=utf-8\r\n"
	    "Content-Transfer-Encoding: 7bit\r\n"
	    "\r\nHello\r\nthere\r\n");
	draft_free(&d);
}

static void
test_no_parts(void **state)
{
	struct draft d;

	(void)state;
	draft_init(&d);
	assert_null(make(&d));
	assert_wire_clean(wbuf_slice(&d.out));
	draft_free(&d);
}

static void
build_full(struct draft *d, const char *file, size_t n)
{
	draft_init(d);
	add_address(&d->from, "J\xc3\xb6rg \"JJ\" M\xc3\xbcller", "joerg@agency.example");
	add_address(&d->to, "Doe, Jane", "jane@mail.example");
	add_address(&d->to, "\xe6\x97\xa5\xe6\x9c\xac", "nihon@mail.example");
	add_address(&d->bcc, "Boss", "boss@agency.example");
	d->rec.subject = slice_str("Gr\xc3\xbc\xc3\x9f" "e: ein Betreff, der so lang ist, dass er mehr als eine "
	    "Zeile braucht \xf0\x9f\x98\x80");
	d->rec.message_id = slice_str("x@agency.example");
	list_add(&d->refs, slice_str("root@mail.example"));
	list_add(&d->refs, slice_str("last@mail.example"));
	list_add(&d->extra, slice_str("X-Note: \xc3\xa4hm"));
	add_part(d, &(struct rec_draft_part){ .type = slice_str("multipart/mixed") });
	add_part(d, &(struct rec_draft_part){ .depth = 1, .type = slice_str("multipart/alternative") });
	add_part(d, &(struct rec_draft_part){ .depth = 2, .type = slice_str("text/plain"),
			.text = slice_str("Gr\xc3\xbc\xc3\x9f Gott,\ntrailing space \n.dot\nFrom here\n") });
	add_part(d, &(struct rec_draft_part){ .depth = 2, .type = slice_str("text/html"),
			.text = slice_str("<p>Gr\xc3\xbc\xc3\x9f Gott</p>") });
	add_part(d, &(struct rec_draft_part){ .depth = 1, .type = slice_str("application/pdf"),
			.name = slice_str("Lebenslauf M\xc3\xbcller.pdf"), .disposition = slice_str("attachment"),
			.cid = slice_str("cid1@x"), .blob_kind = BLOB_RAW, .blob = 7 });
	d->blob = slice_mem(file, n);
}

static void
test_round_trip(void **state)
{
	char file[1000];
	struct parsed p;
	struct draft d;
	struct wbuf back;

	(void)state;
	for (size_t i = 0; i < sizeof(file); i++)
		file[i] = (char)(i * 7);
	build_full(&d, file, sizeof(file));
	assert_null(make(&d));
	assert_wire_clean(wbuf_slice(&d.out));
	test_parse(&p, wbuf_slice(&d.out), false);
	assert_slice(test_address(p.header.from, 0).name, "J\xc3\xb6rg \"JJ\" M\xc3\xbcller");
	assert_slice(test_address(p.header.from, 0).email, "joerg@agency.example");
	assert_slice(test_address(p.header.to, 0).name, "Doe, Jane");
	assert_slice(test_address(p.header.to, 1).name, "\xe6\x97\xa5\xe6\x9c\xac");
	assert_slice(test_address(p.header.bcc, 0).email, "boss@agency.example");
	assert_true(slice_eq(p.header.subject, d.rec.subject));
	assert_int_equal(p.header.sent_at, 1767225600);
	assert_slice(test_item(p.header.message_id, 0), "x@agency.example");
	assert_slice(test_item(p.header.references, 1), "last@mail.example");
	assert_slice(test_note(&p), "Gr\xc3\xbc\xc3\x9f Gott,\ntrailing space \n.dot\nFrom here\n");
	assert_int_equal(test_parts(&p), 5);
	assert_slice(test_part(&p, 3).type, "text/html");
	assert_slice(test_part(&p, 4).name, "Lebenslauf M\xc3\xbcller.pdf");
	assert_slice(test_part(&p, 4).cid, "cid1@x");
	assert_int_equal(test_part(&p, 4).size, sizeof(file));
	wbuf_init(&back, 0);
	assert_null(extract_part(&back, wbuf_slice(&d.out), slice_str("3")));
	assert_int_equal(back.n, sizeof(file));
	assert_memory_equal(back.p, file, sizeof(file));
	wbuf_free(&back);
	parsed_free(&p);
	draft_free(&d);
}

static void
text_comes_back(const char *text, const char *expected)
{
	struct parsed p;
	struct draft d;
	struct wbuf back;

	draft_init(&d);
	add_part(&d, &(struct rec_draft_part){ .type = slice_str("text/plain"), .text = slice_str(text) });
	assert_null(make(&d));
	assert_wire_clean(wbuf_slice(&d.out));
	test_parse(&p, wbuf_slice(&d.out), false);
	wbuf_init(&back, 0);
	assert_slice(test_note(&p), expected);
	wbuf_free(&back);
	parsed_free(&p);
	draft_free(&d);
}

static void
test_texts(void **state)
{
	char *line = malloc(5001);

	(void)state;
	text_comes_back("", "");
	text_comes_back("a\r\nb\rc\n", "a\nb\nc\n");
	text_comes_back("equal = sign \xc3\xa4\n", "equal = sign \xc3\xa4\n");
	text_comes_back("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\n", "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\n");
	text_comes_back("tab at end\t\nx\n", "tab at end\t\nx\n");
	text_comes_back("control \x01\n", "control \x01\n");
	memset(line, 'x', 5000);
	line[4999] = '\n';
	line[5000] = '\0';
	text_comes_back(line, line);
	free(line);
}

static void
test_attached_message(void **state)
{
	static const char inner[] = "Subject: inner\nX: y\n\nbody \xc3\xa4\n";
	struct parsed p;
	struct draft d;
	struct wbuf back;

	(void)state;
	draft_init(&d);
	add_part(&d, &(struct rec_draft_part){ .type = slice_str("multipart/mixed") });
	add_part(&d, &(struct rec_draft_part){ .depth = 1, .type = slice_str("message/rfc822"),
	    .blob_kind = BLOB_RAW, .blob = 7 });
	d.blob = slice_str(inner);
	assert_null(make(&d));
	test_parse(&p, wbuf_slice(&d.out), false);
	assert_slice(test_part(&p, 1).type, "message/rfc822");
	wbuf_init(&back, 0);
	assert_null(extract_part(&back, wbuf_slice(&d.out), slice_str("1")));
	assert_slice(wbuf_slice(&back), "Subject: inner\r\nX: y\r\n\r\nbody \xc3\xa4\r\n");
	wbuf_free(&back);
	parsed_free(&p);
	draft_free(&d);
}

/* Whatever the draft says, no field appears that the draft is not made of. */
static void
test_injection_subject(void **state)
{
	struct parsed p;
	struct draft d;

	(void)state;
	draft_init(&d);
	add_address(&d.from, "A\r\nBcc: evil@x.y\r\n", "a@b.c");
	d.rec.subject = slice_str("x\r\nBcc: evil@x.y\r\n\r\nbody");
	add_part(&d, &(struct rec_draft_part){ .type = slice_str("application/x"), .name = slice_str("n\r\nX: y\".pdf"),
			.blob_kind = 1, .blob = 7 });
	list_add(&d.extra, slice_str("X-A: plain"));
	assert_null(make(&d));
	assert_wire_clean(wbuf_slice(&d.out));
	test_parse(&p, wbuf_slice(&d.out), false);
	assert_int_equal(p.header.bcc.n, 0);
	assert_slice(p.header.subject, "x Bcc: evil@x.y body");
	assert_slice(test_address(p.header.from, 0).name, "A Bcc: evil@x.y");
	assert_slice(test_part(&p, 0).name, "n X: y\".pdf");
	assert_null(memmem(d.out.p, d.out.n, "\nBcc", 4));
	parsed_free(&p);
	draft_free(&d);
}

static const char *
address_error(const char *email)
{
	struct draft d;
	const char *error;

	draft_init(&d);
	add_address(&d.to, NULL, email);
	error = make(&d);
	draft_free(&d);
	return error;
}

static void
test_addresses_refused(void **state)
{
	static const char *const bad[] = { "", "a@b.c\r\nBcc: x@y.z", "a b@c.d", "a@b.c>", "a@b.c,d@e.f", "a@", "@b.c",
		"a@[1.2.3.4]]", "\"unclosed@b.c", "a(c)@b.c", "\"a\"b\"@c.d", "\"a\\\"@c.d", "\xff@b.c", "a@b@c.d" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (address_error(bad[i]) == NULL)
			fail_msg("accepted %s", bad[i]);
		assert_string_equal(address_error(bad[i]), "invalidAddress");
	}
	assert_null(address_error("a@b.c"));
	assert_null(address_error("\"a b\"@c.d"));
	assert_null(address_error("a@[192.0.2.1]"));
	assert_null(address_error("j\xc3\xb6rg@b\xc3\xbc" "cher.example"));
}

static const char *
header_error(const char *extra, const char *id)
{
	struct draft d;
	const char *error;

	draft_init(&d);
	if (extra != NULL)
		list_add(&d.extra, slice_str(extra));
	d.rec.message_id = slice_str(id);
	error = make(&d);
	draft_free(&d);
	return error;
}

static void
test_headers_refused(void **state)
{
	static const char *const bad[] = { "", "no colon", ": x", "Bcc: a@b.c", "bcc: a@b.c", "Content-Type: x/y",
	    "X Y: z",
		"X: a\r\nBcc: b", "X: a\nBcc: b", "MIME-Version: 2.0", "Resent-Bcc: a@b.c", "Subject: x" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (header_error(bad[i], NULL) == NULL)
			fail_msg("accepted %s", bad[i]);
		assert_string_equal(header_error(bad[i], NULL), "invalidHeader");
	}
	assert_null(header_error("X-Y: z", "id@x"));
	assert_string_equal(header_error(NULL, "a>\r\nX: <b"), "invalidHeader");
	assert_string_equal(header_error(NULL, "a b"), "invalidHeader");
}

static const char *
parts_error(const struct rec_draft_part *parts, size_t n)
{
	struct draft d;
	const char *error;

	draft_init(&d);
	for (size_t i = 0; i < n; i++)
		add_part(&d, &parts[i]);
	error = make(&d);
	draft_free(&d);
	return error != NULL ? error : "";
}
#define MIXED slice_str("multipart/mixed")
#define PLAIN slice_str("text/plain")

static void
test_parts_refused(void **state)
{
	struct rec_draft_part two[2] = { { .type = PLAIN }, { .type = PLAIN } };
	struct rec_draft_part into[2] = { { .type = PLAIN }, { .depth = 1, .type = PLAIN } };
	struct rec_draft_part jump[2] = { { .type = MIXED }, { .depth = 2, .type = PLAIN } };

	(void)state;
	assert_string_equal(parts_error(two, 2), "invalidPart");
	assert_string_equal(parts_error(into, 2), "invalidPart");
	assert_string_equal(parts_error(jump, 2), "invalidPart");
	assert_string_equal(parts_error(jump, 1), "invalidPart");
	assert_string_equal(parts_error(&(struct rec_draft_part){ .type = slice_str("text") }, 1), "invalidPart");
	assert_string_equal(parts_error(&(struct rec_draft_part){ .type = slice_str("a/b; x=y\r\nX: z") }, 1),
	    "invalidPart");
	assert_string_equal(parts_error(&(struct rec_draft_part){ .type = PLAIN, .cid = slice_str("a>\r\nX: y") },
	    1), "invalidPart");
	assert_string_equal(parts_error(&(struct rec_draft_part){ .type = PLAIN, .disposition = slice_str("a;b") },
	    1), "invalidPart");
	assert_string_equal(parts_error(&(struct rec_draft_part){ .type = PLAIN, .blob_kind = 1, .blob = 8 }, 1),
	    "blobNotFound");
	assert_string_equal(parts_error(&(struct rec_draft_part){ .type = PLAIN, .text = slice_str("\xff") }, 1),
	    "invalidPart");
}

static void
strips_to(const char *message, const char *expected)
{
	struct wbuf out;

	wbuf_init(&out, 0);
	strip_bcc(&out, slice_str(message));
	assert_slice(wbuf_slice(&out), expected);
	wbuf_free(&out);
}

static void
test_strip(void **state)
{
	(void)state;
	strips_to("From: a\r\nBcc: b\r\nTo: c\r\n\r\nBcc: stays\r\n", "From: a\r\nTo: c\r\n\r\nBcc: stays\r\n");
	strips_to("Bcc: b,\r\n c,\r\n\td\r\nTo: c\r\n\r\n", "To: c\r\n\r\n");
	strips_to("BCC : x\nto:  y \n folded \n\n", "to:  y \n folded \n\n");
	strips_to("Resent-Bcc: x\r\nresent-bcc: y\r\nA: b\r\n\r\n", "A: b\r\n\r\n");
	strips_to("X-Bcc: stays\r\nBccx: stays\r\nBcc\r\n\r\n", "X-Bcc: stays\r\nBccx: stays\r\nBcc\r\n\r\n");
	strips_to("Bcc: only", "");
	strips_to("", "");
	strips_to("\r\nBcc: body\r\n", "\r\nBcc: body\r\n");
	strips_to("junk first\r\nBcc: x\r\n y\r\nA: b", "junk first\r\nA: b");
	strips_to("Bcc:\r\n x\r\n", "");
}

/* Every byte but those of the fields, whatever it is. */
static void
test_strip_exact(void **state)
{
	struct wbuf in, out;
	size_t head;

	(void)state;
	wbuf_init(&in, 0);
	wbuf_init(&out, 0);
	w_raw(&in, "Subject: \xff\0\r x\r\n", 16);
	head = in.n;
	w_raw(&in, "bCC: a\r\n b\r\n", 12);
	w_raw(&in, "\r\n", 2);
	for (int i = 0; i < 100000; i++)
		w_u8(&in, (uint8_t)(i * 31));
	strip_bcc(&out, wbuf_slice(&in));
	assert_int_equal(out.n, in.n - 12);
	assert_memory_equal(out.p, in.p, head);
	assert_memory_equal(out.p + head, in.p + head + 12, out.n - head);
	wbuf_free(&in);
	wbuf_free(&out);
}

static void
test_compose_then_strip(void **state)
{
	struct parsed p;
	struct draft d;
	struct wbuf out;

	(void)state;
	build_full(&d, "x", 1);
	assert_null(make(&d));
	wbuf_init(&out, 0);
	strip_bcc(&out, wbuf_slice(&d.out));
	test_parse(&p, wbuf_slice(&out), false);
	assert_int_equal(p.header.bcc.n, 0);
	assert_null(memmem(out.p, out.n, "boss", 4));
	assert_int_equal(list_count(p.header.to), 2);
	parsed_free(&p);
	wbuf_free(&out);
	draft_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_simple),
		cmocka_unit_test(test_no_parts),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_attached_message),
		cmocka_unit_test(test_injection_subject),
		cmocka_unit_test(test_addresses_refused),
		cmocka_unit_test(test_headers_refused),
		cmocka_unit_test(test_parts_refused),
		cmocka_unit_test(test_strip),
		cmocka_unit_test(test_strip_exact),
		cmocka_unit_test(test_compose_then_strip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

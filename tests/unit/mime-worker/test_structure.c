/* The MIME tree, and where RFC 8621 s. 4.1.4 puts each part. */
#include "helper.h"

#include "limits.h"
#include "structure.h"

#define T PART_TEXT_BODY
#define H PART_HTML_BODY
#define A PART_ATTACHMENT
#define D PART_DOCUMENT

/* One expected part: type, part id, depth, flags. */
struct expect {
	const char *type, *id;
	unsigned int depth, flags;
};

static void
parts_are(const struct parsed *p, const struct expect *e, size_t n)
{
	assert_int_equal(test_parts(p), n);
	for (size_t i = 0; i < n; i++) {
		struct rec_part part = test_part(p, i);

		assert_slice(part.type, e[i].type);
		assert_slice(part.part_id, e[i].id);
		assert_int_equal(part.depth, e[i].depth);
		assert_int_equal(part.multipart, e[i].id[0] == '\0');
		assert_int_equal(part.flags, e[i].flags);
	}
}
#define PARTS_ARE(p, ...)                                                                                              \
	parts_are(p, (const struct expect[]){ __VA_ARGS__ },                                                           \
	    sizeof((const struct expect[]){ __VA_ARGS__ }) / sizeof(struct expect))

static void
test_single(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p, slice_str("Subject: x\r\n\r\nhello\r\n"), false);
	PARTS_ARE(&p, { "text/plain", "1", 0, T | H });
	assert_slice(test_part(&p, 0).charset, "us-ascii");
	assert_int_equal(test_part(&p, 0).size, 7);
	assert_slice(p.rec.preview, "hello");
	assert_false(p.rec.has_attachment);
	parsed_free(&p);
}

static const char recruiter[] =
    "Content-Type: multipart/mixed; boundary=\"m\"\r\n\r\npreamble\r\n"
    "--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n"
    "--a\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "Hello =C3=A4\r\n"
    "--a\r\nContent-Type: multipart/related; boundary=r\r\n\r\n"
    "--r\r\nContent-Type: text/html; charset=iso-8859-1\r\n\r\n<p>Hello \xe4<img src=\"cid:logo@x\"></p>\r\n"
    "--r\r\nContent-Type: image/png; name=logo.png\r\nContent-ID: <logo@x>\r\nContent-Disposition: inline\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\niVBORw0KGgo=\r\n--r--\r\n\r\n--a--\r\n\r\n"
    "--m\r\nContent-Type: application/pdf\r\nContent-Disposition: attachment;\r\n "
    "filename*=utf-8''CV%20M%C3%BCller.pdf\r\n"
    "Content-Transfer-Encoding: base64\r\n\r\nJVBERi0x\r\n"
    "--m\r\nContent-Type: text/plain; name=\"notes.txt\"\r\nContent-Disposition: attachment\r\n\r\nnotes\r\n"
    "--m\r\nContent-Type: message/rfc822\r\n\r\nFrom: a@b.c\r\nContent-Type: multipart/mixed; boundary=i\r\n\r\n"
    "--i\r\n\r\ninside\r\n--i--\r\n\r\n--m--\r\nepilogue\r\n";

static void
test_recruiter(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p, slice_str(recruiter), false);
	PARTS_ARE(&p, { "multipart/mixed", "", 0, 0 }, { "multipart/alternative", "", 1, 0 },
	    { "text/plain", "1", 2, T }, { "multipart/related", "", 2, 0 }, { "text/html", "2", 3, H },
	    { "image/png", "3", 3, A }, { "application/pdf", "4", 1, A | D }, { "text/plain", "5", 1, A | D },
	    { "message/rfc822", "6", 1, A | D });
	assert_slice(test_part(&p, 6).name, "CV M\xc3\xbcller.pdf");
	assert_slice(test_part(&p, 6).disposition, "attachment");
	assert_int_equal(test_part(&p, 6).size, 6);
	assert_slice(test_part(&p, 5).cid, "logo@x");
	assert_int_equal(test_part(&p, 5).size, 8);
	assert_slice(p.rec.preview, "Hello \xc3\xa4");
	assert_slice(test_note(&p), "Hello \xc3\xa4");
	assert_true(p.rec.has_attachment);
	parsed_free(&p);
}

/* The worked example of RFC 8621 s. 4.1.4. */
static const char rfc8621[] =
    "Content-Type: multipart/mixed; boundary=1\n\n"
    "--1\nContent-Type: text/plain\nContent-Disposition: inline\n\nA\n"
    "--1\nContent-Type: multipart/mixed; boundary=2\n\n"
    "--2\nContent-Type: multipart/alternative; boundary=3\n\n"
    "--3\nContent-Type: multipart/mixed; boundary=4\n\n"
    "--4\nContent-Type: text/plain\nContent-Disposition: inline\n\nB\n"
    "--4\nContent-Type: image/jpeg\nContent-Disposition: inline\n\nC\n"
    "--4\nContent-Type: text/plain\nContent-Disposition: inline\n\nD\n--4--\n"
    "--3\nContent-Type: multipart/related; boundary=5\n\n"
    "--5\nContent-Type: text/html\n\nE\n--5\nContent-Type: image/jpeg\n\nF\n--5--\n--3--\n"
    "--2\nContent-Type: image/jpeg\nContent-Disposition: attachment\n\nG\n"
    "--2\nContent-Type: application/x-excel\n\nH\n"
    "--2\nContent-Type: message/rfc822\n\nJ\n--2--\n"
    "--1\nContent-Type: text/plain\nContent-Disposition: inline\n\nK\n--1--\n";

static void
test_rfc8621_example(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p, slice_str(rfc8621), false);
	PARTS_ARE(&p, { "multipart/mixed", "", 0, 0 }, { "text/plain", "1", 1, T | H }, /* A */
	    { "multipart/mixed", "", 1, 0 }, { "multipart/alternative", "", 2, 0 }, { "multipart/mixed", "", 3, 0 },
	    { "text/plain", "2", 4, T },		/* B */
	    { "image/jpeg", "3", 4, T | A },		/* C */
	    { "text/plain", "4", 4, T },		/* D */
	    { "multipart/related", "", 3, 0 }, { "text/html", "5", 4, H }, /* E */
	    { "image/jpeg", "6", 4, A },		/* F */
	    { "image/jpeg", "7", 2, A | D },		/* G */
	    { "application/x-excel", "8", 2, A | D },	/* H */
	    { "message/rfc822", "9", 2, A | D },	/* J */
	    { "text/plain", "10", 1, T | H });		/* K */
	parsed_free(&p);
}

static void
test_html_only(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p, slice_str("Content-Type: text/html\r\n\r\n<p>Hi&nbsp;&amp; bye</p><script>x<y</script>"), false);
	PARTS_ARE(&p, { "text/html", "1", 0, T | H });
	assert_slice(p.rec.preview, "Hi & bye");
	parsed_free(&p);
	test_parse(&p,
	    slice_str("Content-Type: multipart/alternative; boundary=x\r\n\r\n--x\r\nContent-Type: "
	    "text/html\r\n\r\n<b>y</b>\r\n--x--"),
	    false);
	PARTS_ARE(&p, { "multipart/alternative", "", 0, 0 }, { "text/html", "1", 1, T | H });
	parsed_free(&p);
}

static void
test_digest(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p,
	    slice_str("Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: "
	    "one\r\n\r\n1\r\n--x\r\n\r\nSubject: two\r\n\r\n2\r\n--x--\r\n"),
	    false);
	PARTS_ARE(&p, { "multipart/digest", "", 0, 0 }, { "message/rfc822", "1", 1, A | D },
	    { "message/rfc822", "2", 1, A | D });
	parsed_free(&p);
}

static void
test_documents(void **state)
{
	struct parsed p;

	(void)state;
	/* a logo with an id that the text shows, a picture with one that it does not */
	test_parse(&p,
	    slice_str("Content-Type: multipart/mixed; boundary=x\r\n\r\n"
		      "--x\r\nContent-Type: text/html\r\n\r\n<img src='cid:sig@x'>\r\n"
		      "--x\r\nContent-Type: image/png\r\nContent-ID: <sig@x>\r\nContent-Disposition: "
		    "attachment\r\n\r\n1\r\n"
		      "--x\r\nContent-Type: image/jpeg\r\nContent-ID: <photo@x>\r\nContent-Disposition: "
		    "attachment; filename=cv.jpg\r\n\r\n2\r\n"
		      "--x\r\nContent-Type: application/pkcs7-signature\r\n\r\n3\r\n--x--\r\n"),
	    false);
	PARTS_ARE(&p, { "multipart/mixed", "", 0, 0 }, { "text/html", "1", 1, T | H }, { "image/png", "2", 1, A },
	    { "image/jpeg", "3", 1, A | D }, { "application/pkcs7-signature", "4", 1, A });
	parsed_free(&p);
}

static void
test_missing_pieces(void **state)
{
	struct parsed p;

	(void)state;
	/* no closing boundary; a part without header; white space after a boundary */
	test_parse(&p,
	    slice_str("Content-Type: multipart/mixed; boundary=x\n\n--x \t\n\nfirst\n--x\nno header here\n"), false);
	PARTS_ARE(&p, { "multipart/mixed", "", 0, 0 }, { "text/plain", "1", 1, T | H }, { "text/plain", "2", 1,
	    T | H });
	assert_slice(test_note(&p), "first\nno header here\n");
	parsed_free(&p);
	/* a boundary that never comes: the text is not lost */
	test_parse(&p, slice_str("Content-Type: multipart/mixed; boundary=x\n\nonly text\n"), false);
	PARTS_ARE(&p, { "text/plain", "1", 0, T | H });
	assert_slice(p.rec.preview, "only text");
	parsed_free(&p);
	test_parse(&p, slice_str("Content-Type: multipart/mixed\n\nonly text\n"), false);
	PARTS_ARE(&p, { "text/plain", "1", 0, T | H });
	parsed_free(&p);
	test_parse(&p, slice_str("Content-Type: text\n\nx\n"), false);
	PARTS_ARE(&p, { "text/plain", "1", 0, T | H });
	parsed_free(&p);
	test_parse(&p, slice_str("Content-Type: ;;; nonsense/\n\nx\n"), false);
	assert_int_equal(test_parts(&p), 1);
	parsed_free(&p);
}

/* The inner multipart is not closed: the outer boundary ends it. */
static void
test_outer_ends_inner(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p,
	    slice_str("Content-Type: multipart/mixed; boundary=o\n\n--o\nContent-Type: multipart/mixed; boundary=i\n\n"
		      "--i\n\nin\n--o\n\nout\n--o--\n--i\n\nafter the end\n"),
	    false);
	PARTS_ARE(&p, { "multipart/mixed", "", 0, 0 }, { "multipart/mixed", "", 1, 0 }, { "text/plain", "1", 2, T | H },
	    { "text/plain", "2", 1, T | H });
	assert_slice(test_note(&p), "in\nout");
	parsed_free(&p);
}

static void
nest(struct wbuf *m, int depth)
{
	char line[128];

	for (int i = 0; i < depth; i++)
		w_raw(m, line,
		    (size_t)snprintf(line, sizeof(line),
		    "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i));
	w_raw(m, "\r\nthe core\r\n", 12);
	for (int i = depth; i-- > 0;)
		w_raw(m, line, (size_t)snprintf(line, sizeof(line), "\r\n--b%d--\r\n", i));
}

static void
test_deep(void **state)
{
	struct parsed p;
	struct wbuf m;

	(void)state;
	wbuf_init(&m, 0);
	nest(&m, 300);
	test_parse(&p, wbuf_slice(&m), false);
	assert_int_equal(test_parts(&p), LIM_PART_DEPTH + 1);
	assert_slice(test_part(&p, LIM_PART_DEPTH).type, "application/octet-stream");
	assert_slice(test_part(&p, LIM_PART_DEPTH).part_id, "1");
	assert_int_equal(test_part(&p, LIM_PART_DEPTH).flags, A | D);
	parsed_free(&p);
	wbuf_reset(&m);
	nest(&m, LIM_PART_DEPTH);
	test_parse(&p, wbuf_slice(&m), false);
	assert_slice(p.rec.preview, "the core");
	parsed_free(&p);
	wbuf_free(&m);
}

static void
test_many_parts(void **state)
{
	struct parsed p;
	struct wbuf m;

	(void)state;
	wbuf_init(&m, 0);
	w_raw(&m, "Content-Type: multipart/mixed; boundary=x\n\n", 43);
	for (int i = 0; i < 5000; i++)
		w_raw(&m, "--x\n\nhi\n", 8);
	test_parse(&p, wbuf_slice(&m), false);
	assert_int_equal(test_parts(&p), LIM_PARTS);
	assert_slice(test_part(&p, LIM_PARTS - 1).type, "application/octet-stream");
	assert_int_equal(test_part(&p, LIM_PARTS - 1).size, (5000 - 510) * 8 - 4);
	parsed_free(&p);
	wbuf_free(&m);
}

static void
test_names(void **state)
{
	struct parsed p;
	struct wbuf m;

	(void)state;
	test_parse(&p,
	    slice_str("Content-Type: application/pdf; "
	    "name=\"=?utf-8?Q?M=C3=BCller.pdf?=\"\r\nContent-Disposition: attachment\r\n\r\nx"),
	    false);
	assert_slice(test_part(&p, 0).name, "M\xc3\xbcller.pdf");
	parsed_free(&p);
	test_parse(&p,
	    slice_str("Content-Disposition: attachment; filename*0*=utf-8''%C3%A4; filename*1=b; "
	    "filename*2=\".doc\"\r\n\r\nx"),
	    false);
	assert_slice(test_part(&p, 0).name, "\xc3\xa4" "b.doc");
	parsed_free(&p);
	wbuf_init(&m, 0);
	w_raw(&m, "Content-Disposition: attachment; filename=\"", 43);
	for (int i = 0; i < 600; i++)
		w_raw(&m, "a", 1);
	w_raw(&m, ".docx\"\r\n\r\nx", 11);
	test_parse(&p, wbuf_slice(&m), false);
	assert_int_equal(test_part(&p, 0).name.n, LIM_NAME);
	assert_memory_equal(test_part(&p, 0).name.p + LIM_NAME - 5, ".docx", 5);
	parsed_free(&p);
	wbuf_free(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_single),
		cmocka_unit_test(test_recruiter),
		cmocka_unit_test(test_rfc8621_example),
		cmocka_unit_test(test_html_only),
		cmocka_unit_test(test_digest),
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_missing_pieces),
		cmocka_unit_test(test_outer_ends_inner),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_many_parts),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

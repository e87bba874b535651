/* Mail as nobody should write it: nothing may crash, hang or leave the limits. */
#include "helper.h"

#include <time.h>

#include "compose.h"
#include "extract.h"
#include "limits.h"
#include "strip.h"
#include "text.h"

#define SLOW_SECONDS 10	/* of CPU for one hostile message; each takes far less unless something is quadratic */

static void
all_ways(struct slice m)
{
	struct parsed p;
	struct wbuf out;
	struct rec_text t;

	test_parse(&p, m, true);
	parsed_free(&p);
	test_parse(&p, m, false);
	assert_true(utf8_valid(p.header.subject) && utf8_valid(p.rec.preview) && utf8_valid(test_note(&p)));
	for (size_t i = 0; test_text(&p, i, &t); i++)
		assert_true(utf8_valid(t.data));
	wbuf_init(&out, 0);
	(void)extract_part(&out, m, slice_str("1"));
	wbuf_reset(&out);
	strip_bcc(&out, m);
	wbuf_free(&out);
	parsed_free(&p);
}

static void
test_empty(void **state)
{
	struct parsed p;

	(void)state;
	all_ways(SLICE_NONE);
	test_parse(&p, slice_str(""), false);
	assert_int_equal(test_parts(&p), 1);
	assert_slice(test_part(&p, 0).type, "text/plain");
	parsed_free(&p);
	all_ways(slice_str("\r\n"));
	all_ways(slice_str("\n"));
	all_ways(slice_str(":"));
	all_ways(slice_str("A:"));
}

static void
test_no_header(void **state)
{
	struct parsed p;

	(void)state;
	test_parse(&p, slice_str("just some text\r\nSubject: no\r\n\r\nmore\r\n"), false);
	assert_int_equal(p.header.subject.n, 0);
	assert_slice(p.rec.preview, "just some text Subject: no more");
	parsed_free(&p);
}

static void
test_only_nul(void **state)
{
	uint8_t nul[4096] = { 0 };
	struct parsed p;

	(void)state;
	all_ways(slice_mem(nul, sizeof(nul)));
	test_parse(&p, slice_mem(nul, sizeof(nul)), false);
	assert_int_equal(test_note(&p).n, 0);
	assert_int_equal(test_part(&p, 0).size, sizeof(nul));
	parsed_free(&p);
}

static void
test_nul_in_header(void **state)
{
	static const char m[] = "Subject: a\0b\r\nFrom: \0<a\0@b.c>\r\nMessage-ID: <\0x@y>\r\n\r\n";
	struct parsed p;

	(void)state;
	test_parse(&p, slice_mem(m, sizeof(m) - 1), true);
	assert_slice(p.header.subject, "ab");
	assert_slice(test_address(p.header.from, 0).email, "a@b.c");
	assert_slice(test_item(p.header.message_id, 0), "x@y");
	parsed_free(&p);
}

/* A message made of one piece repeated, between a head and a tail. */
static void
repeat(const char *head, const char *piece, size_t bytes, const char *tail)
{
	struct wbuf m;
	clock_t start = clock();

	wbuf_init(&m, 0);
	w_raw(&m, head, strlen(head));
	while (m.n < bytes)
		w_raw(&m, piece, strlen(piece));
	w_raw(&m, tail, strlen(tail));
	all_ways(wbuf_slice(&m));
	if ((clock() - start) / CLOCKS_PER_SEC > SLOW_SECONDS)
		fail_msg("slow: %s", piece);
	wbuf_free(&m);
}

static void
test_large_headers(void **state)
{
	(void)state;
	repeat("", "X: y\r\n", 6000000, "\r\nbody");		/* a million fields */
	repeat("Subject: ", "\r\n folded", 3000000, "\r\n\r\n");
	repeat("Subject: ", "x", 3000000, "\r\n\r\n");
	repeat("", "\xe4\xff: \xc3\r\n", 1000000, "\r\n");
}

static void
test_hostile_subjects(void **state)
{
	(void)state;
	repeat("Subject: ", "=?", 1000000, "\r\n\r\n");
	repeat("Subject: ", "=?a?q?", 1000000, "?=\r\n\r\n");
	repeat("Subject: ", "=?x ", 1000000, "?=\r\n\r\n");
	repeat("Subject: ", "=?utf-8?B?w6Q=?= ", 1000000, "\r\n\r\n");
	repeat("Subject: ", "=?iso-2022-jp?B?GyRC?= =?euc-kr?q?=B0?= ", 1000000, "\r\n\r\n");
	repeat("Subject: ", "=?nobody?q?=E4?= ", 1000000, "\r\n\r\n");
}

static void
test_hostile_addresses(void **state)
{
	static const char *const pieces[] = { "a:", "(", "((a)", "\"", "\"\\", "\\", "<", "<a", "a@", "@a", "[",
	    "a,", ",", ";",
		"\"a\" ", "=?utf-8?q?a?= ", "a b ", "<a@b>", "<a@b> c ", ", a", "\"\\\"\" ", ":;", "<\"" };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		repeat("To: ", pieces[i], 200000, "\r\n\r\n");
		repeat("References: ", pieces[i], 200000, "\r\n\r\n");
		repeat("Date: ", pieces[i], 200000, "\r\n\r\n");
	}
}

static void
test_hostile_parameters(void **state)
{
	static const char *const pieces[] = { "; a=b", "; a*0=b", "; name*1*=utf-8''%", ";", "=", "\"",
	    "; name=\"=?a?q?", "/",
		"; boundary=x", "(" };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		repeat("Content-Type: multipart/mixed", pieces[i], 100000, "\r\n\r\n--x\r\n\r\n");
		repeat("Content-Disposition: attachment", pieces[i], 100000, "\r\n\r\nx");
	}
}

static void
test_hostile_bodies(void **state)
{
	(void)state;
	repeat("Content-Type: multipart/mixed; boundary=a\n\n", "--\n", 3000000, "");
	repeat("Content-Type: multipart/mixed; boundary=a\n\n", "--a\n", 3000000, "");
	repeat("Content-Type: multipart/mixed; boundary=a\n\n", "--a--\n", 3000000, "");
	repeat("", "Content-Type: multipart/mixed; boundary=a\n\n--a\n", 3000000, "");
	repeat("Content-Type: multipart/mixed; boundary=a\n\n--", " ", 3000000, "\n");
	repeat("Content-Type: text/html\n\n", "<", 3000000, "");
	repeat("Content-Type: text/html\n\n", "<a", 3000000, "");
	repeat("Content-Type: text/html\n\n", "<!--", 3000000, "");
	repeat("Content-Type: text/html\n\n", "<script>", 3000000, "");
	repeat("Content-Type: text/html\n\n", "&", 3000000, "");
	repeat("Content-Type: text/html\n\n", "<a x=\"", 3000000, "");
	repeat("Content-Type: text/plain; charset=iso-2022-kr\n\n", "\x0e\xff", 3000000, "");
	repeat("Content-Type: text/plain; charset=utf-32\n\n", "\xff", 3000000, "");
	repeat("Content-Transfer-Encoding: base64\n\n", "=", 3000000, "");
	repeat("Content-Transfer-Encoding: quoted-printable\n\n", "=", 3000000, "");
	repeat("Content-Transfer-Encoding: x-uuencode\n\n", "begin 644 x\n", 3000000, "");
}

/* A table of boundaries, each line compared with all of them. */
static void
test_deep_boundaries(void **state)
{
	struct wbuf m;
	char line[64];

	(void)state;
	wbuf_init(&m, 0);
	for (int i = 0; i < 250; i++)
		w_raw(&m, line,
		    (size_t)snprintf(line, sizeof(line), "Content-Type: multipart/mixed; boundary=%03d\n\n--%03d\n",
		    i, i));
	while (m.n < 4000000)
		w_raw(&m, "--xyz\n", 6);
	all_ways(wbuf_slice(&m));
	wbuf_free(&m);
}

static const char corpus[] =
    "Return-Path: <>\r\nFrom: =?utf-8?Q?J=C3=B6rg?= <j@x.org>, \"Doe, J\" <d@x.org>\r\n"
    "To: Team: a@b.c, (c) \"q\\\"\" <d@[1.2.3.4]>;\r\nSubject: =?iso-8859-1?B?5A==?= x\r\n\ty\r\n"
    "Date: Thu, 1 Jan 2026 00:00:00 +0100 (CET)\r\nMessage-ID: <a@b>\r\nReferences: <c@d>\r\n <e@f>\r\n"
    "Content-Type: multipart/mixed;\r\n boundary=\"out\"\r\n\r\n"
    "--out\r\nContent-Type: multipart/alternative; boundary=in\r\n\r\n"
    "--in\r\nContent-Type: text/plain; charset=shift_jis\r\nContent-Transfer-Encoding: base64\r\n\r\nk/qWew==\r\n"
    "--in\r\nContent-Type: text/html; charset=\"utf-8\"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "<p>&auml;=C3=A4<img src=3D\"cid:i@x\"></p>=\r\n\r\n--in--\r\n"
    "--out\r\nContent-Type: image/gif; name*0*=utf-8''%C3%A4; name*1=\".gif\"\r\nContent-ID: <i@x>\r\n"
    "Content-Transfer-Encoding: x-uuencode\r\n\r\nbegin 644 x\r\n%:&5L;&\\ \r\n`\r\nend\r\n"
    "--out\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n\r\nx\r\n--out--\r\n";

static void
test_truncated(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(corpus); n++) {
		/* a copy of exactly that size, so that a read behind it is seen */
		uint8_t *copy = malloc(n > 0 ? n : 1);

		memcpy(copy, corpus, n);
		all_ways(slice_mem(copy, n));
		free(copy);
	}
}

/* Every byte once replaced by some that mean something. */
static void
test_damaged(void **state)
{
	static const char with[] = "\0\n\r:;\"<=?-\xff";
	uint8_t copy[sizeof(corpus)];

	(void)state;
	for (size_t n = 0; n < sizeof(corpus); n++)
		for (size_t w = n % 3; w < sizeof(with) - 1; w += 3) {
			memcpy(copy, corpus, sizeof(corpus));
			copy[n] = (uint8_t)with[w];
			all_ways(slice_mem(copy, sizeof(corpus) - 1));
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_no_header),
		cmocka_unit_test(test_only_nul),
		cmocka_unit_test(test_nul_in_header),
		cmocka_unit_test(test_large_headers),
		cmocka_unit_test(test_hostile_subjects),
		cmocka_unit_test(test_hostile_addresses),
		cmocka_unit_test(test_hostile_parameters),
		cmocka_unit_test(test_hostile_bodies),
		cmocka_unit_test(test_deep_boundaries),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

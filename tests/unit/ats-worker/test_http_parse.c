/* The HTTP parser: the same events however the bytes are cut, and no request
 * smuggled in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http_parse.h"
#include "http_target.h"

/* A trace of the events: "H" head, "B" with the bytes, "E" end, "!" status. */
struct trace {
	char text[65536];
	size_t n;
	bool in_body;
};

static void
trace_add(struct trace *t, const char *s, size_t n)
{
	assert_true(t->n + n < sizeof(t->text));
	memcpy(t->text + t->n, s, n);
	t->n += n;
	t->text[t->n] = '\0';
}

static void
trace_event(struct trace *t, const struct http_parser *p, enum http_event ev, struct slice body)
{
	char status[16];

	if (ev == HTTP_BODY) {
		trace_add(t, t->in_body ? "" : "B", t->in_body ? 0 : 1);
		trace_add(t, (const char *)body.p, body.n);
		t->in_body = true;
		return;
	}
	t->in_body = false;
	if (ev == HTTP_HEAD) {
		trace_add(t, "H", 1);
		trace_add(t, (const char *)p->head.method.p, p->head.method.n);
		trace_add(t, (const char *)p->head.target.p, p->head.target.n);
	} else if (ev == HTTP_END)
		trace_add(t, "E", 1);
	else {
		(void)snprintf(status, sizeof(status), "!%d", p->status);
		trace_add(t, status, strlen(status));
	}
}

/* Feed in steps of the given size; false after an error. */
static void
feed(struct trace *t, const char *text, size_t total, size_t step)
{
	static struct http_parser p;
	size_t at = 0;

	memset(t, 0, sizeof(*t));
	http_parse_init(&p);
	while (at < total) {
		size_t n = total - at < step ? total - at : step;
		struct slice in = slice_mem(text + at, n), body;
		enum http_event ev;

		at += n;
		while ((ev = http_parse(&p, &in, &body)) != HTTP_MORE) {
			trace_event(t, &p, ev, body);
			if (ev == HTTP_ERROR)
				return;
			if (ev == HTTP_HEAD)
				p.body_limit = 1000;
			if (ev == HTTP_END)
				http_parse_next_request(&p);
		}
		assert_int_equal(in.n, 0);
	}
}

static void
check(const char *text, const char *wanted)
{
	static struct trace t;

	for (size_t step = 1; step <= strlen(text); step = step < 8 ? step + 1 : step * 2) {
		feed(&t, text, strlen(text), step);
		assert_string_equal(t.text, wanted);
	}
	feed(&t, text, strlen(text), strlen(text));
	assert_string_equal(t.text, wanted);
}

#define HOST "Host: a\r\n"

static void
test_good(void **state)
{
	(void)state;
	check("GET / HTTP/1.1\r\n" HOST "\r\n", "HGET/E");
	check("\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "HGET/E");
	check("GET /a HTTP/1.0\r\n\r\n", "HGET/aE");
	check("GET http://x.example/p?q HTTP/1.1\r\n" HOST "\r\n", "HGET/p?qE");
	check("POST /x HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhelloGET /y HTTP/1.1\r\n" HOST "\r\n",
	    "HPOST/xBhelloEHGET/yE");
	check("POST /x HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "HPOST/xE");
	check("POST /x HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0A\r\n0123456789\r\n0\r\n\r\n"
	      "GET / HTTP/1.1\r\n" HOST "\r\n",
	    "HPOST/xBhello0123456789EHGET/E");
}

static void
test_refused(void **state)
{
	static const struct {
		const char *text;
		int status;
	} cases[] = {
		{ "GET / HTTP/1.1\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\n" HOST "\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400 },
		{ "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
		{ "GET / XTTP/1.1\r\n" HOST "\r\n", 400 },
		{ "GET /\r\n" HOST "\r\n", 400 },
		{ "GET / a HTTP/1.1\r\n" HOST "\r\n", 400 },
		{ "GET a HTTP/1.1\r\n" HOST "\r\n", 400 },
		{ "G(T / HTTP/1.1\r\n" HOST "\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST " folded: x\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400 },
		{ "GET / HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: \r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 99999999999999999999\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501 },
		{ "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400 },
		{ "POST / HTTP/1.1\r\n" HOST "Expect: tea\r\n\r\n", 417 },
	};
	char wanted[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)snprintf(wanted, sizeof(wanted), "!%d", cases[i].status);
		check(cases[i].text, wanted);
	}
}

static void
test_bad_chunks(void **state)
{
#define CHUNKED "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n"
	(void)state;
	check(CHUNKED "x\r\n", "HPOST/!400");
	check(CHUNKED "\r\n", "HPOST/!400");
	check(CHUNKED "5\nhello", "HPOST/!400");
	check(CHUNKED "5 x\r\nhelloXX", "HPOST/Bhello!400");
	check(CHUNKED "0\r\nTrailer: x\r\n\r\n", "HPOST/!400");
	check(CHUNKED "fffffffffffffffff\r\n", "HPOST/!400");
	check(CHUNKED "3e9\r\n", "HPOST/");
	check(CHUNKED "3e9\r\nx", "HPOST/!413");
	check("POST / HTTP/1.1\r\n" HOST "Content-Length: 1001\r\n\r\nx", "HPOST/!413");
}

/* A request with one thing repeated: n times head, n times piece, then tail. */
static const char *
of_length(const char *head, const char *piece, size_t n, const char *tail)
{
	static char text[LIM_HTTP_HEAD * 2];
	static struct trace t;
	size_t at = strlen(head);

	memcpy(text, head, at);
	for (; n > 0; n--, at += strlen(piece))
		memcpy(text + at, piece, strlen(piece));
	memcpy(text + at, tail, strlen(tail));
	feed(&t, text, at + strlen(tail), 1000);
	return t.n > 0 && strchr(t.text, '!') != NULL ? strchr(t.text, '!') : "good";
}

/* limit: LIM_HTTP_LINE LIM_HTTP_HEAD LIM_HTTP_HEADERS LIM_HTTP_METHOD LIM_HTTP_CHUNK_LINE */
static void
test_limits(void **state)
{
	static const char get[] = "GET / HTTP/1.1\r\n" HOST, rest[] = " HTTP/1.1\r\n" HOST "\r\n";
	size_t line = LIM_HTTP_LINE - strlen("GET / HTTP/1.1\r\n"), head = LIM_HTTP_HEAD - strlen(get) - strlen("X: \r\n\r\n");

	(void)state;
	assert_string_equal(of_length("GET /", "a", line, rest), "good");
	assert_string_equal(of_length("GET /", "a", line + 1, rest), "!414");
	assert_string_equal(of_length("GET / HTTP/1.1\r\n" HOST "X: ", "a", head, "\r\n\r\n"), "good");
	assert_string_equal(of_length("GET / HTTP/1.1\r\n" HOST "X: ", "a", head + 1, "\r\n\r\n"), "!431");
	assert_string_equal(of_length(get, "h: v\r\n", LIM_HTTP_HEADERS - 1, "\r\n"), "good");	/* and Host */
	assert_string_equal(of_length(get, "h: v\r\n", LIM_HTTP_HEADERS, "\r\n"), "!431");
	assert_string_equal(of_length("", "M", LIM_HTTP_METHOD, " /" " HTTP/1.1\r\n" HOST "\r\n"), "good");
	assert_string_equal(of_length("", "M", LIM_HTTP_METHOD + 1, " /" " HTTP/1.1\r\n" HOST "\r\n"), "!400");
	assert_string_equal(of_length(CHUNKED "1;", "a", LIM_HTTP_CHUNK_LINE - 2, "\r\nx\r\n0\r\n\r\n"), "good");
	assert_string_equal(of_length(CHUNKED "1;", "a", LIM_HTTP_CHUNK_LINE - 1, "\r\nx\r\n0\r\n\r\n"), "!400");
}

/* limit: LIM_HTTP_SEGMENTS LIM_HTTP_QUERY LIM_HTTP_DECODED */
static void
test_target_limits(void **state)
{
	static char text[LIM_HTTP_DECODED + 2];
	struct http_target t;

	(void)state;
	assert_int_equal(http_target_parse(&t, slice_str("/1/2/3/4/5/6/7/8")), 0);
	assert_int_equal(http_target_parse(&t, slice_str("/1/2/3/4/5/6/7/8/9")), -1);
	assert_int_equal(http_target_parse(&t, slice_str("/?1&2&3&4&5&6&7&8")), 0);
	assert_int_equal(http_target_parse(&t, slice_str("/?1&2&3&4&5&6&7&8&9")), -1);
	memset(text, 'a', sizeof(text));
	text[0] = '/';
	assert_int_equal(http_target_parse(&t, slice_mem(text, LIM_HTTP_DECODED)), 0);	/* without '/', with NUL */
	assert_int_equal(http_target_parse(&t, slice_mem(text, LIM_HTTP_DECODED + 1)), -1);
}

/* Cut at each length: only prefixes of the whole trace appear. */
static void
test_truncated(void **state)
{
	static const char text[] = "POST /x HTTP/1.1\r\n" HOST
				   "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
	static struct trace whole, part;

	(void)state;
	feed(&whole, text, sizeof(text) - 1, sizeof(text));
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		feed(&part, text, n, 7);
		assert_memory_equal(part.text, whole.text, part.n);
	}
}

static void
test_header_find(void **state)
{
	static struct http_parser p;
	struct slice in = slice_str("GET / HTTP/1.1\r\nHOST: a:80\r\nX-Two:  v w \t\r\nConnection: x, Close\r\n\r\n"), body;

	(void)state;
	http_parse_init(&p);
	assert_int_equal(http_parse(&p, &in, &body), HTTP_HEAD);
	assert_true(slice_eq_str(p.head.host, "a:80"));
	assert_true(slice_eq_str(http_header_find(&p.head, "x-two")->value, "v w"));
	assert_null(http_header_find(&p.head, "x-three"));
	assert_false(p.head.keep_alive);
}

static void
test_target(void **state)
{
	struct http_target t;

	(void)state;
	assert_int_equal(http_target_parse(&t, slice_str("/a/b%20c/?x=1&y=%2A&z")), 0);
	assert_int_equal(t.nsegments, 3);
	assert_string_equal(t.segments[1], "b c");
	assert_string_equal(t.segments[2], "");
	assert_string_equal(http_target_query(&t, "y"), "*");
	assert_string_equal(http_target_query(&t, "z"), "");
	assert_null(http_target_query(&t, "w"));
	assert_int_equal(http_target_parse(&t, slice_str("/a%00")), -1);
	assert_int_equal(http_target_parse(&t, slice_str("/a%0d%0ab")), -1);
	assert_int_equal(http_target_parse(&t, slice_str("/a%2")), -1);
	assert_int_equal(http_target_parse(&t, slice_str("/%zz")), -1);
	assert_int_equal(http_target_parse(&t, slice_str("/1/2/3/4/5/6/7/8/9")), -1);
	assert_int_equal(http_target_parse(&t, slice_str("*")), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad_chunks),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_target_limits),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_header_find),
		cmocka_unit_test(test_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Replies byte by byte and cut, verdicts, and the text on the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dot.h"
#include "reply.h"
#include "verdict.h"

static enum reply_event
feed(struct reply *r, const char *text, size_t n, size_t step)
{
	enum reply_event e = REPLY_MORE;

	for (size_t i = 0; i < n && (e == REPLY_MORE || e == REPLY_PART); i += step) {
		struct slice in = slice_mem(text + i, step < n - i ? step : n - i);

		while (in.n > 0 && ((e = reply_read(r, &in)) == REPLY_PART))
			;
	}
	return e;
}

static void
test_whole(void **state)
{
	static const struct {
		const char *bytes;
		unsigned int code;
		const char *text;
	} good[] = {
		{ "250 ok\r\n", 250, "ok" }, { "250\r\n", 250, "" }, { "250 \n", 250, "" },
		{ "550-5.1.1 no\r\n550 5.1.1 such user\r\n", 550, "5.1.1 no 5.1.1 such user" },
		{ "250-\r\n250-\r\n250 x\r\n", 250, "x" }, { "354 go \x01\xff\r\n", 354, "go ??" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		for (size_t step = 1; step < 12; step++) {
			struct reply r;

			reply_init(&r);
			assert_int_equal(feed(&r, good[i].bytes, strlen(good[i].bytes), step), REPLY_WHOLE);
			assert_int_equal(r.code, good[i].code);
			assert_string_equal(r.text, good[i].text);
		}
}

static void
test_cut(void **state)
{
	static const char text[] = "550-5.1.1 no\r\n550 5.1.1 such user\r\n";

	(void)state;
	for (size_t n = 0; n < sizeof(text) - 1; n++) {
		struct reply r;
		enum reply_event e;

		reply_init(&r);
		e = feed(&r, text, n, 1);
		assert_true(e == REPLY_MORE || e == REPLY_PART);
		assert_int_equal(feed(&r, text + n, sizeof(text) - 1 - n, 1), REPLY_WHOLE);
		assert_string_equal(r.text, "5.1.1 no 5.1.1 such user");
	}
}

static void
test_broken(void **state)
{
	static const char *const bad[] = { "hello\r\n", "\r\n", "25 x\r\n", "2500 x\r\n", "150 x\r\n", "650 x\r\n",
		"250_x\r\n", "2a0 x\r\n", "250-a\r\n251 b\r\n", "* OK\r\n" };
	struct reply r;
	struct slice in;
	char line[LIM_REPLY_LINE + 10];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		reply_init(&r);
		assert_int_equal(feed(&r, bad[i], strlen(bad[i]), 3), REPLY_BROKEN);
		in = slice_str("250 ok\r\n");
		assert_int_equal(reply_read(&r, &in), REPLY_BROKEN);
	}
	memset(line, 'x', sizeof(line));
	reply_init(&r);
	assert_int_equal(feed(&r, line, sizeof(line), 100), REPLY_BROKEN);
	reply_init(&r);
	for (int i = 0; i < LIM_REPLY_LINES; i++)
		assert_int_equal(feed(&r, "250-x\r\n", 7, 7), REPLY_PART);
	assert_int_equal(feed(&r, "250-x\r\n", 7, 7), REPLY_BROKEN);
}

static void
test_verdicts(void **state)
{
	static const struct {
		enum verdict_phase phase;
		unsigned int reply;
		const char *text, *code;
		enum send_result result;
	} rows[] = {
		{ VERDICT_RCPT, 550, "5.1.1 unknown", "send.rcpt_unknown", SEND_PERM },
		{ VERDICT_RCPT, 550, "5.1.10 x", "send.rcpt_unknown", SEND_PERM },
		{ VERDICT_RCPT, 550, "No such user", "send.rcpt_unknown", SEND_PERM },
		{ VERDICT_RCPT, 550, "5.1.2 bad domain", "send.domain_unknown", SEND_PERM },
		{ VERDICT_RCPT, 550, "5.4.4 x", "send.domain_unknown", SEND_PERM },
		{ VERDICT_RCPT, 452, "4.2.2 full", "send.rcpt_full", SEND_TEMP },
		{ VERDICT_RCPT, 552, "5.2.2 full", "send.rcpt_full", SEND_TEMP },
		{ VERDICT_RCPT, 550, "5.2.1 off", "send.rcpt_disabled", SEND_PERM },
		{ VERDICT_RCPT, 452, "4.5.3 many", "send.too_many_rcpt", SEND_TEMP },
		{ VERDICT_RCPT, 450, "4.7.1 greylisted", "send.temp", SEND_TEMP },
		{ VERDICT_MAIL, 553, "5.7.1 not owned", "send.from_refused", SEND_PERM },
		{ VERDICT_DATA, 554, "5.2.252 SendAsDenied", "send.from_refused", SEND_PERM },
		{ VERDICT_MAIL, 550, "5.7.60 x", "send.from_refused", SEND_PERM },
		{ VERDICT_MAIL, 501, "bad", "send.from_refused", SEND_PERM },
		{ VERDICT_MAIL, 550, "5.1.8 x", "send.sender_blocked", SEND_PERM },
		{ VERDICT_DATA, 550, "5.7.501 x", "send.sender_blocked", SEND_PERM },
		{ VERDICT_DATA, 550, "5.7.708 x", "send.sender_blocked", SEND_PERM },
		{ VERDICT_DATA, 550, "5.7.709 x", "send.content_refused", SEND_PERM },
		{ VERDICT_DATA, 550, "5.7.500 x", "send.content_refused", SEND_PERM },
		{ VERDICT_DATA, 550, "5.7.26 x", "send.unauthenticated_domain", SEND_PERM },
		{ VERDICT_DATA, 550, "5.7.1 fails DMARC", "send.unauthenticated_domain", SEND_PERM },
		{ VERDICT_DATA, 554, "5.7.1 x", "send.spam_rejected", SEND_PERM },
		{ VERDICT_DATA, 550, "looks like SPAM", "send.spam_rejected", SEND_PERM },
		{ VERDICT_MAIL, 552, "too big", "send.too_large", SEND_PERM },
		{ VERDICT_DATA, 552, "5.3.4 x", "send.too_large", SEND_PERM },
		{ VERDICT_DATA, 552, "5.7.0 x", "send.content_refused", SEND_PERM },
		{ VERDICT_DATA, 554, "5.6.0 x", "send.content_refused", SEND_PERM },
		{ VERDICT_DATA, 550, "5.4.5 daily", "send.quota_day", SEND_TEMP },
		{ VERDICT_DATA, 554, "5.2.0 recipient limit", "send.quota_day", SEND_TEMP },
		{ VERDICT_MAIL, 432, "4.3.2 x", "send.concurrency", SEND_TEMP },
		{ VERDICT_MAIL, 421, "4.4.5 x", "send.concurrency", SEND_TEMP },
		{ VERDICT_MAIL, 421, "bye", "send.temp", SEND_TEMP },
		{ VERDICT_EHLO, 550, "no", "send.temp", SEND_TEMP },
		{ VERDICT_DATA, 250, "?", "send.temp", SEND_TEMP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct verdict v = verdict_of(rows[i].phase, rows[i].reply, rows[i].text);

		if (strcmp(v.code, rows[i].code) != 0 || v.result != rows[i].result)
			fail_msg("%u %s: %s %d", rows[i].reply, rows[i].text, v.code, (int)v.result);
	}
}

static void
test_dots(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
		{ "", "" }, { "a", "a\r\n" }, { "a\n", "a\r\n" }, { "a\r\n", "a\r\n" }, { ".", "..\r\n" },
		{ ".\r\n", "..\r\n" }, { "a\n.\nb", "a\r\n..\r\nb\r\n" }, { "a\r.\rb", "a\r\n..\r\nb\r\n" },
		{ "a\r\n.\r\n", "a\r\n..\r\n" }, { "\n\n", "\r\n\r\n" }, { "\r\r\n", "\r\n\r\n" },
		{ "..x\n", "...x\r\n" }, { "a.b\n.c", "a.b\r\n..c\r\n" }, { "a\r\n\r\n.", "a\r\n\r\n..\r\n" },
	};
	uint8_t buf[64], out[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t size = 8; size <= sizeof(buf); size++) {
			struct slice m = slice_str(cases[i].in);
			struct dot d;
			size_t at = 0, n;

			dot_init(&d, m);
			while ((n = dot_next(&d, buf, size)) > 0) {
				memcpy(out + at, buf, n);
				at += n;
			}
			assert_true(d.ended);
			if (!slice_eq_str(slice_mem(out, at), cases[i].out))
				fail_msg("case %zu size %zu: %.*s", i, size, (int)at, (const char *)out);
		}
	assert_int_equal(dot_size(slice_str("a\n.\nb")), 9);
	assert_int_equal(dot_size(slice_str("a\r\nb\r\n")), 6);
	assert_int_equal(dot_size(SLICE_NONE), 0);
	assert_true(dot_has_8bit(slice_str("caf\xc3\xa9")));
	assert_false(dot_has_8bit(slice_str("cafe")));
}

/* Long lines and every chunk border: the same bytes whatever the chunk is. */
static void
test_dot_borders(void **state)
{
	uint8_t message[600], one[2000], many[2000], chunk[32];
	struct dot d;
	size_t n, whole, at;

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)"..\r\nab\n\r."[i * 7 % 9];
	dot_init(&d, slice_mem(message, sizeof(message)));
	whole = dot_next(&d, one, sizeof(one));
	assert_int_equal(dot_next(&d, one + whole, sizeof(one) - whole), 0);
	for (size_t size = 8; size <= sizeof(chunk); size++) {
		dot_init(&d, slice_mem(message, sizeof(message)));
		for (at = 0; (n = dot_next(&d, chunk, size)) > 0; at += n)
			memcpy(many + at, chunk, n);
		assert_int_equal(at, whole);
		assert_memory_equal(one, many, whole);
	}
	/* No line of the result is a lone dot. */
	for (size_t i = 0; i + 4 < whole; i++)
		assert_false(memcmp(one + i, "\r\n.\r\n", 5) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_broken),
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_dots),
		cmocka_unit_test(test_dot_borders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

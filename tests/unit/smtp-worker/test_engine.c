/*
 * The engine against scripted servers: what it says, what it reports, and what
 * a connection lost at each point means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine.h"

/* ---- what was reported, as one line of text ---- */

static char news[4096];

static void
note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
note(const char *fmt, ...)
{
	size_t n = strlen(news);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(news + n, sizeof(news) - n, fmt, ap);
	va_end(ap);
}

static void
on_rcpt(void *ctx, size_t index, unsigned int reply, const char *code, const char *text)
{
	(void)ctx;
	(void)text;
	note("rcpt%zu:%u:%s ", index, reply, code);
}

static void
on_data_sent(void *ctx)
{
	(void)ctx;
	note("data_sent ");
}

static void
on_done(void *ctx, enum send_result result, unsigned int reply, const char *code, const char *text)
{
	static const char *const names[] = { "", "OK", "TEMP", "PERM", "UNCERTAIN" };

	(void)ctx;
	(void)text;
	note("%s:%u:%s ", names[result], reply, code);
}

static void
on_idle(void *ctx)
{
	(void)ctx;
	note("idle ");
}

static void
on_step(void *ctx, enum step step, bool ok, const char *code, const char *text)
{
	(void)ctx;
	(void)text;
	note("step%d:%s:%s ", (int)step, ok ? "ok" : "no", code);
}

static void
on_over(void *ctx)
{
	(void)ctx;
	note("over ");
}

static const struct engine_ops ops = { on_rcpt, on_data_sent, on_done, on_idle, on_step, on_over };

/* ---- one conversation ---- */

static struct engine e;
static struct evbuffer *out;
static struct item item;
static char rcpts[3][LIM_ADDRESS + 1];

/* Read what was said; a text under way is drained to its end. */
static void
said(const char *want)
{
	char buf[8192];
	size_t at = 0, n;

	while ((n = evbuffer_get_length(out)) > 0) {
		assert_true(at + n < sizeof(buf));
		evbuffer_remove(out, buf + at, n);
		at += n;
		engine_drained(&e);
	}
	buf[at] = '\0';
	assert_string_equal(buf, want);
}

static void
hear(const char *text)
{
	engine_input(&e, slice_str(text));
}

static void
told(const char *want)
{
	assert_string_equal(news, want);
	news[0] = '\0';
}

static void
start(const char *ehlo, bool probe)
{
	if (out != NULL)
		evbuffer_free(out);
	out = evbuffer_new();
	news[0] = '\0';
	engine_start(&e, &ops, NULL, out, "me@example.org", probe);
	said("EHLO example.org\r\n");
	hear(ehlo);
}

static void
compose(const char *text, size_t n_rcpts)
{
	memset(&item, 0, sizeof(item));
	item.submission = 7;
	snprintf(item.from, sizeof(item.from), "me@example.org");
	for (size_t i = 0; i < 3; i++)
		snprintf(rcpts[i], sizeof(rcpts[i]), "r%zu@example.net", i);
	item.rcpts = rcpts;
	item.n_rcpts = n_rcpts;
	item.body.data = slice_str(text);
}

#define PLAIN "250-mx\r\n250 HELP\r\n"
#define FULL "250-mx\r\n250-PIPELINING\r\n250-SIZE 1000\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"

static void
test_plain(void **state)
{
	(void)state;
	start(PLAIN, false);
	told("idle ");
	compose("Subject: x\n\n.hi\n", 2);
	assert_true(engine_send(&e, &item));
	said("MAIL FROM:<me@example.org>\r\n");
	hear("250 ok\r\n");
	said("RCPT TO:<r0@example.net>\r\n");
	hear("250 ok\r\n");
	said("RCPT TO:<r1@example.net>\r\n");
	hear("251 forward\r\n");
	told("rcpt0:250: rcpt1:251: ");
	said("DATA\r\n");
	hear("354 go\r\n");
	said("Subject: x\r\n\r\n..hi\r\n");
	told("data_sent ");
	engine_go(&e);
	said(".\r\n");
	hear("250 2.0.0 queued\r\n");
	told("OK:250: ");
	said("RSET\r\n");
	hear("250 ok\r\n");
	told("idle ");
	engine_quit(&e);
	said("QUIT\r\n");
	hear("221 bye\r\n");
	told("over ");
	assert_int_equal(e.state, ENGINE_DEAD);
}

static void
test_extensions(void **state)
{
	(void)state;
	start(FULL, false);
	compose("caf\xc3\xa9\r\n", 3);
	item.utf8 = true;
	engine_send(&e, &item);
	said("MAIL FROM:<me@example.org> SIZE=7 BODY=8BITMIME SMTPUTF8\r\nRCPT TO:<r0@example.net>\r\n"
	     "RCPT TO:<r1@example.net>\r\nRCPT TO:<r2@example.net>\r\n");
	hear("250 ok\r\n250 ok\r\n550 5.1.1 no\r\n450 later\r\n");
	told("idle rcpt0:250: rcpt1:550:send.rcpt_unknown rcpt2:450:send.temp ");
	said("DATA\r\n");
	hear("354 go\r\n");
	said("caf\xc3\xa9\r\n");
	engine_go(&e);
	said(".\r\n");
	hear("250 ok\r\n");
	told("data_sent OK:250:send.rcpt_partial ");
}

static void
test_refused_early(void **state)
{
	static char big[1200];

	(void)state;
	start(FULL, false);
	memset(big, 'x', sizeof(big) - 1);
	compose(big, 1);
	assert_false(engine_send(&e, &item));
	told("idle PERM:0:send.too_large ");
	compose("x", 1);
	snprintf(item.from, sizeof(item.from), "a> SIZE=1\r\nRCPT");
	assert_false(engine_send(&e, &item));
	told("PERM:0:cfg.invalid ");
	start(PLAIN, false);
	compose("x", 1);
	item.utf8 = true;
	assert_false(engine_send(&e, &item));
	told("idle PERM:0:send.utf8_unsupported ");
	said("");
}

static void
test_all_refused(void **state)
{
	(void)state;
	start(PLAIN, false);
	compose("x", 2);
	engine_send(&e, &item);
	hear("250 ok\r\n550 5.1.1 no\r\n");
	hear("450 4.2.1 later\r\n");
	told("idle rcpt0:550:send.rcpt_unknown rcpt1:450:send.temp TEMP:450:send.temp ");
	hear("250 reset\r\n");
	told("idle ");
	compose("x", 2);
	engine_send(&e, &item);
	hear("250 ok\r\n");
	hear("550 5.1.1 no\r\n");
	hear("550 5.1.2 no\r\n");
	told("rcpt0:550:send.rcpt_unknown rcpt1:550:send.domain_unknown PERM:550:send.rcpt_unknown ");
	said("MAIL FROM:<me@example.org>\r\nRCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\nRSET\r\n"
	     "MAIL FROM:<me@example.org>\r\nRCPT TO:<r0@example.net>\r\nRCPT TO:<r1@example.net>\r\nRSET\r\n");
}

/* Commands cannot be slipped in by an address, and the others are not moved. */
static void
test_unspeakable(void **state)
{
	(void)state;
	for (int pipelined = 0; pipelined < 2; pipelined++) {
		start(pipelined ? FULL : PLAIN, false);
		compose("x", 3);
		snprintf(rcpts[0], sizeof(rcpts[0]), "a@b>\r\nDATA");
		snprintf(rcpts[2], sizeof(rcpts[2]), "a b@c");
		engine_send(&e, &item);
		hear("250 ok\r\n");
		hear("250 ok\r\n");
		told("idle rcpt0:0:send.rcpt_unknown rcpt1:250: rcpt2:0:send.rcpt_unknown ");
		assert_int_equal(e.state, ENGINE_DATA);
	}
	start(PLAIN, false);
	compose("x", 1);
	rcpts[0][0] = '\0';
	engine_send(&e, &item);
	hear("250 ok\r\n");
	told("idle rcpt0:0:send.rcpt_unknown PERM:0:send.rcpt_unknown ");
}

static void
test_mail_refused(void **state)
{
	(void)state;
	start(FULL, false);
	compose("x", 2);
	engine_send(&e, &item);
	hear("553 5.7.1 not yours\r\n503 no\r\n");
	told("idle ");
	hear("503 no\r\n");
	told("PERM:553:send.from_refused ");
	start(PLAIN, false);
	compose("x", 2);
	engine_send(&e, &item);
	hear("421 4.4.5 busy\r\n");
	told("idle TEMP:421:send.concurrency ");
}

static void
test_data_refused(void **state)
{
	(void)state;
	start(FULL, false);
	compose("x", 1);
	engine_send(&e, &item);
	hear("250 ok\r\n250 ok\r\n554 5.6.0 no\r\n");
	told("idle rcpt0:250: PERM:554:send.content_refused ");
	start(FULL, false);
	compose("x", 1);
	engine_send(&e, &item);
	hear("250 ok\r\n250 ok\r\n354 go\r\n");
	said("MAIL FROM:<me@example.org> SIZE=3\r\nRCPT TO:<r0@example.net>\r\nDATA\r\nx\r\n");
	engine_go(&e);
	hear("554 5.7.1 spam\r\n");
	told("idle rcpt0:250: data_sent PERM:554:send.spam_rejected ");
}

static void
test_pipelined_answer_is_no_permission(void **state)
{
	(void)state;
	/* A server that answers the dot before it was sent is out of step. */
	start(FULL, false);
	compose("x", 1);
	engine_send(&e, &item);
	hear("250 ok\r\n250 ok\r\n354 go\r\n250 queued\r\n");
	told("idle rcpt0:250: TEMP:250:send.temp over ");
}

/* ---- lost at each point ---- */

static void
advance(unsigned int stage)
{
	static const char *const replies[] = { "250 ok\r\n", "250 ok\r\n", "354 go\r\n" };

	start(PLAIN, false);
	compose("some text", 1);
	engine_send(&e, &item);
	for (unsigned int i = 0; i < stage && i < 3; i++)
		hear(replies[i]);
	if (stage > 3) {
		evbuffer_drain(out, evbuffer_get_length(out));
		engine_drained(&e);
	}
	if (stage > 4)
		engine_go(&e);
	news[0] = '\0';
}

static void
test_lost_everywhere(void **state)
{
	(void)state;
	for (unsigned int stage = 0; stage < 6; stage++) {
		const char *want = stage < 5 ? "TEMP:0:net.reset " : "UNCERTAIN:0:send.uncertain ";

		advance(stage);
		engine_lost(&e);
		told(want);
		engine_lost(&e);
		told("");
		/* Garbage is the same as a lost connection. */
		advance(stage);
		hear("garbage\r\n");
		engine_go(&e);
		assert_int_equal(strncmp(news, want, strlen(want)), 0);
		assert_string_equal(news + strlen(want), "over ");
	}
	/* A reply that says "go on" to the dot decides nothing. */
	advance(5);
	hear("354 again\r\n");
	told("UNCERTAIN:0:send.uncertain over ");
	/* After the answer the item is decided. */
	advance(5);
	hear("250 ok\r\n");
	engine_lost(&e);
	told("OK:250: ");
	/* A permission that comes too early writes no dot. */
	advance(3);
	evbuffer_drain(out, evbuffer_get_length(out));
	engine_go(&e);
	assert_int_equal(evbuffer_get_length(out), 0);
	engine_lost(&e);
	told("TEMP:0:net.reset ");
}

static void
test_cut_replies(void **state)
{
	static const char text[] = "250-2.0.0 first\r\n250 2.0.0 queued\r\n";

	(void)state;
	for (size_t n = 0; n <= sizeof(text) - 1; n++) {
		advance(5);
		engine_input(&e, slice_mem(text, n));
		engine_lost(&e);
		told(n < sizeof(text) - 1 ? "UNCERTAIN:0:send.uncertain " : "OK:250: ");
	}
}

static void
test_big_text(void **state)
{
	static char text[300000];
	size_t total = 0, n;

	(void)state;
	memset(text, 'y', sizeof(text) - 1);
	for (size_t i = 70; i < sizeof(text); i += 71)
		text[i] = '\n';
	start(PLAIN, false);
	compose(text, 1);
	item.body.data = slice_mem(text, sizeof(text) - 1);
	engine_send(&e, &item);
	hear("250 ok\r\n250 ok\r\n");
	evbuffer_drain(out, evbuffer_get_length(out));
	hear("354 go\r\n");
	news[0] = '\0';
	while ((n = evbuffer_get_length(out)) > 0) {
		assert_true(n <= ENGINE_FILL);
		assert_string_equal(news, "");
		total += n;
		evbuffer_drain(out, n);
		engine_drained(&e);
	}
	told("data_sent ");
	assert_int_equal(total, dot_size(item.body.data));
}

static void
test_probe(void **state)
{
	(void)state;
	start(FULL, true);
	said("MAIL FROM:<me@example.org> SIZE=1000\r\n");
	told("step8:ok: ");
	hear("250 ok\r\n");
	told("step9:ok: ");
	said("RSET\r\n");
	hear("250 ok\r\n");
	said("QUIT\r\n");
	hear("221 ok\r\n");
	told("over ");
	start(PLAIN, true);
	hear("553 5.7.1 no\r\n");
	told("step8:ok: step9:no:send.from_refused ");
	start("554 no\r\n", true);
	told("step8:no:send.temp over ");
	start("250", true);
	engine_lost(&e);
	told("step8:no:net.reset ");
}

static void
test_ehlo_name(void **state)
{
	static const char *const names[][2] = { { "a@b.example", "EHLO b.example\r\n" }, { "a", "EHLO [127.0.0.1]\r\n" },
		{ "a@", "EHLO [127.0.0.1]\r\n" }, { "a@b\r\nX", "EHLO [127.0.0.1]\r\n" },
		{ "a@\xc3\xa9.example", "EHLO [127.0.0.1]\r\n" } };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		evbuffer_drain(out, evbuffer_get_length(out));
		engine_start(&e, &ops, NULL, out, names[i][0], false);
		said(names[i][1]);
	}
	evbuffer_free(out);
	out = NULL;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_refused_early),
		cmocka_unit_test(test_all_refused),
		cmocka_unit_test(test_unspeakable),
		cmocka_unit_test(test_mail_refused),
		cmocka_unit_test(test_data_refused),
		cmocka_unit_test(test_pipelined_answer_is_no_permission),
		cmocka_unit_test(test_lost_everywhere),
		cmocka_unit_test(test_cut_replies),
		cmocka_unit_test(test_big_text),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_ehlo_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

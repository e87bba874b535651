/* Limits of the SMTP engine, on both sides of each. */
#include "../own_time.h"
#include "played.h"

#include "reply.h"

#define TURNS 50	/* enough for a connection to come up, and to die */

/* limit: LIM_SMTP_IDLE_SECONDS: until then the connection serves the next message. */
static void
idle(void)
{
	begin(false);
	give(1, "one@example.net", slice_str("line\n"));
	until("OK1:");
	time_pass(LIM_SMTP_IDLE_SECONDS * 1000 - 1);
	give(2, "one@example.net", slice_str("line\n"));
	until("OK2:");
	CHECK(play.streams == 1);
	time_pass(LIM_SMTP_IDLE_SECONDS * 1000 - 1);
	CHECK(strstr(play.news, "quit ") == NULL);
	time_pass(1);
	until("quit ");
	ends();
}

/* The next connection is asked for after about ms, not before. */
static void
waits(uint64_t ms)
{
	unsigned int streams;
	uint64_t next;

	time_turns(TURNS);
	streams = play.streams;
	next = time_to_next();
	CHECK(next >= ms && next < ms + ms / 2);
	time_pass(next - 1);
	CHECK(play.streams == streams);
	time_pass(1);
	CHECK(play.streams == streams + 1);
	time_turns(TURNS);
}

/* limit: LIM_SMTP_RETRY_FIRST_MS LIM_SMTP_RETRY_MAX_MS */
static void
retries(void)
{
	uint64_t ms = LIM_SMTP_RETRY_FIRST_MS;

	begin(false);
	play.die_at = "EHLO";
	play.die_times = 1000;
	for (unsigned int item = 1; item <= 5; item++) {
		give(item, "one@example.net", slice_str("line\n"));
		for (int i = 0; i < LIM_SMTP_UNUSED - 1; i++) {
			waits(ms);
			ms = ms * 2 < LIM_SMTP_RETRY_MAX_MS ? ms * 2 : LIM_SMTP_RETRY_MAX_MS;
		}
	}
	CHECK(ms == LIM_SMTP_RETRY_MAX_MS);
	play.die_times = 0;	/* a connection that works forgives all */
	give(9, "one@example.net", slice_str("line\n"));
	until("OK9:");
	play.die_at = "MAIL";
	play.die_times = 1;
	give(10, "one@example.net", slice_str("line\n"));
	give(11, "one@example.net", slice_str("line\n"));
	until("TEMP10:");
	waits(LIM_SMTP_RETRY_FIRST_MS);
	until("OK11:");
	_exit(0);
}

/* limit: LIM_SMTP_UNUSED: EHLO is never answered: not for ever, but the next message finds it all new. */
static void
unused(void)
{
	begin(false);
	play.die_at = "EHLO";
	play.die_times = LIM_SMTP_UNUSED - 1;
	give(1, "one@example.net", slice_str("line\n"));
	time_turns(TURNS);
	time_pass(10000);
	until("OK1:");
	CHECK(play.streams == LIM_SMTP_UNUSED);
	play.news[0] = '\0';
	server_drop();
	time_turns(TURNS);
	play.die_times = LIM_SMTP_UNUSED;
	give(2, "one@example.net", slice_str("line\n"));
	time_turns(TURNS);
	time_pass(10000);
	news_are("TEMP2:net.reset ");
	CHECK(play.streams == 2 * LIM_SMTP_UNUSED);
	give(3, "one@example.net", slice_str("line\n"));
	until("OK3:");
	quit();
	ends();
}

static void
test_scenarios(void **state)
{
	static void (*const all[])(void) = { idle, retries, unused };

	(void)state;
	run_scenarios(all, sizeof(all) / sizeof(all[0]));
}

/* limit: LIM_REPLY_LINE: without its line feed. */
static void
reply_line(void **state)
{
	char line[LIM_REPLY_LINE + 2];
	struct reply r;
	struct slice in;

	(void)state;
	for (size_t n = LIM_REPLY_LINE; n <= LIM_REPLY_LINE + 1; n++) {
		memset(line, 'x', sizeof(line));
		memcpy(line, "250 ", 4);
		line[n] = '\n';
		in = slice_mem(line, n + 1);
		reply_init(&r);
		assert_int_equal(reply_read(&r, &in), n == LIM_REPLY_LINE ? REPLY_WHOLE : REPLY_BROKEN);
		assert_int_equal(r.broken, n > LIM_REPLY_LINE);
	}
}

/* limit: LIM_REPLY_LINES */
static void
reply_lines(void **state)
{
	struct reply r;
	struct slice in;

	(void)state;
	for (int n = LIM_REPLY_LINES; n <= LIM_REPLY_LINES + 1; n++) {
		reply_init(&r);
		for (int i = 1; i < n; i++) {
			in = slice_str("250-x\r\n");
			assert_int_equal(reply_read(&r, &in), REPLY_PART);
		}
		in = slice_str("250 x\r\n");
		assert_int_equal(reply_read(&r, &in), n == LIM_REPLY_LINES ? REPLY_WHOLE : REPLY_BROKEN);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
		cmocka_unit_test(reply_line),
		cmocka_unit_test(reply_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The whole worker against a played store, master and server. */
#include "played.h"

/* ---- scenarios ---- */

static void
two_items(void)
{
	begin(false);
	give(1, "one@example.net", slice_str("a\n.\n"));
	give(2, "nobody@example.net", slice_str("b\n"));
	quit();
	until("quit ");
	news_are("rcpt0:250 rcpt1:250 sent1 OK1: rcpt0:550 rcpt1:250 sent2 OK2:send.rcpt_partial quit ");
	CHECK(play.streams == 1);
	ends();
}

static void
big_item(void)
{
	static char text[300000];
	size_t n;

	memset(text, 'z', sizeof(text));
	for (size_t i = 0; i < sizeof(text); i += 50)
		text[i] = i % 100 == 0 ? '.' : '\n';
	text[sizeof(text) - 1] = '\n';
	begin(false);
	give(1, "one@example.net", slice_mem(text, sizeof(text)));
	until("OK1:");
	n = evbuffer_get_length(play.text);
	/* The server's view still has the doubled dot of the first line. */
	CHECK(n == sizeof(text) + 1);
	CHECK(memcmp(evbuffer_pullup(play.text, -1) + 1, text, sizeof(text)) == 0);
	_exit(0);
}

static void
lost(const char *at, const char *want)
{
	begin(false);
	play.die_at = at;
	play.die_times = 1;
	give(1, "one@example.net", slice_str("line\n"));
	give(2, "one@example.net", slice_str("line\n"));
	until("OK2:");
	CHECK(play.streams == 2);
	CHECK(strncmp(play.news, want, strlen(want)) == 0);
	_exit(0);
}

static void
lost_mail(void)
{
	lost("MAIL", "TEMP1:net.reset rcpt0");
}

static void
lost_data(void)
{
	lost("DATA", "rcpt0:250 rcpt1:250 TEMP1:net.reset rcpt0");
}

static void
lost_dot(void)
{
	lost(".", "rcpt0:250 rcpt1:250 sent1 UNCERTAIN1:send.uncertain rcpt0");
}

static void
lost_waiting(void)
{
	begin(false);
	play.no_go = true;
	give(1, "one@example.net", slice_str("line\n"));
	until("sent1");
	server_drop();
	until("TEMP1:net.reset");
	_exit(0);
}

static void
no_stream(void)
{
	begin(false);
	play.refuse_stream = true;
	give(1, "one@example.net", slice_str("line\n"));
	give(2, "one@example.net", slice_str("line\n"));
	until("TEMP2:");
	news_are("TEMP1:net.refused TEMP2:net.refused ");
	quit();
	ends();
}

static void
probe(void)
{
	begin(true);
	until("quit ");
	news_are("step8:1:0 step9:1:1 quit ");
	ends();
}

static void
probe_lost(void)
{
	begin(true);
	play.die_at = "MAIL";
	play.die_times = 1;
	until("step9:0:1");
	ends();
}

/* Many items, more than there are credits at once. */
static void
credits(void)
{
	char last[16];

	snprintf(last, sizeof(last), "OK%d:", LIM_CHAN_CREDITS);
	begin(false);
	for (unsigned int i = 1; i <= LIM_CHAN_CREDITS; i++)
		give(i, "one@example.net", slice_str("line\n"));
	CHECK(chan_credits(play.store) == 0);
	until(last);
	/* Some may still be owed, to be returned with the next. */
	for (int i = 0; i < 100 && chan_credits(play.store) <= LIM_CHAN_CREDITS - LIM_CREDITS_TOGETHER; i++)
		CHECK(event_base_loop(loop_base(), EVLOOP_ONCE) == 0);
	CHECK(chan_credits(play.store) > LIM_CHAN_CREDITS - LIM_CREDITS_TOGETHER);
	_exit(0);
}

static void
test_scenarios(void **state)
{
	static void (*const all[])(void) = { two_items, big_item, lost_mail, lost_data, lost_dot, lost_waiting, no_stream,
		probe, probe_lost, credits };

	(void)state;
	run_scenarios(all, sizeof(all) / sizeof(all[0]));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scenarios),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

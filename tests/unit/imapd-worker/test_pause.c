/* A server that has had enough is left alone for a while. */
#include "../own_time.h"
#include "engine_test.h"

static const struct msg_sync_config all = { .first = 0 };

/* limit: LIM_PAUSE_CONNECTIONS_MS LIM_PAUSE_THROTTLED_MS LIM_PAUSE_MAX_MS */
static void
pauses(void **state)
{
	static const struct {
		const char *code, *text;
		uint64_t ms;
	} v[] = {
		{ "sync.too_many_connections", "too many", LIM_PAUSE_CONNECTIONS_MS },
		{ "sync.bandwidth", "", LIM_PAUSE_MAX_MS },
		{ "sync.throttled", "", LIM_PAUSE_THROTTLED_MS },
		{ "sync.throttled", "Request is throttled. Suggested Backoff Time: 299961 milliseconds", 299961 },
		{ "sync.throttled", "suggested backoff time 5 milliseconds", LIM_PAUSE_THROTTLED_MS },
		{ "sync.throttled", "Backoff Time 3600000", LIM_PAUSE_MAX_MS },
		{ "sync.throttled", "Backoff Time 3600001", LIM_PAUSE_MAX_MS },
		{ "sync.throttled", "Backoff Time 99999999999999999999999999999", LIM_PAUSE_MAX_MS },
		{ "sync.throttled", "Backoff Time", LIM_PAUSE_THROTTLED_MS },
		{ "net.reset", "Backoff Time 400000", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(v) / sizeof(v[0]); i++)
		assert_int_equal(pause_for(v[i].code, slice_str(v[i].text)), v[i].ms);
}

static void
left_alone(void **state)
{
	(void)state;
	start(&all);
	(void)expect("CAPABILITY");
	say("* BYE Too many simultaneous connections");
	close(t.peer);
	t.peer = -1;
	time_pass(LIM_PAUSE_CONNECTIONS_MS - 1);
	assert_int_equal(t.wanted, 1);
	time_pass(LIM_PAUSE_CONNECTIONS_MS / 8 + LIM_IMAP_TICK_MS);
	assert_int_equal(t.wanted, 2);
	/* The next one is refused at its login. */
	engine_stream_failed(&t.e, slice_str("sync.too_many_connections"), SLICE_NONE);
	time_pass(LIM_PAUSE_CONNECTIONS_MS - 1);
	assert_int_equal(t.wanted, 2);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses),
		cmocka_unit_test(left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

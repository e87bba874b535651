/* The second connection of a link at the master: beside the first, behind those of others, and nobody's news. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stream_stage.h"

static int
want_watch(size_t i)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP, .watch = true } };
	int fd = -1, r = stream_on_want(run[i].chan, &m, &fd);

	hear();
	return r;
}

static void
beside_the_first(void **state)
{
	uint64_t first;

	(void)state;
	want(ONE);
	first = ticket[TLS];
	time_pass(1000);
	assert_int_equal(want_watch(ONE), 0);
	assert_true(ticket[TLS] != first);
	assert_int_equal(want_watch(ONE), -1);	/* one at a time */
	told_steps = 0;
	assert_int_equal(step(TLS, ticket[TLS]), 0);
	assert_int_equal(told_steps, 0);
	assert_int_equal(step(TLS, first), 0);
	assert_int_equal(told_steps, 1);
	assert_int_equal(end(TLS, ticket[TLS]), 0);
	hear();
	assert_string_equal(failed, "net.reset");
	assert_true(failed_watch);
}

/* Where others wait for their moment it waits until none does. */
static void
behind_all_others(void **state)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	int fd = -1;

	(void)state;
	want(ONE);
	ticket[TLS] = 0;
	assert_int_equal(stream_on_want(run[ONE_2].chan, &m, &fd), 0);
	assert_int_equal(want_watch(TWO), 0);
	time_pass(2000 / LIM_LOGINS_SECOND);
	hear();
	assert_true(ticket[TLS_2] != 0 && ticket[TLS] == 0);
	time_pass(LIM_WATCH_SPREAD_MS);
	hear();
	assert_true(ticket[TLS] != 0);
}

static void
one_by_order(void **state)
{
	uint64_t before = ticket[TLS];

	(void)state;
	conf.hosts[0] = (struct conf_host){ .name = units[0].host[SERVICE_IMAP], .connections = 1 };
	conf.n_hosts = 1;
	time_pass(1000);
	assert_int_equal(want_watch(ONE), 0);
	assert_string_equal(failed, "sync.too_many_connections");
	assert_true(failed_watch && ticket[TLS] == before);
	want(ONE);
	assert_true(ticket[TLS] != before);
	conf.n_hosts = 0;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(beside_the_first), T(behind_all_others), T(one_by_order) };

	if (sodium_init() == -1)
		return 1;
	logger_open(true, LOG_LVL_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

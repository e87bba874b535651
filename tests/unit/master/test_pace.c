/*
 * Logins at one host when all links come back at once, of one tenant and of
 * several, in a time of the test's own.
 * limit: LIM_LOGINS_SECOND
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "limits.h"
#include "../own_time.h"
#include "pace.h"

#define LINKS 1000
#define TURN (1000 / LIM_LOGINS_SECOND)
#define HOST "imap.example.org"

static const char one[] = "one", two[] = "two", three[] = "three";	/* tenants */

static struct login {
	struct pace_wait wait;
	const char *whose;
	bool again;		/* asks anew at each turn */
	unsigned int turns;
	uint64_t at;		/* of the last turn; 0: none yet */
} logins[LINKS], other[4];

int64_t now_ms(void);

int64_t
now_ms(void)
{
	return (int64_t)clock_ms();
}

static void
turn(void *arg)
{
	struct login *l = arg;

	l->turns++;
	l->at = clock_ms();
	pace_used(&l->wait);
	if (l->again)
		assert_false(pace_ask(&l->wait, HOST, true, l->whose));
}

static void
ask(struct login *l, const char *host, bool urgent, const char *whose)
{
	*l = (struct login){ .wait = { .turn = turn, .arg = l }, .whose = whose, .again = l->again };
	if (pace_ask(&l->wait, host, urgent, whose)) {
		l->turns = 1;
		l->at = clock_ms();
	}
}

/* Nobody waits and the last turn is over. */
static int
quiet(void **state)
{
	(void)state;
	for (size_t i = 0; i < LINKS; i++)
		pace_leave(&logins[i].wait);
	for (size_t i = 0; i < 4; i++)
		pace_leave(&other[i].wait);
	memset(logins, 0, sizeof(logins));
	memset(other, 0, sizeof(other));
	time_pass(1000);
	return time_to_next() == UINT64_MAX ? 0 : -1;	/* no timer is left where nothing waits */
}

/* No second, wherever it begins, sees more than its number; all have their turn, in order. */
static void
an_outage_ends(void **state)
{
	uint64_t begin = clock_ms();

	(void)state;
	assert_false(pace_busy(HOST));
	for (size_t i = 0; i < LINKS; i++)
		ask(&logins[i], HOST, false, one);
	assert_int_equal(logins[0].at, begin);
	assert_int_equal(logins[1].at, 0);
	assert_true(pace_busy(HOST));
	/* Whom a person waits for does not queue behind them, nor does another host. */
	ask(&other[0], HOST, true, one);
	ask(&other[1], HOST, true, one);
	ask(&other[2], "imap.example.net", false, one);
	assert_int_equal(other[0].at, begin);
	assert_int_equal(other[1].at, 0);
	assert_int_equal(other[2].at, begin);
	time_pass(TURN);
	assert_int_equal(other[1].at, begin + TURN);
	time_pass(LINKS * TURN);
	for (size_t i = 1; i < LINKS; i++)
		assert_true(logins[i].at > logins[i - 1].at && logins[i].turns == 1);
	for (size_t i = LIM_LOGINS_SECOND; i < LINKS; i++)
		assert_true(logins[i].at - logins[i - LIM_LOGINS_SECOND].at >= 1000);
	assert_true(logins[LINKS - 1].at <= begin + (LINKS / LIM_LOGINS_SECOND) * 1000);
	/* Later nothing is left of it. */
	assert_false(pace_busy(HOST));
	ask(&logins[0], HOST, false, one);
	ask(&logins[1], HOST, false, one);
	assert_int_equal(logins[0].at, clock_ms());
	assert_int_equal(logins[1].at, 0);
}

/* Hosts that are past are forgotten: no list that only grows. */
static void
many_hosts(void **state)
{
	char host[64];

	(void)state;
	for (int i = 0; i < 100000; i++) {
		(void)snprintf(host, sizeof(host), "h%d.example", i);
		ask(&other[0], host, false, one);
		assert_int_equal(other[0].turns, 1);
		pace_used(&other[0].wait);
		own_ms += 1000;
	}
}

/* One tenant's many do not hold up another's: its turn is the next but one at most. */
static void
tenants_take_turns(void **state)
{
	bool lanes[] = { true, false };
	uint64_t begin;

	for (size_t k = 0; k < 2; k++) {
		for (size_t i = 0; i < 200; i++)
			ask(&logins[i], HOST, lanes[k], one);
		time_pass(10 * TURN);
		begin = clock_ms();
		for (size_t i = 0; i < 3; i++)
			ask(&other[i], HOST, lanes[k], i == 2 ? three : two);
		time_pass(5 * TURN);
		assert_in_range(other[0].at, begin + TURN, begin + 2 * TURN);
		assert_in_range(other[2].at, begin + TURN, begin + 3 * TURN);
		assert_in_range(other[1].at, begin + 3 * TURN, begin + 5 * TURN);
		assert_int_equal(logins[12].turns, 1);
		assert_int_equal(logins[13].turns, 0);
		(void)quiet(state);
	}
}

/* Who asks again at each turn has half of them, whatever number the other has. */
static void
fair_shares(void **state)
{
	(void)state;
	for (size_t i = 0; i < 40; i++) {
		logins[i].again = true;
		ask(&logins[i], HOST, true, one);
	}
	other[0].again = true;
	ask(&other[0], HOST, true, two);
	time_pass(10000);
	assert_in_range(other[0].turns, 5 * LIM_LOGINS_SECOND - 1, 5 * LIM_LOGINS_SECOND + 1);
	/* Alone again it has them all. */
	other[0].turns = 0;
	for (size_t i = 0; i < 40; i++)
		pace_leave(&logins[i].wait);
	time_pass(10000);
	assert_in_range(other[0].turns, 10 * LIM_LOGINS_SECOND - 1, 10 * LIM_LOGINS_SECOND + 1);
}

/* Who waits and leaves costs nobody a turn; nor who had one and made no use of it. */
static void
unused_turns_come_back(void **state)
{
	uint64_t begin = clock_ms();

	(void)state;
	for (size_t i = 0; i < 100; i++)
		ask(&logins[i], HOST, true, one);
	ask(&other[0], HOST, true, one);
	for (size_t i = 1; i < 100; i++)
		pace_leave(&logins[i].wait);
	assert_false(pace_waits(&logins[1].wait));
	time_pass(TURN - 1);
	assert_int_equal(other[0].at, 0);
	time_pass(1);
	assert_int_equal(other[0].at, begin + TURN);

	time_pass(1000);
	ask(&logins[0], HOST, true, one);
	ask(&other[1], HOST, true, two);
	time_pass(10);
	assert_int_equal(other[1].at, 0);
	begin = clock_ms();
	pace_leave(&logins[0].wait);
	assert_int_equal(other[1].at, 0);	/* from the loop, not in the middle of another's leaving */
	time_pass(0);
	assert_int_equal(other[1].at, begin);
	/* One that was used is not given a second time. */
	ask(&other[2], HOST, true, one);
	pace_leave(&other[1].wait);
	time_pass(TURN - 1);
	assert_int_equal(other[2].at, 0);
	time_pass(1);
	assert_int_equal(other[2].at, begin + TURN);
	/* One that is older than another's is over. */
	time_pass(TURN);
	ask(&logins[0], HOST, true, one);
	time_pass(TURN);
	ask(&logins[1], HOST, true, one);
	pace_used(&logins[1].wait);
	ask(&logins[2], HOST, true, one);
	pace_leave(&logins[0].wait);
	time_pass(TURN - 1);
	assert_int_equal(logins[2].at, 0);
	pace_leave(&logins[2].wait);
}

int
main(void)
{
#define T(f) cmocka_unit_test_teardown(f, quiet)
	const struct CMUnitTest tests[] = { T(an_outage_ends), T(many_hosts), T(tenants_take_turns), T(fair_shares),
		T(unused_turns_come_back) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Links of two tenants at one host, at the master: whose turn it is when one of
 * them pauses its links and lets them go on all the time.
 * limit: LIM_LOGINS_KEPT
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stream.h"
#include "stream_stage.h"

#define TURN (1000 / LIM_LOGINS_SECOND)

/* Chance gives the most. */
uint32_t
arc4random_uniform(uint32_t n)
{
	return n - 1;
}

static void
want_stream(size_t i, bool watch)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP, .watch = watch } };
	int fd = -1;

	assert_int_equal(stream_on_want(run[i].chan, &m, &fd), 0);
	hear();
}

/* Without time for it. */
static void
want_now(size_t i)
{
	want_stream(i, false);
}

static void
pass(uint64_t ms)
{
	time_pass(ms);
	hear();
}

/* The first of these has the turn, the second waits for the next one, whoever asked before. */
static void
the_other_tenant_is_next(void **state)
{
	union msg m = { .stream_ready = { .ticket = ticket[TLS_B] } };
	uint64_t before;
	int fd = -1;

	(void)state;
	up(ticket[TLS]);
	assert_int_equal(stream_on_ready(run[TLS_B].chan, &m, &fd), 0);
	units[2].host[SERVICE_IMAP][0] = 'a';	/* three links of one tenant, all at this host */
	pass(TURN);
	want_now(ONE);
	before = ticket[TLS];
	assert_true(before != 0);
	want_now(TWO);
	want_now(THREE);
	want_now(ONE_2);
	assert_true(ticket[TLS] == before && ticket[TLS_2] == 0);
	pass(2 * TURN);
	assert_true(ticket[TLS_2] != 0);
	assert_true(ticket[TLS] != before);
	before = ticket[TLS];
	pass(TURN);
	assert_true(ticket[TLS] != before);
}

/* Its worker was stopped while it waited, or its link: the next one has its turn. */
static void
who_is_gone_has_no_turn(void **state)
{
	union msg m = { .unit_stop = { .unit = 1 } };
	struct unit *u = calloc(1, sizeof(*u));
	int fd = -1;

	(void)state;
	up(ticket[TLS]);
	pass(TURN);
	want_now(TWO);
	want_now(ONE);
	stream_forget(&run[ONE]);
	want_now(ONE_2);
	pass(TURN - 1);
	assert_int_equal(ticket[TLS_2], 0);
	pass(1);
	assert_true(ticket[TLS_2] != 0);

	/* The link is gone at its turn, or its worker ends: nothing begins, and the turn is another's. */
	assert_non_null(u);
	start_again(TLS_2);
	assert_int_equal(end(TLS_2, ticket[TLS_2]), 0);
	start_again(TLS_2);
	ticket[TLS_2] = 0;
	*u = units[0];
	tenant.n_units++;
	start_again(ONE);
	TAILQ_REMOVE(&tenant.units, &units[0], entry);
	TAILQ_INSERT_TAIL(&tenant.units, u, entry);
	want_now(ONE);
	want_now(ONE_2);
	assert_int_equal(unit_on_stop(run[STORE].chan, &m, &fd), 0);
	pass(TURN);
	assert_true(ticket[TLS_2] != 0);
	TAILQ_INSERT_HEAD(&tenant.units, &units[0], entry);
	event_free(run[ONE].timer);
	event_free(run[TLS_2].timer);
}

/* What ends is asked for nothing more; what was made use of is no other's turn. */
static void
who_ends_has_no_turn(void **state)
{
	uint64_t before;

	(void)state;
	up(ticket[TLS]);
	pass(TURN);
	want_now(TWO);
	before = ticket[TLS];
	want_now(ONE);
	run[ONE].ending = true;
	assert_int_equal(end(TLS, before), 0);	/* the host saw it all the same */
	want_now(ONE_2);
	pass(TURN - 1);
	assert_true(ticket[TLS] == before && ticket[TLS_2] == 0);
	pass(1);
	assert_true(ticket[TLS] == before && ticket[TLS_2] != 0);
}

/* Others come back and wait: this one does not wait behind them. */
static void
goes_at_once(void)
{
	union msg m = { .stream_want = { .service = run[ONE].role == ROLE_SMTP ? SERVICE_SMTP : SERVICE_IMAP } };
	uint64_t before;
	int fd = -1;

	up(ticket[TLS]);
	pass(TURN);
	want_now(TWO);
	before = ticket[TLS];
	want_now(ONE_2);
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), 0);
	hear();
	assert_true(ticket[TLS] != before && ticket[TLS_2] == 0);
}

static void
a_person_waits_for_none(void **state)
{
	(void)state;
	units[0].first_login = true;	/* let go on a moment ago */
	goes_at_once();
	assert_false(units[0].first_login);
}

static void
a_test_waits_for_none(void **state)
{
	(void)state;
	units[0].number = run[ONE].unit = UNIT_PROBE | 1;
	goes_at_once();
}

static void
a_message_waits_for_none(void **state)
{
	(void)state;
	run[ONE].role = ROLE_SMTP;
	(void)slice_copy(slice_str("a.example"), units[0].host[SERVICE_SMTP], LIM_HOST + 1);
	goes_at_once();
}

/* Whose turn came while the vault was locked: when it is opened they do not come all at once. */
static void
a_lock_saves_no_turns(void **state)
{
	uint64_t before;

	(void)state;
	up(ticket[TLS]);
	pass(TURN);
	want_now(TWO);
	before = ticket[TLS];
	want_now(ONE);
	want_now(ONE_2);
	master.vault = VAULT_LOCKED;
	pass(4 * TURN);
	master.vault = VAULT_OPEN;
	stream_retry();
	hear();
	assert_true((ticket[TLS] != before) + (ticket[TLS_2] != 0) == 1);
	pass(TURN);
	assert_true(ticket[TLS] != before && ticket[TLS_2] != 0);
}

/* A second connection looks again later where first ones wait, and is in nobody's way. */
static void
second_connections_are_last(void **state)
{
	uint64_t first, second;

	(void)state;
	up(ticket[TLS]);
	pass(TURN);
	want_now(ONE);
	up(first = ticket[TLS]);
	want_stream(ONE, true);
	want_now(TWO);
	pass(TURN);
	second = ticket[TLS];
	assert_true(second != first);	/* of the link that was lost */
	pass(LIM_WATCH_SPREAD_MS - TURN - 1);
	assert_true(ticket[TLS] == second);
	pass(1);
	assert_true(ticket[TLS] != second);
}

static struct unit *
run_unit(uint32_t number)
{
	union msg m = { .unit_run = { .unit = number, .link = number, .imap_host = slice_str("c.example"),
		.imap_port = 993, .imap_security = SECURITY_TLS, .smtp_host = slice_str("") } };
	int fd = -1;

	assert_int_equal(unit_on_run(run[STORE_2].chan, &m, &fd), 0);
	return unit_find(&tenant_2, number);
}

static void
stop_unit(uint32_t number)
{
	union msg m = { .unit_stop = { .unit = number } };
	int fd = -1;

	assert_int_equal(unit_on_stop(run[STORE_2].chan, &m, &fd), 0);
}

/* So many logins of it are allowed in this minute. */
static unsigned int
allowed(struct unit *u)
{
	unsigned int n = 0;

	while (stream_login_allowed(u))
		n++;
	return n;
}

/* A pause does not begin the minute anew, a probe's number says nothing of the next one's. */
static void
a_pause_forgets_no_logins(void **state)
{
	struct unit *u;

	(void)state;
	time_pass(60000 - clock_ms() % 60000);
	u = run_unit(7);
	for (unsigned int i = 0; i < LIM_TICKETS_PER_MINUTE; i++) {
		assert_true(stream_login_allowed(u));
		stop_unit(7);
		u = run_unit(7);
	}
	assert_false(stream_login_allowed(u));
	assert_int_equal(allowed(run_unit(8)), LIM_TICKETS_PER_MINUTE);
	stop_unit(7);
	time_pass(60000);
	assert_int_equal(allowed(run_unit(7)), LIM_TICKETS_PER_MINUTE);
	stop_unit(8);
	TAILQ_REMOVE(&tenant_2.units, &unit_2, entry);
	unit_forget_all(&tenant_2);	/* its store died: it has as many in this minute as ever */
	TAILQ_INSERT_TAIL(&tenant_2.units, &unit_2, entry);
	assert_int_equal(allowed(run_unit(7)), 0);
	stop_unit(7);
}

/* So many that stopped are remembered; of more the one that stopped first is not. */
static void
counts_that_are_kept(void **state)
{
	(void)state;
	time_pass(60000 - clock_ms() % 60000);
	for (uint32_t i = 0; i <= LIM_LOGINS_KEPT; i++) {
		assert_int_equal(allowed(run_unit(100 + i)), LIM_TICKETS_PER_MINUTE);
		stop_unit(100 + i);
	}
	assert_int_equal(allowed(run_unit(101)), 0);
	assert_int_equal(allowed(run_unit(100)), LIM_TICKETS_PER_MINUTE);
	stop_unit(100);
	stop_unit(101);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(the_other_tenant_is_next), T(who_is_gone_has_no_turn),
		T(who_ends_has_no_turn), T(a_person_waits_for_none), T(a_test_waits_for_none),
		T(a_message_waits_for_none), T(a_lock_saves_no_turns), T(second_connections_are_last),
		T(a_pause_forgets_no_logins), T(counts_that_are_kept) };

	if (sodium_init() == -1)
		return 1;
	logger_open(true, LOG_LVL_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * A tls-worker that was taken over, at the master: it speaks of tickets that
 * another one was given, or says steps without end. And a worker that asks for
 * connections all the time.
 * limit: LIM_STREAM_STEPS LIM_TICKETS_PER_MINUTE LIM_STREAMS_WORKER LIM_STREAM_WAIT_MS
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "stream_stage.h"

static void
tickets_of_another(void **state)
{
	union msg m = { .stream_ready = { .ticket = ticket[TLS] } };
	int fd = -1;

	(void)state;
	assert_int_equal(step(TLS_B, ticket[TLS]), -1);
	assert_int_equal(logged("tls-worker[agency/b.example] names the ticket of tls-worker[agency/a.example], "
				"stream of ats=agency unit=2"), 1);
	assert_int_equal(stream_on_ready(run[TLS_B].chan, &m, &fd), -1);
	assert_int_equal(end(TLS_B, ticket[TLS]), -1);
	assert_int_equal(logged("names the ticket of"), 3);
	assert_int_equal(audited(" ticket.refused role=tls-worker ats=agency host=b.example "), 3);
	assert_int_equal(audited(" owner_ats=agency owner_unit=2 owner_host=a.example reason=of\\sanother\\sprocess "), 3);
	/* One that nobody has may have ended meanwhile. */
	assert_int_equal(step(TLS_B, ticket[TLS] + 1), 0);
	assert_int_equal(end(TLS_B, 0), 0);
	assert_int_equal(step(TLS, ticket[TLS]), 0);	/* its own goes on */
}

static void
steps_without_end(void **state)
{
	(void)state;
	for (int i = 0; i < LIM_STREAM_STEPS; i++)
		assert_int_equal(step(TLS, ticket[TLS]), 0);
	assert_int_equal(step(TLS, ticket[TLS]), -1);
}

static void
logins_without_end(void **state)
{
	int i = 0;

	(void)state;
	for (; i < 2 * LIM_TICKETS_PER_MINUTE && strcmp(failed, "auth.too_many_attempts") != 0; i++) {
		uint64_t before = ticket[TLS];

		want(ONE);
		if (ticket[TLS] != before)
			assert_int_equal(end(TLS, ticket[TLS]), 0);	/* "net.reset" */
	}
	assert_string_equal(failed, "auth.too_many_attempts");
	assert_int_equal(i, LIM_TICKETS_PER_MINUTE + 1);
	for (int k = 0; k < 5; k++)
		want(ONE);
	assert_int_equal(logged("imapd-worker[agency/1] asks for too many logins"), 1);
	assert_int_equal(audited(" login.refused ats=agency unit=1 service=imap code=auth.too_many_attempts "), 1);
}

/* Those it used are not told as ended yet: some, not any number. */
static void
streams_of_one_worker(void **state)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	uint64_t first = 0;
	int fd = -1;

	(void)state;
	for (int i = 0; i < LIM_STREAMS_WORKER; i++) {
		want(ONE);
		assert_string_equal(failed, "");
		first = i == 0 ? ticket[TLS] : first;
		up(ticket[TLS]);
	}
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), -1);
	assert_int_equal(end(TLS, first), 0);
	want(ONE);
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), -1);	/* one login at a time */
}

/* Nothing happens but time: the worker is told all the same. */
static void
waits_for_the_vault(void **state)
{
	(void)state;
	time_pass(60000);
	master.vault = VAULT_AWAY;
	want(ONE);
	time_pass(LIM_STREAM_WAIT_MS - 1);
	stream_retry();
	hear();
	assert_string_equal(failed, "");
	time_pass(1);
	hear();
	assert_string_equal(failed, "proc.crashed");
	/* One whose vault comes in the last moment goes on. */
	want(ONE);
	time_pass(LIM_STREAM_WAIT_MS - 1);
	master.vault = VAULT_OPEN;
	ticket[TLS] = 0;
	stream_retry();
	time_pass(LIM_STREAM_WAIT_MS);
	hear();
	assert_string_equal(failed, "");
	assert_true(ticket[TLS] != 0);
}

/* The vault was locked while it waited for its moment: it has all its time afterwards. */
static void
waits_after_a_lock(void **state)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	int fd = -1;

	(void)state;
	want(ONE);
	up(ticket[TLS]);
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), 0);
	master.vault = VAULT_LOCKED;
	time_pass(LIM_STREAM_WAIT_MS);
	master.vault = VAULT_OPEN;
	run[TLS].state = PROC_STARTING;
	time_pass(LIM_STREAM_WAIT_MS);
	ticket[TLS] = 0;
	stream_retry();
	hear();
	assert_string_equal(failed, "");
	run[TLS].state = PROC_RUNNING;
	stream_retry();
	hear();
	assert_true(ticket[TLS] != 0);
}

/* All come back at once: each login begins at its moment, a message to be sent at once. */
static void
logins_are_spread(void **state)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	uint64_t before;
	int fd = -1;

	(void)state;
	want(ONE);
	before = ticket[TLS];
	up(before);
	failed[0] = '\0';
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), 0);
	hear();
	stream_retry();	/* something happens meanwhile */
	hear();
	assert_true(ticket[TLS] == before);
	time_pass(1000 / LIM_LOGINS_SECOND - 1);
	hear();
	assert_true(ticket[TLS] == before);
	time_pass(1);
	hear();
	assert_true(ticket[TLS] != before);
	assert_string_equal(failed, "");
}

/* What starts beside its worker stays until that one has asked, or is gone. */
static void
started_beside(void **state)
{
	(void)state;
	start_again(TLS);
	assert_int_equal(end(TLS, ticket[TLS]), 0);
	assert_true(run[TLS].ending);	/* nobody uses it and nobody will */
	start_again(TLS);
	stream_expect(&run[ONE]);
	assert_ptr_equal(run[TLS].awaited, &run[ONE]);
	stream_release(&run[TLS]);
	assert_false(run[TLS].ending);
	want(ONE);
	assert_null(run[TLS].awaited);
	assert_int_equal(end(TLS, ticket[TLS]), 0);
	assert_true(run[TLS].ending);

	start_again(TLS);
	stream_expect(&run[ONE]);
	stream_expect(&run[TWO]);
	stream_forget(&run[ONE]);
	assert_false(run[TLS].ending);	/* the other one is still to come */
	stream_forget(&run[TWO]);
	assert_true(run[TLS].ending);

	/* No login can begin: nothing is started for it. */
	start_again(TLS);
	master.vault = VAULT_LOCKED;
	stream_expect(&run[ONE]);
	assert_null(run[TLS].awaited);
	event_free(run[TLS].timer);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(tickets_of_another), T(steps_without_end), T(logins_without_end),
		T(streams_of_one_worker), T(waits_for_the_vault), T(waits_after_a_lock), T(logins_are_spread),
		T(started_beside) };

	if (sodium_init() == -1)
		return 1;
	logger_open(true, LOG_LVL_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

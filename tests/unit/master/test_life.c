/* The life of processes at the master: how long each may take, and when a dead one is started again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "life.h"

/* A process of its own that is kept. */
static struct proc *
begin(void)
{
	size_t before = life_runs;
	struct proc *p = proc_new(ROLE_DIALER, NULL, 0, NULL, true);

	assert_int_equal(life_runs, before + 1);
	assert_int_equal(p->state, PROC_STARTING);
	return p;
}

static struct proc *
running(void)
{
	struct proc *p = begin();

	life_ready(p);
	assert_true(proc_running(p));
	return p;
}

/* The next run of a dead one begins after this time, not before. */
static void
begins_after(struct proc *p, uint64_t ms)
{
	assert_int_equal(p->state, PROC_WAITING);
	time_pass(ms - 1);
	assert_int_equal(p->state, PROC_WAITING);
	time_pass(1);
	assert_int_equal(p->state, PROC_STARTING);
}

/* limit: LIM_READY_SECONDS */
static void
not_ready(void **state)
{
	struct proc *p = begin(), *q = begin();
	pid_t pid = p->pid;

	(void)state;
	time_pass(LIM_READY_SECONDS * 1000 - 1);
	life_ready(q);
	assert_int_equal(life_signal(pid), 0);
	time_pass(1);
	assert_int_equal(life_signal(pid), SIGKILL);
	assert_string_equal(p->last_exit, "not READY in time");
	assert_true(proc_running(q));	/* on the last moment */
	time_pass(LIM_READY_SECONDS * 1000);
	assert_int_equal(life_signal(q->pid), 0);
}

/* limit: LIM_STARTING: one more waits until one of them is READY, or dead. */
static void
starting(void **state)
{
	struct proc *first = begin(), *second = begin(), *more[2];

	(void)state;
	for (int i = 2; i < LIM_STARTING; i++)
		(void)begin();
	for (int i = 0; i < 2; i++)
		more[i] = proc_new(ROLE_DIALER, NULL, 0, NULL, true);
	time_pass(1000);
	assert_int_equal(life_runs, LIM_STARTING);
	assert_int_equal(more[0]->state, PROC_WAITING);
	life_ready(first);
	assert_int_equal(more[0]->state, PROC_STARTING);
	assert_int_equal(more[1]->state, PROC_WAITING);
	life_end(second->pid, SIGSEGV);
	assert_int_equal(more[1]->state, PROC_STARTING);
	/* The dead one's delay is over, and there is no place for it. */
	time_pass(LIM_RESTART_FIRST_MS);
	assert_int_equal(life_runs, LIM_STARTING + 2);
	assert_int_equal(second->state, PROC_WAITING);
	life_ready(more[0]);
	assert_int_equal(second->state, PROC_STARTING);
}

/* limit: LIM_RESTART_FIRST_MS LIM_RESTART_MAX_MS: it doubles up to the longest. */
static void
restarts(void **state)
{
	uint64_t ms = LIM_RESTART_FIRST_MS;
	struct proc *p = running();

	(void)state;
	for (int i = 0; i < 12; i++) {
		life_unlucky = i % 2 == 1;	/* up to a quarter more by chance */
		life_end(p->pid, SIGSEGV);
		begins_after(p, life_unlucky ? ms + ms / 4 : ms);
		ms = 2 * ms < LIM_RESTART_MAX_MS ? 2 * ms : LIM_RESTART_MAX_MS;
	}
	assert_int_equal(ms, LIM_RESTART_MAX_MS);
	assert_int_equal(p->restarts, 12);
}

/* limit: LIM_RESTART_STABLE_MS */
static void
forgiven(void **state)
{
	struct proc *p = running();

	(void)state;
	life_end(p->pid, SIGSEGV);
	begins_after(p, LIM_RESTART_FIRST_MS);
	life_ready(p);
	time_pass(LIM_RESTART_STABLE_MS - 1);
	life_end(p->pid, SIGSEGV);
	begins_after(p, 2 * LIM_RESTART_FIRST_MS);
	life_ready(p);
	time_pass(LIM_RESTART_STABLE_MS);
	life_end(p->pid, SIGSEGV);
	begins_after(p, LIM_RESTART_FIRST_MS);
}

/* limit: LIM_RESTART_CLEAN_MS: one that ends by itself, its work done, is replaced at once. */
static void
ends_by_itself(void **state)
{
	struct proc *p = running();

	(void)state;
	time_pass(LIM_RESTART_CLEAN_MS);
	life_end(p->pid, 0);
	assert_int_equal(p->state, PROC_STARTING);
	assert_int_equal(p->restarts, 0);
	life_ready(p);
	time_pass(LIM_RESTART_CLEAN_MS - 1);
	life_end(p->pid, 0);
	begins_after(p, LIM_RESTART_FIRST_MS);
	assert_int_equal(p->restarts, 1);
	/* Not by itself: what it did before it was READY is no work. */
	time_pass(LIM_RESTART_CLEAN_MS);
	life_end(p->pid, 0);
	begins_after(p, 2 * LIM_RESTART_FIRST_MS);
}

/* limit: LIM_DRAIN_SECONDS */
static void
does_not_end(void **state)
{
	struct proc *ending = running(), *restarting = running();
	pid_t one = ending->pid, two = restarting->pid;

	(void)state;
	proc_end(ending);
	proc_restart(restarting);
	assert_true(life_drained(one) && life_drained(two));
	time_pass(LIM_DRAIN_SECONDS * 1000 - 1);
	assert_int_equal(life_signal(one), 0);
	assert_int_equal(life_signal(two), 0);
	time_pass(1);
	assert_int_equal(life_signal(one), SIGKILL);
	assert_int_equal(life_signal(two), SIGKILL);
	assert_string_equal(restarting->last_exit, "did not end when told");
	life_end(one, SIGKILL);
	assert_int_equal(TAILQ_FIRST(&procs) == restarting && TAILQ_NEXT(restarting, entry) == NULL, 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, life_setup, life_teardown)
	const struct CMUnitTest tests[] = { T(not_ready), T(starting), T(restarts), T(forgiven), T(ends_by_itself),
		T(does_not_end) };

	logger_open(false, LOG_LVL_ERROR);
	return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}

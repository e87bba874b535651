/* Whom the master asks whether it is there: who ran, who does not sleep, and from time to time everybody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <sched.h>
#include <sys/syscall.h>

#include "life.h"

static pid_t sleeper;
static int wake_fd, ran_fd;	/* a byte makes it run for a moment, and it tells so */

static char
state_of(pid_t pid)
{
	char path[64], line[256], state = '?';
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((f = fopen(path, "r")) == NULL)
		return '?';
	if (fgets(line, sizeof(line), f) != NULL)
		(void)sscanf(line, "%*d (%*[^)]) %c", &state);
	fclose(f);
	return state;
}

static void
await(char state)
{
	while (state_of(sleeper) != state)
		(void)sched_yield();
}

static int
setup(void **state)
{
	int fds[2], back[2];
	char byte;

	if (pipe(fds) == -1 || pipe(back) == -1 || (sleeper = fork()) == -1)
		return -1;
	if (sleeper == 0) {
		close(fds[1]);
		while (read(fds[0], &byte, 1) == 1 && write(back[1], &byte, 1) == 1)
			;
		_exit(0);
	}
	close(fds[0]);
	close(back[1]);
	wake_fd = fds[1];
	ran_fd = back[0];
	await('S');
	return life_setup(state);
}

static int
teardown(void **state)
{
	close(wake_fd);
	close(ran_fd);
	if (waitid(P_PID, (id_t)sleeper, &(siginfo_t){ 0 }, WEXITED) == -1)
		return -1;
	return life_teardown(state);
}

/* It runs, and sleeps again. */
static void
run_once(void)
{
	char byte = 'x';

	assert_int_equal(write(wake_fd, &byte, 1), 1);
	assert_int_equal(read(ran_fd, &byte, 1), 1);
	await('S');
}

static unsigned int
rounds(struct proc *p, unsigned int n)
{
	struct life_run *r = &life[0];
	unsigned int before = r->pinged;

	(void)p;
	for (unsigned int i = 0; i < n; i++) {
		time_pass(LIM_PING_SECONDS * 1000);
		chan_read(r->far);
	}
	return r->pinged - before;
}

static void
answer(struct proc *p)
{
	struct chan *far = life[0].far;

	assert_int_equal(send_pong(far, &(struct msg_pong){ .unused = 0 }), 0);
	chan_write(far);
	time_turns(2);
	assert_int_equal(p->pings, 0);
}

/* One that sleeps since its answer is left asleep; one that ran, or stands still, is asked. */
static void
who_is_asked(void **state)
{
	struct proc *p = proc_new(ROLE_DIALER, NULL, 0, NULL, true);
	pid_t played = p->pid;

	(void)state;
	alive_start();
	life_ready(p);
	p->pid = sleeper;
	assert_int_equal(rounds(p, 1), 1);
	answer(p);
	assert_int_equal(rounds(p, LIM_UNASKED), 0);
	assert_int_equal(rounds(p, 1), 1);	/* nobody is spared for ever */
	answer(p);
	assert_int_equal(rounds(p, 1), 0);
	run_once();
	assert_int_equal(rounds(p, 1), 1);
	answer(p);
	assert_int_equal(rounds(p, 1), 0);
	assert_int_equal(syscall(SYS_kill, sleeper, SIGSTOP), 0);
	await('T');
	assert_int_equal(rounds(p, 2), 2);
	assert_int_equal(syscall(SYS_kill, sleeper, SIGCONT), 0);
	await('S');
	assert_int_equal(rounds(p, 1), 1);	/* it owes answers */
	p->pid = played;
}

/* limit: LIM_PINGS: one that does not answer is killed, though it sleeps */
static void
who_does_not_answer(void **state)
{
	struct proc *p = proc_new(ROLE_DIALER, NULL, 0, NULL, true);
	pid_t played = p->pid;

	(void)state;
	life_ready(p);
	p->pid = sleeper;
	assert_int_equal(rounds(p, LIM_PINGS), LIM_PINGS);
	p->pid = played;
	assert_int_equal(life_signal(played), 0);
	assert_int_equal(rounds(p, 1), 0);
	assert_int_equal(life_signal(played), SIGKILL);
	assert_string_equal(p->last_exit, "wedged: it does not answer");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_is_asked, setup, teardown),
		cmocka_unit_test_setup_teardown(who_does_not_answer, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * clock.h - time as the input makes it: while clock_on, each look at a clock
 * finds it some milliseconds later, so that timers fire without waiting. Each
 * input starts an hour after the last one. Defined here, these names are found
 * before libc's, also by libevent.
 */
#ifndef FUZZ_CLOCK_H
#define FUZZ_CLOCK_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CLOCK_EPOCH 1700000000	/* seconds */
#define CLOCK_TICK_US 2000

static bool clock_on;
static uint64_t clock_us;

static inline void
clock_skip(uint64_t seconds)
{
	clock_us += seconds * 1000000;
}

/* libFuzzer's own look at the clock, when an input takes long, sees the true one. */
static void (*clock_old_alarm)(int, siginfo_t *, void *);

static inline void
clock_on_alarm(int sig, siginfo_t *info, void *context)
{
	bool on = clock_on;

	clock_on = false;
	clock_old_alarm(sig, info, context);
	clock_on = on;
}

static inline void
clock_guard(void)
{
	struct sigaction sa;

	if (clock_old_alarm != NULL || sigaction(SIGALRM, NULL, &sa) == -1 || (sa.sa_flags & SA_SIGINFO) == 0)
		return;
	clock_old_alarm = sa.sa_sigaction;
	sa.sa_sigaction = clock_on_alarm;
	(void)sigaction(SIGALRM, &sa, NULL);
}

static inline void
clock_start(void)
{
	clock_guard();
	clock_skip(3600);
	clock_on = true;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	if (!clock_on)
		return (int)syscall(SYS_clock_gettime, id, ts);
	clock_us += CLOCK_TICK_US;
	ts->tv_sec = (time_t)(clock_us / 1000000) + (id == CLOCK_REALTIME ? CLOCK_EPOCH : 0);
	ts->tv_nsec = (long)(clock_us % 1000000) * 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (out != NULL)
		*out = ts.tv_sec;
	return ts.tv_sec;
}

#endif

/*
 * db_gather.c - a turn whose work nobody waits for goes on over several
 * iterations of the loop: each commit costs two waits for the disk and the
 * path to every page it touched, whatever was written.
 */
#include "db_env.h"

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "loop.h"

static unsigned int patient;	/* depth of db_patient */
static bool urgent;		/* something of this turn is waited for */
static bool due;		/* it was gathered for long enough */
static size_t gathered;		/* bytes written by patient work */
static unsigned int wait_ms;	/* of the last turn that was gathered */
static uint64_t ended_at;	/* its end, on the clock of clock_ms() */
static struct event *timer;

void
db_patient(void)
{
	patient++;
}

void
db_patient_end(void)
{
	patient--;
}

void
db_gather(size_t n)
{
	if (patient == 0)
		urgent = true;
	gathered += n;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	due = true;
}

/* What begins is seen soon: the newest page, for one. What goes on is gathered
 * for longer each time. */
static unsigned int
next_wait(void)
{
	if (wait_ms == 0 || clock_ms() - ended_at >= LIM_GATHER_MS)
		return LIM_GATHER_FIRST_MS;
	return 2 * wait_ms < LIM_GATHER_MS ? 2 * wait_ms : LIM_GATHER_MS;
}

static void
arm(void)
{
	struct timeval tv = { 0, 0 };

	if (timer == NULL && (timer = evtimer_new(loop_base(), on_timer, NULL)) == NULL)
		fatal("out of memory");
	if (evtimer_pending(timer, NULL))
		return;
	wait_ms = next_wait();
	tv.tv_usec = (suseconds_t)wait_ms * 1000;
	if (evtimer_add(timer, &tv) == -1)
		fatal("no timer");
}

void
db_gather_over(void)
{
	if (timer != NULL && (due || evtimer_pending(timer, NULL)))
		ended_at = clock_ms();
	urgent = due = false;
	gathered = 0;
	if (timer != NULL)
		(void)evtimer_del(timer);
}

void
db_iteration_end(void)
{
	if (db_env.txn != NULL && gathered > 0 && !urgent && !due && !db_failed() && gathered < LIM_GATHER_BYTES)
		arm();
	else
		db_turn_end();
}

/*
 * db_gather.c - a turn whose work nobody waits for goes on over several
 * iterations of the loop: each commit costs two waits for the disk and the
 * path to every page it touched, whatever was written.
 */
#include "db_env.h"

#include <event2/event.h>

#include "log.h"
#include "loop.h"

static unsigned int patient;	/* depth of db_patient */
static bool urgent;		/* something of this turn is waited for */
static size_t gathered;		/* bytes written by patient work */
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
	urgent = true;
}

static void
arm(void)
{
	static const struct timeval tv = { 0, LIM_GATHER_MS * 1000 };

	if (timer == NULL && (timer = evtimer_new(loop_base(), on_timer, NULL)) == NULL)
		fatal("out of memory");
	if (!evtimer_pending(timer, NULL) && evtimer_add(timer, &tv) == -1)
		fatal("no timer");
}

void
db_gather_over(void)
{
	urgent = false;
	gathered = 0;
	if (timer != NULL)
		(void)evtimer_del(timer);
}

void
db_iteration_end(void)
{
	if (db_env.txn != NULL && gathered > 0 && !urgent && !db_failed() && gathered < LIM_GATHER_BYTES)
		arm();
	else
		db_turn_end();
}

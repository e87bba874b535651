/*
 * alive.c - a process that neither dies nor works must not hold up the house.
 *
 * Every LIM_PING_SECONDS each running process is asked; its answer comes from
 * the loop that serves all its channels. One that owes LIM_PINGS answers is
 * stopped, in a loop or waiting for what never comes: it is killed, and its
 * place is filled again. Rounds are counted, not seconds: when the whole
 * machine slept, or the master itself was stopped, nobody is late by that.
 */
#include <event2/event.h>

#include "loop.h"
#include "master.h"

int
alive_on_pong(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p = chan_ctx(c);

	(void)m;
	(void)fd;
	if (p->pings == 0)
		return -1;	/* nobody asked */
	p->pings--;
	return 0;
}

static void
ask(struct proc *p)
{
	static const struct msg_ping ping;

	if (p->pings >= LIM_PINGS)
		proc_kill(p, "wedged: it does not answer");
	else if (send_ping(p->chan, &ping) == 0)
		p->pings++;
}

static void
on_round(evutil_socket_t fd, short what, void *arg)
{
	struct proc *p;

	(void)fd;
	(void)what;
	(void)arg;
	TAILQ_FOREACH(p, &procs, entry)
		if (proc_running(p) && p->pid > 0)
			ask(p);
}

void
alive_start(void)
{
	static const struct timeval period = { .tv_sec = LIM_PING_SECONDS };
	struct event *ev = event_new(loop_base(), -1, EV_PERSIST, on_round, NULL);

	if (ev == NULL || event_add(ev, &period) == -1)
		logger_fatal("no memory for a timer");
}

/*
 * alive.c - a process that neither dies nor works must not hold up the house.
 *
 * Every LIM_PING_SECONDS each running process that gives a reason is asked; its
 * answer comes from the loop that serves all its channels. One that owes
 * LIM_PINGS answers is stopped, in a loop or waiting for what never comes: it
 * is killed, and its place is filled again. Rounds are counted, not seconds:
 * when the whole machine slept, or the master itself was stopped, nobody is
 * late by that.
 *
 * A process that sleeps and has not run since it answered is as it was then:
 * it is left asleep, or a thousand idle links would be woken for nothing. The
 * kernel tells that without its help. Should its last act before it fell
 * asleep have been the wrong one, it is found all the same: after
 * LIM_UNASKED rounds nobody is spared.
 */
#include <event2/event.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loop.h"
#include "master.h"

struct look {
	bool asleep;
	uint64_t slept;		/* how often it has gone to sleep */
};

/* What stands behind "\nname:" and blanks, or NULL. */
static const char *
field(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	return at != NULL ? at + strlen(name) + strspn(at + strlen(name), " \t") : NULL;
}

/* -1: the kernel does not tell. A process cannot write the file's names: what
 * it calls itself has its line ends escaped there. */
static int
look_at(pid_t pid, struct look *l)
{
	char path[64], text[4096];
	const char *state, *slept;
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	state = field(text, "\nState:");
	slept = field(text, "\nvoluntary_ctxt_switches:");
	if (state == NULL || slept == NULL)
		return -1;
	*l = (struct look){ .asleep = *state == 'S', .slept = strtoull(slept, NULL, 10) };
	return 0;
}

int
alive_on_pong(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p = chan_ctx(c);
	struct look l;

	(void)m;
	(void)fd;
	if (p->pings == 0)
		return -1;	/* nobody asked */
	p->pings--;
	/* The answer is written before it goes to sleep again. */
	p->slept = p->pings == 0 && look_at(p->pid, &l) == 0 ? l.slept + !l.asleep : 0;
	return 0;
}

/* Nothing can have gone wrong with it since its answer. */
static bool
unchanged(struct proc *p)
{
	struct look l;

	return p->pings == 0 && p->slept != 0 && p->unasked < LIM_UNASKED && look_at(p->pid, &l) == 0 && l.asleep &&
	       l.slept <= p->slept;
}

static void
ask(struct proc *p)
{
	static const struct msg_ping ping;

	p->unasked = 0;
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
	TAILQ_FOREACH(p, &procs, entry) {
		if (!proc_running(p) || p->pid <= 0)
			continue;
		if (unchanged(p))
			p->unasked++;
		else
			ask(p);
	}
}

void
alive_start(void)
{
	static const struct timeval period = { .tv_sec = LIM_PING_SECONDS };
	struct event *ev = event_new(loop_base(), -1, EV_PERSIST, on_round, NULL);

	if (ev == NULL || event_add(ev, &period) == -1)
		logger_fatal("no memory for a timer");
}

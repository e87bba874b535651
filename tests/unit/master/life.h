/*
 * life.h - the master's life of processes without a process: spawn(), kill()
 * and waitpid() are played, the time is the test's own, chance is what it says.
 * Include it in one source of a program.
 */
#ifndef UNIT_MASTER_LIFE_H
#define UNIT_MASTER_LIFE_H

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../own_time.h"
#include "master.h"

#define LIFE_RUNS 256	/* of all processes of one test together */
#define LIFE_PID 100000	/* of the first */

struct master master;
static struct conf life_conf = { .libexec_dir = "/nowhere", .state_dir = "/nowhere" };

/* Each run of a process, by its pid. */
static struct life_run {
	struct chan *far;	/* its end of the channel */
	bool drained;		/* it was told to end */
	unsigned int pinged;	/* that it was asked whether it is there */
	int signal;		/* that it was killed with */
	bool ended;		/* to be told by waitpid() */
	int status;
} life[LIFE_RUNS];
static size_t life_runs;
static bool life_unlucky;	/* chance gives the most, else the least */

static struct life_run *
life_of(pid_t pid)
{
	if (pid < LIFE_PID || (size_t)(pid - LIFE_PID) >= life_runs)
		abort();
	return &life[pid - LIFE_PID];
}

uint32_t
arc4random_uniform(uint32_t n)
{
	return life_unlucky && n > 0 ? n - 1 : 0;
}

int
kill(pid_t pid, int sig)
{
	struct life_run *r = life_of(pid);

	if (r->signal == 0)
		r->signal = sig;
	return 0;
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	(void)pid;
	(void)options;
	for (size_t i = 0; i < life_runs; i++)
		if (life[i].ended) {
			life[i].ended = false;
			*status = life[i].status;
			return LIFE_PID + (pid_t)i;
		}
	return 0;
}

static int
life_hear(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static int
life_on_drain(struct chan *c, const union msg *m, int *fd)
{
	(void)m;
	(void)fd;
	((struct life_run *)chan_ctx(c))->drained = true;
	return 0;
}

static int
life_on_ping(struct chan *c, const union msg *m, int *fd)
{
	(void)m;
	(void)fd;
	((struct life_run *)chan_ctx(c))->pinged++;
	return 0;
}

static const chan_handler life_hears[MSG__COUNT] = { [MSG_hello] = life_hear, [MSG_cfg_child] = life_hear,
	[MSG_cfg_end] = life_hear, [MSG_drain] = life_on_drain, [MSG_ping] = life_on_ping };
static const struct chan_ops life_ops = { .handlers = life_hears };

int
spawn(struct proc *p)
{
	static const struct chan_peer m = { .role = ROLE_MASTER };
	struct life_run *r = &life[life_runs];
	int sv[2];

	if (life_runs == LIFE_RUNS || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == -1)
		abort();
	p->pid = LIFE_PID + (pid_t)life_runs++;
	p->chan = chan_new(sv[0], ROLE_MASTER, &(struct chan_peer){ .role = p->role, .unit = p->unit }, &proc_chan_ops, p);
	loop_add(p->chan);
	*r = (struct life_run){ 0 };
	r->far = chan_new(sv[1], p->role, &m, &life_ops, r);
	return 0;
}

/* The process says that it is READY. */
static __attribute__((unused)) void
life_ready(struct proc *p)
{
	struct chan *far = life_of(p->pid)->far;

	chan_read(far);
	(void)send_ready(far, &(struct msg_ready){ .mdwe = true, .landlock_abi = 3 });
	chan_write(far);
	time_turns(2);
	chan_run(far);
}

/* What it was sent is heard. */
static __attribute__((unused)) bool
life_drained(pid_t pid)
{
	time_turns(2);
	chan_read(life_of(pid)->far);
	return life_of(pid)->drained;
}

static __attribute__((unused)) int
life_signal(pid_t pid)
{
	return life_of(pid)->signal;
}

/* It is dead: with 0 by itself, else by that signal. */
static __attribute__((unused)) void
life_end(pid_t pid, int sig)
{
	life_of(pid)->ended = true;
	life_of(pid)->status = sig;	/* as wait(2) packs it: exit 0, or the signal alone */
	proc_reap();
	time_turns(2);
}

static __attribute__((unused)) int
life_setup(void **state)
{
	(void)state;
	master.conf = &life_conf;
	master.vault_known = true;
	TAILQ_INIT(&master.tenants);
	life_runs = 0;
	life_unlucky = false;
	return 0;
}

static __attribute__((unused)) int
life_teardown(void **state)
{
	struct proc *p = TAILQ_FIRST(&procs), *next;

	(void)state;
	for (; p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		p->keep = false;
		proc_end(p);
	}
	for (size_t i = 0; i < life_runs; i++)
		life[i].ended = true;
	proc_reap();
	for (size_t i = 0; i < life_runs; i++)
		chan_free(life[i].far);
	return TAILQ_EMPTY(&procs) ? 0 : -1;
}

#endif

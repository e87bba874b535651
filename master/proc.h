/*
 * proc.h - the processes: spawn, READY clock, supervision, restart.
 *
 * A struct proc is one place for a process, not one run of it: the vault, the
 * store of a tenant, the imapd-worker of a unit. When a run dies the place
 * stays, waits its delay and runs again, unless it was told to end.
 */
#ifndef MASTER_PROC_H
#define MASTER_PROC_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "channel.h"
#include "logger.h"

struct tenant;
struct event;
#ifdef POSTERN_TEST_HOOKS
struct harness_place;
#endif

struct proc {
	TAILQ_ENTRY(proc) entry;
	enum role role;
	struct tenant *tenant;	/* NULL: serves the host */
	uint32_t unit;		/* imapd- and smtp-worker */
	char host[LIM_HOST + 1];	/* tls-worker: its label */
	const struct proc *awaited;	/* tls-worker: a worker that starts too will want it; else NULL */
	bool keep;		/* start again when it dies */
	bool ending;		/* told to end: do not start again, free at its death */
	enum process_state state;
	pid_t pid;
	struct chan *chan;	/* NULL while it does not run */
	struct event *timer;	/* READY clock or restart delay */
	unsigned int pings;	/* unanswered */
	uint64_t slept;		/* alive.c: how often, with its last answer; 0: not known */
	unsigned int unasked;	/* rounds that it was left asleep */
	int64_t started_ms;
	uint64_t started_at;	/* seconds since 1970 */
	uint32_t restarts;
	unsigned int delay_ms;
	bool failed_setup;	/* this run broke a rule or missed READY */
	struct msg_ready walls;	/* what the sandbox reached; slices cleared */
	char last_exit[LIM_REASON + 1];
	struct logger_rate rate;
#ifdef POSTERN_TEST_HOOKS
	struct harness_place *harness;
#endif
};

TAILQ_HEAD(proc_list, proc);
extern struct proc_list procs;

/* A new place; started as soon as fewer than LIM_STARTING others are starting. */
struct proc *proc_new(enum role, struct tenant *, uint32_t unit, const char *host, bool keep);
#ifdef POSTERN_TEST_HOOKS
/* The same for a place that only the test harness knows, see harness.h. */
struct proc *proc_new_apart(enum role, struct tenant *, uint32_t unit, const char *host, struct harness_place *);
#endif
/* Tell it to end (drain), kill it after some seconds; freed when it is dead. */
void proc_end(struct proc *);
/* End it and start it again in its place, with what the configuration says now. */
void proc_restart(struct proc *);
void proc_kill(struct proc *, const char *reason);
/* Finds by role, tenant, unit; NULL when there is none. Ending ones do not count. */
struct proc *proc_find(enum role, const struct tenant *, uint32_t unit);
bool proc_running(const struct proc *);
size_t proc_count(const struct tenant *);
/* "imapd-worker[agency/17]": prefix of log lines. Static buffer. */
const char *proc_label(const struct proc *);

/* SIGCHLD: reap everything that died. */
void proc_reap(void);
/* Start what waits for a free place. */
void proc_start_waiting(void);
/* No more restarts; proc_end for all of these roles. True when none is left. */
bool proc_end_roles(uint32_t role_mask);
void proc_kill_all(void);
void proc_stop_restarts(void);

/* ---- alive.c ---- */
/* Ask every running process from time to time; end those that are wedged. */
void alive_start(void);
int alive_on_pong(struct chan *, const union msg *, int *);

/* ---- wiring.c ---- */
/* Wire a process that became READY to every running one it may talk to. */
void wiring_connect(struct proc *);
/* The process is gone: forget its pairs. */
void wiring_forget(const struct proc *);
/* A process reports that its peer on that channel is broken: the culprit, or NULL. */
struct proc *wiring_other(const struct proc *, uint32_t chan);
/* Number of the channel between two processes, 0 = none. */
uint32_t wiring_chan(const struct proc *, const struct proc *);

/* ---- spawn.c ---- */
/* fork + exec; 0 with pid and chan set, or -1. */
int spawn(struct proc *);

/* ---- setup.c ---- */
/* Queue hello and the configuration of its role. -1: cannot be given (logged). */
int setup_send(struct proc *);

/* ---- events.c: what a process's life means for the rest ---- */
extern const struct chan_ops proc_chan_ops;
void event_ready(struct proc *);
void event_gone(struct proc *);

#endif

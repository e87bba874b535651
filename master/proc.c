#include "proc.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "audit_log.h"
#include "clock.h"
#ifdef POSTERN_TEST_HOOKS
#include "harness.h"
#endif
#include "log.h"
#include "loop.h"
#include "master.h"

struct proc_list procs = TAILQ_HEAD_INITIALIZER(procs);
static bool restarts_off;

int64_t
now_ms(void)
{
	return (int64_t)clock_ms();
}

const char *
proc_label(const struct proc *p)
{
	static char label[LIM_ATS_NAME + LIM_HOST + 64];
	const char *ats = p->tenant != NULL ? p->tenant->name : "";

	if (p->unit != 0)
		snprintf(label, sizeof(label), "%s[%s/%s%u]", role_name(p->role), ats,
		    (p->unit & UNIT_PROBE) != 0 ? "probe " : "", p->unit & ~UNIT_PROBE);
	else if (p->host[0] != '\0')
		snprintf(label, sizeof(label), "%s[%s/%s]", role_name(p->role), ats, p->host);
	else if (p->tenant != NULL)
		snprintf(label, sizeof(label), "%s[%s]", role_name(p->role), ats);
	else
		snprintf(label, sizeof(label), "%s", role_name(p->role));
	return label;
}

bool
proc_running(const struct proc *p)
{
	return p->state == PROC_RUNNING && !p->ending && p->chan != NULL;
}

struct proc *
proc_find(enum role role, const struct tenant *t, uint32_t unit)
{
	struct proc *p;

	TAILQ_FOREACH(p, &procs, entry) {
#ifdef POSTERN_TEST_HOOKS
		if (harness_apart(p))
			continue;
#endif
		if (p->role == role && p->tenant == t && p->unit == unit && !p->ending)
			return p;
	}
	return NULL;
}

size_t
proc_count(const struct tenant *t)
{
	struct proc *p;
	size_t n = 0;

	TAILQ_FOREACH(p, &procs, entry)
		n += p->tenant == t;
	return n;
}

static void
proc_free(struct proc *p)
{
	/* Also one that never ran may be what a stream waits for. */
	stream_forget(p);
	wiring_forget(p);
#ifdef POSTERN_TEST_HOOKS
	harness_forget(p);
#endif
	TAILQ_REMOVE(&procs, p, entry);
	event_free(p->timer);
	chan_free(p->chan);
	free(p);
}

static void
set_timer(struct proc *p, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000 };

	event_add(p->timer, &tv);
}

/* Of all, and of each tenant's links into n_starting. */
static size_t
starting_count(void)
{
	struct tenant *t;
	struct proc *p;
	size_t n = 0;

	TAILQ_FOREACH(t, &master.tenants, entry)
		t->n_starting = 0;
	TAILQ_FOREACH(p, &procs, entry) {
		if (p->state != PROC_STARTING)
			continue;
		n++;
		if (p->unit != 0)
			p->tenant->n_starting++;
	}
	return n;
}

/* Grows to a minute, with up to a quarter of jitter against herds. */
static void
schedule_restart(struct proc *p)
{
	p->delay_ms = p->delay_ms == 0 ? LIM_RESTART_FIRST_MS : p->delay_ms * 2;
	if (p->delay_ms > LIM_RESTART_MAX_MS)
		p->delay_ms = LIM_RESTART_MAX_MS;
	p->state = PROC_WAITING;
	set_timer(p, p->delay_ms + arc4random_uniform(p->delay_ms / 4 + 1));
}

static void
proc_start(struct proc *p)
{
	p->started_ms = now_ms();
	p->started_at = (uint64_t)time(NULL);
	p->failed_setup = false;
	p->pings = p->unasked = 0;
	p->slept = 0;
	p->state = PROC_STARTING;
	if (spawn(p) == -1 || setup_send(p) == -1) {
		logger_line(LOG_LVL_ERROR, "cannot start %s reason=%s", proc_label(p), strerror(errno));
		if (p->pid > 0)
			proc_kill(p, "cannot be set up");
		else
			schedule_restart(p);
		return;
	}
	set_timer(p, LIM_READY_SECONDS * 1000);
}

/* Workers of links start at the pace of their tenant. */
static bool
its_turn(struct proc *p)
{
	if (p->unit == 0)
		return true;
	if (p->tenant->n_starting >= LIM_STARTING_ATS)
		return false;	/* one of those will be READY soon */
	if (!tenant_may_start(p->tenant)) {
		tenant_refused(p->tenant, REFUSED_PACE, "workers ordered too fast, %s waits", proc_label(p));
		set_timer(p, LIM_START_PAUSE_MS);
		return false;
	}
	p->tenant->n_starting++;
	return true;
}

void
proc_start_waiting(void)
{
	struct proc *p;
	size_t room = LIM_STARTING - starting_count();

	TAILQ_FOREACH(p, &procs, entry) {
		if (room == 0)
			return;
		if (p->state == PROC_WAITING && !p->ending && !event_pending(p->timer, EV_TIMEOUT, NULL) &&
		    its_turn(p)) {
			proc_start(p);
			room--;
		}
	}
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct proc *p = arg;

	(void)fd;
	(void)what;
	if (p->ending || p->state == PROC_STOPPING || p->state == PROC_RUNNING)
		proc_kill(p, "did not end when told");
	else if (p->state == PROC_STARTING)
		proc_kill(p, "not READY in time");
	else
		proc_start_waiting();
}

static struct proc *
proc_place(enum role role, struct tenant *t, uint32_t unit, const char *host, bool keep)
{
	struct proc *p = calloc(1, sizeof(*p));

	if (p == NULL || (p->timer = evtimer_new(loop_base(), on_timer, p)) == NULL)
		logger_fatal("out of memory");
	p->role = role;
	p->tenant = t;
	p->unit = unit;
	p->keep = keep;
	p->state = PROC_WAITING;
	if (host != NULL && slice_copy(slice_str(host), p->host, sizeof(p->host)) == -1)
		logger_fatal("host name too long");
	TAILQ_INSERT_TAIL(&procs, p, entry);
	return p;
}

struct proc *
proc_new(enum role role, struct tenant *t, uint32_t unit, const char *host, bool keep)
{
	struct proc *p = proc_place(role, t, unit, host, keep);

	proc_start_waiting();
	return p;
}

#ifdef POSTERN_TEST_HOOKS
struct proc *
proc_new_apart(enum role role, struct tenant *t, uint32_t unit, const char *host, struct harness_place *h)
{
	struct proc *p = proc_place(role, t, unit, host, true);

	p->harness = h;
	proc_start_waiting();
	return p;
}
#endif

void
proc_end(struct proc *p)
{
	static const struct msg_drain drain;

	if (p->ending)
		return;
	p->ending = true;
	if (p->state == PROC_WAITING) {
		proc_free(p);
		return;
	}
	if (p->state == PROC_RUNNING && p->chan != NULL)
		(void)send_drain(p->chan, &drain);
	else
		kill(p->pid, SIGKILL);
	p->state = PROC_STOPPING;
	set_timer(p, LIM_DRAIN_SECONDS * 1000);
}

/* The same place, so that the old run is dead before the new one begins: two
 * stores must never be at one database. */
void
proc_restart(struct proc *p)
{
	static const struct msg_drain drain;

	if (p->ending || p->state == PROC_WAITING)
		return;	/* it starts with the new settings anyway */
	if (p->state == PROC_RUNNING && send_drain(p->chan, &drain) == 0)
		set_timer(p, LIM_DRAIN_SECONDS * 1000);
	else
		kill(p->pid, SIGKILL);
}

void
proc_kill(struct proc *p, const char *reason)
{
	if (p->failed_setup)
		return;	/* it is being killed already, for the first reason */
	logger_line(LOG_LVL_WARN, "killing %s pid=%d reason=%s", proc_label(p), (int)p->pid, reason);
	p->failed_setup = true;
	(void)slice_copy(slice_str(reason), p->last_exit, sizeof(p->last_exit));
	kill(p->pid, SIGKILL);
}

static const char *
exit_word(int code)
{
	switch (code) {
	case EXIT_FATAL:
		return "fatal, see its last log line";
	case EXIT_SANDBOX:
		return "a sandbox step failed";
	case EXIT_CONFIG:
		return "wrong setup: restart posternd after an upgrade";
	case 127:
		return "cannot be executed: see libexec-dir";
	default:
		return "exit";
	}
}

static void
describe_exit(struct proc *p, int status)
{
	if (p->failed_setup)
		return;	/* the reason is why we killed it */
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		snprintf(p->last_exit, sizeof(p->last_exit), "forbidden system call (SIGSYS)");
	else if (WIFSIGNALED(status))
		snprintf(p->last_exit, sizeof(p->last_exit), "signal %d (%s)", WTERMSIG(status),
		    strsignal(WTERMSIG(status)));
	else
		snprintf(p->last_exit, sizeof(p->last_exit), "%s (%d)", exit_word(WEXITSTATUS(status)),
		    WEXITSTATUS(status));
}

/* Its last words are still in the socket: read them before it is forgotten. */
static void
drain_channel(struct proc *p)
{
	for (int i = 0; i < 16 && p->chan != NULL && !chan_dead(p->chan); i++)
		chan_read(p->chan);
	chan_free(p->chan);
	p->chan = NULL;
}

/* Nobody meant it to end like that: a fault, perhaps an attack that failed. */
static void
audit_crash(const struct proc *p, int status)
{
	if (!WIFSIGNALED(status) || p->failed_setup || p->ending || restarts_off)
		return;
	audit_say(AUDIT_process_crashed, &(struct audit_process_crashed){ .process = slice_str(proc_label(p)),
	    .crashed_pid = (uint32_t)p->pid, .signal = (uint32_t)WTERMSIG(status) });
}

static void
proc_died(struct proc *p, int status)
{
	bool clean = WIFEXITED(status) && WEXITSTATUS(status) == 0 && !p->failed_setup && p->state != PROC_STARTING;

	event_del(p->timer);
	drain_channel(p);
	describe_exit(p, status);
	audit_crash(p, status);
	logger_line(clean ? LOG_LVL_DEBUG : LOG_LVL_WARN, "%s ended pid=%d reason=%s", proc_label(p), (int)p->pid,
	    p->last_exit);
	wiring_forget(p);
	stream_forget(p);
#ifdef POSTERN_TEST_HOOKS
	if (!harness_gone(p, status))
#endif
		event_gone(p);
	p->pid = 0;
	if (p->ending || !p->keep || restarts_off) {
		proc_free(p);
		return;
	}
	if (now_ms() - p->started_ms >= LIM_RESTART_STABLE_MS)
		p->delay_ms = 0;
	p->walls = (struct msg_ready){ 0 };
	p->state = PROC_WAITING;
#ifdef POSTERN_TEST_HOOKS
	if (harness_ordered(p))
		return;
#endif
	if (clean && (p->role == ROLE_MIME || now_ms() - p->started_ms >= LIM_RESTART_CLEAN_MS)) {
		p->delay_ms = 0;
		return;	/* done with its work: its place is filled again at once */
	}
	p->restarts++;
	schedule_restart(p);
}

void
proc_reap(void)
{
	struct proc *p;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		TAILQ_FOREACH(p, &procs, entry)
			if (p->pid == pid)
				break;
		if (p != NULL)
			proc_died(p, status);
	}
	if (!restarts_off)
		proc_start_waiting();
}

bool
proc_end_roles(uint32_t mask)
{
	struct proc *p = TAILQ_FIRST(&procs), *next;
	bool none = true;

	for (; p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if ((mask & (1u << p->role)) == 0)
			continue;
		proc_end(p);
	}
	TAILQ_FOREACH(p, &procs, entry)
		none = none && (mask & (1u << p->role)) == 0;
	return none;
}

void
proc_stop_restarts(void)
{
	restarts_off = true;
}

void
proc_kill_all(void)
{
	struct proc *p;

	TAILQ_FOREACH(p, &procs, entry)
		if (p->pid > 0)
			kill(p->pid, SIGKILL);
}

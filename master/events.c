/*
 * What a message or the death of a child means: the rows of messages.def that
 * end at the master.
 */
#include <string.h>

#include <event2/event.h>
#include <signal.h>

#include "audit_log.h"
#ifdef POSTERN_TEST_HOOKS
#include "harness.h"
#endif
#include "loop.h"
#include "master.h"
#include "vault.h"

static int
on_ready(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p = chan_ctx(c);

	(void)fd;
	if (p->state != PROC_STARTING || (p->role == ROLE_VAULT) != (m->ready.public_key.n == 32))
		return -1;
	p->walls = m->ready;
	if (p->role == ROLE_VAULT && !master.vault_known)	/* later by vault_state, which is told on */
		memcpy(master.public_key, m->ready.public_key.p, 32);
	p->walls.public_key = SLICE_NONE;
	chan_run(c);
	event_ready(p);
	return 0;
}

static int
on_log(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p = chan_ctx(c);

	(void)fd;
	logger_child(&p->rate, m->log.level, proc_label(p), m->log.text);
	return 0;
}

/* How many it serves: the host, a tenant, or a part of one. */
static int
reach(const struct proc *p)
{
	return role_table[p->role].scope == SCOPE_HOST ? 2 : role_table[p->role].scope == SCOPE_ATS ? 1 : 0;
}

/* accuser NULL: the master saw it by itself. */
static void
audit_broken(const struct proc *accuser, const struct proc *accused, const struct proc *ended, const char *reason)
{
	char who[LIM_AUDIT_WHO + 1], end[LIM_AUDIT_WHO + 1];
	struct audit_process_broken e = { .accused_pid = (uint32_t)accused->pid, .reason = slice_str(reason) };

	(void)slice_copy(slice_str(proc_label(accused)), who, sizeof(who));
	(void)slice_copy(slice_str(proc_label(ended)), end, sizeof(end));
	e.accused = slice_str(who);
	e.ended = slice_str(end);
	if (accuser != NULL)
		audit_say_for(accuser, AUDIT_process_broken, &e);
	else
		audit_say(AUDIT_process_broken, &e);
}

/* One child accuses another; its word counts, since only the accused profits
 * from silence. But a process must not fall by the word of one that serves
 * fewer: a stolen worker would take its store or the vault from all others.
 * Then the accuser ends. Whom we are about to end accuses nobody. */
static int
on_broken(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p = chan_ctx(c), *culprit = wiring_other(p, m->broken.chan), *ended;
	char who[LIM_AUDIT_WHO + 1], reason[LIM_REASON + 1];

	(void)fd;
	if (culprit == NULL || culprit->pid <= 0 || culprit->failed_setup || p->failed_setup ||
	    slice_copy(m->broken.reason, reason, sizeof(reason)) == -1)
		return 0;
	(void)slice_copy(slice_str(proc_label(p)), who, sizeof(who));
	logger_line(LOG_LVL_ERROR, "protocol breach by %s seen by %s reason=%s", proc_label(culprit), who, reason);
	ended = reach(culprit) > reach(p) ? p : culprit;
	audit_broken(p, culprit, ended, reason);
	proc_kill(ended,
	    ended == p ? "accused a process that serves more than it does" : "broke the rules of a channel");
	return 0;
}

/* A parser that does not answer in its time has met mail that it cannot finish.
 * Of others a store cannot say so. */
static int
on_stuck(struct chan *c, const union msg *m, int *fd)
{
	struct proc *culprit = wiring_other(chan_ctx(c), m->stuck.chan);

	(void)fd;
	if (culprit != NULL && culprit->role != ROLE_MIME)
		return -1;
	if (culprit != NULL && culprit->pid > 0)
		proc_kill(culprit, "did not answer in time");
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_ready] = on_ready,
	[MSG_log] = on_log,
	[MSG_audit] = audit_on_event,
	[MSG_broken] = on_broken,
	[MSG_stuck] = on_stuck,
	[MSG_pong] = alive_on_pong,
	[MSG_unit_run] = unit_on_run,
	[MSG_unit_stop] = unit_on_stop,
	[MSG_worker_start] = unit_on_worker_start,
	[MSG_worker_stop] = unit_on_worker_stop,
	[MSG_stream_want] = stream_on_want,
	[MSG_stream_step] = stream_on_step,
	[MSG_stream_ready] = stream_on_ready,
	[MSG_stream_end] = stream_on_end,
	[MSG_admin] = admin_on_request,
	[MSG_vault_state] = vault_on_state,
	[MSG_vault_counted] = vault_on_counted,
#ifdef POSTERN_TEST_HOOKS
	[MSG_attack_report] = harness_on_report,
#endif
};

/* EOF alone changes nothing: SIGCHLD tells the death and its reason. A child
 * that closes its channel and lives on is ended. */
static void
on_eof(struct chan *c)
{
	struct proc *p = chan_ctx(c);

	if (p->pid > 0 && !p->ending)
		kill(p->pid, SIGKILL);
}

static void
on_chan_broken(struct chan *c, const char *reason)
{
	struct proc *p = chan_ctx(c);

	logger_line(LOG_LVL_ERROR, "protocol breach by %s reason=%s", proc_label(p), reason);
	audit_broken(NULL, p, p, reason);
	proc_kill(p, reason);
}

const struct chan_ops proc_chan_ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_chan_broken };

static void
start_rest(void)
{
	if (master.vault_known)
		return;
	master.vault_known = true;
	(void)proc_new(ROLE_DIALER, NULL, 0, NULL, true);
	(void)proc_new(ROLE_CONTROL, NULL, 0, NULL, true);
	for (size_t i = 0; i < master.conf->n_ats; i++)
		if (tenant_start(&master.conf->ats[i]) == -1)
			logger_fatal("ats \"%s\" cannot start", master.conf->ats[i].name);
}

static bool
ever_without_walls(const struct proc *p)
{
	return !p->walls.mdwe || p->walls.landlock_abi < 3;
}

void
event_ready(struct proc *p)
{
	static bool told;

	p->state = PROC_RUNNING;
	event_del(p->timer);
	logger_line(LOG_LVL_DEBUG, "%s runs pid=%d uid=%u", proc_label(p), (int)p->pid, p->walls.uid);
	if (!told && ever_without_walls(p)) {
		told = true;
		logger_line(LOG_LVL_INFO, "second layers absent on this kernel mdwe=%d landlock=%d (seccomp holds)",
		    p->walls.mdwe, p->walls.landlock_abi);
	}
#ifdef POSTERN_TEST_HOOKS
	if (harness_apart(p)) {
		(void)harness_ready(p);
		proc_start_waiting();
		return;
	}
#endif
	wiring_connect(p);
	if (p->role == ROLE_VAULT)
		start_rest();
	/* Clients wait in the socket's backlog until there is something to ask. */
	if (p->role == ROLE_STORE && proc_find(ROLE_ATS, p->tenant, 0) == NULL)
		(void)proc_new(ROLE_ATS, p->tenant, 0, NULL, true);
	vault_tell_public(p);
	stream_retry();
	if (p->role == ROLE_TLS)
		stream_release(p);	/* who asked for it may be gone */
#ifdef POSTERN_TEST_HOOKS
	(void)harness_ready(p);
#endif
	proc_start_waiting();
}

/* A store without workers is told that one is gone; workers without a store
 * have nobody to write to and end by themselves, their units are forgotten. */
void
event_gone(struct proc *p)
{
	struct proc *store;
	struct msg_worker_gone m = { .unit = p->unit, .role = p->role, .reason = slice_str(p->last_exit) };

	/* A first start that fails has its reason in the key: trying again cannot help. */
	if (p->role == ROLE_VAULT && !master.vault_known && !master.draining)
		logger_fatal("the vault does not start: %s", p->last_exit);
	if (p->role == ROLE_VAULT)
		vault_gone();
	if (p->role == ROLE_STORE)
		unit_forget_all(p->tenant);
	else if (p->unit != 0 && (store = proc_find(ROLE_STORE, p->tenant, 0)) != NULL && proc_running(store))
		(void)send_worker_gone(store->chan, &m);
}

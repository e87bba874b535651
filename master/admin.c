/*
 * The admin's requests, as the control process passes them on.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "audit_log.h"
#include "master.h"
#include "vault.h"

static void
done(struct chan *c, uint32_t req, const char *error, const char *text)
{
	struct msg_admin_done m = { .req = req, .error = slice_str(error), .text = slice_str(text) };

	(void)send_admin_done(c, &m);
}

static void
send_process(struct chan *c, uint32_t req, const struct proc *p)
{
	struct rec_process r = { .role = p->role, .ats = slice_str(p->tenant != NULL ? p->tenant->name : NULL),
		.unit = p->unit, .host = slice_str(p->host), .pid = (uint32_t)(p->pid > 0 ? p->pid : 0),
		.uid = p->walls.uid, .chrooted = p->walls.chrooted, .landlock_abi = p->walls.landlock_abi,
		.mdwe = p->walls.mdwe, .seccomp = p->walls.seccomp, .state = (uint8_t)p->state, .started_at = p->started_at,
		.restarts = p->restarts, .last_exit = slice_str(p->last_exit) };
	struct wbuf w;

	wbuf_init(&w, 4096);
	rec_process_encode(&w, &r);
	if (!w.failed)
		(void)send_admin_row(c, &(struct msg_admin_row){ .req = req, .record = wbuf_slice(&w) });
	wbuf_free(&w);
}

static void
show_processes(struct chan *c, uint32_t req)
{
	static const struct proc self = { .role = ROLE_MASTER, .state = PROC_RUNNING };
	struct proc me = self, *p;

	me.pid = getpid();
	me.walls.uid = getuid();
	me.started_at = master.started_at;
	send_process(c, req, &me);
	TAILQ_FOREACH(p, &procs, entry)
		send_process(c, req, p);
	done(c, req, "", "");
}

static void
set_log_level(struct chan *c, uint32_t req, struct slice word)
{
	static const char *const words[] = { "error", "warn", "info", "debug" };
	struct proc *p;
	uint8_t level;

	for (level = 0; level <= LOG_LVL_DEBUG; level++)
		if (slice_eq_str(word, words[level]))
			break;
	if (level > LOG_LVL_DEBUG) {
		done(c, req, "api.invalid", "log level: error, warn, info or debug");
		return;
	}
	master.conf->log_level = level;
	logger_open(master.conf->log_stderr || master.foreground, level);
	TAILQ_FOREACH(p, &procs, entry)
		if (proc_running(p))
			(void)send_log_level(p->chan, &(struct msg_log_level){ .level = level });
	done(c, req, "", "");
}

static void
audit_head(struct chan *c, uint32_t req)
{
	char text[LIM_DETAIL + 1];

	audit_head_text(text, sizeof(text));
	done(c, req, "", text);
}

int
admin_on_request(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_admin *a = &m->admin;

	(void)fd;
	switch (a->verb) {
	case ADMIN_PROCESSES:
		show_processes(c, a->req);
		return 0;
	case ADMIN_RELOAD:
		logger_line(LOG_LVL_INFO, "reload asked by the admin");
		if (reload("admin") == -1)
			done(c, a->req, "cfg.invalid", "the configuration has errors, see the log; nothing changed");
		else
			done(c, a->req, "", "");
		return 0;
	case ADMIN_VAULT_STATUS:
		vault_status(c, a->req, a->argument);
		return 0;
	case ADMIN_VAULT_LOCK:
		logger_line(LOG_LVL_INFO, "locking the vault asked by the admin");
		vault_lock(c, a->req);
		return 0;
	case ADMIN_VAULT_REREAD:
		logger_line(LOG_LVL_INFO, "reading the vault's key anew asked by the admin");
		vault_reread(c, a->req);
		return 0;
	case ADMIN_VAULT_COUNT:
		vault_count(c, a->req);
		return 0;
	case ADMIN_LOG_LEVEL:
		set_log_level(c, a->req, a->argument);
		return 0;
	case ADMIN_AUDIT_HEAD:
		audit_head(c, a->req);
		return 0;
	default:
		done(c, a->req, "api.invalid", "unknown request");
		return 0;
	}
}

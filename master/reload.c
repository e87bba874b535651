/*
 * Reload: read the configuration anew and start, stop or restart only what
 * changed. What cannot change in a running daemon is said and left.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_log.h"
#include "master.h"

static bool
same(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

static void
restart_role(enum role role, struct tenant *t)
{
	struct proc *p = proc_find(role, t, 0);

	if (p != NULL)
		proc_restart(p);
}

static bool
ats_front_changed(const struct conf_ats *a, const struct conf_ats *b)
{
	return a->sealed_only != b->sealed_only || a->n_uids != b->n_uids || a->n_gids != b->n_gids ||
	    memcmp(a->uids, b->uids, sizeof(a->uids)) != 0 || memcmp(a->gids, b->gids, sizeof(a->gids)) != 0;
}

static bool
ats_policy_changed(const struct conf_ats *a, const struct conf_ats *b)
{
	return a->content != b->content || a->first != b->first || a->period_days != b->period_days ||
	    a->max_links != b->max_links || a->max_storage != b->max_storage ||
	    a->max_submissions != b->max_submissions || !slice_eq(wbuf_slice(&a->own_domains), wbuf_slice(&b->own_domains));
}

static bool
socket_changed(const struct conf_ats *a, const struct conf_ats *b)
{
	return !same(a->socket, b->socket) || !same(a->group, b->group) || a->mode != b->mode;
}

static bool
allow_none_anywhere(const struct conf *c)
{
	for (size_t i = 0; i < c->n_hosts; i++)
		if (c->hosts[i].allow_none)
			return true;
	return false;
}

static void
tenant_update(struct tenant *t, const struct conf_ats *now, bool store_too, bool providers_changed)
{
	const struct conf_ats *old = t->conf;

	t->conf = now;
	if (socket_changed(old, now)) {
		int fd = listen_unix(now->socket, now->mode, now->group);

		if (fd != -1) {
			close(t->listen_fd);
			t->listen_fd = fd;
		}
	}
	if (ats_policy_changed(old, now) || store_too)
		restart_role(ROLE_STORE, t);
	if (socket_changed(old, now) || ats_front_changed(old, now) || providers_changed)
		restart_role(ROLE_ATS, t);
}

static bool
host_changed(const struct conf *old, const struct conf *now, const char *name)
{
	const struct conf_host *a = conf_host(old, name), *b = conf_host(now, name);

	if (a == NULL || b == NULL)
		return a != b;
	return a->allow_none != b->allow_none || a->allow_private != b->allow_private ||
	    !same(a->extra_ca, b->extra_ca);
}

/* Streams of such a worker end; its links ask again and get a fresh one. */
static void
tls_update(const struct conf *old, const struct conf *now)
{
	struct proc *p = TAILQ_FIRST(&procs), *next;

	for (; p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->role == ROLE_TLS && (host_changed(old, now, p->host) || !same(old->ca_file, now->ca_file)))
			proc_end(p);
	}
}

static void
tenants_update(const struct conf *old, const struct conf *now)
{
	bool providers = !slice_eq(wbuf_slice(&old->providers), wbuf_slice(&now->providers));
	bool stores = providers || allow_none_anywhere(old) != allow_none_anywhere(now);
	struct tenant *t = TAILQ_FIRST(&master.tenants), *next;

	for (; t != NULL; t = next) {
		const struct conf_ats *a = conf_ats(now, t->name);

		next = TAILQ_NEXT(t, entry);
		if (a == NULL)
			tenant_stop(t);
		else
			tenant_update(t, a, stores, providers);
	}
	for (size_t i = 0; i < now->n_ats; i++)
		if (tenant_find(now->ats[i].name) == NULL && tenant_start(&now->ats[i]) == -1)
			logger_line(LOG_LVL_ERROR, "ats \"%s\" cannot start", now->ats[i].name);
}

/* Who may ask the control socket, and what it knows. */
static void
control_update(const struct conf *old, const struct conf *now)
{
	bool uids = old->n_control_uids != now->n_control_uids ||
	    memcmp(old->control_uids, now->control_uids, sizeof(old->control_uids)) != 0;

	if (uids || !slice_eq(wbuf_slice(&old->providers), wbuf_slice(&now->providers)))
		restart_role(ROLE_CONTROL, NULL);
	if (uids && chmod(now->control_socket, control_mode(now)) == -1)
		logger_line(LOG_LVL_ERROR, "%s: %s", now->control_socket, strerror(errno));
}

static void
level_update(const struct conf *old, const struct conf *now)
{
	struct proc *p;

	TAILQ_FOREACH(p, &procs, entry)
		if (old->log_level != now->log_level && proc_running(p))
			(void)send_log_level(p->chan, &(struct msg_log_level){ .level = now->log_level });
}

static void
warn_fixed(const struct conf *old, const struct conf *now)
{
	if (!same(old->state_dir, now->state_dir) || !same(old->audit_dir, now->audit_dir) || !same(old->libexec_dir, now->libexec_dir) ||
	    !same(old->control_socket, now->control_socket) || !same(old->vault_key, now->vault_key) ||
	    !same(old->vault_socket, now->vault_socket) ||
	    old->uid_base != now->uid_base || old->pool != now->pool)
		logger_line(LOG_LVL_WARN,
		    "state-dir, audit-dir, libexec-dir, control-socket, vault-key, vault-socket, uid-base and mime-pool change only "
					  "at a restart of posternd");
}

int
reload(const char *cause)
{
	struct conf *old = master.conf, *now = conf_read(master.conf_path);

	if (now == NULL) {
		logger_line(LOG_LVL_ERROR, "configuration refused, the old one stays");
		audit_say(AUDIT_config_refused, &(struct audit_config_refused){ .cause = slice_str(cause) });
		return -1;
	}
	warn_fixed(old, now);
	master.conf = now;
	logger_open(now->log_stderr || master.foreground, now->log_level);
	tls_update(old, now);
	tenants_update(old, now);
	control_update(old, now);
	level_update(old, now);
	audit_config(now, cause);
	/* A stopped tenant's processes may still point into the old one while
	 * they end; it is small, and reloads are rare. */
	logger_line(LOG_LVL_INFO, "configuration reloaded count=%zu", now->n_ats);
	return 0;
}

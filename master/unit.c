/*
 * Units: what a store says should run. A store names numbers, endpoints and
 * roles; the master decides whether and where.
 */
#include <stdlib.h>
#include <string.h>

#include "master.h"

static struct tenant *
tenant_of(struct chan *c)
{
	return ((struct proc *)chan_ctx(c))->tenant;
}

struct unit *
unit_find(const struct tenant *t, uint32_t number)
{
	struct unit *u;

	TAILQ_FOREACH(u, &t->units, entry)
		if (u->number == number)
			return u;
	return NULL;
}

static int
take_endpoint(struct unit *u, enum service s, struct slice host, uint16_t port, uint8_t security)
{
	/* A label decides what is dialed and verified: only what a name may be. */
	if (security > SECURITY_NONE || slice_copy(host, u->host[s], sizeof(u->host[s])) == -1 ||
	    strspn(u->host[s], "abcdefghijklmnopqrstuvwxyz0123456789.-_:") != host.n || u->host[s][0] == '.')
		return -1;
	u->port[s] = port;
	u->security[s] = security;
	return 0;
}

static void
unit_workers_end(struct tenant *t, uint32_t number)
{
	struct proc *p;

	if ((p = proc_find(ROLE_IMAP, t, number)) != NULL)
		proc_end(p);
	if ((p = proc_find(ROLE_SMTP, t, number)) != NULL)
		proc_end(p);
}

static void
unit_free(struct tenant *t, struct unit *u)
{
	unit_workers_end(t, u->number);
	TAILQ_REMOVE(&t->units, u, entry);
	t->n_units--;
	free(u);
}

void
unit_forget_all(struct tenant *t)
{
	while (!TAILQ_EMPTY(&t->units))
		unit_free(t, TAILQ_FIRST(&t->units));
}

static bool
room_for_a_unit(const struct tenant *t)
{
	size_t all = 0, most = master.conf->max_links + LIM_PROBES_ATS * master.conf->n_ats;
	struct tenant *other;

	TAILQ_FOREACH(other, &master.tenants, entry)
		all += other->n_units;
	return t->n_units < t->conf->max_links + LIM_PROBES_ATS && all < most;
}

/* A unit that is described again (new endpoints) loses its running workers. */
int
unit_on_run(struct chan *c, const union msg *m, int *fd)
{
	struct tenant *t = tenant_of(c);
	struct unit *u = unit_find(t, m->unit_run.unit);

	(void)fd;
	if (m->unit_run.unit == 0)
		return -1;
	if (u == NULL) {
		if (!room_for_a_unit(t) || (u = calloc(1, sizeof(*u))) == NULL) {
			logger_line(LOG_LVL_ERROR, "too many links ats=%s count=%u", t->name, t->n_units);
			return 0;
		}
		u->number = m->unit_run.unit;
		TAILQ_INSERT_TAIL(&t->units, u, entry);
		t->n_units++;
	} else
		unit_workers_end(t, u->number);
	u->link = m->unit_run.link;
	u->generation = m->unit_run.generation;
	if (take_endpoint(u, SERVICE_IMAP, m->unit_run.imap_host, m->unit_run.imap_port, m->unit_run.imap_security) == -1)
		return -1;
	return take_endpoint(u, SERVICE_SMTP, m->unit_run.smtp_host, m->unit_run.smtp_port, m->unit_run.smtp_security);
}

int
unit_on_stop(struct chan *c, const union msg *m, int *fd)
{
	struct tenant *t = tenant_of(c);
	struct unit *u = unit_find(t, m->unit_stop.unit);

	(void)fd;
	if (u != NULL)
		unit_free(t, u);
	return 0;
}

static bool
worker_role(uint32_t role)
{
	return role == ROLE_IMAP || role == ROLE_SMTP;
}

int
unit_on_worker_start(struct chan *c, const union msg *m, int *fd)
{
	struct tenant *t = tenant_of(c);
	const struct msg_worker_start *w = &m->worker_start;

	(void)fd;
	if (!worker_role(w->role))
		return -1;
	if (master.draining || ((struct proc *)chan_ctx(c))->ending)
		return 0;
	/* The store may have stopped the unit meanwhile: no breach. */
	if (unit_find(t, w->unit) == NULL || proc_find(w->role, t, w->unit) != NULL)
		return 0;
	if (proc_count(t) >= tenant_most(t)) {
		logger_line(LOG_LVL_ERROR, "too many processes ats=%s count=%zu", t->name, tenant_most(t));
		return 0;
	}
	(void)proc_new(w->role, t, w->unit, NULL, w->keep);
	return 0;
}

int
unit_on_worker_stop(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p;

	(void)fd;
	if (!worker_role(m->worker_stop.role))
		return -1;
	if ((p = proc_find(m->worker_stop.role, tenant_of(c), m->worker_stop.unit)) != NULL)
		proc_end(p);
	return 0;
}

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

/* The configuration says for which hosts; the store's word is not enough. */
static bool
none_allowed(const struct unit *u, enum service s)
{
	const struct conf_host *h;

	if (u->security[s] != SECURITY_NONE || u->host[s][0] == '\0')
		return true;
	h = conf_host(master.conf, u->host[s]);
	return h != NULL && h->allow_none;
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

/* A pause must not begin the minute anew. */
static void
logins_keep(struct tenant *t, const struct unit *u)
{
	if ((u->number & UNIT_PROBE) != 0 || u->logins.n == 0)
		return;
	t->kept[t->kept_next] = u->logins;
	t->kept_next = (t->kept_next + 1) % LIM_LOGINS_KEPT;
}

static void
logins_take(struct tenant *t, struct unit *u)
{
	for (size_t i = 0; i < LIM_LOGINS_KEPT; i++) {
		if (t->kept[i].unit != u->number)
			continue;
		u->logins = t->kept[i];
		t->kept[i] = (struct logins){ 0 };
	}
}

static void
unit_free(struct tenant *t, struct unit *u)
{
	logins_keep(t, u);
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

/* Without its host such a unit gets no connection, and the store is told why:
 * the configuration may have changed since the link was made. */
static void
refuse_none(struct chan *c, struct tenant *t, struct unit *u)
{
	for (int s = SERVICE_IMAP; s <= SERVICE_SMTP; s++) {
		struct msg_unit_step m = { .unit = u->number, .service = (uint8_t)s, .step = STEP_DNS,
			.code = slice_str("cfg.invalid"), .detail = slice_str("security none is not allowed for this host") };

		if (none_allowed(u, (enum service)s))
			continue;
		tenant_refused(t, REFUSED_NONE, "security none unit=%u host=%s", u->number, u->host[s]);
		u->host[s][0] = '\0';
		(void)send_unit_step(c, &m);
	}
}

/* A unit that is described again (new endpoints) loses its running workers. */
int
unit_on_run(struct chan *c, const union msg *m, int *fd)
{
	struct tenant *t = tenant_of(c);
	struct unit *u = unit_find(t, m->unit_run.unit);

	(void)fd;
	/* Only a probe tries a link under another number. */
	if (m->unit_run.unit == 0 || ((m->unit_run.unit & UNIT_PROBE) == 0 && m->unit_run.link != m->unit_run.unit))
		return -1;
	if (u == NULL) {
		if (!room_for_a_unit(t) || (u = calloc(1, sizeof(*u))) == NULL) {
			tenant_refused(t, REFUSED_UNIT, "too many links and probes unit=%u of %u", m->unit_run.unit, t->n_units);
			return 0;
		}
		u->number = m->unit_run.unit;
		logins_take(t, u);
		TAILQ_INSERT_TAIL(&t->units, u, entry);
		t->n_units++;
	} else
		unit_workers_end(t, u->number);
	u->link = m->unit_run.link;
	u->generation = m->unit_run.generation;
	/* Later than its store came: a person has just made it, changed it or let it go on. */
	u->first_login = now_ms() - ((struct proc *)chan_ctx(c))->started_ms > (int64_t)LIM_RETURN_SECONDS * 1000;
	if (take_endpoint(u, SERVICE_IMAP, m->unit_run.imap_host, m->unit_run.imap_port, m->unit_run.imap_security) ==
		-1 ||
	    take_endpoint(u, SERVICE_SMTP, m->unit_run.smtp_host, m->unit_run.smtp_port, m->unit_run.smtp_security) == -1)
		return -1;
	refuse_none(c, t, u);
	return 0;
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
		tenant_refused(t, REFUSED_PROCESS, "too many processes unit=%u of %zu", w->unit, tenant_most(t));
		return 0;
	}
	stream_expect(proc_new(w->role, t, w->unit, NULL, w->keep));
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

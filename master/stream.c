/*
 * Streams: a worker asks for a logged-in connection of its own link. The
 * master makes the ticket and the socketpair, gives one end to the tls-worker
 * of the host and keeps the other until the login is done.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit_log.h"
#include "loop.h"
#include "master.h"
#include "stream.h"

static TAILQ_HEAD(, stream) streams = TAILQ_HEAD_INITIALIZER(streams);

static const char *
service_word(uint8_t service)
{
	return service == SERVICE_IMAP ? "imap" : "smtp";
}

static size_t
streams_of(const struct proc *tls)
{
	struct stream *s;
	size_t n = 0;

	TAILQ_FOREACH(s, &streams, entry)
		n += s->tls == tls;
	return n;
}

/* A tls-worker without streams has nothing to keep: the next one is fresh. */
void
stream_release(struct proc *tls)
{
	if (proc_running(tls) && tls->awaited == NULL && streams_of(tls) == 0)
		proc_end(tls);
}

static void
stream_free(struct stream *s)
{
	struct proc *tls = s->tls;

	TAILQ_REMOVE(&streams, s, entry);
	if (s->worker_fd != -1)
		close(s->worker_fd);
	event_free(s->timer);
	pace_leave(&s->pace);
	free(s);
	if (tls != NULL)
		stream_release(tls);
}

static void
stream_fail(struct stream *s, const char *code, const char *detail)
{
	struct msg_stream_failed m = { .ticket = s->ticket, .watch = s->watch, .code = slice_str(code),
		.detail = slice_str(detail) };

	if (s->worker != NULL && s->worker->chan != NULL)
		(void)send_stream_failed(s->worker->chan, &m);
	stream_free(s);
}

/* A tls-worker of that tenant and host with room; started when there is none,
 * NULL when the tenant has all the processes it may have. */
static struct proc *
tls_for(struct tenant *t, const char *host)
{
	struct proc *p;

	TAILQ_FOREACH(p, &procs, entry)
		if (p->role == ROLE_TLS && p->tenant == t && !p->ending && strcmp(p->host, host) == 0 &&
		    streams_of(p) < LIM_TLS_LINKS)
			return p;
	return proc_count(t) < tenant_most(t) ? proc_new(ROLE_TLS, t, 0, host, false) : NULL;
}

/* Both take their time to start: side by side, not one after the other. */
void
stream_expect(const struct proc *worker)
{
	struct unit *u = unit_find(worker->tenant, worker->unit);
	const char *host = u != NULL ? u->host[worker->role == ROLE_IMAP ? SERVICE_IMAP : SERVICE_SMTP] : "";
	struct proc *tls;

	if (host[0] == '\0' || master.vault != VAULT_OPEN || (tls = tls_for(worker->tenant, host)) == NULL)
		return;
	if (streams_of(tls) == 0)
		tls->awaited = worker;
}

/* It never came to ask: what was started for it ends. */
static void
expect_no_more(const struct proc *worker)
{
	struct proc *p, *next;

	for (p = TAILQ_FIRST(&procs); p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->awaited != worker)
			continue;
		p->awaited = NULL;
		stream_release(p);
	}
}

static int
tell_vault(const struct stream *s, const struct unit *u, struct proc *vault)
{
	struct proc *store = proc_find(ROLE_STORE, s->tenant, 0);
	struct msg_ticket m = { .ticket = s->ticket, .ats = slice_str(s->tenant->name), .unit = u->number,
		.link = u->link, .generation = u->generation, .service = s->service,
		.host = slice_str(u->host[s->service]), .port = u->port[s->service],
		.security = u->security[s->service],
		.store_chan = store != NULL ? wiring_chan(vault, store) : 0, .tls_chan = wiring_chan(vault, s->tls) };

	if (m.store_chan == 0 || m.tls_chan == 0)
		return -1;
	return send_ticket(vault->chan, &m);
}

/* Both ends are there: make the pair and tell vault, then tls-worker. */
static int
stream_begin(struct stream *s, const struct unit *u, struct proc *vault)
{
	struct msg_stream_open m = { .service = s->service, .port = u->port[s->service],
		.security = u->security[s->service] };
	int sv[2];

	if (getrandom(&s->ticket, sizeof(s->ticket), 0) != sizeof(s->ticket) || tell_vault(s, u, vault) == -1 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == -1)
		return -1;
	s->worker_fd = sv[0];
	m.ticket = s->ticket;
	return send_stream_open(s->tls->chan, &m, sv[1]);
}

/* What becomes of a second connection says nothing about the link. */
static bool
tell_step(const struct stream *s, const struct msg_unit_step *step)
{
	struct proc *store = proc_find(ROLE_STORE, s->tenant, 0);

	if (s->watch)
		return true;
	return store != NULL && proc_running(store) && send_unit_step(store->chan, step) == 0;
}

/* A locked vault: a link's login waits, without a connection and without an
 * end, and goes on the moment the vault is unlocked. A test is told at once. */
static void
stream_locked(struct stream *s)
{
	struct msg_unit_step m = { .unit = s->unit, .service = s->service, .step = STEP_AUTH,
		.code = slice_str("vault.locked") };

	s->since_ms = now_ms();
	stream_turn_back(s);
	if (!s->lock_told)
		s->lock_told = tell_step(s, &m);
	if ((s->unit & UNIT_PROBE) != 0)
		stream_fail(s, "vault.locked", "");
}

/* No ticket is made for this one: why. */
static void
audit_no_ticket(const struct stream *s, const char *code, const char *why)
{
	audit_say_for(s->worker, AUDIT_login_refused,
	    &(struct audit_login_refused){ .ats = slice_str(s->tenant->name), .unit = s->unit & ~UNIT_PROBE,
		.service = slice_str(service_word(s->service)), .code = slice_str(code), .reason = slice_str(why) });
}

/* Perhaps nothing else happens until its time is over. */
static void
stream_wait(struct stream *s)
{
	int64_t left = s->since_ms + LIM_STREAM_WAIT_MS - now_ms();
	struct timeval tv = { .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };

	(void)event_add(s->timer, &tv);
}

/* Begin it, leave it waiting, or fail it. */
static void
stream_try(struct stream *s)
{
	struct unit *u = unit_find(s->tenant, s->unit);
	struct proc *vault = proc_find(ROLE_VAULT, NULL, 0);

	if (s->worker->ending) {
		stream_free(s);
		return;
	}
	if (u == NULL || u->host[s->service][0] == '\0') {
		stream_fail(s, "cfg.invalid", "this link has no such service");
		return;
	}
	if (master.vault == VAULT_LOCKED) {
		stream_locked(s);
		return;
	}
	if (audit_forbids_logins()) {
		audit_no_ticket(s, "audit.full", "the audit log cannot be written");
		stream_fail(s, "audit.full", "the audit log cannot be written");
		return;
	}
	if (stream_paced(s, u))
		return;
	if (s->tls == NULL && (s->tls = tls_for(s->tenant, u->host[s->service])) == NULL) {
		stream_fail(s, "proc.limit_hit", "too many processes of this ATS");
		return;
	}
	if (s->tls->awaited == s->worker)
		s->tls->awaited = NULL;
	if (master.vault == VAULT_OPEN && proc_running(vault) && proc_running(s->tls)) {
		if (!s->watch)
			u->first_login = false;
		if (stream_begin(s, u, vault) == 0)
			pace_used(&s->pace);
		else
			stream_fail(s, "proc.crashed", "no connection could be made");
	} else if (now_ms() - s->since_ms >= LIM_STREAM_WAIT_MS)
		stream_fail(s, "proc.crashed", "a needed process does not run");
	else
		stream_wait(s);
}

static void
on_wait_over(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;

	(void)fd;
	(void)what;
	if (s->ticket == 0)
		stream_try(s);
}

static void
on_turn(void *arg)
{
	stream_turn(arg);
	stream_try(arg);
}

static struct stream *
stream_new(struct proc *worker, uint8_t service, bool watch)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (s == NULL)
		return NULL;
	*s = (struct stream){ .worker = worker, .tenant = worker->tenant, .unit = worker->unit, .service = service,
		.watch = watch, .worker_fd = -1, .since_ms = now_ms(), .pace = { .turn = on_turn, .arg = s } };
	if ((s->timer = evtimer_new(loop_base(), on_wait_over, s)) == NULL) {
		free(s);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&streams, s, entry);
	return s;
}

int
stream_on_want(struct chan *c, const union msg *m, int *fd)
{
	struct proc *p = chan_ctx(c);
	struct unit *u = unit_find(p->tenant, p->unit);
	uint8_t service = p->role == ROLE_IMAP ? SERVICE_IMAP : SERVICE_SMTP;
	struct stream *s;
	size_t mine = 0;

	(void)fd;
	if (m->stream_want.service != service || (m->stream_want.watch && service != SERVICE_IMAP))
		return -1;
	if (master.draining || p->ending)
		return 0;
	TAILQ_FOREACH(s, &streams, entry) {
		if (s->worker != p)
			continue;
		if (((s->worker_fd != -1 || s->ticket == 0) && s->watch == m->stream_want.watch) ||
		    ++mine >= LIM_STREAMS_WORKER)
			return -1;	/* one at a time, and ends that are on their way */
	}
	if ((s = stream_new(p, service, m->stream_want.watch)) == NULL)
		return 0;
	if (s->watch && u != NULL && !stream_watch_allowed(u))
		stream_fail(s, "sync.too_many_connections", "postern.conf allows one");
	else if (u != NULL && !stream_login_allowed(u)) {
		if (u->logins.n == LIM_TICKETS_PER_MINUTE + 1) {	/* told once a minute */
			logger_line(LOG_LVL_WARN, "%s asks for too many logins, refused until the minute is over",
			    proc_label(p));
			audit_no_ticket(s, "auth.too_many_attempts", "too many in this minute");
		}
		stream_fail(s, "auth.too_many_attempts", "our own limit of logins in a minute");
	} else
		stream_try(s);
	return 0;
}

void
stream_retry(void)
{
	struct stream *s = TAILQ_FIRST(&streams), *next;

	for (; s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->ticket == 0)
			stream_try(s);
	}
}

/* A tls-worker may only speak of tickets it was given. One that is gone may
 * have ended meanwhile: *s is NULL. Another's: -1, a breach. */
static int
stream_of(struct chan *c, uint64_t ticket, struct stream **s)
{
	char owner[LIM_ATS_NAME + LIM_HOST + 64] = "nobody";
	struct proc *p = chan_ctx(c);

	TAILQ_FOREACH(*s, &streams, entry)
		if ((*s)->ticket == ticket && ticket != 0)
			break;
	if (*s == NULL || (*s)->tls == p)
		return 0;
	if ((*s)->tls != NULL)
		(void)slice_copy(slice_str(proc_label((*s)->tls)), owner, sizeof(owner));
	logger_line(LOG_LVL_ERROR, "%s names the ticket of %s, stream of ats=%s unit=%u", proc_label(p), owner,
	    (*s)->tenant->name, (*s)->unit);
	audit_say_for(p, AUDIT_ticket_refused,
	    &(struct audit_ticket_refused){ .role = slice_str(role_name(p->role)), .ats = slice_str(p->tenant->name),
		.host = slice_str(p->host), .ticket = ticket, .owner_ats = slice_str((*s)->tenant->name),
		.owner_unit = (*s)->unit & ~UNIT_PROBE, .owner_host = slice_str((*s)->tls != NULL ? (*s)->tls->host : ""),
		.reason = slice_str("of another process") });
	return -1;
}

/* The server did not prove who it is: a mistake, or somebody in between. */
static void
audit_unproven(const struct stream *s, struct slice code)
{
	const struct unit *u = unit_find(s->tenant, s->unit);
	struct audit_server_unproven e = { .unit = s->unit & ~UNIT_PROBE, .code = code,
		.service = slice_str(service_word(s->service)), .host = slice_str(s->tls->host),
		.port = u != NULL ? u->port[s->service] : 0 };

	if (code.n > 4 && memcmp(code.p, "tls.", 4) == 0)
		audit_say_for(s->tls, AUDIT_server_unproven, &e);
}

int
stream_on_step(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_stream_step *step = &m->stream_step;
	struct stream *s;

	(void)fd;
	if (stream_of(c, step->ticket, &s) == -1)
		return -1;
	if (s == NULL)
		return 0;
	if (++s->steps > LIM_STREAM_STEPS)
		return -1;
	if (!step->ok) {
		audit_unproven(s, step->code);
		(void)slice_copy(step->code, s->code, sizeof(s->code));
		(void)slice_copy(step->detail, s->detail, sizeof(s->detail));
	}
	(void)tell_step(s, &(struct msg_unit_step){ .unit = s->unit, .service = s->service, .step = step->step,
	    .ok = step->ok, .code = step->code, .detail = step->detail, .ms = step->ms });
	return 0;
}

int
stream_on_ready(struct chan *c, const union msg *m, int *fd)
{
	struct stream *s;
	struct msg_stream_up up;

	(void)fd;
	if (stream_of(c, m->stream_ready.ticket, &s) == -1)
		return -1;
	if (s == NULL)
		return 0;
	if (s->up)
		return -1;
	s->up = true;
	if (s->worker_fd == -1)
		return 0;	/* the worker died meanwhile: the tls-worker sees EOF */
	up = (struct msg_stream_up){ .ticket = s->ticket, .told = m->stream_ready.told, .watch = s->watch };
	if (s->worker != NULL && s->worker->chan != NULL)
		(void)send_stream_up(s->worker->chan, &up, s->worker_fd);
	else
		close(s->worker_fd);
	s->worker_fd = -1;
	return 0;
}

/* The vault was locked while this login was on its way: it waits with the others. */
static void
stream_again(struct stream *s)
{
	struct proc *tls = s->tls;

	close(s->worker_fd);
	s->worker_fd = -1;
	s->ticket = 0;
	s->tls = NULL;
	s->code[0] = s->detail[0] = '\0';
	s->steps = 0;
	s->lock_told = false;
	s->since_ms = now_ms();
	s->turn_ms = 0;
	stream_release(tls);
	stream_try(s);
}

int
stream_on_end(struct chan *c, const union msg *m, int *fd)
{
	struct stream *s;

	(void)fd;
	if (stream_of(c, m->stream_end.ticket, &s) == -1)
		return -1;
	if (s == NULL)
		return 0;
	if (s->worker_fd != -1 && s->worker != NULL && (s->unit & UNIT_PROBE) == 0 && strcmp(s->code, "vault.locked") == 0)
		stream_again(s);
	else if (s->worker_fd != -1)
		stream_fail(s, s->code[0] != '\0' ? s->code : "net.reset", s->detail);
	else
		stream_free(s);
	return 0;
}

void
stream_forget(const struct proc *p)
{
	struct stream *s = TAILQ_FIRST(&streams), *next;

	expect_no_more(p);
	for (; s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->worker == p) {
			s->worker = NULL;
			/* The tls-worker sees EOF on its end and ends the session. */
			if (s->worker_fd != -1 && s->ticket != 0) {
				close(s->worker_fd);
				s->worker_fd = -1;
			} else if (s->ticket == 0)
				stream_free(s);
		} else if (s->tls == p) {
			s->tls = NULL;
			if (s->worker_fd != -1 || s->ticket == 0)
				stream_fail(s, "proc.crashed", p->last_exit);
			else
				stream_free(s);
		}
	}
}

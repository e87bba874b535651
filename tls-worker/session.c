#include "clock.h"
#include "session_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "log.h"
#include "loop.h"
#include "secret.h"

struct session_setup session_conf;

static TAILQ_HEAD(, session) sessions = TAILQ_HEAD_INITIALIZER(sessions);
static size_t count;
static uint32_t last_req;
static struct chan *dialer, *vault;
static void (*on_gone)(void);

void
session_setup(const struct session_setup *conf)
{
	session_conf = *conf;
}

size_t
session_count(void)
{
	return count;
}

void
session_on_gone(void (*fn)(void))
{
	on_gone = fn;
}

/* ---- events ---- */

static void
want(struct event *e, bool on)
{
	if (on)
		event_add(e, NULL);
	else
		event_del(e);
}

void
session_watch(struct session *s, bool readable, bool writable)
{
	want(s->link_read, readable);
	want(s->link_write, writable);
}

static void
set_deadline(struct session *s, int seconds)
{
	struct timeval tv = { seconds, 0 };

	event_add(s->deadline, &tv);
}

void
session_step(struct session *s, enum step step)
{
	steps_begin(&s->steps, step);
	set_deadline(s, LIM_LOGIN_STEP_SECONDS);
}

static void
pump(struct session *s)
{
	static const struct timeval soon = { 0, 0 };
	struct copy_wants w;

	if (copy_pump(&s->copy, &w) == COPY_OVER) {
		session_end(s);
		return;
	}
	session_watch(s, w.link_read, w.link_write);
	want(s->plain_read, w.plain_read);
	want(s->plain_write, w.plain_write);
	/* A timer, not an active event: other descriptors come first. */
	if (w.again)
		event_add(s->again, &soon);
}

static void
on_link(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	switch (s->phase) {
	case SP_HANDSHAKE:
		session_tls(s);
		break;
	case SP_LOGIN:
		session_login(s);
		break;
	case SP_COPY:
		pump(s);
		break;
	default:
		session_watch(s, false, false);
		break;
	}
}

/* Nobody writes into the stream before it is up: its other end is closed. */
static void
on_plain(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (s->phase == SP_COPY)
		pump(s);
	else
		session_end(s);
}

/* The worker left: its last bytes still go out, but a server that takes them
 * one by one does not keep the place for ever. */
static void
on_plain_closed(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	set_deadline(s, LIM_STREAM_CLOSE_SECONDS);
}

static void
on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump(arg);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct session *s = arg;

	(void)fd;
	(void)what;
	if (s->phase == SP_COPY)
		session_end(s);
	else
		session_timeout(s);
}

static void
event_drop(struct event **e)
{
	if (*e != NULL)
		event_free(*e);
	*e = NULL;
}

/* ---- life ---- */

static void
session_free(struct session *s)
{
	event_drop(&s->link_read);
	event_drop(&s->link_write);
	event_drop(&s->plain_read);
	event_drop(&s->plain_write);
	event_drop(&s->plain_closed);
	event_drop(&s->deadline);
	event_drop(&s->again);
	copy_free(&s->copy);
	link_close(&s->link);
	close(s->plain);
	secret_free(s->login);
	TAILQ_REMOVE(&sessions, s, entry);
	count--;
	free(s);
	if (on_gone != NULL)
		on_gone();
}

void
session_end(struct session *s)
{
	struct msg_auth_result result = { .ticket = s->steps.ticket, .code = slice_str("net.reset") };
	struct msg_stream_end m = { .ticket = s->steps.ticket };

	if (s->auth_begun && vault != NULL)
		(void)send_auth_result(vault, &result);
	if (send_stream_end(child.master, &m) == -1)
		log_warn("end of a stream not told ticket=%016llx", (unsigned long long)m.ticket);
	session_free(s);
}

void
session_fail(struct session *s, const char *code, const char *detail)
{
	struct msg_auth_result m = { .ticket = s->steps.ticket, .code = slice_str(code) };

	log_info("stream failed service=%u port=%u step=%u code=%s", s->service, s->port, s->steps.current, code);
	steps_fail(&s->steps, code, detail);
	if (s->auth_begun && vault != NULL)
		(void)send_auth_result(vault, &m);
	s->auth_begun = false;
	session_end(s);
}

void
session_copy(struct session *s)
{
	struct msg_auth_result result = { .ticket = s->steps.ticket, .ok = true };
	struct msg_stream_ready ready = { .ticket = s->steps.ticket, .told = s->login->told };

	steps_ok(&s->steps);
	if (vault != NULL)
		(void)send_auth_result(vault, &result);
	s->auth_begun = false;
	event_del(s->deadline);
	if (copy_init(&s->copy, &s->link, s->plain, login_rest(s->login)) == -1 ||
	    send_stream_ready(child.master, &ready) == -1) {
		session_end(s);
		return;
	}
	secret_free(s->login);
	s->login = NULL;
	s->phase = SP_COPY;
	event_add(s->plain_closed, NULL);
	log_info("stream up service=%u port=%u", s->service, s->port);
	pump(s);
}

/* Refused before there is a session: one failed step, one end. */
static void
refuse(const struct msg_stream_open *m, int fd, const char *code, const char *why)
{
	struct steps steps = { .ticket = m->ticket };
	struct msg_stream_end end = { .ticket = m->ticket };

	steps_begin(&steps, STEP_DNS);
	steps_fail(&steps, code, why);
	(void)send_stream_end(child.master, &end);
	close(fd);
}

static int
add_events(struct session *s)
{
	s->plain_read = event_new(loop_base(), s->plain, EV_READ | EV_PERSIST, on_plain, s);
	s->plain_write = event_new(loop_base(), s->plain, EV_WRITE | EV_PERSIST, on_plain, s);
	s->plain_closed = event_new(loop_base(), s->plain, EV_CLOSED, on_plain_closed, s);
	s->deadline = evtimer_new(loop_base(), on_deadline, s);
	s->again = evtimer_new(loop_base(), on_again, s);
	return s->plain_read != NULL && s->plain_write != NULL && s->plain_closed != NULL && s->deadline != NULL &&
	    s->again != NULL ? 0 : -1;
}

static struct session *
session_new(const struct msg_stream_open *m, int fd)
{
	struct session *s = calloc(1, sizeof(*s));
	int flags = fcntl(fd, F_GETFL);

	if (s == NULL || (s->login = secret_malloc(sizeof(*s->login))) == NULL)
		fatal("out of memory");
	s->plain = fd;
	s->link.fd = -1;
	s->service = m->service;
	s->security = m->security;
	s->port = m->port;
	s->req = ++last_req;
	s->steps.ticket = m->ticket;
	login_init(s->login, s->service, s->security == SECURITY_STARTTLS);
	if (flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 || add_events(s) == -1)
		fatal("no memory for a stream");
	TAILQ_INSERT_TAIL(&sessions, s, entry);
	count++;
	return s;
}

void
session_open(const struct msg_stream_open *m, int fd)
{
	struct session *s;
	struct msg_dial dial;

	if (count >= LIM_TLS_LINKS) {
		refuse(m, fd, "sync.too_many_connections", "this process serves as many links as it may");
		return;
	}
	if (dialer == NULL) {
		refuse(m, fd, "net.dns_temp", "the dialer is not there");
		return;
	}
	if (m->security == SECURITY_NONE && !session_conf.allow_none) {
		refuse(m, fd, "cfg.invalid", "this host is not allowed without encryption");
		return;
	}
	s = session_new(m, fd);
	event_add(s->plain_read, NULL);
	session_step(s, STEP_DNS);
	dial = (struct msg_dial){ .req = s->req, .port = s->port };
	if (send_dial(dialer, &dial) == -1)
		session_fail(s, "net.dns_temp", "the dialer is not there");
}

/* ---- the dialer ---- */

static struct session *
find_req(uint32_t req)
{
	struct session *s;

	TAILQ_FOREACH(s, &sessions, entry)
		if (s->req == req && s->phase == SP_DIALING)
			return s;
	return NULL;
}

void
session_dialed(const struct msg_dialed *m, int *fd)
{
	struct session *s = find_req(m->req);

	if (s == NULL)
		return;	/* it ended meanwhile */
	link_init(&s->link, *fd);
	*fd = -1;
	steps_tell(&s->steps, STEP_DNS, m->dns_ms, NULL, NULL);
	steps_tell(&s->steps, STEP_TCP, m->tcp_ms, NULL, NULL);
	s->steps.current = STEP_TCP;
	if (s->security == SECURITY_NONE && !m->loopback) {
		session_fail(s, "cfg.invalid", "without encryption only a loopback address is allowed");
		return;
	}
	s->link_read = event_new(loop_base(), s->link.fd, EV_READ | EV_PERSIST, on_link, s);
	s->link_write = event_new(loop_base(), s->link.fd, EV_WRITE | EV_PERSIST, on_link, s);
	if (s->link_read == NULL || s->link_write == NULL)
		fatal("no memory for a stream");
	session_dialed_start(s);
}

void
session_dial_failed(const struct msg_dial_failed *m)
{
	char code[LIM_CODE + 1] = "", detail[LIM_DETAIL + 1] = "";
	struct session *s = find_req(m->req);

	if (s == NULL || slice_copy(m->code, code, sizeof(code)) == -1 ||
	    slice_copy(m->detail, detail, sizeof(detail)) == -1)
		return;
	if (m->step == STEP_TCP)
		steps_tell(&s->steps, STEP_DNS, m->dns_ms, NULL, NULL);
	s->steps.current = m->step == STEP_TCP ? STEP_TCP : STEP_DNS;
	s->steps.since = clock_ms() - (m->step == STEP_TCP ? m->tcp_ms : m->dns_ms);
	session_fail(s, code, detail);
}

/* ---- the channels ---- */

/* Those that wait for the lost process; others do not notice. */
static void
fail_waiting(enum session_phase phase, const char *code, const char *why)
{
	struct session *s, *next;

	for (s = TAILQ_FIRST(&sessions); s != NULL; s = next) {
		next = TAILQ_NEXT(s, entry);
		if (s->phase == phase)
			session_fail(s, code, why);
	}
}

void
session_set_dialer(struct chan *c)
{
	dialer = c;
	if (c == NULL)
		fail_waiting(SP_DIALING, "net.dns_temp", "the dialer was restarted");
}

void
session_set_vault(struct chan *c)
{
	vault = c;
	if (c == NULL)
		fail_waiting(SP_VAULT, "vault.away", "the vault was restarted");
}

struct chan *
session_dialer(void)
{
	return dialer;
}

struct chan *
session_vault(void)
{
	return vault;
}

static struct session *
find_waiting(uint64_t ticket)
{
	struct session *s;

	TAILQ_FOREACH(s, &sessions, entry)
		if (s->steps.ticket == ticket && s->phase == SP_VAULT)
			return s;
	return NULL;
}

void
session_respond(const struct msg_auth_respond *m)
{
	struct session *s = find_waiting(m->ticket);
	enum login_want next;

	if (s == NULL)
		return;
	(void)login_respond(s->login, m->mechanism, m->data, &next);
	s->phase = SP_LOGIN;
	session_login(s);
}

void
session_refused(const struct msg_auth_refused *m)
{
	char code[LIM_CODE + 1] = "";
	struct session *s = find_waiting(m->ticket);

	if (s == NULL || slice_copy(m->code, code, sizeof(code)) == -1)
		return;
	s->auth_begun = false;
	session_fail(s, code, "");
}

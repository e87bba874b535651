#include "dial.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "loop.h"
#include "resolve.h"
#include "wire.h"

struct attempt {
	struct dial *dial;
	struct event *event;
	int fd;
};

struct dial {
	char host[LIM_HOST + 1];
	uint16_t port;
	bool private_ok;
	dial_fn fn;
	void *arg;
	struct lookup *lookup;
	struct event *deadline, *next_timer;
	struct address_list list;
	size_t next, pending;
	struct attempt attempts[LIM_DIAL_ADDRESSES];
	uint64_t dns_start, tcp_start;
	uint32_t dns_ms;
	int worst_errno;	/* what the failed addresses have in common, refused first */
	union address worst;
};

static void
attempt_end(struct attempt *a)
{
	if (a->event == NULL)
		return;
	event_free(a->event);
	a->event = NULL;
	if (a->fd != -1)
		close(a->fd);
	a->fd = -1;
	a->dial->pending--;
}

void
dial_cancel(struct dial *d)
{
	if (d == NULL)
		return;
	resolve_forget(d->lookup);
	for (size_t i = 0; i < LIM_DIAL_ADDRESSES; i++)
		attempt_end(&d->attempts[i]);
	if (d->deadline != NULL)
		event_free(d->deadline);
	if (d->next_timer != NULL)
		event_free(d->next_timer);
	free(d);
}

static void
dial_finish(struct dial *d, struct dial_result *r)
{
	dial_fn fn = d->fn;
	void *arg = d->arg;

	r->dns_ms = d->dns_ms;
	if (d->tcp_start != 0)
		r->tcp_ms = (uint32_t)(clock_ms() - d->tcp_start);
	dial_cancel(d);
	fn(arg, r);
}

static void
dial_fail(struct dial *d, enum step step, const char *code, const char *why)
{
	struct dial_result r = { .fd = -1, .step = step, .code = code };

	snprintf(r.detail, sizeof(r.detail), "%s", why);
	dial_finish(d, &r);
}

static const char *
code_of(int err)
{
	switch (err) {
	case ECONNREFUSED:
		return "net.refused";
	case ECONNRESET:
		return "net.reset";
	case ETIMEDOUT:
		return "net.timeout";
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return "net.dns_temp";	/* our own shortage passes */
	default:
		return "net.unreachable";
	}
}

/* Refused tells the user most (the host is there), a silent one least. */
static int
weight(int err)
{
	return err == ECONNREFUSED ? 3 : err == ETIMEDOUT ? 2 : err != 0 ? 1 : 0;
}

static void
note_error(struct dial *d, size_t i, int err)
{
	if (weight(err) <= weight(d->worst_errno))
		return;
	d->worst_errno = err;
	d->worst = d->list.a[i];
}

static void
dial_give_up(struct dial *d)
{
	char text[INET6_ADDRSTRLEN], why[LIM_DETAIL];

	address_text(&d->worst, text, sizeof(text));
	snprintf(why, sizeof(why), "%s port %u: %s", text, d->port, strerrordesc_np(d->worst_errno));
	dial_fail(d, STEP_TCP, code_of(d->worst_errno), why);
}

static void
dial_done(struct dial *d, size_t i)
{
	struct dial_result r = { .fd = d->attempts[i].fd, .loopback = address_loopback(&d->list.a[i]) };

	address_text(&d->list.a[i], r.address, sizeof(r.address));
	d->attempts[i].fd = -1;
	dial_finish(d, &r);
}

static void dial_next(struct dial *);

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *a = arg;
	struct dial *d = a->dial;
	size_t i = (size_t)(a - d->attempts);
	socklen_t n = sizeof(int);
	int err = 0;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &n) == -1)
		err = errno;
	if (err == 0) {
		dial_done(d, i);
		return;
	}
	note_error(d, i, err);
	attempt_end(a);
	dial_next(d);
}

/* A peer that vanished must not hold a session: probes after a minute. */
static void
socket_options(int fd)
{
	static const struct {
		int level, name, value;
	} options[] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },
		{ IPPROTO_TCP, TCP_KEEPIDLE, 60 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 15 },
		{ IPPROTO_TCP, TCP_KEEPCNT, 4 },
		{ IPPROTO_TCP, TCP_USER_TIMEOUT, 120000 },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

/* 0 = under way, else errno. */
static int
attempt_start(struct dial *d, size_t i)
{
	struct attempt *a = &d->attempts[i];
	union address *to = &d->list.a[i];
	int fd = socket(to->sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int err;

	if (fd == -1)
		return errno;
	socket_options(fd);
	address_set_port(to, d->port);
	if (connect(fd, &to->sa, address_len(to)) == -1 && errno != EINPROGRESS) {
		err = errno;
		close(fd);
		return err;
	}
	if ((a->event = event_new(loop_base(), fd, EV_WRITE, on_writable, a)) == NULL) {
		close(fd);
		return ENOMEM;
	}
	a->fd = fd;
	d->pending++;
	event_add(a->event, NULL);
	return 0;
}

static void
dial_next(struct dial *d)
{
	static const struct timeval pause = { 0, LIM_DIAL_NEXT_MS * 1000 };
	int err;

	while (d->next < d->list.n) {
		size_t i = d->next++;

		if ((err = attempt_start(d, i)) == 0) {
			event_add(d->next_timer, &pause);
			return;
		}
		note_error(d, i, err);
	}
	if (d->pending == 0)
		dial_give_up(d);
}

static void
on_next(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	dial_next(arg);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;

	(void)fd;
	(void)what;
	if (d->lookup != NULL) {
		d->dns_ms = (uint32_t)(clock_ms() - d->dns_start);
		dial_fail(d, STEP_DNS, "net.dns_temp", "the name service does not answer");
		return;
	}
	for (size_t i = 0; i < d->next; i++)
		if (d->attempts[i].event != NULL)
			note_error(d, i, ETIMEDOUT);
	dial_give_up(d);
}

static void
arm_deadline(struct dial *d, long ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	event_add(d->deadline, &tv);
}

static void
dial_connect(struct dial *d, const struct address_list *found)
{
	char text[INET6_ADDRSTRLEN], why[LIM_DETAIL];

	d->tcp_start = clock_ms();
	address_pick(found, d->private_ok, &d->list);
	if (d->list.n == 0) {
		address_text(&found->a[0], text, sizeof(text));
		snprintf(why, sizeof(why), "%s is not a public address", text);
		dial_fail(d, STEP_TCP, "net.blocked_address", why);
		return;
	}
	arm_deadline(d, LIM_DIAL_TCP_MS);
	dial_next(d);
}

static void
on_resolved(void *arg, enum resolve_status status, const char *why, const struct address_list *found)
{
	struct dial *d = arg;

	d->lookup = NULL;
	d->dns_ms = (uint32_t)(clock_ms() - d->dns_start);
	if (status == RESOLVE_OK)
		dial_connect(d, found);
	else
		dial_fail(d, STEP_DNS, status == RESOLVE_TEMP ? "net.dns_temp" : "net.dns_not_found", why);
}

/* From the loop, so that fn is never called inside dial_start. */
static void
on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct dial *d = arg;
	struct address_list one = { .n = 1 };
	struct lookup *l;

	(void)fd;
	(void)what;
	d->dns_start = clock_ms();
	event_assign(d->next_timer, loop_base(), -1, 0, on_next, d);
	if (address_literal(d->host, &one.a[0]) == 0) {
		dial_connect(d, &one);
		return;
	}
	arm_deadline(d, LIM_DIAL_DNS_MS);
	/* NULL: answered already, and d may be gone. */
	if ((l = resolve_start(d->host, on_resolved, d)) != NULL)
		d->lookup = l;
}

struct dial *
dial_start(const char *host, uint16_t port, bool private_ok, dial_fn fn, void *arg)
{
	static const struct timeval soon = { 0, 0 };
	struct dial *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	d->port = port;
	d->private_ok = private_ok;
	d->fn = fn;
	d->arg = arg;
	for (size_t i = 0; i < LIM_DIAL_ADDRESSES; i++)
		d->attempts[i] = (struct attempt){ .dial = d, .fd = -1 };
	d->deadline = evtimer_new(loop_base(), on_deadline, d);
	d->next_timer = evtimer_new(loop_base(), on_begin, d);
	if (d->deadline == NULL || d->next_timer == NULL || slice_copy(slice_str(host), d->host, sizeof(d->host)) == -1) {
		dial_cancel(d);
		return NULL;
	}
	event_add(d->next_timer, &soon);
	return d;
}

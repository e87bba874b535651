#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit.h"
#include "http_conn.h"
#include "log.h"
#include "loop.h"
#include "peer_cred.h"
#include "secret.h"

const struct http_server_limits http_server_defaults = { .connections = 200, .idle_seconds = 300, .head_seconds = 30,
	.body_seconds = 60, .write_seconds = 60, .stream_queue = 262144 };

struct http_server_limits http_limits;
static LIST_HEAD(, http_conn) conns = LIST_HEAD_INITIALIZER(conns);
static unsigned int nconns;
static struct event *listener;
static http_route_fn route;

unsigned int
http_server_count(void)
{
	return nconns;
}

const struct http_head *
http_conn_head(const struct http_conn *c)
{
	return &c->parser.head;
}

uint32_t
http_conn_uid(const struct http_conn *c)
{
	return c->uid;
}

const struct http_target *
http_conn_target(const struct http_conn *c)
{
	return &c->target;
}

void
conn_deadline(struct http_conn *c, unsigned int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	if (seconds == 0)
		(void)event_del(c->timer);
	else
		(void)event_add(c->timer, &tv);
}

static void
conn_free(struct http_conn *c)
{
	if (c->taker != NULL && c->taker->gone != NULL)
		c->taker->gone(c->ctx);
	LIST_REMOVE(c, entry);
	nconns--;
	event_free(c->timer);
	evbuffer_free(c->headers);
	bufferevent_free(c->bev);
	secret_wipe(c, sizeof(*c));
	free(c);
}

/* ---- one request ---- */

void
http_take(struct http_conn *c, const struct http_taker *taker, void *ctx, uint64_t body_limit)
{
	c->taker = taker;
	c->ctx = ctx;
	c->parser.body_limit = body_limit;
}

static void
refuse(struct http_conn *c, int status)
{
	if (c->taker != NULL && c->taker->gone != NULL)
		c->taker->gone(c->ctx);
	c->taker = NULL;
	c->complete = false;
	http_reply_text(c, status, "application/problem+json",
	    "{\"type\":\"about:blank\",\"title\":\"The request was refused.\"}");
}

static void
on_head(struct http_conn *c)
{
	const struct http_head *h = &c->parser.head;

	c->complete = !h->chunked && h->length == 0;
	if (!c->allowed) {
		refuse(c, 403);
		return;
	}
	if (http_target_parse(&c->target, h->target) == -1) {
		refuse(c, 400);
		return;
	}
	route(c);
	if (c->state != CONN_READING || c->taker == NULL)
		return;
	if (h->length > c->parser.body_limit)
		refuse(c, 413);
	else if (h->expect_continue && !c->complete)
		(void)evbuffer_add_printf(bufferevent_get_output(c->bev), "HTTP/1.1 100 Continue\r\n\r\n");
}

static void
on_end(struct http_conn *c)
{
	c->complete = true;
	conn_deadline(c, 0);
	c->state = CONN_PENDING;
	if (c->taker != NULL)
		c->taker->end(c->ctx);
	else
		refuse(c, 500);
}

static void
on_event(struct http_conn *c, enum http_event ev, struct slice body)
{
	switch (ev) {
	case HTTP_HEAD:
		on_head(c);
		if (c->state == CONN_READING)
			conn_deadline(c, http_limits.body_seconds);
		break;
	case HTTP_BODY:
		conn_deadline(c, http_limits.body_seconds);
		if (c->taker != NULL && c->taker->body != NULL)
			c->taker->body(c->ctx, body);
		break;
	case HTTP_END:
		on_end(c);
		break;
	case HTTP_ERROR:
		refuse(c, c->parser.status);
		break;
	case HTTP_MORE:
		break;
	}
}

/* Feed the parser from the input buffer until the request is complete. */
static void
conn_input(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	bool was_idle = http_parse_idle(&c->parser);
	enum http_event ev = HTTP_MORE;

	while (c->state == CONN_READING) {
		struct evbuffer_iovec vec = { 0 };
		struct slice piece, body;

		if (evbuffer_peek(in, -1, NULL, &vec, 1) < 1 && ev == HTTP_MORE)
			break;
		piece = slice_mem(vec.iov_base, vec.iov_len);
		ev = http_parse(&c->parser, &piece, &body);
		on_event(c, ev, body);
		(void)evbuffer_drain(in, vec.iov_len - piece.n);
	}
	if (c->state == CONN_READING && was_idle && !http_parse_idle(&c->parser))
		conn_deadline(c, http_limits.head_seconds);
}

/* The answer has left: the next request, or the end. */
static void
conn_next(struct http_conn *c)
{
	http_parse_next_request(&c->parser);
	c->complete = false;
	c->state = CONN_READING;
	conn_deadline(c, http_limits.idle_seconds);
	(void)bufferevent_enable(c->bev, EV_READ);
	conn_input(c);
}

static void
conn_drop_input(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	(void)evbuffer_drain(in, evbuffer_get_length(in));
}

/* ---- events of the connection ---- */

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	if (c->state == CONN_READING)
		conn_input(c);
	else if (c->state == CONN_LINGER || c->state == CONN_STREAM)
		conn_drop_input(c);
	else if (evbuffer_get_length(bufferevent_get_input(bev)) >= LIM_HTTP_INPUT)
		/* At its high watermark libevent calls us again and again. */
		(void)bufferevent_disable(bev, EV_READ);
}

static void
on_write(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	if (c->state != CONN_WRITING || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (!c->close_after)
		conn_next(c);
	else if (c->complete || c->half_closed)
		conn_free(c);
	else {
		/* Closing over unread input would reset the connection and
		 * could cost the client our answer. */
		c->state = CONN_LINGER;
		(void)bufferevent_enable(bev, EV_READ);
		(void)shutdown(bufferevent_getfd(bev), SHUT_WR);	/* the client sees the end at once */
		conn_drop_input(c);
		conn_deadline(c, LIM_HTTP_LINGER_SECONDS);
	}
}

/* A client may shut down its sending side and still wait for the answer. An
 * empty send tells the two cases apart: it fails when both sides are closed. */
static bool
still_reads(struct http_conn *c)
{
	struct msghdr mh = { 0 };

	return sendmsg(bufferevent_getfd(c->bev), &mh, MSG_NOSIGNAL | MSG_DONTWAIT) != -1 || errno == EAGAIN;
}

static void
on_trouble(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *c = arg;
	bool waiting = c->state == CONN_PENDING || c->state == CONN_WRITING;

	(void)bev;
	if ((what & BEV_EVENT_EOF) != 0 && waiting && still_reads(c)) {
		c->half_closed = true;
		c->close_after = true;
		return;
	}
	conn_free(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_READING && !http_parse_idle(&c->parser))
		refuse(c, 408);
	else
		conn_free(c);
}

/* ---- accepting ---- */

static struct http_conn *
conn_new(int fd)
{
	struct http_conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->timer = evtimer_new(loop_base(), on_timer, c);
	c->headers = evbuffer_new();
	c->bev = bufferevent_socket_new(loop_base(), fd, BEV_OPT_CLOSE_ON_FREE);
	if (c->timer != NULL && c->headers != NULL && c->bev != NULL)
		return c;
	if (c->timer != NULL)
		event_free(c->timer);
	if (c->headers != NULL)
		evbuffer_free(c->headers);
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	free(c);
	return NULL;
}

void
http_server_adopt(int fd)
{
	struct timeval write_timeout = { .tv_sec = http_limits.write_seconds };
	struct http_conn *c;
	int flags = fcntl(fd, F_GETFL);

	if (nconns >= http_limits.connections || flags == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1 ||
	    (c = conn_new(fd)) == NULL) {
		close(fd);
		return;
	}
	http_parse_init(&c->parser);
	c->allowed = peer_cred_allowed(fd, &c->uid);
	if (!c->allowed) {
		log_warn("client refused by peer credentials uid=%u", c->uid);
		audit_tell_client_refused(&(struct audit_client_refused){ .uid = c->uid });
	}
	LIST_INSERT_HEAD(&conns, c, entry);
	nconns++;
	bufferevent_setcb(c->bev, on_read, on_write, on_trouble, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, LIM_HTTP_INPUT);
	bufferevent_set_timeouts(c->bev, NULL, &write_timeout);
	(void)bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	conn_deadline(c, c->allowed ? http_limits.idle_seconds : http_limits.head_seconds);
}

static void
on_accept(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	(void)arg;
	for (int i = 0; i < LIM_HTTP_ACCEPTS; i++) {
		int s = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (s == -1)
			return;
		http_server_adopt(s);
	}
}

int
http_server_start(int fd, const struct http_server_limits *limits, http_route_fn fn)
{
	int flags;

	http_limits = *limits;
	route = fn;
	if (fd == -1)
		return 0;
	if ((flags = fcntl(fd, F_GETFL)) == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1)
		return -1;
	listener = event_new(loop_base(), fd, EV_READ | EV_PERSIST, on_accept, NULL);
	return listener != NULL ? event_add(listener, NULL) : -1;
}

void
http_server_stop(void)
{
	struct http_conn *c;

	if (listener != NULL) {
		close(event_get_fd(listener));
		event_free(listener);
		listener = NULL;
	}
	while ((c = LIST_FIRST(&conns)) != NULL)
		conn_free(c);
}

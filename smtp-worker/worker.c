#include "worker.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "clock.h"
#include "job.h"
#include "log.h"
#include "loop.h"
#include "stream.h"

static struct {
	struct chan *store;
	char from[LIM_ADDRESS + 1];
	bool configured, probe;
	bool wanted;		/* a stream was asked for */
	bool quitting;		/* end when nothing is left */
	bool draining;		/* end when the message under way is answered */
	unsigned int unused;	/* streams in a row that never came to work */
	unsigned int pause_ms;
	struct event *idle, *retry;
	uint64_t step_since;
} w;

/* What was told leaves before the process does. */
static void
leave(void)
{
	stream_close();
	if (w.store != NULL)
		(void)chan_flush_blocking(w.store);
	loop_stop();
}

/* ---- streams ---- */

static void
want_stream(void)
{
	struct msg_stream_want m = { .service = SERVICE_SMTP };

	if (w.wanted || stream_engine() != NULL)
		return;
	w.wanted = send_stream_want(child.master, &m) == 0;
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (job_first() != NULL)
		want_stream();
}

/* Jitter from the clock: links that lost one server do not return as one. */
static void
want_stream_later(void)
{
	unsigned int ms = w.pause_ms + (unsigned int)(clock_ms() * 7919 % (w.pause_ms / 2));
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	if (w.wanted || event_pending(w.retry, EV_TIMEOUT, NULL))
		return;
	event_add(w.retry, &tv);
	w.pause_ms = w.pause_ms * 2 < LIM_SMTP_RETRY_MAX_MS ? w.pause_ms * 2 : LIM_SMTP_RETRY_MAX_MS;
}

/* Nothing to send: wait a while, or end; a probe has no such clock, its store
 * has. An engine that is busy comes back here when it is idle, or when its
 * stream is gone. */
static void
rest(void)
{
	static const struct timeval tv = { LIM_SMTP_IDLE_SECONDS, 0 };
	struct engine *e = stream_engine();

	if (job_first() != NULL)
		return;
	if (!w.quitting && !w.probe)
		event_add(w.idle, &tv);
	else if (!w.quitting)
		return;
	else if (e == NULL)
		leave();
	else if (e->state == ENGINE_IDLE)
		engine_quit(e);
}

static void
on_idle_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	w.quitting = true;
	rest();
	stream_touch();
}

/* ---- the engine's news ---- */

static void
tell_step(void *ctx, enum step step, bool ok, const char *code, const char *text)
{
	struct msg_worker_step m = { .step = (uint8_t)step, .ok = ok, .last = !ok || step == STEP_MAIL_FROM,
		.code = slice_str(code), .detail = slice_str(text), .ms = (uint32_t)(clock_ms() - w.step_since) };

	(void)ctx;
	w.step_since = clock_ms();
	if (!w.probe) {
		log_info("server refused service=smtp code=%s", code);
		return;
	}
	if (w.store != NULL && send_worker_step(w.store, &m) == -1)
		log_warn("step not told");
}

static void
tell_rcpt(void *ctx, size_t index, unsigned int reply, const char *code, const char *text)
{
	struct msg_send_rcpt m = { .submission = job_first()->item.submission, .index = (uint32_t)index,
		.reply = (uint16_t)reply, .code = slice_str(code), .text = slice_str(text) };

	(void)ctx;
	(void)send_send_rcpt(w.store, &m);
}

static void
tell_data_sent(void *ctx)
{
	struct msg_data_sent m = { .submission = job_first()->item.submission };

	(void)ctx;
	(void)send_data_sent(w.store, &m);
}

static void
tell_done(void *ctx, enum send_result result, unsigned int reply, const char *code, const char *text)
{
	struct msg_send_done m = { .submission = job_first()->item.submission, .result = (uint8_t)result,
		.reply = (uint16_t)reply, .code = slice_str(code), .text = slice_str(text) };

	(void)ctx;
	log_info("item done submission=%llu code=%s", (unsigned long long)m.submission, code);
	(void)send_send_done(w.store, &m);
	job_drop_first();
	chan_release(w.store, 1);
}

static void
give_all_back(const char *code, const char *text)
{
	while (job_first() != NULL)
		tell_done(NULL, SEND_TEMP, 0, code, text);
	rest();
}

static void
work(void *ctx)
{
	(void)ctx;
	w.unused = 0;
	w.pause_ms = LIM_SMTP_RETRY_FIRST_MS;
	/* An item that is refused without asking leaves the engine idle. */
	while (!w.draining && job_first() != NULL)
		if (engine_send(stream_engine(), &job_first()->item)) {
			event_del(w.idle);
			return;
		}
	if (w.draining)
		leave();
	else
		rest();
}

static const struct engine_ops engine_ops = {
	.rcpt = tell_rcpt,
	.data_sent = tell_data_sent,
	.done = tell_done,
	.idle = work,
	.step = tell_step,
};

static void
stream_is_gone(void)
{
	if (w.probe || w.draining)
		leave();
	else if (job_first() != NULL && w.unused < LIM_SMTP_UNUSED)
		want_stream_later();
	else {
		/* The server logs us in and then does not want us: the store has the longer clock. */
		w.unused = 0;
		give_all_back("net.reset", "the server closes the connection before it takes mail");
	}
}

/* ---- the master ---- */

void
worker_stream_up(int fd)
{
	w.wanted = false;
	if (!w.configured || w.store == NULL) {
		close(fd);
		return;
	}
	w.step_since = clock_ms();
	w.unused++;
	if (stream_open(fd, &engine_ops, w.from, w.probe, stream_is_gone) == -1)
		stream_is_gone();
}

void
worker_stream_failed(struct slice code, struct slice detail)
{
	char c[LIM_CODE + 1] = "", d[LIM_DETAIL + 1] = "";

	w.wanted = false;
	(void)slice_copy(code, c, sizeof(c));
	(void)slice_copy(detail, d, sizeof(d));
	if (w.probe) {
		leave();	/* the failed step was told by the tls-worker */
		return;
	}
	give_all_back(c, d);
}

void
worker_drain(void)
{
	struct engine *e = stream_engine();

	w.draining = true;
	if (e == NULL || e->item == NULL || e->state < ENGINE_BODY)
		leave();
}

/* ---- the store ---- */

static int
on_send_config(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (w.configured || slice_copy(m->send_config.from, w.from, sizeof(w.from)) == -1)
		return -1;
	w.configured = true;
	w.probe = m->send_config.probe;
	want_stream();
	rest();
	return 0;
}

static int
on_send_item(struct chan *c, const union msg *m, int *fd)
{
	struct engine *e = stream_engine();

	if (!w.configured || w.probe || job_add(&m->send_item, fd) == -1)
		return -1;
	chan_hold(c);
	event_del(w.idle);
	if (e != NULL && e->state == ENGINE_IDLE) {
		work(NULL);
		stream_touch();
	} else if (e == NULL && !event_pending(w.retry, EV_TIMEOUT, NULL))
		want_stream();
	return 0;
}

static int
on_data_go(struct chan *c, const union msg *m, int *fd)
{
	struct engine *e = stream_engine();
	struct job *j = job_first();

	(void)c;
	(void)fd;
	/* The connection may have been lost while the store committed. */
	if (e == NULL || j == NULL || j->item.submission != m->data_go.submission)
		return 0;
	engine_go(e);
	stream_touch();
	return 0;
}

static int
on_send_quit(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	w.quitting = true;
	rest();
	stream_touch();
	return 0;
}

/* Without its store nobody would learn what happens: nothing more is sent. */
static void
store_gone(struct chan *c)
{
	w.store = NULL;
	chan_free(c);
	exit(0);
}

static void
store_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	(void)chan_flush_blocking(child.master);
	store_gone(c);
}

void
worker_init(void)
{
	w.pause_ms = LIM_SMTP_RETRY_FIRST_MS;
	w.idle = evtimer_new(loop_base(), on_idle_over, NULL);
	w.retry = evtimer_new(loop_base(), on_retry, NULL);
	if (w.idle == NULL || w.retry == NULL)
		fatal("out of memory");
}

void
worker_wire(const struct chan_peer *peer, int fd)
{
	static const chan_handler handlers[MSG__COUNT] = {
		[MSG_send_config] = on_send_config,
		[MSG_send_item] = on_send_item,
		[MSG_data_go] = on_data_go,
		[MSG_send_quit] = on_send_quit,
	};
	static const struct chan_ops ops = { .handlers = handlers, .on_eof = store_gone, .on_broken = store_broken };

	if (peer->role != ROLE_STORE || w.store != NULL) {
		log_warn("channel refused role=%s", role_name(peer->role));
		close(fd);
		return;
	}
	if ((w.store = loop_chan(fd, peer, &ops, NULL)) == NULL)
		fatal("no memory for a channel");
}

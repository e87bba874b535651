/*
 * engine.c - the state machine: events in, the next task out.
 */
#include "engine.h"
#include "clock.h"
#include "log.h"
#include "loop.h"
#include "messages.h"
#include "watch.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

bool
engine_open(const struct engine *e)
{
	return stream_is_open(&e->stream);
}

void
engine_wake_in(struct engine *e, uint64_t ms)
{
	struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	if (event_add(e->timer, &tv) == -1)
		fatal("out of memory");
}

uint64_t
engine_backoff(unsigned int fails)
{
	uint64_t ms = LIM_BACKOFF_FIRST_MS;
	uint32_t random = 0;

	while (fails-- > 1 && ms < LIM_BACKOFF_MAX_MS)
		ms *= 2;
	ms = ms > LIM_BACKOFF_MAX_MS ? LIM_BACKOFF_MAX_MS : ms;
	/* Jitter need not be secret: without it the delay is only shorter. */
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) != sizeof(random))
		random = 0;
	return ms / 2 + random % (ms / 2 + 1);
}

uint64_t
engine_proof_ms(const struct engine *e)
{
	return (uint64_t)e->quirks.idle_seconds * 1000;
}

void
engine_sync_error(struct engine *e, uint64_t mailbox, const char *code, struct slice detail)
{
	struct msg_sync_error m = { .mailbox = mailbox, .code = slice_str(code), .detail = detail };

	log_warn("sync error mailbox=%llu code=%s", (unsigned long long)mailbox, code);
	m.detail.n = m.detail.n > LIM_DETAIL ? LIM_DETAIL : m.detail.n;
	if (m.detail.n > 0 && memchr(m.detail.p, '\0', m.detail.n) != NULL)
		m.detail = SLICE_NONE;
	report_send(&e->report, MSG_sync_error, &m, -1);
}

/* ---- the end of a connection ---- */

static void
forget_connection(struct engine *e)
{
	stream_close(&e->stream);
	imap_writer_reset(&e->writer);
	select_leave(e);
	uidset_clear(&e->round.set);
	e->wanted = NULL;
	e->task = TASK_NONE;
	e->idle = IDLE_OFF;
	e->notify = NOTIFY_OFF;
	e->live = false;
	e->whole_at = e->whole_told = 0;
	e->caps = 0;
	e->condstore = e->qresync = false;
	e->compress = COMPRESS_OFF;
	e->reach = 0;
	e->line.since = 0;
	e->line.slow = false;
}

static void
back_off(struct engine *e, uint64_t least)
{
	uint64_t ms;

	if (e->up_since != 0 && clock_ms() - e->up_since >= LIM_IMAP_STABLE_MS)
		e->fails = 0;
	e->up_since = 0;
	e->fails++;
	ms = engine_backoff(e->fails);
	e->state = ENGINE_BACKOFF;
	engine_wake_in(e, ms < least ? least : ms);
}

void
engine_drop(struct engine *e, const char *code, struct slice detail)
{
	bool protocol = code != NULL && strcmp(code, "sync.protocol_error") == 0;

	if (e->state < ENGINE_CAPABILITY)
		return;	/* given up already */
	if (e->state == ENGINE_LEAVE) {
		stream_close(&e->stream);
		e->host->leave(e->host_ctx);
		return;
	}
	if (e->probe && code != NULL) {
		probe_failed(e, e->probe_stage == 0 ? STEP_INBOX : STEP_SENT, code, detail);
		return;
	}
	if (code != NULL)
		engine_sync_error(e, 0, code, detail);
	bodies_dropped(e, protocol);
	sync_slice_dropped(e);
	ops_dropped(e);
	forget_connection(e);
	watch_leave(e, code);
	back_off(e, code != NULL ? pause_for(code, detail) : 0);
}

void
engine_protocol_error(struct engine *e, const char *what)
{
	engine_drop(e, "sync.protocol_error", slice_str(what));
}

/* ---- the stream ---- */

static void
on_response(void *ctx, uint8_t *text, size_t n)
{
	struct engine *e = ctx;

	if (imap_response_parse(&e->response, text, n, e->stream.frame.limits->inline_max) == -1) {
		log_warn("server's answer cannot be read code=sync.protocol_error size=%zu", n);
		engine_protocol_error(e, "unreadable response");
		return;
	}
	session_response(e, &e->response);
}

static void
on_turn_end(void *ctx)
{
	compress_look(ctx);
	engine_turn(ctx);
}

static void
on_end(void *ctx, const char *reason)
{
	struct engine *e = ctx;

	if (reason != NULL)
		engine_protocol_error(e, reason);
	else
		engine_drop(e, "net.reset", slice_str("the server closed the connection"));
}

bool
engine_blocked(const struct engine *e)
{
	return report_blocked(&e->report, imap_frame_coming(&e->stream.frame));
}

static bool
on_blocked(void *ctx)
{
	return engine_blocked(ctx);
}

static const struct stream_ops stream_ops = { on_response, on_turn_end, on_end, on_blocked };

static void
want_stream(struct engine *e)
{
	e->state = ENGINE_WANTED;
	event_del(e->timer);
	e->host->want_stream(e->host_ctx);
}

void
engine_stream_up(struct engine *e, int fd, bool told)
{
	/* Nobody waits for it any more: closing it ends the session. */
	if (e->state != ENGINE_WANTED) {
		evutil_closesocket(fd);
		return;
	}
	e->up_since = e->moved_at = e->step_since = clock_ms();
	session_start(e, told);
	stream_open(&e->stream, fd);
}

void
engine_stream_failed(struct engine *e, struct slice code, struct slice detail)
{
	char text[LIM_CODE + 1] = "net.reset";
	bool rejected;

	if (e->state != ENGINE_WANTED)
		return;
	if (code.n > 0)
		(void)slice_copy(code, text, sizeof(text));
	/* The step itself was already told to the store by the master. */
	log_info("no connection code=%s", text);
	/* Who cannot tell now whether the login is good may be asked again soon. */
	rejected = (strncmp(text, "auth.", 5) == 0 || strncmp(text, "oauth.", 6) == 0) &&
	    strcmp(text, "auth.temp_unavailable") != 0;
	if (e->probe)
		probe_failed(e, STEP_INBOX, text, detail);
	else
		back_off(e, rejected ? LIM_REJECTED_MS : pause_for(text, detail));
}

/* ---- timers ---- */

/* A command is pending and not one byte moved for long: nobody is there. */
static bool
stalled(struct engine *e)
{
	uint64_t now = clock_ms();

	if (e->stream.moved != e->moved || engine_blocked(e) || (e->writer.npending == 0 && !e->told) ||
	    e->idle == IDLE_ON) {
		e->moved = e->stream.moved;
		e->moved_at = now;
	}
	return now - e->moved_at > LIM_COMMAND_SECONDS * 1000;
}

/* Sleep until something is due; with a command pending, look at the clock sooner. */
static void
arm(struct engine *e)
{
	uint64_t now = clock_ms(), due = now + LIM_IMAP_TICK_MS;

	if (!engine_open(e) || e->state == ENGINE_LEAVE)
		return;
	if (e->state == ENGINE_RUN && (e->writer.npending == 0 || e->idle == IDLE_ON) && live_next_due(e) > now)
		due = live_next_due(e);
	engine_wake_in(e, due - now > 10 ? due - now : 10);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;

	(void)fd;
	(void)what;
	if (e->state == ENGINE_BACKOFF) {
		want_stream(e);
	} else if (e->state == ENGINE_LEAVE) {
		e->host->leave(e->host_ctx);
	} else if (engine_open(e)) {
		if (stalled(e)) {
			engine_drop(e, "sync.stalled", SLICE_NONE);
			return;
		}
		engine_turn(e);
		arm(e);
	}
}

/* ---- turns ---- */

/* Also while the store is slow to take what it was told: the server shall not
 * wait for the next command meanwhile. What it answers is not read then. */
void
engine_turn(struct engine *e)
{
	if (e->in_turn || !engine_open(e))
		return;
	e->in_turn = true;
	if (e->state == ENGINE_RUN)
		schedule_run(e);
	else
		session_turn(e);
	e->in_turn = false;
	arm(e);
	stream_kick(&e->stream);
}

/* ---- life ---- */

void
engine_init(struct engine *e, const struct engine_host *host, void *host_ctx)
{
	memset(e, 0, sizeof(*e));
	e->host = host;
	e->host_ctx = host_ctx;
	report_init(&e->report);
	stream_init(&e->stream, &stream_ops, e);
	imap_writer_init(&e->writer, e->stream.out);
	wbuf_init(&e->scratch, 3 * LIM_MAILBOX_NAME);
	uidset_init(&e->round.set, LIM_IMAP_RANGES);
	STAILQ_INIT(&e->ops);
	uidset_init(&e->doing.set, OPS_SET);
	if ((e->timer = evtimer_new(loop_base(), on_timer, e)) == NULL)
		fatal("out of memory");
}

void
engine_free(struct engine *e)
{
	engine_set_store(e, NULL);
	ops_clear(e);
	bodies_clear(e);
	folders_free(&e->folders);
	folders_free(&e->before);
	imap_writer_reset(&e->writer);
	stream_free(&e->stream);
	uidset_free(&e->round.set);
	uidset_free(&e->doing.set);
	wbuf_free(&e->inbox);
	wbuf_free(&e->sent);
	wbuf_free(&e->also);
	wbuf_free(&e->server);
	wbuf_free(&e->scratch);
	watch_free(e);
	event_free(e->timer);
}

void
engine_set_store(struct engine *e, struct chan *store)
{
	report_set_store(&e->report, store);
	e->configured = false;
	e->was_live = false;
	if (e->state == ENGINE_LEAVE)
		return;
	ops_clear(e);
	bodies_clear(e);
	forget_connection(e);
	watch_leave(e, NULL);
	folders_free(&e->folders);
	folders_free(&e->before);
	event_del(e->timer);
	/* A stream that is on its way is closed when it comes. */
	e->state = ENGINE_OFF;
}

static void
keep_field(struct wbuf *w, struct slice s)
{
	wbuf_reset(w);
	if (s.n > 0)
		w_raw(w, s.p, s.n);
	if (w->failed)
		fatal("out of memory");
}

void
engine_config(struct engine *e, const struct msg_sync_config *m)
{
	e->probe = m->probe;
	e->first = m->first;
	e->period_days = m->period_days;
	e->all_folders = m->all_folders;
	keep_field(&e->inbox, m->inbox);
	keep_field(&e->sent, m->sent);
	keep_field(&e->also, m->also);
	keep_field(&e->server, m->host);
	e->relist = e->configured;
	e->configured = true;
	if (e->state == ENGINE_OFF)
		want_stream(e);
	else
		engine_turn(e);
}

void
engine_bound(struct engine *e, const struct msg_mailbox_bound *m)
{
	struct folder *f = folders_by_name(&e->folders, m->raw_name);

	/* Positions come once in a listing; afterwards they are ours. */
	if (f == NULL || m->mailbox == 0 || f->id != 0)
		return;
	f->id = m->mailbox;
	f->pos = (struct position){ .uidvalidity = m->uidvalidity, .uidnext = m->uidnext, .modseq = m->modseq,
		.uid_low = m->uid_low, .complete = m->complete };
	f->first_low = m->first_low;
	f->dirty = f->synced && (hello_changed(e, f) || f->dirty);
	session_bound(e);
}

void
engine_credit(struct engine *e)
{
	report_flush(&e->report);
	stream_kick(&e->stream);
}

/* Tell the server goodbye, but do not wait long for its answer. */
void
engine_drain(struct engine *e)
{
	bool idle = e->idle != IDLE_OFF;

	if (!engine_open(e) || e->writer.nheld > 0) {
		e->host->leave(e->host_ctx);
		return;
	}
	if (idle)
		imap_done(&e->writer);
	e->writer.npending = 0;
	(void)imap_begin(&e->writer, CMD_LOGOUT);
	imap_text(&e->writer, "LOGOUT");
	(void)imap_end(&e->writer);
	e->state = ENGINE_LEAVE;
	engine_wake_in(e, 1000);
	stream_kick(&e->stream);
}

#include "eventsource.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "clock.h"
#include "jmap.h"
#include "loop.h"
#include "reply_json.h"
#include "routes.h"
#include "sse.h"

struct stream {
	LIST_ENTRY(stream) entry;
	struct http_conn *conn;
	struct sse_args args;
	struct event *ping;
	bool started;
};

static LIST_HEAD(, stream) streams = LIST_HEAD_INITIALIZER(streams);
static unsigned int nstreams;
static struct msg_state_change pending[LIM_EVENT_CHANGES];
static size_t npending;
static struct event *flush_timer;
static uint64_t flushed_at;

/* ---- streams ---- */

static void
stream_free(struct stream *s)
{
	LIST_REMOVE(s, entry);
	nstreams--;
	if (s->ping != NULL)
		event_free(s->ping);
	free(s);
}

static void
stream_arm_ping(struct stream *s)
{
	struct timeval tv = { .tv_sec = s->args.ping };

	if (s->ping != NULL)
		(void)event_add(s->ping, &tv);
}

static void
stream_send(struct stream *s, const char *name, const char *text)
{
	struct wbuf w = { .max = 0 };

	sse_event(&w, name, text);
	if (!w.failed)
		(void)http_stream_send(s->conn, wbuf_slice(&w));
	wbuf_free(&w);
	stream_arm_ping(s);
}

static void
on_ping(evutil_socket_t fd, short what, void *arg)
{
	struct stream *s = arg;
	char text[64];

	(void)fd;
	(void)what;
	(void)snprintf(text, sizeof(text), "{\"interval\":%u}", s->args.ping);
	stream_send(s, "ping", text);
}

/* ---- events ---- */

static void
add_change(json_t *changed, const struct msg_state_change *m)
{
	char account[JMAP_ID_MAX] = "ats";
	json_t *types;

	if (m->account != ACCOUNT_ATS)
		jmap_id_print(account, 'L', m->account);
	if ((types = json_object_get(changed, account)) == NULL) {
		ju_set(changed, account, json_object());
		types = json_object_get(changed, account);
	}
	ju_set(types, sse_type_name(m->type), ju_state(m->epoch, m->state));
}

static void
stream_state(struct stream *s)
{
	json_t *o = json_object(), *changed = json_object();
	json_free_t json_free;
	char *text = NULL;

	for (size_t i = 0; i < npending; i++)
		if ((s->args.types & 1u << pending[i].type) != 0)
			add_change(changed, &pending[i]);
	ju_set(o, "@type", json_string("StateChange"));
	ju_set(o, "changed", json_incref(changed));
	if (json_object_size(changed) > 0 && !ju_failed_take())
		text = json_dumps(o, JSON_COMPACT);
	json_decref(changed);
	json_decref(o);
	if (text == NULL)
		return;
	stream_send(s, "state", text);
	json_get_alloc_funcs(NULL, &json_free);
	json_free(text);
	if (s->args.close_after_state) {
		http_stream_end(s->conn);
		stream_free(s);
	}
}

static void
flush(void)
{
	struct stream *s, *next;

	for (s = LIST_FIRST(&streams); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->started)
			stream_state(s);
	}
	npending = 0;
	flushed_at = clock_ms();
	(void)evtimer_del(flush_timer);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	flush();
}

/* An event that is full leaves at once: no change is left out. */
static struct msg_state_change *
pending_slot(uint32_t account, uint8_t type)
{
	for (size_t i = 0; i < npending; i++)
		if (pending[i].account == account && pending[i].type == type)
			return &pending[i];
	if (npending == LIM_EVENT_CHANGES)
		flush();
	return &pending[npending++];
}

/* The first after a pause leaves at once; those that follow closely wait for each other. */
void
eventsource_change(const struct msg_state_change *m)
{
	static const struct timeval tv = { .tv_usec = LIM_COALESCE_MS * 1000 };

	if (nstreams == 0)
		return;
	if (sse_type_name(m->type) != NULL)
		*pending_slot(m->account, m->type) = *m;
	if (npending == 0)
		return;
	if (!m->more && clock_ms() - flushed_at >= LIM_COALESCE_MS)
		flush();
	else if (!evtimer_pending(flush_timer, NULL))
		(void)evtimer_add(flush_timer, &tv);
}

void
eventsource_init(void)
{
	flush_timer = evtimer_new(loop_base(), on_flush, NULL);
}

/* ---- the route ---- */

static void
on_end(void *ctx)
{
	struct stream *s = ctx;

	http_reply_header(s->conn, "Cache-Control", "no-store");
	http_reply_header(s->conn, "X-Accel-Buffering", "no");
	http_stream_start(s->conn, "text/event-stream");
	s->started = true;
	/* A comment, so that a proxy passes the head on at once. */
	(void)http_stream_send(s->conn, slice_str(": postern\n\n"));
	stream_arm_ping(s);
}

static void
on_gone(void *ctx)
{
	stream_free(ctx);
}

static const struct http_taker taker = { .end = on_end, .gone = on_gone };

void
eventsource_route(struct http_conn *c)
{
	struct sse_args args;
	struct stream *s;

	if (sse_args_read(http_conn_target(c), &args) == -1) {
		reply_problem(c, 400, "about:blank", "An argument of the event stream is malformed.");
		return;
	}
	if (nstreams >= LIM_EVENT_STREAMS || (s = calloc(1, sizeof(*s))) == NULL) {
		reply_problem(c, 503, "about:blank", "Too many event streams.");
		return;
	}
	*s = (struct stream){ .conn = c, .args = args };
	s->ping = args.ping != 0 ? evtimer_new(loop_base(), on_ping, s) : NULL;
	LIST_INSERT_HEAD(&streams, s, entry);
	nstreams++;
	http_take(c, &taker, s, 0);
}

#include "stream.h"

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "log.h"
#include "loop.h"

static struct engine engine;
static struct bufferevent *bev;
static struct event *clock_event;
static struct engine_ops ops;
static void (*gone)(void);

struct engine *
stream_engine(void)
{
	return bev != NULL ? &engine : NULL;
}

static void
stream_free(void)
{
	if (bev != NULL)
		bufferevent_free(bev);
	bev = NULL;
	if (clock_event != NULL)
		event_del(clock_event);
}

void
stream_close(void)
{
	if (bev == NULL)
		return;
	engine_lost(&engine);
	stream_free();
}

static void
stream_gone(const char *reason)
{
	if (bev == NULL)
		return;
	log_debug("stream closed reason=%s", reason);
	stream_close();
	gone();
}

void
stream_touch(void)
{
	struct timeval tv = { engine_patience(&engine), 0 };

	/* A dead engine waits for on_clock to close the stream. */
	if (bev == NULL || engine.state == ENGINE_DEAD)
		return;
	if (tv.tv_sec > 0)
		event_add(clock_event, &tv);
	else
		event_del(clock_event);
}

static void
on_clock(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	stream_gone(engine.state == ENGINE_DEAD ? "finished" : "the server took too long");
}

/* The engine is done with the stream; its caller may still be inside it, so
 * the buffers go away in the next turn. */
static void
on_over(void *ctx)
{
	static const struct timeval now = { 0, 0 };

	(void)ctx;
	event_add(clock_event, &now);
}

static void
on_read(struct bufferevent *b, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(b);
	uint8_t buf[4096];
	int n;

	(void)arg;
	while (engine.state != ENGINE_DEAD && (n = evbuffer_remove(in, buf, sizeof(buf))) > 0)
		engine_input(&engine, slice_mem(buf, (size_t)n));
	stream_touch();
}

static void
on_written(struct bufferevent *b, void *arg)
{
	(void)b;
	(void)arg;
	engine_drained(&engine);
	stream_touch();
}

static void
on_event(struct bufferevent *b, short what, void *arg)
{
	(void)b;
	(void)arg;
	if ((what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) != 0)
		stream_gone("end of file");
}

int
stream_open(int fd, const struct engine_ops *engine_ops, const char *from, bool probe, void (*on_gone)(void))
{
	stream_close();
	if (clock_event == NULL && (clock_event = evtimer_new(loop_base(), on_clock, NULL)) == NULL)
		fatal("out of memory");
	if (evutil_make_socket_nonblocking(fd) == -1 ||
	    (bev = bufferevent_socket_new(loop_base(), fd, BEV_OPT_CLOSE_ON_FREE)) == NULL) {
		evutil_closesocket(fd);
		return -1;
	}
	gone = on_gone;
	ops = *engine_ops;
	ops.over = on_over;
	bufferevent_setcb(bev, on_read, on_written, on_event, NULL);
	bufferevent_setwatermark(bev, EV_READ, 0, LIM_REPLY_LINE * 4);
	engine_start(&engine, &ops, NULL, bufferevent_get_output(bev), from, probe);
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	stream_touch();
	return 0;
}

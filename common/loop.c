#include "loop.h"

#include <event2/event.h>
#include <stdlib.h>

#include "child.h"
#include "log.h"

struct loop_entry {
	struct event *read, *write;
};

static struct event_base *base;
static void (*turn_end)(void);
static bool stopping;

struct event_base *
loop_base(void)
{
	struct event_config *cfg;

	if (base != NULL)
		return base;
	if ((cfg = event_config_new()) == NULL)
		fatal("no memory for the event loop");
	/* The environment must not choose the method; no timerfd, no signalfd. */
	event_config_set_flag(cfg, EVENT_BASE_FLAG_IGNORE_ENV | EVENT_BASE_FLAG_NOLOCK);
	base = event_base_new_with_config(cfg);
	event_config_free(cfg);
	if (base == NULL)
		fatal("no event loop");
	return base;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	chan_read(arg);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	chan_write(arg);
}

static void
loop_notify(struct chan *c)
{
	struct loop_entry *e = chan_loop_data(c);

	if (e == NULL)
		return;
	if (chan_dead(c)) {
		event_free(e->read);
		event_free(e->write);
		free(e);
		chan_set_loop_data(c, NULL);
		return;
	}
	if (chan_overflowed(c))
		event_active(e->read, EV_READ, 0);
	if (chan_wants_write(c))
		event_add(e->write, NULL);
	else
		event_del(e->write);
}

/* Behind everything that is due in this turn. */
static void
loop_gather(struct chan *c)
{
	struct loop_entry *e = chan_loop_data(c);

	if (e != NULL)
		event_active(e->write, EV_WRITE, 0);
}

void
loop_add(struct chan *c)
{
	struct loop_entry *e = calloc(1, sizeof(*e));

	if (e == NULL || (e->read = event_new(loop_base(), chan_fd(c), EV_READ | EV_PERSIST, on_readable, c)) == NULL ||
	    (e->write = event_new(loop_base(), chan_fd(c), EV_WRITE | EV_PERSIST, on_writable, c)) == NULL)
		fatal("no memory for a channel");
	chan_set_loop_data(c, e);
	chan_set_notify(c, loop_notify);
	chan_set_gather(c, loop_gather);
	event_add(e->read, NULL);
	loop_notify(c);
}

struct chan *
loop_chan(int fd, const struct chan_peer *peer, const struct chan_ops *ops, void *ctx)
{
	struct chan *c = chan_new(fd, child.role, peer, ops, ctx);

	if (c == NULL)
		return NULL;
	chan_run(c);
	loop_add(c);
	return c;
}

int
loop_run(void)
{
	if (child.master != NULL && chan_loop_data(child.master) == NULL)
		loop_add(child.master);
	if (turn_end != NULL)
		turn_end();
	while (!stopping) {
		if (event_base_loop(loop_base(), EVLOOP_ONCE) == -1)
			return -1;
		if (turn_end != NULL)
			turn_end();
	}
	return 0;
}

void
loop_stop(void)
{
	stopping = true;
	event_base_loopbreak(loop_base());
}

void
loop_set_turn_end(void (*fn)(void))
{
	turn_end = fn;
}

/*
 * own_time.h - a test program with a time of its own: clock_ms() stands still
 * and libevent's timers wait until time_pass() brings their moment. Include it
 * in one source of a program. Events of descriptors, and timers of no time at
 * all, are libevent's as ever.
 */
#ifndef UNIT_OWN_TIME_H
#define UNIT_OWN_TIME_H

#include <dlfcn.h>
#include <event2/event.h>
#include <stdint.h>
#include <stdlib.h>

#include "clock.h"
#include "loop.h"

#define OWN_TIMERS 512	/* at once */

static uint64_t own_ms = 1000003;

/* What waits for its moment; ev NULL: a free place. */
static struct own_timer {
	struct event *ev;
	uint64_t due, every;
} own_timers[OWN_TIMERS];

uint64_t
clock_ms(void)
{
	return own_ms;
}

static struct own_timer *
own_find(const struct event *ev)
{
	for (size_t i = 0; i < OWN_TIMERS; i++)
		if (own_timers[i].ev == ev)
			return &own_timers[i];
	return NULL;
}

static void
own_forget(const struct event *ev)
{
	struct own_timer *t = own_find(ev);

	if (t != NULL)
		t->ev = NULL;
}

/* libevent keeps it for a day, so that it is pending; we fire it. */
int
event_add(struct event *ev, const struct timeval *tv)
{
	static const struct timeval day = { 86400, 0 };
	static int (*real)(struct event *, const struct timeval *);
	struct own_timer *t;

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "event_add");
	own_forget(ev);
	if (tv == NULL || (tv->tv_sec == 0 && tv->tv_usec == 0) || event_get_fd(ev) != -1)
		return real(ev, tv);
	if ((t = own_find(NULL)) == NULL)
		abort();
	t->ev = ev;
	t->every = (uint64_t)tv->tv_sec * 1000 + (uint64_t)tv->tv_usec / 1000;
	t->due = own_ms + t->every;
	return real(ev, &day);
}

int
event_del(struct event *ev)
{
	static int (*real)(struct event *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "event_del");
	own_forget(ev);
	return real(ev);
}

void
event_free(struct event *ev)
{
	static void (*real)(struct event *);

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "event_free");
	own_forget(ev);
	real(ev);
}

/* libevent adds the timer of event_base_once() behind our back. */
struct own_once {
	struct event *ev;
	event_callback_fn fn;
	void *arg;
};

static void
own_fire(evutil_socket_t fd, short what, void *arg)
{
	struct own_once o = *(struct own_once *)arg;

	event_free(o.ev);
	free(arg);
	o.fn(fd, what, o.arg);
}

int
event_base_once(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg,
    const struct timeval *tv)
{
	struct own_once *o = malloc(sizeof(*o));

	if (fd != -1 || what != EV_TIMEOUT || o == NULL || (o->ev = event_new(base, -1, 0, own_fire, o)) == NULL)
		abort();
	o->fn = fn;
	o->arg = arg;
	return event_add(o->ev, tv);
}

/* The timer whose moment comes first, or NULL. */
static struct own_timer *
own_next(void)
{
	struct own_timer *next = NULL;

	for (size_t i = 0; i < OWN_TIMERS; i++)
		if (own_timers[i].ev != NULL && (next == NULL || own_timers[i].due < next->due))
			next = &own_timers[i];
	return next;
}

/* Handles what is there to handle. */
static __attribute__((unused)) void
time_turns(int n)
{
	for (int i = 0; i < n; i++)
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
}

/* Milliseconds until the next timer; UINT64_MAX: none waits. */
static __attribute__((unused)) uint64_t
time_to_next(void)
{
	const struct own_timer *t = own_next();

	return t == NULL ? UINT64_MAX : t->due > own_ms ? t->due - own_ms : 0;
}

/* Lets so much time go by, with all that happens in it. */
static __attribute__((unused)) void
time_pass(uint64_t ms)
{
	uint64_t end = own_ms + ms;
	struct own_timer *t;
	struct event *ev;

	time_turns(4);
	while ((t = own_next()) != NULL && t->due <= end) {
		if (t->due > own_ms)
			own_ms = t->due;
		ev = t->ev;
		t->due += t->every;	/* of a ticking one */
		if ((event_get_events(ev) & EV_PERSIST) == 0)
			t->ev = NULL;
		event_active(ev, EV_TIMEOUT, 0);
		time_turns(4);
	}
	own_ms = end;
	time_turns(4);
}

#endif

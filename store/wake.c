#include "wake.h"

#include <event2/event.h>

#include "clock.h"
#include "log.h"
#include "loop.h"

/* A timer may come a little early: then it is set once more. */
static void
arm(const struct wake *w)
{
	uint64_t now = clock_ms(), due = w->at * 1000, ms = due > now ? due - now : 0;
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	if (event_add(w->timer, &tv) == -1)
		fatal("no timer");
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct wake *w = arg;

	(void)fd;
	(void)what;
	if (w->at == WAKE_NEVER)
		return;
	if (w->at > clock_ms() / 1000) {
		arm(w);
		return;
	}
	w->at = WAKE_NEVER;
	w->fn();
}

void
wake_init(struct wake *w, void (*fn)(void))
{
	if (w->timer != NULL)
		return;
	*w = (struct wake){ .fn = fn, .at = WAKE_NEVER };
	if ((w->timer = evtimer_new(loop_base(), on_timer, w)) == NULL)
		fatal("out of memory");
}

void
wake_by(struct wake *w, uint64_t tick)
{
	if (w->timer == NULL || tick >= w->at)
		return;
	w->at = tick;
	arm(w);
}

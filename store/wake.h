/*
 * wake.h - a moment of store_ticks() at which something must be looked at. An
 * idle store has none: its process sleeps until somebody speaks to it.
 */
#ifndef STORE_WAKE_H
#define STORE_WAKE_H

#include <stdint.h>

#define WAKE_NEVER UINT64_MAX

struct event;

struct wake {
	void (*fn)(void);	/* once at each moment; says itself when again */
	struct event *timer;
	uint64_t at;		/* WAKE_NEVER: no moment is set */
};

/* Once; a second time does nothing. Exits without memory. */
void wake_init(struct wake *, void (*fn)(void));
/* Not later than this; a moment that is past: at once, in a turn of its own.
 * Without effect before wake_init(). */
void wake_by(struct wake *, uint64_t tick);

#endif

/*
 * held.h - how much of the big literals that went to the store it still has.
 *
 * A credit that comes back does not say whose it is. So the smallest literal is
 * taken off for it: what is counted is what the store has, or more, and nothing
 * when all credits are home.
 */
#ifndef IMAPD_HELD_H
#define IMAPD_HELD_H

#include <stdbool.h>
#include <stddef.h>

#include "limits.h"

struct held {
	size_t sizes[LIM_CHAN_CREDITS];	/* the largest first */
	unsigned int n;
	size_t bytes;		/* all of them */
};

void held_add(struct held *, size_t size);	/* one more message is out, with so many bytes */
void held_trim(struct held *, unsigned int out);	/* so many messages are out: not more literals than that */
/* May a literal of so many bytes be read? One is always read, so that any message passes. */
bool held_room(const struct held *, size_t more);

#endif

/*
 * arena.h - memory that dies with one method call: built strings, lists and
 * records, so that hooks need no cleanup of their own.
 */
#ifndef ATS_ARENA_H
#define ATS_ARENA_H

#include "wire.h"

struct arena_block;
struct arena {
	struct arena_block *blocks;
	bool failed;	/* sticky: some allocation failed */
};

void arena_free(struct arena *);
/* Zeroed; NULL (and failed set) without memory. */
void *arena_alloc(struct arena *, size_t);
struct slice arena_copy(struct arena *, struct slice);
char *arena_printf(struct arena *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Takes the buffer's memory over; empties w. A failed w makes the arena failed. */
struct slice arena_take(struct arena *, struct wbuf *w);

#endif

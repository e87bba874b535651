/*
 * held.c - how much of the big literals that went to the store it still has.
 */
#include "held.h"

#include <string.h>

void
held_trim(struct held *h, unsigned int out)
{
	while (h->n > out)
		h->bytes -= h->sizes[--h->n];
}

void
held_add(struct held *h, size_t size)
{
	unsigned int i = 0;

	held_trim(h, LIM_CHAN_CREDITS - 1);
	while (i < h->n && h->sizes[i] >= size)
		i++;
	memmove(h->sizes + i + 1, h->sizes + i, (h->n - i) * sizeof(h->sizes[0]));
	h->sizes[i] = size;
	h->n++;
	h->bytes += size;
}

bool
held_room(const struct held *h, size_t more)
{
	return h->n == 0 || h->bytes + more <= LIM_IMAP_HELD;
}

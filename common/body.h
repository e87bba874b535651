/*
 * body.h - raw messages and other large bytes between processes.
 *
 * Up to LIM_INLINE they travel in the last field of a BODY row; above that in
 * a memfd sealed with F_SEAL_WRITE, SHRINK and GROW, which the receiver checks
 * before it maps it read-only.
 */
#ifndef COMMON_BODY_H
#define COMMON_BODY_H

#include "wire.h"

struct body {
	struct slice data;
	void *map;	/* private: mapping to release, or malloc'd copy */
	size_t map_len;
	bool copied;
};

/* May these two make one body: nothing, or bytes in the field, or an empty
 * field and a memfd that is sealed and has 1 to LIM_BODY bytes? The channel
 * asks this of every BODY row before its handler. */
bool body_sound(struct slice field, int fd);

/*
 * What a receiver makes of the last field and the descriptor: data then points
 * into the message (alive inside the handler only) or into the mapping. Takes
 * *fd over and sets it to -1. Returns 0, or -1 when the memfd is not sealed,
 * larger than LIM_BODY or cannot be mapped: a breach by the sender.
 */
int body_open(struct body *, struct slice field, int *fd);
/* As body_open, but data stays alive until body_close. */
int body_keep(struct body *, struct slice field, int *fd);
void body_close(struct body *);

/*
 * For a sender: decides where the bytes go. Small: *field = data, returns -1
 * (no descriptor), errno 0. Large: *field empty, returns a sealed memfd to
 * hand to send_*. On failure returns -2 with errno.
 */
int body_put(struct slice data, struct slice *field);

#endif

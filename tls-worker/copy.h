/*
 * copy.h - after the login: bytes both ways between the worker's end of the
 * stream and the server, with bounded buffers. What one side does not take
 * stops the reading of the other. An idle stream holds no buffer.
 */
#ifndef TLS_WORKER_COPY_H
#define TLS_WORKER_COPY_H

#include "link.h"

#define COPY_CHUNK 65536	/* four of the largest TLS records; many servers write small ones */

struct copy_flow {
	uint8_t *kept;		/* what the receiver did not take yet */
	size_t at, n;
	bool ended;		/* the sender's end is closed */
};

struct copy {
	struct link *link;
	int plain;
	struct copy_flow up, down;	/* worker to server, server to worker */
};

/* What to wait for; again: there is more to do without waiting. */
struct copy_wants {
	bool link_read, link_write, plain_read, plain_write, again;
};

enum copy_state { COPY_OPEN, COPY_OVER };

/* rest: bytes of the server that came with its last login line. The link and
 * the descriptor stay the caller's. -1: no memory. */
int copy_init(struct copy *, struct link *, int plain, struct slice rest);
void copy_free(struct copy *);
enum copy_state copy_pump(struct copy *, struct copy_wants *);

#endif

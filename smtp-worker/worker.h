/*
 * worker.h - what the smtp-worker does with its store and its master: take
 * items, ask for a stream, drive the engine, tell results.
 *
 * A stream that cannot be had gives all waiting items back as temporary: the
 * queue and its clock are the store's. A stream lost between items is asked
 * for again, with a growing pause; after LIM_SMTP_UNUSED that never came to
 * work the items go back too. After LIM_SMTP_IDLE_SECONDS without work the
 * connection is closed and the process ends.
 */
#ifndef SMTP_WORKER_WORKER_H
#define SMTP_WORKER_WORKER_H

#include "channel.h"
#include "limits.h"

void worker_init(void);
/* A child_peer_fn: the store's channel; takes the descriptor over. */
void worker_wire(const struct chan_peer *, int fd);

/* From the master. */
void worker_stream_up(int fd);		/* takes fd over */
void worker_stream_failed(struct slice code, struct slice detail);
void worker_drain(void);

#endif

/*
 * asker.h - who asks for dials, and how the dialer shares itself out: every
 * tls-worker has a bounded queue, and free places go round the tenants in turn,
 * within a tenant round its tls-workers: one with many gets no larger share.
 */
#ifndef DIALER_ASKER_H
#define DIALER_ASKER_H

#include "channel.h"

/* Take over the descriptor of a channel that the master wired. */
void asker_wire(const struct chan_peer *, int fd);

#endif

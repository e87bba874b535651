/*
 * peers.h - the channels to the dialer and the vault. A new one replaces the
 * old: both processes may be restarted while sessions go on.
 */
#ifndef TLS_WORKER_PEERS_H
#define TLS_WORKER_PEERS_H

#include "channel.h"

/* A child_peer_fn: takes the descriptor over. */
void peers_wire(const struct chan_peer *, int fd);

#endif

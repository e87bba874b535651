/*
 * peer.h - who speaks with the store, and which function serves which message.
 */
#ifndef STORE_PEER_H
#define STORE_PEER_H

#include "db.h"

/* A peer that the master wired (child_peer_fn). */
void peer_new(const struct chan_peer *, int fd);

#endif

/*
 * peer_cred.h - who may talk to this ATS's socket: uids and gids of the
 * configuration against what the kernel says about the peer.
 */
#ifndef ATS_PEER_CRED_H
#define ATS_PEER_CRED_H

#include "wire.h"

/* uids, gids: packed u32 as in cfg_ats, copied. Both empty: nobody may. */
void peer_cred_init(struct slice uids, struct slice gids);
/* True when the peer's uid, gid or a supplementary group is listed. *uid: who
 * it is, AUDIT_NOBODY when the kernel does not say. */
bool peer_cred_allowed(int fd, uint32_t *uid);
/* The decision alone, for tests. */
bool peer_cred_match(uint32_t uid, const uint32_t *gids, size_t ngids);

#endif

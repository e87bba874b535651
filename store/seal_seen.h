/*
 * seal_seen.h - seals that were opened, remembered over restarts. The vault
 * opens a seal once while it runs; a later start of it forgets, this does not:
 * somebody with an old seal, from a log or a backup of the ATS, cannot link a
 * mailbox again with it. Kept when the link goes, lost when an older backup of
 * the database is restored.
 */
#ifndef STORE_SEAL_SEEN_H
#define STORE_SEAL_SEEN_H

#include "db.h"

struct hash32 seal_hash(struct slice seal);
bool seal_seen(struct slice seal);
/* The vault has opened it. Beyond LIM_SEALS_KEPT the oldest is forgotten. */
void seal_note(const struct hash32 *);

#endif

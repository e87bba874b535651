/*
 * changes.h - what changed since a state (RFC 8620 s. 5.2).
 *
 * Each account has one counter (modseq). Each object has one row per type,
 * moved to a new modseq whenever it changes, so asking for changes costs what
 * changed. A state is the newest modseq of a type in an account. A tombstone is
 * kept LIM_CHANGES_SECONDS seconds; a state older than the oldest forgotten tombstone
 * cannot be answered.
 */
#ifndef STORE_CHANGES_H
#define STORE_CHANGES_H

#include "db.h"
#include "limits.h"

enum change { CREATED = 1, UPDATED, DESTROYED, BORN };

/* Note a change in the turn's transaction; the event to the ats-workers leaves
 * after the commit. UPDATED of an unknown object counts as CREATED, CREATED of
 * a living one as UPDATED, DESTROYED of an unknown one as nothing. BORN is
 * CREATED of what was given its id in this turn: nobody looks for it. */
void changes_record(uint32_t account, enum obj_type, uint64_t id, enum change);
uint64_t changes_state(uint32_t account, enum obj_type);

struct changes {
	uint64_t new_state;
	bool more;
	struct wbuf created, updated, destroyed;	/* packed ids */
};
/*
 * At most max ids (0: LIM_IDS) since a state. Applying the answers one after
 * the other, from any state ever given, also one in the middle of a long list,
 * ends in what is here now. 0, or -1: the state is unknown or forgotten.
 */
int changes_since(uint32_t account, enum obj_type, uint64_t since, uint32_t max, struct changes *);
void changes_free(struct changes *);

/* Forget tombstones older than LIM_CHANGES_SECONDS, at most max rows; returns how many. */
size_t changes_expire(uint64_t now, size_t max);

#endif

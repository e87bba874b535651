/*
 * quirks.h - what is known of the server beyond its capabilities, from the
 * table in quirks.def. Nothing here is trusted with safety: a server that
 * passes for another gets another rhythm, no more.
 */
#ifndef IMAPD_QUIRKS_H
#define IMAPD_QUIRKS_H

#include "wire.h"

#define QUIRK_NOOP_IDLE 1u	/* NOOP does not keep a session alive, STATUS does */

struct quirks {
	uint32_t flags;
	unsigned int idle_seconds;	/* IDLE is renewed after so long */
	uint32_t plateau;	/* EXISTS stands still there; 0: it does not */
};

enum quirk_match { QUIRK_HOST, QUIRK_ID, QUIRK_CAP };

/* Nothing is known: the usual rhythm. */
void quirks_init(struct quirks *);
/* All rows that match this are added. */
void quirks_host(struct quirks *, struct slice host);
void quirks_id(struct quirks *, struct slice name);
void quirks_caps(struct quirks *, uint32_t caps);

#endif

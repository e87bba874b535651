/*
 * uidset.h - a bounded set of UIDs as ranges: what a server said is in a
 * slice of a folder, and the sequence-set text of RFC 3501 s. 9.
 */
#ifndef IMAPD_UIDSET_H
#define IMAPD_UIDSET_H

#include "wire.h"

struct uidrange {
	uint32_t first, last;
};

struct uidset {
	struct uidrange *r;
	size_t n, cap, max;
	bool over;	/* more than max ranges came: the content is incomplete */
};

void uidset_init(struct uidset *, size_t max);	/* owns memory: uidset_free */
void uidset_free(struct uidset *);
void uidset_clear(struct uidset *);
/* Any order, duplicates allowed; first <= last, 0 is ignored. */
void uidset_add(struct uidset *, uint32_t first, uint32_t last);
/* As above; of more than max ranges half of max are left, the highest. */
void uidset_add_newest(struct uidset *, uint32_t first, uint32_t last);
/* Of a settled set only the n highest ranges. */
void uidset_keep(struct uidset *, size_t n);
/* Sort and merge, cut to [low, high]. */
void uidset_settle(struct uidset *, uint32_t low, uint32_t high);

/* Take one range off the text of a set "1:5,9". "*" becomes UINT32_MAX,
 * reversed ranges are turned. false at its end; *bad when it is no set. */
bool uidset_next(struct slice *text, struct uidrange *, bool *bad);

#endif

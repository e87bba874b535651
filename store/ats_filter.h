/*
 * ats_filter.h - private to ats_query.c: which index a query walks, and whether
 * an object it meets is wanted.
 */
#ifndef STORE_ATS_FILTER_H
#define STORE_ATS_FILTER_H

#include "db.h"

struct source {
	struct scan scan;
	/* id of a key; false: the row is not wanted */
	bool (*take)(struct slice key, struct slice value, uint64_t *id);
	uint64_t flags;		/* of by-address rows */
	bool exact;		/* the index says it all: no row is loaded */
};

/* false: this type cannot be queried. Dates are bounds of the walk. */
bool source_open(struct source *, uint32_t account, enum obj_type, const struct rec_filter *, bool ascending);
/* Does the object fit the filter? */
bool filter_fits(uint32_t account, enum obj_type, uint64_t id, const struct rec_filter *);

/* A whole address (user@domain) is compared as one; anything else is looked
 * for as a part of name or address, ASCII case aside. */
bool filter_is_address(struct slice, char *canonical, size_t *n);

#endif

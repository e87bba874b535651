/*
 * probe_rate.c - a fixed table of windows. An address that finds no free row
 * takes the oldest one: the limit of the ATS still holds.
 */
#include "probe_rate.h"

#include <string.h>

#include "db.h"

struct rate {
	struct hash16 who;
	uint64_t since;
	uint32_t count;
};

static struct rate rows[LIM_PROBE_ROWS], all;

static bool
count(struct rate *r, uint64_t now, uint32_t limit)
{
	if (now < r->since || now >= r->since + LIM_PROBE_WINDOW) {
		r->since = now;
		r->count = 0;
	}
	if (r->count >= limit)
		return false;
	r->count++;
	return true;
}

static struct rate *
row_of(const struct hash16 *who)
{
	struct rate *oldest = &rows[0];

	for (size_t i = 0; i < LIM_PROBE_ROWS; i++) {
		if (memcmp(rows[i].who.b, who->b, sizeof(who->b)) == 0)
			return &rows[i];
		if (rows[i].since < oldest->since)
			oldest = &rows[i];
	}
	*oldest = (struct rate){ .who = *who };
	return oldest;
}

bool
probe_rate_allow(struct slice canonical, uint64_t now)
{
	struct hash16 who = db_hash16(canonical);

	return count(row_of(&who), now, LIM_PROBES_ADDRESS) && count(&all, now, LIM_PROBES_ATS_WINDOW);
}

/*
 * rows.h - how many rows a table has.
 */
#ifndef TEST_STORE_ROWS_H
#define TEST_STORE_ROWS_H

#include "db.h"

/* Those whose keys begin so. */
static inline size_t
rows_of(enum table t, struct dbkey prefix)
{
	struct slice key;
	struct scan s;
	size_t n = 0;

	scan_prefix(&s, t, prefix, false);
	while (scan_next(&s, &key, NULL))
		n++;
	scan_end(&s);
	return n;
}

static inline size_t
rows_in(enum table t)
{
	return rows_of(t, (struct dbkey){ .n = 0 });
}

#endif

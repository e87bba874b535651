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

/* A row as version 1 wrote it: without its last bytes. */
static __attribute__((unused)) void
as_before(enum table t, struct dbkey k, size_t fewer)
{
	static uint8_t copy[4096];
	struct slice v;

	assert_true(table_get(t, k, &v) && v.n < sizeof(copy));
	memcpy(copy, v.p, v.n);
	copy[0] = 1;
	table_put(t, k, slice_mem(copy, v.n - fewer));
}

#endif

/*
 * check.h - is a database whole? For tests and tools: no role calls it, so it
 * is in no executable that runs for an agency.
 *
 * Walks every table of table.def inside the turn's transaction and writes
 * nothing: keys read and write alike, records decode, indexes agree with rows
 * in both directions, references are counted right, blobs unpack, folders
 * count what they hold, the change log leads to what there is and to nothing
 * else. Rows of a link that is being erased are left out: they are on their
 * way.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stddef.h>

/* Each problem is told once, as "table:key in hex: what is wrong". Returns how
 * many there were; a read that fails counts too. */
size_t store_check(void (*problem)(void *ctx, const char *text), void *ctx);

#endif

/*
 * table_index.h - the indexes over emails that queries and backfill walk:
 * by-date, by-mailbox, by-address. Whoever writes or deletes an email row says
 * so here in the same turn.
 */
#ifndef STORE_TABLE_INDEX_H
#define STORE_TABLE_INDEX_H

#include "messages.h"

#define INDEX_FROM 1u
#define INDEX_TO 2u
#define INDEX_CC 4u	/* Cc, Bcc */

/* before: the row as it was, NULL for a new email; after: as it is now, NULL
 * for one that goes. Only what differs is written. Both decoded rec email. */
void index_email(uint32_t account, uint64_t email, const struct rec_email *before, const struct rec_email *after);

/* trim, lower-case (ASCII): the form in which addresses are compared. Returns
 * the length, 0 when it is no address or longer than LIM_ADDRESS. out has
 * LIM_ADDRESS + 1 bytes. */
size_t address_canonical(struct slice, char *out);
/* The part behind the last @ of a canonical address; empty when none. */
struct slice address_domain(struct slice);

#endif

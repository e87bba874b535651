/*
 * accounts.h - the JMAP accounts of this ATS: "ats" and one for each link.
 *
 * A copy of the links' names, refreshed from the store after it announced a
 * change. A request first waits until the copy is fresh, so it sees its own
 * earlier writes.
 */
#ifndef ATS_ACCOUNTS_H
#define ATS_ACCOUNTS_H

#include "store_client.h"

struct account {
	uint32_t id;		/* link number */
	uint8_t mode;		/* enum link_mode */
	char address[LIM_ADDRESS + 1];
};

/* The copy is stale. */
void accounts_dirty(void);
bool accounts_fresh(void);
/* False until the links were seen once: then "not found" means nothing yet. */
bool accounts_known(void);

/* One refresh under way; lives as long as its scope. */
struct accounts_wait {
	void (*cb)(void *ctx, bool ok);
	void *ctx;
	uint64_t seen;	/* private */
};
/*
 * Bring the copy up to date, then w->cb(w->ctx, ok) from the loop; ok false:
 * the store is gone. Cancelled with the scope. -1: cb will not come.
 */
int accounts_refresh(struct store_scope *, struct accounts_wait *w);

size_t accounts_count(void);
const struct account *accounts_at(size_t i);	/* oldest link first */
const struct account *accounts_find(uint32_t id);
/* The Session object's state string: changes when its accounts do. */
json_t *accounts_state(void);

#endif

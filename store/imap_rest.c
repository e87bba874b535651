/*
 * imap_rest.c - a link whose turn was undone rests before its worker comes
 * again. A disk that is full stays so for a while, and every return costs the
 * server a login.
 */
#include <sodium.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "child.h"
#include "imap_session.h"
#include "link.h"
#include "link_unit.h"
#include "wake.h"

/* Kept while the store runs; only links that met a full disk have one. */
struct rest {
	LIST_ENTRY(rest) entry;
	uint32_t link;
	uint64_t until;		/* store_ticks(); 0: it does not rest */
	uint64_t last;		/* when it last came back */
	unsigned int times;	/* in a row */
};

static LIST_HEAD(, rest) rests = LIST_HEAD_INITIALIZER(rests);

static struct rest *
rest_of(uint32_t link)
{
	struct rest *r;

	LIST_FOREACH(r, &rests, entry)
		if (r->link == link)
			return r;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->link = link;
	LIST_INSERT_HEAD(&rests, r, entry);
	return r;
}

/* 5, 10, ... 60 seconds and up to half as much again: many links rest at once. */
void
imap_rest(uint32_t link)
{
	struct rest *r = rest_of(link);
	uint64_t now = store_ticks(), wait = LIM_REST_FIRST_SECONDS;

	if (r == NULL) {
		imap_worker_again(link);
		return;
	}
	if (now > r->last + LIM_REST_MAX_SECONDS)
		r->times = 0;
	for (unsigned int i = 0; i < r->times && wait < LIM_REST_MAX_SECONDS; i++)
		wait *= 2;
	r->times++;
	if (wait > LIM_REST_MAX_SECONDS)
		wait = LIM_REST_MAX_SECONDS;
	r->until = now + wait + randombytes_uniform((uint32_t)wait / 2 + 1);
	imap_due_rest(r->until);
}

static bool
may_come(uint32_t link)
{
	struct link_run *run = link_run_of(link);
	struct row_link row;
	bool may;

	if (imap_session_of(link) != NULL || run == NULL || !run->running ||
	    !row_link_get(&row, KEY(link, .no = link)))
		return false;
	may = link_may_run(&row.rec) && link_has_imap(&row.rec);
	row_link_free(&row);
	return may;
}

uint64_t
imap_rest_over(void)
{
	uint64_t now = store_ticks(), next = WAKE_NEVER;
	struct rest *r;

	LIST_FOREACH(r, &rests, entry) {
		if (r->until > now && r->until < next)
			next = r->until;
		if (r->until == 0 || r->until > now)
			continue;
		r->until = 0;
		r->last = now;
		if (may_come(r->link))
			imap_worker_again(r->link);
	}
	return next;
}

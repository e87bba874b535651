/*
 * db_work.c - see db_work.h.
 */
#include "db_work.h"

#include <stddef.h>

#include "db.h"

static struct db_work *all;

static void
on_later(void *arg)
{
	struct db_work *w = arg;
	bool more;

	w->scheduled = false;
	if (w->patient)
		db_patient();
	more = w->slice();
	if (w->patient)
		db_patient_end();
	if (more)
		db_work_start(w);
}

/* Undone slices are done again, also those that were the last. */
static void
start_all(void)
{
	for (struct db_work *w = all; w != NULL; w = w->next)
		db_work_start(w);
}

void
db_work_start(struct db_work *w)
{
	if (all == NULL)
		db_hook(DB_ABORTED, start_all);
	if (!w->known) {
		w->known = true;
		w->next = all;
		all = w;
	}
	if (!w->scheduled)
		w->scheduled = db_later(on_later, w);
}

/*
 * db_work.h - long work in slices, each in a turn of its own. What is left to do
 * stands in rows, so work whose turn was undone is begun again by itself.
 */
#ifndef STORE_DB_WORK_H
#define STORE_DB_WORK_H

#include <stdbool.h>

/* One a kind of work, static: zero but for the first two. */
struct db_work {
	bool (*slice)(void);	/* false: nothing is left */
	bool patient;		/* nobody waits for it: db_patient() */
	bool scheduled, known;
	struct db_work *next;
};

/* Soon, unless it is under way. Without work it costs one slice. */
void db_work_start(struct db_work *);

#endif

/*
 * db_work.h - long work in slices, with others served in between. Where what is
 * left to do stands in rows, slices whose turn was undone are done again by
 * themselves.
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

/*
 * person.h - correspondents: the contacts and candidates of the ATS.
 *
 * The record keeps addresses as the ATS wrote them (trimmed); the index has
 * their canonical form. Several people may share an address: then mail of it is
 * ambiguous until a person decides. A new address files the mail that is
 * already here, in slices that survive a restart; a person who goes takes their
 * notes along, in slices too.
 */
#ifndef STORE_PERSON_H
#define STORE_PERSON_H

#include "db.h"

int person_on_set(struct chan *, const union msg *, int *fd);	/* correspondent_set */

/* ---- person_backfill.c ---- */
void person_backfill_start(void);	/* resume after a start; call once */
void person_backfill_add(uint64_t correspondent, struct slice canonical);
void person_erase_notes(uint64_t correspondent);
/* One slice; false: there is nothing left. For tests; else a timer calls it. */
bool person_backfill_slice(void);

#endif

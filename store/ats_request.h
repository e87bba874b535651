/*
 * ats_request.h - the reading requests of an ats-worker or control: get,
 * changes, query, blob_get, and blob_put.
 *
 * All but the last read what is committed and answer at once, whatever the
 * turn is doing. Long ones run in slices: rows of a get as there are credits, a
 * query some thousand index rows a turn. A request whose asker leaves is
 * forgotten.
 */
#ifndef STORE_ATS_REQUEST_H
#define STORE_ATS_REQUEST_H

#include "db.h"

int ats_on_get(struct chan *, const union msg *, int *fd);
int ats_on_changes(struct chan *, const union msg *, int *fd);
int ats_on_query(struct chan *, const union msg *, int *fd);
int ats_on_blob_get(struct chan *, const union msg *, int *fd);
int ats_on_blob_put(struct chan *, const union msg *, int *fd);

void ats_credit(struct chan *);			/* bulk credits came */
void ats_forget(const struct chan *);		/* the asker left */

/* ---- private to ats_*.c ---- */

/* Does this account exist, for this type? Types of links live in ACCOUNT_ATS. */
bool ats_account_serves(uint32_t account, enum obj_type);

/* ats_row.c: encode the row of one object into w. false: there is none. */
bool ats_row(uint32_t account, enum obj_type, uint64_t id, uint32_t parts, struct wbuf *w);

/* ats_get.c, ats_query.c, ats_blob.c */
void ats_get_credit(struct chan *);
void ats_get_forget(const struct chan *);
void ats_query_forget(const struct chan *);
void ats_blob_credit(struct chan *);
void ats_blob_forget(const struct chan *);

#endif

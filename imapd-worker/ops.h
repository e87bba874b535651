/*
 * ops.h - private to ops*.c: write-back in batches.
 *
 * Operations of one kind in one folder, with the same flags or the same target,
 * are done together by commands with a set of UIDs. The first doing.n of the
 * queue are the batch. What the server refuses is done again in halves, until
 * the one that is wrong stands alone. Nothing overtakes an operation on the same
 * message.
 */
#ifndef IMAPD_OPS_H
#define IMAPD_OPS_H

#include "engine.h"

/* Each operation of the batch, none of which may leave it meanwhile. */
#define OPS_BATCH_EACH(o, e)                                                                                           \
	for (size_t left_ = ((o) = STAILQ_FIRST(&(e)->ops), (e)->doing.n); (o) != NULL && left_ > 0;                    \
	     left_--, (o) = STAILQ_NEXT(o, entry))

/* ---- ops.c: the end of an operation of the batch, told to the store ---- */
void ops_done(struct engine *, struct operation *, enum op_result, const char *code);
/* All that are left; true. */
bool ops_all_done(struct engine *, enum op_result, const char *code);
/* Those whose message is not there and was not copied. */
void ops_gone(struct engine *);
/* Those whose message is not there any more, as they were to do. */
void ops_not_there(struct engine *);

/* ---- ops_batch.c ---- */
void ops_batch_form(struct engine *);	/* of a queue that is not empty */
void ops_batch_end(struct engine *);	/* nothing is under way */
/* Smaller ones next time. false: it was one operation, or the folder is why. */
bool ops_batch_split(struct engine *);
/* The members' UIDs into doing.set. */
void ops_batch_set(struct engine *);
/* COPYUID: each member's new UID. */
void ops_batch_copied(struct engine *, const struct imap_response *);

/* ---- ops_find.c ---- */
/* May this search be done together with others? */
bool ops_find_joins(const struct operation *);
void ops_find_ask(struct engine *);	/* writes the search of the batch */
void ops_find_row(struct engine *, const struct imap_fetch *);
void ops_find_tagged(struct engine *, const struct pending *);
bool ops_find_run(struct engine *);	/* next step; true: it is over */

/* ---- ops_run.c ---- */
/* FETCH of what is in doing.set. */
void ops_look_for(struct engine *, const char *items);
void ops_cannot_write(struct engine *);	/* what was asked cannot be expressed */
/* Refused, but \Deleted was set: take it off again. true: that is on its way. */
bool ops_unmark(struct engine *);
/* Next step of the batch in its folder; true: it is over. */
bool ops_run(struct engine *, struct folder *);

#endif

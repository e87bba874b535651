/*
 * mime_pool.h - the wired spare mime-workers and the jobs they do.
 *
 * A worker serves one link only: either the parse batch of that link (bounded
 * by LIM_MIME_BATCH messages and by quiet) or one extraction, composition or
 * stripping. Then its channel is closed, it exits, and the master wires a
 * fresh one. Work that a client waits for goes before parse batches.
 *
 * A worker that dies takes only the first unanswered job with it: that job
 * counts a try, the others go to a fresh worker without one. The owner of the
 * job is told (died) before the next try and writes the count down; the next
 * try starts after that turn's commit. After LIM_MIME_TRIES the job fails with
 * "sync.item_poison". A job that is not answered in time counts as a death, and
 * the master is asked to end the worker.
 */
#ifndef STORE_MIME_POOL_H
#define STORE_MIME_POOL_H

#include "body.h"
#include "channel.h"

/* All pointers die when the callback returns. */
struct mime_result {
	const char *error;	/* NULL: done. "sync.item_poison", or the worker's own code */
	struct slice source;	/* what the job was given */
	struct slice data;	/* parse: an encoded rec parsed, sound; others: the bytes made */
};

/* Called exactly once, unless the job is canceled; never inside a mime_pool_* call. */
typedef void (*mime_done_fn)(void *ctx, const struct mime_result *);
/* The job killed its worker; tries counts this one too. May be NULL. */
typedef void (*mime_died_fn)(void *ctx, unsigned int tries);

struct mime_job;

/*
 * Ask for work. Bytes are copied, or with *keep taken over (then *keep is
 * emptied, also on failure). tries: how often this message killed a parser
 * before. All return NULL without memory: then no callback comes.
 */
struct mime_job *mime_parse(uint32_t link, bool header_only, struct body *keep, unsigned int tries, mime_done_fn,
    mime_died_fn, void *ctx);
struct mime_job *mime_extract(uint32_t link, struct body *keep, struct slice part, mime_done_fn, void *ctx);
struct mime_job *mime_strip(uint32_t link, struct body *keep, mime_done_fn, void *ctx);
/* draft: an encoded rec draft whose blob parts are given by mime_attach, each
 * under the number in draft_part.blob. mime_start sends it on its way. */
struct mime_job *mime_compose(uint32_t link, struct body *draft, mime_done_fn, void *ctx);
int mime_attach(struct mime_job *, uint64_t blob, struct body *keep);	/* 0, or -1: no memory */
void mime_set_body(struct mime_job *, struct body *keep);	/* before mime_start: the draft, if it comes late */
void mime_start(struct mime_job *);
/* Nobody waits for it any more; no callback. NULL allowed. */
void mime_cancel(struct mime_job *);

/* The first text of the body among these parts: the only one a note may be of. */
bool mime_body_part(struct slice parts, struct rec_part *);
/* The next of a rec parsed's texts; false at the end. */
bool mime_text_next(struct slice *texts, struct rec_text *);
/* The text for a note, wherever it stands in the record. */
struct slice mime_note_text(const struct rec_parsed *);

/* A fresh worker was wired by the master; takes fd over. */
void mime_on_peer(const struct chan_peer *, int fd);
/* A copy of bytes as a body to hand over; -1 without memory. */
int mime_copy(struct body *, struct slice);

/* For posternctl and tests. */
unsigned int mime_spares(void);
size_t mime_waiting(void);

#endif

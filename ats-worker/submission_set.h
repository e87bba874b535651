/*
 * submission_set.h - EmailSubmission/set (RFC 8621 s. 7.5).
 */
#ifndef ATS_SUBMISSION_SET_H
#define ATS_SUBMISSION_SET_H

#include "jmap_type.h"

void submission_create(struct jmap_set *, json_t *object);
void submission_update(struct jmap_set *, const struct jmap_set_update *);
void submission_destroy(struct jmap_set *, uint64_t id);
/* The stored row counts: a repeated idempotencyKey is another email's submission. */
void submission_created_row(struct jmap_set *, const union jmap_record *);
const char *submission_set_check(struct jmap_call *);
void submission_set_finish(struct jmap_batch *);

#endif

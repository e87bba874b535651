/*
 * email_draft.h - the header fields of a new Email into a rec draft.
 */
#ifndef ATS_EMAIL_DRAFT_H
#define ATS_EMAIL_DRAFT_H

#include "arena.h"
#include "json_util.h"
#include "messages.h"

/* Reads every header property of object. NULL = good, else the property that
 * is not. Slices of d point into object and the arena. */
const char *email_draft_read(struct arena *, json_t *object, struct rec_draft *d);

#endif

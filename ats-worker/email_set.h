/*
 * email_set.h - changing emails: Email/set and Email/fetchContent.
 */
#ifndef ATS_EMAIL_SET_H
#define ATS_EMAIL_SET_H

#include "jmap_type.h"

void email_create(struct jmap_set *, json_t *object);
void email_update(struct jmap_set *, const struct jmap_set_update *);
void email_destroy(struct jmap_set *, uint64_t id);
/* {ids} -> {fetched: [id], notFetched: {id: SetError}|null} */
void email_fetch_content_run(struct jmap_call *);

#endif

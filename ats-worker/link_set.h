/*
 * link_set.h - changing links: Link/set and Link/test.
 */
#ifndef ATS_LINK_SET_H
#define ATS_LINK_SET_H

#include "jmap_type.h"

/* In folders.also: every folder of the mailbox. */
#define LINK_ALL_FOLDERS "*"

void link_create(struct jmap_set *, json_t *object);
void link_update(struct jmap_set *, const struct jmap_set_update *);
void link_destroy(struct jmap_set *, uint64_t id);
/* The name of an argument that has no meaning, or NULL. */
const char *link_set_check(struct jmap_call *);
void link_set_finish(struct jmap_batch *);
/* Link/test {id} or {link, sendTestMail} -> {steps, ok} */
void link_test_run(struct jmap_call *);

#endif

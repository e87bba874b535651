/*
 * type_mailbox.h - Mailbox/query: an account has few folders, so it filters
 * and sorts here what the store gives in one get.
 */
#ifndef ATS_TYPE_MAILBOX_H
#define ATS_TYPE_MAILBOX_H

struct jmap_call;

void mailbox_query_run(struct jmap_call *);

#endif

/*
 * mailbox_count.h - totalEmails, unreadEmails, totalThreads and unreadThreads
 * (RFC 8621 s. 2), kept right by what each change of an email changes.
 */
#ifndef STORE_MAILBOX_COUNT_H
#define STORE_MAILBOX_COUNT_H

#include "messages.h"

void mailbox_count_init(void);	/* hooks; before mail is touched */
/* An email came (before NULL), changed or went (after NULL); visible ones only.
 * alone: there is no other in its thread, as far as the caller knows.
 * The mailbox rows are written once, before the turn's commit. */
void mailbox_count(uint32_t account, uint64_t email, const struct rec_email *before, const struct rec_email *after,
    bool alone);

#endif

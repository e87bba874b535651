/*
 * review.h - what a person must decide.
 */
#ifndef STORE_REVIEW_H
#define STORE_REVIEW_H

#include "db.h"

struct review_input {
	enum review_reason reason;
	uint32_t account;
	uint64_t email, submission;	/* 0 = none */
	const uint64_t *correspondents;	/* who it could be */
	size_t ncorrespondents;
};

/* Open a review; the same reason for the same email or submission is opened
 * once, also when it was resolved. Returns its id. */
uint64_t review_open(const struct review_input *);
/* The server refused a change of an email (kind: enum op_kind) that was to go to,
 * or concerned, this mailbox: tell a person, once for each kind while it is open.
 * again: it was told before; one that a person closed stays closed. */
void review_refused(uint32_t account, uint64_t email, uint8_t kind, uint64_t mailbox, struct slice code,
    struct slice detail, bool again);
/* Such a change was done after all, or (kind 0) the email is gone: close what is open. */
void review_settle_change(uint32_t account, uint64_t email, uint8_t kind);
/* An uncertain submission turned out well or badly by itself: close it. */
void review_settle_submission(uint32_t account, uint64_t submission, enum review_resolution);
/* Does a person still have to decide about this email? A refused change is only told. */
bool review_waits(uint32_t account, uint64_t email);
size_t review_destroy_account(uint32_t account, size_t max);

int review_on_set(struct chan *, const union msg *, int *fd);	/* review_set */

#endif

/*
 * email_keywords.h - JMAP keywords (RFC 8621 s. 4.1.1) and IMAP flags.
 *
 * A set of keywords is one string: lower-case, sorted, joined by single
 * spaces, at most LIM_KEYWORDS bytes. What does not fit or is no keyword is
 * dropped.
 */
#ifndef STORE_EMAIL_KEYWORDS_H
#define STORE_EMAIL_KEYWORDS_H

#include "limits.h"
#include "wire.h"

struct keywords {
	char text[LIM_KEYWORDS + 1];
	size_t n;
};

void keywords_clear(struct keywords *);
/* Any order and case; false when something was dropped. */
bool keywords_load(struct keywords *, struct slice);
struct slice keywords_slice(const struct keywords *);
bool keywords_has(struct slice set, const char *keyword);
/* false: no room, or not a keyword. */
bool keywords_add(struct keywords *, struct slice keyword);
void keywords_del(struct keywords *, struct slice keyword);
/* Take the next keyword off; false at the end. */
bool keywords_next(struct slice *set, struct slice *keyword);
/* keywords := keywords + add - del, both sets. false when something was dropped. */
bool keywords_patch(struct keywords *, struct slice add, struct slice del);
/* What must be added to and taken from a to make it b. */
void keywords_diff(struct slice a, struct slice b, struct keywords *add, struct keywords *del);

/* IMAP flags to keywords; \Recent is left out, \Deleted is told apart. */
void keywords_from_flags(struct keywords *, struct slice flags, bool *deleted);
/* Keywords to IMAP flags, joined by spaces. */
void keywords_to_flags(struct slice set, struct keywords *flags);

#endif

/*
 * link_parse.h - JSON properties of a Link into its record.
 */
#ifndef ATS_LINK_PARSE_H
#define ATS_LINK_PARSE_H

#include "arena.h"
#include "json_util.h"
#include "messages.h"

struct link_problem {
	const char *property;		/* of invalidProperties */
	const char *description;
};

/*
 * Set the given properties (property -> value, null = default) on rec; others
 * stay. credential, smtpCredential and verify are skipped. Slices of rec then
 * point into given and the arena. 0 or -1 with the problem.
 */
int link_parse(struct arena *, json_t *given, struct rec_link *rec, struct link_problem *);

/* Is the record whole: address, and the servers its mode needs? 0 or -1. */
int link_check(const struct rec_link *rec, struct link_problem *);

/* Has an endpoint or a user changed, so that the credential is needed anew?
 * *imap, *smtp tell which. */
void link_compare(const struct rec_link *was, const struct rec_link *is, bool *imap, bool *smtp);

#endif

/*
 * match.h - whose mail is this? Contact before candidate, own domains never.
 *
 * Direction comes from our own addresses, not from the folder: a message From
 * the link's address is outgoing. Incoming mail is matched by From; outgoing
 * by To, Cc, Bcc in that order. Addresses of own domains and of our links are
 * skipped. The first address that a contact has decides; only when no address
 * has one, the first that a candidate has. Two contacts (or two candidates)
 * with that address: ambiguous, for a person to decide.
 */
#ifndef STORE_MATCH_H
#define STORE_MATCH_H

#include "db.h"

enum match_result { MATCH_NONE, MATCH_OWN_DOMAIN, MATCH_ONE, MATCH_AMBIGUOUS };

struct match {
	enum match_result result;
	enum direction direction;
	uint64_t correspondent;			/* MATCH_ONE */
	enum person_kind kind;
	uint64_t candidates[LIM_EMAILS_PERSON];	/* MATCH_AMBIGUOUS */
	size_t ncandidates;
};

void match_header(uint32_t account, const struct rec_header *, struct match *);
/* Where a message goes by our own addresses. */
enum direction match_direction(uint32_t account, const struct rec_header *);
/* Is the canonical address of a domain of ours, or one of our links? */
bool match_is_own(struct slice canonical);

#endif

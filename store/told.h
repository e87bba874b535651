/*
 * told.h - what the store says in the audit log. Changes are said when they
 * are durable (through the outbox); counts of contents once a minute.
 */
#ifndef STORE_TOLD_H
#define STORE_TOLD_H

#include "db.h"

/* Who asked for it: the process by its channel, the user as that one says. */
struct told_by {
	enum role role;
	uint32_t uid;
};

/* before NULL: it is new. credential: one came with the change. */
void told_link(struct told_by, uint32_t no, const struct rec_link *before, const struct rec_link *after,
    bool credential, bool verified);
void told_link_removed(struct told_by, uint32_t no, struct slice address, bool notes_kept);
void told_link_tested(struct told_by, uint32_t no);
void told_link_refused(struct told_by, uint32_t no, enum set_action, const char *error, const char *property);

/* The ATS asked for this content; outcome "fetching", "stored" or an error. */
void told_demand(uint32_t link, uint64_t email, uint32_t uid, const char *outcome);
/* One content came because the link's policy says so. */
void told_rule(uint32_t link);
/* One stored content was handed to the ATS. */
void told_read(uint32_t link, uint32_t uid);
/* Say what is counted so far. */
void told_counts(void);
void told_init(void);	/* before the sandbox: a timer */

#endif

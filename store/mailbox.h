/*
 * mailbox.h - the folders of a link as JMAP mailboxes.
 *
 * A folder is known by its OBJECTID, else by its raw name. One that is no
 * longer listed is destroyed, with the emails that are nowhere else; these are
 * held for a while first, since a folder may only have been renamed.
 */
#ifndef STORE_MAILBOX_H
#define STORE_MAILBOX_H

#include "db.h"

bool mailbox_exists(uint32_t account, uint64_t id);
/* The first selectable mailbox of a role; 0: none. */
uint64_t mailbox_by_role(uint32_t account, enum mailbox_role);
enum mailbox_role mailbox_role(uint32_t account, uint64_t id);

/* One folder of the server's list; its id, made when it is new. */
uint64_t mailbox_found(uint32_t account, const struct msg_mailbox_found *);
/* Answer with how far it is synced. */
void mailbox_send_bound(struct chan *, uint32_t account, uint64_t id);
/* The list is complete: seen are the packed ids of it. Parents are set, and
 * what was not seen is destroyed, a slice of rows per turn. */
void mailbox_list_end(uint32_t account, struct slice seen);

/* Positions, committed with the rows before them. */
void mailbox_synced(uint32_t account, const struct msg_mailbox_synced *);
/* Was this folder known under another UIDVALIDITY? Then bind_unbind comes
 * first, over as many turns as it takes, and mailbox_opened last. */
bool mailbox_rebuilt(uint32_t account, const struct msg_mailbox_open *);
/* Is all that SELECT has told of here? */
bool mailbox_is_read(uint32_t account, const struct msg_mailbox_open *);
void mailbox_opened(uint32_t account, const struct msg_mailbox_open *);

/* A link that only sends has no server folders: Drafts and Sent of its own. */
void mailbox_local_setup(uint32_t account);

#endif

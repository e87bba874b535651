/*
 * bind.h - which email is this UID?
 *
 * A new UID binds to a known email by EMAILID, else X-GM-MSGID, else because we
 * put it there ourselves, else by inference: equal Message-ID and size and
 * internal date and header digest, and only for a message that vanished
 * elsewhere or whose other copy lives. Without a Message-ID nothing is
 * inferred, and of messages that are alike no more than LIM_ALIKE are looked
 * at. Two UIDs in one folder never merge.
 */
#ifndef STORE_BIND_H
#define STORE_BIND_H

#include "db.h"
#include "email_row.h"

struct bind_input {
	uint32_t account;
	uint64_t mailbox;
	uint32_t uid;
	uint32_t size;
	uint64_t internaldate;
	struct slice emailid;
	uint64_t gm_msgid;
	const struct rec_header *header;	/* NULL: it could not be parsed */
};

/* The email's id, or 0: it is a new one. */
uint64_t bind_find(const struct bind_input *);
/* Put the copy and its uid row in place; saves the email. */
void bind_copy(struct email *, uint64_t mailbox, uint32_t uid, const struct keywords *, bool deleted);
/* The server's own names for it, where it tells any: they replace what was known
 * of a message that was made here or whose copy the server has made anew. */
void bind_learn(struct email *, struct slice emailid, uint64_t gm_msgid);
/* Another message of the server stands for it from now on. */
void bind_unlearn(struct email *);
/* Where folders are labels (X-GM-MSGID is known) a message has one set of
 * flags: what one copy tells is true of all that are not apart. */
void bind_share(const struct email *, const struct keywords *);
/* false: no Message-ID, so it has none. */
bool bind_fingerprint(const struct rec_header *, uint32_t size, uint64_t internaldate, struct hash32 *);

/* ---- messages that vanished, kept for a while in case they were moved ---- */
/* A copy is gone from the server. */
void bind_vanished(uint32_t account, uint64_t mailbox, uint32_t uid);
/* The copy of this email in this mailbox, whose UID is not known, is gone. */
void bind_lost(uint32_t account, uint64_t mailbox, uint64_t email);
/* UIDVALIDITY changed: the copies there are copies without UID now, until they
 * are found again, and entries of the journal that name a UID go. At most max
 * rows; true: call again. */
bool bind_unbind(uint32_t account, uint64_t mailbox, size_t max);
/* A look at the mailbox ended: copies without UID that were not found for as
 * many rounds as they wait are gone. whole: also its oldest messages were looked
 * at; else what was there before a new UIDVALIDITY stays. */
void bind_round(uint32_t account, uint64_t mailbox, bool whole);
void bind_hold(const struct email *);
/* Destroy what was lost before looked, a number of store_next_id(): all folders
 * were looked at since; or is held since before this time (store_ticks). At most max. */
size_t bind_release(uint32_t account, uint64_t looked, uint64_t before, size_t max);

#endif

/*
 * email_row.h - one email in memory while it changes, and what its row drags
 * along: indexes, thread, counts of its mailboxes, change log.
 *
 * copies are what the server has: (mailbox, uid) pairs, uid 0 = there, but its
 * UID is not known (or a local copy). Flags of a copy are in the uid table.
 * mailboxes and keywords are what the ATS sees: the copies with the pending
 * changes of the journal applied. So a refused change is undone by dropping it
 * and looking again.
 *
 * An email without mailboxes is hidden: to the ATS it does not exist. It waits
 * for the server to confirm an expunge, or all its copies are \Deleted.
 */
#ifndef STORE_EMAIL_ROW_H
#define STORE_EMAIL_ROW_H

#include "email_keywords.h"
#include "table.h"

struct email {
	uint32_t account;
	uint64_t id;
	bool stored;			/* row is what the database has */
	bool alone;			/* not stored yet, and its thread was made for it */
	const struct rec_header *head;	/* borrowed: rec.header as it was read; NULL: it is read when asked for */
	struct row_email row;
	struct rec_email rec;		/* what it becomes */
	struct wbuf mailboxes, copies;	/* behind rec.mailboxes, rec.copies */
	struct keywords keywords;	/* behind rec.keywords */
};

/* ---- uid rows ---- */
struct uid_row {
	uint64_t email;			/* 0: known, but nobody's: \Deleted, or to be expunged */
	bool deleted;
	bool apart;			/* of another message of the server than the one the email is named by */
	struct keywords keywords;
};

bool uid_get(uint32_t account, uint64_t mailbox, uint32_t uid, struct uid_row *);
void uid_put(uint32_t account, uint64_t mailbox, uint32_t uid, const struct uid_row *);
void uid_del(uint32_t account, uint64_t mailbox, uint32_t uid);

/* ---- one email ---- */
/* false: no such row. email_free in every case after a true. */
bool email_load(struct email *, uint32_t account, uint64_t id);
void email_new(struct email *, uint32_t account);	/* with a fresh id */
/* Its first copy, at the server: uid row and what the ATS sees. Nothing of the
 * journal can concern it yet. */
void email_born(struct email *, uint64_t mailbox, uint32_t uid, const struct uid_row *);
void email_free(struct email *);
bool email_visible(const struct rec_email *);
/* Write it with everything that hangs on it, in this turn. Once: what it was
 * before is what was loaded, and counters would move twice. */
void email_save(struct email *);
/* Gone for good, with blob, texts, indexes, journal and copies. */
void email_erase(struct email *);
/* The tables that find an email again: fingerprint, Message-ID, EMAILID, X-GM-MSGID. */
void email_index_ids(const struct email *, bool present);
/* The parsed header into h; slices point into e->rec.header. false: damaged. */
bool email_header(const struct email *, struct rec_header *h);

/* ---- copies ---- */
struct copy {
	uint64_t mailbox;
	uint32_t uid;
};
size_t copies_count(struct slice copies);
struct copy copies_at(struct slice copies, size_t i);
/* The email's copy in this mailbox; false: none. *uid may come back 0. */
bool email_copy_in(const struct email *, uint64_t mailbox, uint32_t *uid);
/* Replace or add the copy of a mailbox; the uid row is the caller's. A uid of
 * 0 is noted in unbound with the rounds to wait (0: never given up). */
#define ROUNDS_ONLY_HERE (UINT32_MAX - 1)	/* the server has not taken it: nothing there to be found */
void email_copy_set(struct email *, uint64_t mailbox, uint32_t uid, uint64_t rounds);
void email_copy_del(struct email *, uint64_t mailbox);
bool email_copy_only_here(uint32_t account, uint64_t mailbox, uint64_t email);

/* ---- packed ids ---- */
bool ids_has(struct slice ids, uint64_t id);
void ids_add_once(struct wbuf *, uint64_t id);
void ids_remove(struct wbuf *, uint64_t id);

/* ---- what the ATS sees: email_view.c ---- */
enum view { VIEW_SHOWN, VIEW_HIDDEN, VIEW_LOST };
/* Recompute mailboxes and keywords. LOST: no copy, nothing pending; then they
 * keep what they were. */
enum view email_project(struct email *);
/* Load, project and save; a lost email is held (bind.h) or, when hidden, erased. */
void email_settle(uint32_t account, uint64_t id);

#endif

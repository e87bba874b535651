/*
 * journal_flight.h - private to journal*.c: one entry on its way to the server.
 *
 * An entry may take several steps there: find out a UID first (OP_FIND), one
 * OP_FLAGS for each copy, look for the result of an append that was cut off.
 */
#ifndef STORE_JOURNAL_FLIGHT_H
#define STORE_JOURNAL_FLIGHT_H

#include <sys/queue.h>

#include "email_row.h"
#include "imap_session.h"
#include "journal.h"

enum journal_step {
	STEP_RUN,	/* the operation itself */
	STEP_FIND,	/* where is the copy? mailbox = find_in */
	STEP_LANDED	/* did the cut-off append, copy or move arrive? find_in = its target */
};

struct journal_flight {
	LIST_ENTRY(journal_flight) entry;
	uint64_t op, email;
	bool sent;			/* an answer is awaited */
	size_t bytes;			/* of the message that was sent with it */
	enum journal_step step;
	uint64_t find_in;
	uint64_t mailbox;		/* of the copy it was sent for */
	uint32_t uid;
	uint64_t done;			/* OP_FLAGS: the copies of folders up to this one */
	bool again;			/* and all were: it is looked who came meanwhile */
	uint64_t not_before;		/* store_ticks(): OP_RETRY */
	unsigned int tries;
	bool looked;			/* STEP_LANDED found nothing: do it (again) */
	bool missing;			/* OP_MOVE: it is not where it was */
};

/* ---- journal_run.c ---- */
/* It is on its way, with so many bytes of a message. */
void flight_sent(struct imap_session *, struct journal_flight *, size_t bytes);

/* ---- journal_apply.c: what an answer changes here ---- */
/* The copy (mailbox, uid) is this email's, whoever had it. Saves. */
void journal_take_uid(struct email *, uint64_t mailbox, uint32_t uid, const struct keywords *);
/* Is a UID of this numbering one of the folder as we know it? 0: not told. */
bool journal_validity_fits(struct imap_session *, uint64_t mailbox, uint32_t validity);
/* Its UIDs are void. The sync learns the new ones of its folders; of any other
 * folder they are forgotten here, to be asked for. */
void journal_renumbered(struct imap_session *, uint64_t mailbox);
/* An operation succeeded; uid is that of the new copy, 0: not told. */
void journal_succeeded(struct imap_session *, const struct journal_flight *, const struct rec_pending *,
    const struct msg_op_done *);
/* The server will not do it: the entry goes, the email looks as it did, a person
 * is told. */
void journal_refused(struct imap_session *, const struct journal_flight *, const struct rec_pending *,
    const struct msg_op_done *);
/* Its message was nowhere to be found. */
void journal_lost(struct imap_session *, const struct journal_flight *, const struct rec_pending *);

/* ---- journal_again.c: appends that were refused ---- */
/* Is this one, and its message only here? */
bool again_waits(uint32_t link, const struct rec_pending *);
bool again_worth_it(struct slice code);
/* May it be tried now? Then it is the one; f: its folder, or NULL. */
bool again_may(const struct imap_session *, struct imap_folder *f, uint64_t op, const struct rec_pending *);
void again_ended(struct imap_session *, uint64_t op);
void again_refused(struct imap_session *, const struct rec_pending *);
/* When the next one may be tried (store_ticks()), or UINT64_MAX. */
uint64_t again_due(const struct imap_session *);

/* ---- journal_send.c ---- */
enum journal_next { NEXT_SENT, NEXT_LATER, NEXT_DONE, NEXT_GONE, NEXT_REFUSED };
/* Take the next step of an entry to the server. LATER: others must end first. */
enum journal_next journal_step(struct imap_session *, struct journal_flight *, const struct rec_pending *);

#endif

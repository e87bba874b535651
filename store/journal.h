/*
 * journal.h - the write-back journal: what the ATS changed and the server does
 * not know yet.
 *
 * A change is committed locally and answered at once; its entry is replayed
 * when the link's imapd-worker is there, in order for each email, and survives
 * restarts and outages. What the server finally refuses is dropped, and the
 * email looks again as the server has it.
 *
 * An entry names the email and, where it matters, a mailbox; UIDs are looked
 * up when it is replayed, since earlier entries may change them. mailbox 0 of
 * OP_FLAGS: every copy. uid is only set for OP_EXPUNGE of one certain copy that
 * belongs to no email any more.
 */
#ifndef STORE_JOURNAL_H
#define STORE_JOURNAL_H

#include "db.h"

struct imap_session;

/* Note an operation; its number. submission 0 = none. */
uint64_t journal_add(const struct rec_pending *);
void journal_drop(uint32_t account, uint64_t op);
/* fn is called for each entry of an email in order until it returns false. */
void journal_each(uint32_t account, uint64_t email, bool (*fn)(uint64_t op, const struct rec_pending *, void *), void *);
/* Is this entry at the server right now? */
bool journal_in_flight(uint32_t account, uint64_t op);
/* Ask the Sent folder (or any) for our own message; the answer goes to
 * submit_found. The entry is one of email's, which may be 0. */

/* ---- called by the session ---- */
struct journal_flight;

/* Replay what is due; called when ops were added, answered, and once a second. */
void journal_run(struct imap_session *);
/* Was this op sent in this session, and not answered yet? */
bool journal_knows(struct imap_session *, uint64_t op);
/* 0, or -1: no such op was sent. */
int journal_done(struct imap_session *, const struct msg_op_done *);
/* The session ends: nothing is in flight any more. */
void journal_end(struct imap_session *);

#endif

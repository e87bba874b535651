/*
 * journal.h - the write-back journal: what the ATS changed and the server does
 * not know yet.
 *
 * A change is committed locally and answered at once; its entry is replayed
 * when the link's imapd-worker is there, in order for each email, and survives
 * restarts and outages. What the server finally refuses is dropped, and the
 * email looks again as the server has it; but an append, whose message is only
 * here then, waits and is tried again.
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
/* This entry, as it is, waits for another from now on. */
void journal_wait_for(uint32_t account, uint64_t op, const struct rec_pending *, uint64_t after);
/* fn is called for each entry of an email in order until it returns false. */
void journal_each(uint32_t account, uint64_t email, bool (*fn)(uint64_t op, const struct rec_pending *, void *), void *);
/* Is this entry at the server right now? */
bool journal_in_flight(uint32_t account, uint64_t op);
/* An append to this folder that has not been tried yet is made in another; to 0:
 * not at all. false: it is none. For journal_each(). */
bool journal_redirect(uint32_t account, uint64_t op, const struct rec_pending *, uint64_t from, uint64_t to);
/* A folder is gone: the append that waited for it is redirected. */
void journal_elsewhere(uint32_t account, uint64_t email, uint64_t from, uint64_t to);
/* This email was changed: an append of it that was refused is tried now. */
void journal_again(uint32_t account, uint64_t email);

/* ---- called by the session ---- */
struct journal_flight;

/* The folder takes messages: those that it refused are tried now. */
void journal_takes(struct imap_session *, uint64_t mailbox);
/* Something went from the server: there may be room for what was refused. */
void journal_room(struct imap_session *);
/* Replay what is due; called when ops were added, answered, and once a second. */
void journal_run(struct imap_session *);
/* Was this op sent in this session, and not answered yet? */
bool journal_knows(struct imap_session *, uint64_t op);
/* 0, or -1: no such op was sent. */
int journal_done(struct imap_session *, const struct msg_op_done *);
/* The session ends: nothing is in flight any more. */
void journal_end(struct imap_session *);

#endif

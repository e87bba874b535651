/*
 * ingest.h - the way of a message in.
 *
 * A header is parsed, bound to a known email or made a new one, and committed
 * at once as an email without content. When the content policy asks for the
 * body, that wish is a row of its own, so it survives restarts; the note is
 * filed when the body is there (or will not come).
 */
#ifndef STORE_INGEST_H
#define STORE_INGEST_H

#include "email_row.h"
#include "imap_session.h"

/* Flags of a want row. */
#define WANT_BACKFILL 1u	/* its note is marked backfill */
#define WANT_NOTE 2u		/* file a note when the content is there */
#define WANT_RAW 4u		/* quarantined: keep the bytes, do not parse them */
#define WANT_DEMAND 8u		/* the ATS asked for it: no rule of the policy */
#define WANT_TRY 256u		/* a try that failed is counted above the flags */

/* ---- ingest_mail.c ---- */
/* A parsed header at its turn. */
void ingest_header(struct imap_row *);
/* File the note of an email. text and parts may be empty. */
void ingest_note(struct email *, struct slice text, struct slice parts, bool backfill);
/* File the note of a stored email that a submission of ours has sent. */
void ingest_note_sent(const struct email *, uint64_t submission);
/* Content of an email, in memory until email_save: blob, parts, texts, preview. */
void ingest_content(struct email *, struct slice raw, const struct rec_parsed *);
/* It kills parsers: keep the bytes, ask a person. Saves. */
void ingest_quarantine(struct email *, struct slice raw);

/* ---- ingest_body.c ---- */
/* Ask for bodies as long as the window allows. */
void ingest_pump(struct imap_session *);
/* An answer to body_want; true: it keeps its credit until it is stored. Empties
 * *body when it takes it over. */
bool ingest_body(struct imap_session *, const struct msg_message_body *, struct body *);
/* Its body is wanted, with these WANT_*; one that somebody waits for goes before others. */
void ingest_wanted(uint32_t account, uint64_t email, uint64_t flags);
/* seam.h: void ingest_want(account, email, backfill) */

/* ---- ingest_uids.c ---- */
/* What the server has of a folder, and what is gone from it: a slice at its turn. */
enum ingest ingest_present(struct imap_row *);
enum ingest ingest_vanished(struct imap_row *);

/* ---- ingest.c ---- */
/* Vanished messages that nobody moved: destroy them when every folder has been
 * looked at since. */
void ingest_release(struct imap_session *);

#endif

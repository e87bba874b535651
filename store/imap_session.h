/*
 * imap_session.h - one imapd-worker of a link, as the store sees it.
 *
 * What the worker tells is handled in the order it was told: rows wait in a
 * queue, and a header that is at its parser holds up what comes behind it, so
 * that a position (mailbox_synced) is never committed before the rows that it
 * covers. Rows in the queue hold their credits; the queue is short and bounded.
 * Bodies do not wait in it, they answer body_want.
 */
#ifndef STORE_IMAP_SESSION_H
#define STORE_IMAP_SESSION_H

#include <sys/queue.h>

#include "body.h"
#include "db.h"
#include "limits.h"
#include "mime_pool.h"

#define IMAP_QUEUE (LIM_CHAN_CREDITS + LIM_JOURNAL_WINDOW + 512)	/* rows and control messages waiting */
#define JOURNAL_BUCKETS 64	/* in which its flights are found */

struct imap_session;

/* One message of the worker, kept until its turn. */
struct imap_row {
	STAILQ_ENTRY(imap_row) entry;
	struct imap_session *session;
	enum msg_type type;
	union msg m;		/* slices point into mem */
	uint8_t *mem;
	struct body header;	/* of message_header, until it is parsed */
	struct mime_job *job;	/* at the parser */
	bool tried;		/* tries has a row for it */
	bool parsed;
	uint32_t from;		/* done in slices: it goes on with this UID */
	char error[LIM_CODE + 1];	/* parsed, and could not be read */
	struct wbuf result;	/* rec parsed, or the raw header when it could not */
};

/* One body on its way. */
struct imap_body {
	uint64_t email, mailbox;	/* email 0: free */
	uint32_t uid, size;
	uint64_t flags;			/* WANT_* */
	bool arrived;			/* holds a credit */
	struct mime_job *job;
	struct imap_session *session;
};

struct imap_folder {
	uint64_t id;
	bool synced;
	bool listed;		/* in the list that is being told */
	bool no_keywords;	/* PERMANENTFLAGS without \* */
	bool read;		/* nothing new was there when it was last looked at */
	uint64_t looked_at;	/* store_next_id() when all that is there was last known; 0: not yet */
	uint32_t uidnext;	/* when it was last opened */
	uint64_t bodies_after;	/* store_ticks(): it is not asked for bodies before */
	bool read_only;		/* when it was last opened */
	/* appends that it refused, journal_again.c */
	uint64_t refused_at, again_at;	/* store_ticks(): the last of them; none is tried before */
	unsigned int refusals;		/* since it took one */
	uint64_t scout;			/* the entry that is tried; 0: none */
};

struct journal_flight;

struct imap_session {
	LIST_ENTRY(imap_session) entry;
	struct chan *chan;
	uint32_t link;
	STAILQ_HEAD(, imap_row) rows;
	size_t nrows;
	struct imap_body bodies[LIM_BODIES_ASKED];
	size_t nbodies;		/* places taken */
	uint64_t bodies_bytes;	/* their sizes, as the server says */
	uint64_t now[LIM_BODIES_NOW];	/* emails whose bodies somebody waits for */
	size_t nnow;
	uint64_t want_from;	/* the next look at T_want begins with this email */
	uint64_t again_at;	/* store_ticks(): and then with the first */
	uint64_t wants_seen;	/* table_version() of T_want when there was none from there on */
	struct imap_folder *folders;
	size_t nfolders;
	bool listed;		/* all folders are bound */
	bool sweep;		/* the next list may leave folders out that are synced now */
	bool live;
	uint64_t pump_after;	/* store_ticks(): no bodies are asked for before */
	uint64_t turn;		/* last turn that changed something for it */
	uint64_t look_at;	/* store_ticks() of the next look at what waits for the clock, imap_due.c */
	bool drain;		/* a later turn handles its rows */
	bool sliced;		/* and not this one: the first was handled in part */
	bool drain_after;	/* so when this one has ended: it may be gathered for long */
	unsigned int strays;	/* things it named that are nobody's, foreign.h */
	LIST_HEAD(, journal_flight) flights[JOURNAL_BUCKETS];	/* by number of the entry */
	size_t nsent, nappends, append_bytes;	/* of them at the server; appends and their sizes */
	uint64_t journal_turn;	/* the turn in which the journal was looked at last, */
	bool journal_any;	/* and whether there is something in it, or may be by now */
	uint64_t journal_from;	/* the next look at the journal begins with this entry */
	uint64_t again_email;	/* changed: what was refused of it is tried now; 0: none */
};

/* The running session of a link, or NULL. */
struct imap_session *imap_session_of(uint32_t link);
struct imap_folder *imap_folder_of(struct imap_session *, uint64_t mailbox);
/* Something is stored for it now: if the turn fails, it must start over. */
void imap_touch(struct imap_session *);
/* Handle the rows whose turn it is. Called when one became ready. */
void imap_drain(struct imap_session *);
/* As above in a later turn. */
void imap_drain_later(struct imap_session *);
void imap_drain_of(uint32_t link);	/* if it has a session */
/* The session is out of step with the database, or its settings changed: have
 * the master start a fresh worker. The session is gone after this. */
void imap_restart(struct imap_session *);
/* Its folders or its policy are others: the worker lists anew, and what does
 * not belong here any more goes. */
void imap_settings(struct imap_session *);
void imap_stop(struct imap_session *);	/* its unit was stopped */
/* Ask the master for its worker. */
void imap_worker_again(uint32_t link);
/* imap_rest.c: ask for it later, after an undone turn. over: those whose time
 * has come; when the next one comes, or WAKE_NEVER. */
void imap_rest(uint32_t link);
uint64_t imap_rest_over(void);
/* imap_due.c: the next look at this session, or at the links that rest, not
 * later than then. look: when that moment came. */
void imap_due_by(struct imap_session *, uint64_t tick);
void imap_due_rest(uint64_t tick);
void imap_due_init(void (*look)(void));
/* What of it waits for the clock: when, or WAKE_NEVER. */
uint64_t imap_due_next(const struct imap_session *);
void imap_init(void);

/* ---- ingest.c: one row at its turn ---- */
enum ingest { INGEST_DONE, INGEST_WAIT, INGEST_AGAIN };
enum ingest ingest_row(struct imap_row *);
/* Start parsing a header as soon as it comes; false: nothing to parse. */
void ingest_early(struct imap_row *);

#endif

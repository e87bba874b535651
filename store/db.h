/*
 * db.h - the store's inside: one LMDB environment, one transaction a turn.
 *
 * Everything that one turn of the event loop reads and writes is one write
 * transaction, opened by the first table_* call and committed (fdatasync) at
 * the turn's end, mostly that of the iteration (db_iteration_end). What must only be said when it is
 * durable is queued with out_send and leaves after the commit. When the commit
 * fails (disk full), nothing of the turn happened: queued answers are replaced
 * by the same answer with error store.full, other queued messages are dropped,
 * and the DB_ABORTED hooks put memory right.
 *
 * Single-threaded; nothing here blocks but the commit.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "channel.h"
#include "table.h"

/* ---- globals of the process ---- */
struct store {
	/* configuration: cfg_store, replaced at reload */
	enum content_policy content;	/* never CONTENT_DEFAULT */
	uint32_t period_days, first;	/* 0 = no limit */
	uint32_t max_links, max_storage, max_submissions;	/* MiB; an hour; 0 = no limit */
	bool allow_none;
	uint8_t hash_key[32];		/* from the configuration: keys the MAC in our Message-IDs */
	uint8_t index_key[32];		/* made with the database: keys db_hash16, db_hash32 */
	struct wbuf own_domains;	/* list of canonical domains */
	uint64_t epoch;			/* renewed by restore */
	struct chan *vault;		/* NULL while it is away */
};

extern struct store store;

enum meta { META_SCHEMA = 1, META_EPOCH, META_NEXT_ID, META_NEXT_LINK, META_INDEX_KEY };

/* ---- life ---- */
/* Open or make the environment in dir; before the sandbox. 0 or -1 (logged). */
int db_open(const char *dir);
void db_close(void);	/* tests; aborts an open turn */

/* ---- the turn ---- */
/* The turn's transaction (MDB_txn *), opened on demand; NULL after a failure. */
void *db_txn(void);
bool db_failed(void);
/* Give the turn up; why is for the log. Also used when memory ran out. */
void db_fail(const char *why);
/* The turn's end: commit, then hooks and the outbox. */
void db_turn_end(void);
/*
 * The loop's hook. What is written between db_patient and db_patient_end
 * (they nest) nobody waits for: a turn of nothing else goes on over later
 * iterations, at first for LIM_GATHER_FIRST_MS, then for twice as long each
 * time, at most LIM_GATHER_MS or LIM_GATHER_BYTES. Anything written or queued
 * outside ends the turn in its own iteration, with all before it.
 */
void db_iteration_end(void);
void db_patient(void);
void db_patient_end(void);
/*
 * What a client only reads is read as it was committed last: between db_view
 * and db_view_end (they do not nest) rows and scans are those, whatever the
 * turn has written meanwhile; nothing can be written, and out_send sends at
 * once. So who reads waits for no commit, and makes none.
 */
void db_view(void);
void db_view_end(void);
/* Number of the turn, for what is cached within one. */
uint64_t db_turn(void);

/* BEFORE_COMMIT may write (coalesced counters). ABORTED: the turn was undone.
 * At most 16 hooks, set once at start. */
enum db_when { DB_BEFORE_COMMIT, DB_COMMITTED, DB_ABORTED };
void db_hook(enum db_when, void (*)(void));

/* Run fn(arg) soon, in a later iteration, which may be of the same turn: the
 * next slice of long work. false: no memory, and the turn fails. */
bool db_later(void (*fn)(void *), void *arg);

/* ---- the outbox: said after the commit ---- */
/* Queue one message. The struct is encoded now. fd (-1: none) is taken over.
 * Any message may be queued; BULK rows need out_credits() > 0 before. */
void out_send(struct chan *, enum msg_type, const void *msg_struct, int fd);
/* Bulk messages that may still be queued for this channel. */
unsigned int out_credits(const struct chan *);
/* The channel goes away: forget what waits for it. Call before chan_free. */
void out_forget(const struct chan *);
/* For BODY rows: data decides between field and memfd (body_put). */
#define OUT_NOFD (-1)

/* Answer helpers: set_done with a JMAP SetError type, or with an id. */
struct asker {
	struct chan *chan;	/* NULL: it left, or there is none */
	uint32_t req;
};
void out_set_error(struct asker, const char *error, const char *property, const char *description);
/* done.req, epoch are filled in here; states are those of (account, type). */
void out_set_done(struct asker, uint32_t account, enum obj_type, uint64_t old_state, struct msg_set_done done);

/* ---- numbers ---- */
uint64_t store_next_id(void);	/* all objects but links; never 0, never reused */
uint32_t store_next_link(void);	/* starts at 1, never reused */
uint64_t store_now(void);	/* seconds since 1970; somebody may set that clock */
/* Seconds of a clock that nobody sets: for waits and intervals, not for rows. */
uint64_t store_ticks(void);
/* store_now() for giving up and forgetting: while the store runs it goes no
 * faster than store_ticks(), and never beyond store_now(). A clock that is set
 * to next month and back again must not cost what is kept for a day. What it
 * lags behind it makes up at the next start. */
uint64_t store_past(void);

/* ---- hashes for keys ---- */
struct hash16 {
	uint8_t b[16];
};
struct hash32 {
	uint8_t b[32];
};
/* BLAKE2b keyed with the database's own key: nobody outside can aim at a row. */
struct hash16 db_hash16(struct slice);
struct hash32 db_hash32(struct slice);
#define HASH(h) slice_mem((h).b, sizeof((h).b))

#endif

/*
 * serve.h - tickets, the handlers that use them, and the channels. now is in
 * milliseconds of the monotonic clock.
 */
#ifndef VAULT_SERVE_H
#define VAULT_SERVE_H

#include <poll.h>

#include "channel.h"
#include "sasl.h"

/*
 * ---- tickets.c ----
 * The permissions to log in that the master has issued and that are not used
 * up: each for one exchange, on one channel, within LIM_TICKET_SECONDS.
 */

enum ticket_state {
	TICKET_NONE = 0,
	TICKET_ISSUED,
	TICKET_FETCHING,	/* the store's turn: record */
	TICKET_RUNNING,		/* the tls-worker's */
	TICKET_HASHING,		/* ours: proof.c */
	TICKET_STORING		/* the store's: record_put_done */
};

struct ticket {
	uint64_t id;
	enum ticket_state state;
	uint64_t deadline;
	char ats[LIM_ATS_NAME + 1];
	char host[LIM_HOST + 1];
	uint32_t unit, link, generation, store_chan, tls_chan;
	uint16_t port;
	uint8_t service, security;
	struct sasl sasl;
	bool told;		/* its release is in the audit log */
	uint8_t *record;	/* ciphertext, owned */
	size_t record_n;
	uint32_t put;		/* our number of the record_put under way */
	unsigned int conflicts;	/* record_puts that came too late */
};

const char *ticket_add(const struct msg_ticket *, uint64_t now);	/* NULL, or why not */
struct ticket *ticket_find(uint64_t id);
/* The next in this state behind t (NULL: the first), or NULL. */
struct ticket *ticket_after(struct ticket *t, enum ticket_state);
/* NULL when peer may use t (NULL allowed) now, in this state (TICKET_NONE: in
 * any after its beginning); else why not. */
const char *ticket_check(const struct ticket *t, const struct chan_peer *, enum ticket_state, uint64_t now);
/* The exchange goes on: a new state and a new deadline. */
void ticket_enter(struct ticket *, enum ticket_state, uint64_t now);
void ticket_drop(struct ticket *);
/* A channel ended: fn for each ticket that waits for its answer; drop those
 * and all that were issued to it. */
void ticket_chan_gone(uint32_t chan, void (*fn)(struct ticket *));
/* The key goes away: fn for each exchange under way, then drop it. */
void ticket_lock(void (*fn)(struct ticket *));

/*
 * ---- rate.c ----
 * One event of kind ('l' of a link, 'a' of an ATS, 's' seal of an ATS, 'u'
 * unlocking, of nobody); false
 * when it is over per_minute. A fixed number of buckets picked by a keyed
 * hash: nothing to fill, at the price that two links may rarely share.
 */
void rate_init(void);	/* chooses the hash key, empties all buckets */
bool rate_allow(char kind, const char *ats, uint32_t link, uint32_t per_minute, uint64_t now);

/*
 * What was refused to one peer in the current minute; the context of its
 * channel. A peer that floods must not push the lines about others out of the
 * log: only LIM_REFUSALS_TOLD are told, the next minute tells how many were not.
 */
struct refusals {
	uint64_t since;
	uint32_t count, untold;
};
/* Count one more: true when it may be told; then *untold is how many were not. */
bool refusals_add(struct refusals *, uint64_t now, uint32_t *untold);

/*
 * ---- told.c ----
 * One line for every release and refusal, in the log and in the audit log; never
 * the secret. RELEASED is told once a ticket.
 */
enum told { TOLD_RELEASED, TOLD_REFUSED, TOLD_ACCEPTED, TOLD_REJECTED, TOLD_UNPROVEN, TOLD_PINNED };
void told_ticket(enum told, struct ticket *, const char *code);
/* peer came with this number; t: whose it is, NULL = nobody's. */
void told_claim(const struct chan_peer *peer, uint64_t id, const struct ticket *t, const char *why);
void told_key(void);	/* which one is in use; after READY */
void told_seal(const char *ats, const struct msg_seal_open *, const char *code, const char *owner);

/* ---- serve.c ---- */
/* The peer's claim on this ticket, or NULL after a refusal that names both. */
struct ticket *serve_claim(struct chan *, uint64_t id, enum ticket_state);
int serve_refused(const struct chan *);	/* what a handler returns then */
/* Open the ticket's record and compare what it is bound to: "" or a code. */
const char *serve_open(const struct ticket *, struct seal_plain *cred);
void serve_respond(const struct ticket *, struct chan *tls, struct slice data);
void serve_refuse(struct ticket *, struct chan *tls, const char *code);	/* and drop it */
extern const chan_handler serve_master[MSG__COUNT];	/* cfg_vault and ticket */
extern const chan_handler serve_peers[MSG__COUNT];	/* of stores and tls-workers */
void serve_store_gone(struct ticket *);			/* tells the tls-worker */

/*
 * ---- proof.c: logins by SCRAM, from the server's first message on ----
 * Passwords are hashed a slice at a time between the turns of the loop, all
 * logins in turn, LIM_SCRAM_WORKS_ATS of a tenant at once. Once the server is
 * proven the record is pinned: this service takes nothing but SCRAM from then
 * on. The pin is committed by the store before the login goes on.
 */
int proof_init(void);				/* before the sandbox; 0 or -1 */
bool proof_turn(void);				/* one slice; true: there is more to do */
void proof_forget(const struct ticket *);	/* wipe what is kept for it */
void proof_pin(struct ticket *, struct chan *tls);
int proof_on_first(struct chan *, const union msg *, int *fd);
int proof_on_final(struct chan *, const union msg *, int *fd);
int proof_on_put_done(struct chan *, const union msg *, int *fd);

/* ---- lock.c: the socket on which the passphrase comes ---- */
#define LOCK_POLLS 2
int lock_init(int fd, uint32_t uid);	/* once; takes fd. 0 or -1 */
void lock_polls(struct pollfd[LOCK_POLLS]);
void lock_serve(const struct pollfd[LOCK_POLLS]);
void lock_tell(void);			/* vault_state, after every change of it */

/* ---- rotate.c: all records under the newest key, counted ---- */
#define ROTATE_REQ 0x80000000u	/* in its record_put.req; others have it clear */
void rotate_begin(uint32_t req);	/* a round over the stores that are here; ends the one before */
void rotate_store_gone(const struct chan *);
int rotate_on_item(struct chan *, const union msg *, int *fd);		/* record_item */
int rotate_on_put_done(struct chan *, const union msg *, int *fd);	/* record_put_done */

/* ---- peers.c: the channels and the poll(2) loop ---- */
void peers_add(const struct chan_peer *, int fd);	/* a child_peer_fn */
struct chan *peers_find(uint32_t chan, enum role);	/* NULL: not wired, or gone */
struct chan *peers_store(size_t i);			/* the i-th store; NULL behind the last */
void peers_serve(void) __attribute__((noreturn));

#endif

/*
 * serve.h - tickets, the handlers that use them, and the channels. now is in
 * milliseconds of the monotonic clock.
 */
#ifndef VAULT_SERVE_H
#define VAULT_SERVE_H

#include "channel.h"
#include "cred.h"

/*
 * ---- tickets.c ----
 * The permissions to log in that the master has issued and that are not used
 * up: each for one exchange, on one channel, within LIM_TICKET_SECONDS.
 */

enum ticket_state { TICKET_NONE = 0, TICKET_ISSUED, TICKET_FETCHING, TICKET_RUNNING };

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
	uint8_t *record;	/* ciphertext, owned */
	size_t record_n;
};

const char *ticket_add(const struct msg_ticket *, uint64_t now);	/* NULL, or why not */
struct ticket *ticket_find(uint64_t id);
/* NULL when peer may use t (NULL allowed) now, in this state; else why not. */
const char *ticket_check(const struct ticket *t, const struct chan_peer *, enum ticket_state, uint64_t now);
/* The exchange goes on: a new state and a new deadline. */
void ticket_enter(struct ticket *, enum ticket_state, uint64_t now);
void ticket_drop(struct ticket *);
/* A channel ended: fn for each ticket that waits for its answer; drop those
 * and all that were issued to it. */
void ticket_chan_gone(uint32_t chan, void (*fn)(struct ticket *));

/*
 * ---- rate.c ----
 * One event of kind ('l' of a link, 'a' of an ATS, 's' seal of an ATS); false
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

/* ---- serve.c ---- */
extern const chan_handler serve_master[MSG__COUNT];	/* cfg_vault and ticket */
extern const chan_handler serve_peers[MSG__COUNT];	/* of stores and tls-workers */
void serve_store_gone(struct ticket *);			/* tells the tls-worker */

/* ---- peers.c: the channels and the poll(2) loop ---- */
void peers_add(const struct chan_peer *, int fd);	/* a child_peer_fn */
struct chan *peers_find(uint32_t chan, enum role);	/* NULL: not wired, or gone */
void peers_serve(void) __attribute__((noreturn));

#endif

/*
 * link.h - linked mailboxes: their rows, states and units.
 *
 * The record of a link never holds a credential; the vault's records are in a
 * table of their own. A link runs as a unit of the master: unit_run, and an
 * imapd-worker unless it only sends.
 */
#ifndef STORE_LINK_H
#define STORE_LINK_H

#include "db.h"

/* ---- reading ---- */
/* row_link_get(&row, KEY(link, .no = no)) of table.h gives the record. */
bool link_exists(uint32_t no);
/* Call fn for each link, by number. It may write, the link's row too. */
void link_each(void (*fn)(uint32_t no));

struct link_policy {
	enum content_policy content;	/* never CONTENT_DEFAULT */
	uint32_t period_days, first;	/* 0 = no limit */
};
/* The link's own policy with the config's defaults filled in; -1: no link. */
int link_policy(uint32_t no, struct link_policy *);
/* Do the settings of two rows differ in this? */
bool link_other_folders(const struct rec_link *, const struct rec_link *);
bool link_other_policy(const struct rec_link *, const struct rec_link *);
/* Is this canonical address the address of one of our links? Its number or 0. */
uint32_t link_of_address(struct slice canonical);
/* Canonical address of a link into out (LIM_ADDRESS + 1); -1: no link. */
int link_address(uint32_t no, char *out);

/* ---- states, written in this turn ---- */
/*
 * What the link does now. code "" = no error. An unchanged state is not
 * written again. LINK_NEEDS_USER also stops the unit. A paused link keeps its
 * state. LINK_LIVE sets lastSyncAt.
 */
void link_set_state(uint32_t no, enum link_state, const char *code, struct slice detail);
/* For the progress bar; written at most once a second, phases at once. */
void link_progress(uint32_t no, enum sync_phase, uint32_t done, uint32_t total);
/* link_now.c: what is known beside the row, kept in memory and computed when it
 * is read. One message of this phase more; */
void link_moved(uint32_t no, enum sync_phase);
/* one body more or given up: tells the phase of bodies and its end; */
void link_body_done(uint32_t no);
/* headers are complete: the phase of bodies begins, or everything is live; */
void link_headers_done(uint32_t no, uint32_t done, uint32_t total);
/* so many seconds ago the server confirmed that nothing is missing; */
void link_whole(uint32_t no, uint32_t seconds);
/* a worker came: rate, counts and freshness begin anew. */
void link_now_reset(uint32_t no);
/* Fills rate, left and fresh of a row that is handed out. */
void link_now(uint32_t no, struct rec_link *);
/* A sync round ended well: lastSyncAt, at most once a minute. */
void link_synced(uint32_t no);
/* A step that failed for the unit of a link, or code "" for a login that
 * worked: keeps the state right. Class by error_codes.h. */
void link_step(uint32_t no, enum service, bool ok, struct slice code, struct slice detail);

/* ---- units ---- */
/* unit_run and, as the mode says, worker_start for the imapd-worker. */
void link_start(uint32_t no);
void link_start_all(void);	/* all that are not paused and need no user */
/* For the sender: the smtp-worker of a link, until it quits. */
void link_start_smtp(uint32_t no);
bool link_may_run(const struct rec_link *);

/* ---- requests ---- */
int link_on_set(struct chan *, const union msg *, int *fd);	/* link_set */
void link_forget(const struct chan *);				/* the asker left */

#endif

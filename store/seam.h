/*
 * seam.h - what the front half of the store (requests, links, people) asks of
 * the mail half (imap_*, mime_*, ingest*, bind*, journal*, email*, submit*,
 * sender*), which defines these functions.
 */
#ifndef STORE_SEAM_H
#define STORE_SEAM_H

#include "db.h"

/* ---- life ---- */
void mail_init(void);		/* before the sandbox: hooks, timers */
void mail_start(void);		/* after READY: resume what was under way */

/* ---- peers that the master wired; fd is the callee's. Probes do not come here. */
void imap_peer(const struct chan_peer *, int fd);
void smtp_peer(const struct chan_peer *, int fd);
/* A worker of a link ended (not of a probe). */
void mail_worker_gone(uint32_t unit, enum role, struct slice reason);

/* ---- links ---- */
/* Folders, policy or mode of a running link changed: tell its imapd-worker. */
void mail_link_changed(uint32_t no);
/* The unit was stopped (paused, needs user, unlinked): nothing will come. */
void mail_link_stopped(uint32_t no);

/* ---- requests of an ats-worker (handlers of channel.h) ---- */
int email_on_create(struct chan *, const union msg *, int *fd);
int email_on_update(struct chan *, const union msg *, int *fd);
int email_on_destroy(struct chan *, const union msg *, int *fd);
int email_on_content(struct chan *, const union msg *, int *fd);
int submit_on_set(struct chan *, const union msg *, int *fd);
/* The asker's channel is gone: forget the requests of it. */
void mail_forget(const struct chan *);

/* ---- mail ---- */
/* Fetch the body of a header-only email when its link is up; its note is then
 * filed by note_file with this backfill mark. */
void ingest_want(uint32_t account, uint64_t email, bool backfill);
/* The same, because the ATS asked for this one. */
void ingest_demand(uint32_t account, uint64_t email, bool backfill);
/* A review's decision about an uncertain submission. 0, or -1: not uncertain. */
int submit_resolve(uint32_t account, uint64_t submission, bool send_again);

#endif

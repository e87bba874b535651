/*
 * probe_worker.h - private to probe*.c: a probe's worker and its steps.
 */
#ifndef STORE_PROBE_WORKER_H
#define STORE_PROBE_WORKER_H

#include "probe.h"

enum { PROBE_SEAL = 0, PROBE_IMAP, PROBE_SMTP };

/* ---- probe.c ---- */
void probe_fail(struct probe *, const char *error, const char *property, const char *description); /* frees it */
void probe_next(struct probe *);	/* the stage is done; may free it */
struct probe *probe_of_worker(const struct chan *);

/* ---- probe_worker.c ---- */
void probe_worker_peer(struct probe *, const struct chan_peer *, int fd);	/* NULL: came too late */
void probe_worker_close(struct probe *);
void probe_login_step(struct probe *, const struct msg_unit_step *);

#endif

/*
 * stream.h - private to stream*.c: a connection that a worker asked for.
 */
#ifndef MASTER_STREAM_H
#define MASTER_STREAM_H

#include "master.h"
#include "pace.h"

struct event;

struct stream {
	TAILQ_ENTRY(stream) entry;
	uint64_t ticket;	/* 0 while it waits */
	struct proc *worker, *tls;
	struct tenant *tenant;
	uint32_t unit;
	uint8_t service;
	bool watch;		/* the second connection, that only waits */
	int worker_fd;		/* -1 once handed over */
	bool up;		/* the tls-worker said that the login is done */
	bool lock_told;		/* the store knows that this one waits for the vault */
	unsigned int steps;	/* that the tls-worker told */
	int64_t since_ms;
	struct pace_wait pace;
	int64_t turn_ms;	/* when it might begin, by its host's pace; 0: not yet */
	struct event *timer;	/* it does not wait for ever */
	char code[LIM_CODE + 1], detail[LIM_DETAIL + 1];	/* of the failed step */
};

/* ---- stream_turn.c: whether and when it may begin ---- */
/* Logins of one link in a minute: a worker in a loop must not lock the account. */
bool stream_login_allowed(struct unit *);
/* A second connection, by the administrator's word for this host. */
bool stream_watch_allowed(const struct unit *);
/* Many links of one host come back at once: each in its turn, and no second
 * connection while first ones wait. True: it is not yet its turn, pace.turn or
 * its timer comes. */
bool stream_paced(struct stream *, const struct unit *);
/* It is its turn. */
void stream_turn(struct stream *);
/* It cannot begin now: another one may have its turn. */
void stream_turn_back(struct stream *);

#endif

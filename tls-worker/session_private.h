/*
 * session_private.h - one stream, between session.c (its life and events) and
 * session_login.c (from the dialed socket to the accepted credential).
 */
#ifndef TLS_WORKER_SESSION_PRIVATE_H
#define TLS_WORKER_SESSION_PRIVATE_H

#include <event2/event.h>
#include <sys/queue.h>

#include "copy.h"
#include "login.h"
#include "session.h"
#include "steps.h"

enum session_phase {
	SP_DIALING,
	SP_HANDSHAKE,
	SP_LOGIN,	/* the server's turn */
	SP_VAULT,	/* the vault's turn */
	SP_COPY
};

struct session {
	TAILQ_ENTRY(session) entry;
	uint32_t req;
	uint16_t port;
	enum service service;
	enum security security;
	enum session_phase phase;
	struct steps steps;
	int plain;
	struct link link;	/* link.ssl points back into it: a session never moves */
	struct login *login;	/* NULL once copying */
	size_t out_at;		/* bytes of login->out that are written */
	bool auth_begun;	/* the vault waits for a result */
	struct copy copy;
	struct event *link_read, *link_write, *plain_read, *plain_write, *plain_closed;
	struct event *deadline, *again;
};

extern struct session_setup session_conf;

/* Each of these may free the session: return at once. */
void session_fail(struct session *, const char *code, const char *detail);
void session_end(struct session *);
void session_copy(struct session *);		/* logged in: start copying */
void session_tls(struct session *);		/* begin or continue the handshake */
void session_login(struct session *);		/* go on until something blocks */
void session_dialed_start(struct session *);	/* the link has its socket */
void session_timeout(struct session *);		/* a step took too long */

void session_step(struct session *, enum step);	/* begin a step and its clock */
/* Watch the link for reading, or for writing. */
void session_watch(struct session *, bool readable, bool writable);

#endif

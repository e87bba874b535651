/*
 * session.h - the streams of this process: dial, TLS, login, copy. One bad
 * server ends its own session only. Each session that was opened ends with
 * exactly one stream_end; a failed one tells the failed step before.
 */
#ifndef TLS_WORKER_SESSION_H
#define TLS_WORKER_SESSION_H

#include <openssl/ssl.h>

#include "channel.h"

struct session_setup {
	SSL_CTX *tls;
	char host[LIM_HOST + 1];
	bool allow_none;	/* security none, and then only to loopback */
};

void session_setup(const struct session_setup *);
/* The process's channels; NULL when one is lost: sessions that wait for it fail. */
void session_set_dialer(struct chan *);
void session_set_vault(struct chan *);
struct chan *session_dialer(void);
struct chan *session_vault(void);

/* Takes fd over in every case. */
void session_open(const struct msg_stream_open *, int fd);
void session_dialed(const struct msg_dialed *, int *fd);	/* sets *fd = -1 when it keeps it */
void session_dial_failed(const struct msg_dial_failed *);
void session_respond(const struct msg_auth_respond *);
void session_refused(const struct msg_auth_refused *);
size_t session_count(void);
/* Called whenever a session is gone; may be NULL. */
void session_on_gone(void (*)(void));

#endif

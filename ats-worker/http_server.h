/*
 * http_server.h - HTTP/1.1 connections on the inherited listening socket.
 *
 * A connection reads one request at a time; pipelined ones wait in the input
 * buffer, which is bounded. A route looks at the head, before any body byte is
 * read, and either takes the request with http_take() or answers at once. The
 * taker answers exactly once with http_reply() or http_stream_start(), from
 * its end callback or any time later; if the client leaves before that, gone()
 * is called instead and the connection must not be used again.
 *
 * Answering before the body was read to its end closes the connection.
 */
#ifndef ATS_HTTP_SERVER_H
#define ATS_HTTP_SERVER_H

#include "http_parse.h"
#include "http_target.h"

struct evbuffer;
struct http_conn;

struct http_taker {
	void (*body)(void *ctx, struct slice piece);	/* NULL: bytes are dropped */
	void (*end)(void *ctx);				/* the request is complete */
	void (*gone)(void *ctx);			/* no answer can be given: free ctx */
};

struct http_server_limits {
	unsigned int connections;
	unsigned int idle_seconds;	/* between requests */
	unsigned int head_seconds;	/* from the first byte to the end of the head */
	unsigned int body_seconds;	/* without a byte of the body */
	unsigned int write_seconds;	/* without progress of the answer */
	size_t stream_queue;		/* bytes a slow stream reader may owe */
};

extern const struct http_server_limits http_server_defaults;

typedef void (*http_route_fn)(struct http_conn *);

/* fd: listening, taken over. Call before the sandbox. 0 or -1. */
int http_server_start(int fd, const struct http_server_limits *, http_route_fn);
/* Serve one connected descriptor, taken over; checks the peer. For tests too. */
void http_server_adopt(int fd);
void http_server_stop(void);
unsigned int http_server_count(void);

/* ---- for a route, about the present request ---- */
const struct http_head *http_conn_head(const struct http_conn *);
uint32_t http_conn_uid(const struct http_conn *);
const struct http_target *http_conn_target(const struct http_conn *);
void http_take(struct http_conn *, const struct http_taker *, void *ctx, uint64_t body_limit);

/* ---- answers ---- */
/* One more header line of the answer; value is printable ASCII (else it is
 * left out: a header is never split). Before http_reply. */
void http_reply_header(struct http_conn *, const char *name, const char *value);
/* body: taken over, NULL = empty. */
void http_reply(struct http_conn *, int status, const char *type, struct evbuffer *body);
void http_reply_text(struct http_conn *, int status, const char *type, const char *text);

/* An answer without end (event stream): the taker's gone() tells its end. */
void http_stream_start(struct http_conn *, const char *type);
/* 0; -1 when the reader is too slow and the stream is being closed: gone()
 * is called from the loop, not from here. */
int http_stream_send(struct http_conn *, struct slice);
/* End it from this side; gone() is not called. */
void http_stream_end(struct http_conn *);

#endif

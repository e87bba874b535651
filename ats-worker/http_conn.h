/*
 * http_conn.h - private to http_server.c and http_reply.c.
 */
#ifndef ATS_HTTP_CONN_H
#define ATS_HTTP_CONN_H

#include <sys/queue.h>

#include "http_server.h"

struct bufferevent;
struct event;

enum conn_state {
	CONN_READING,	/* a request, or waiting for one */
	CONN_PENDING,	/* read; the taker works */
	CONN_WRITING,	/* the answer leaves */
	CONN_STREAM,
	CONN_LINGER	/* answered early: drop input until the client closes */
};

struct http_conn {
	LIST_ENTRY(http_conn) entry;
	struct bufferevent *bev;
	struct event *timer;
	enum conn_state state;
	bool allowed;		/* peer credentials */
	uint32_t uid;		/* of the peer */
	bool close_after;	/* no further request */
	bool complete;		/* the request was read to its end */
	bool half_closed;	/* the client sends no more */
	bool chunked;		/* framing of the stream */
	const struct http_taker *taker;
	void *ctx;
	struct http_target target;
	struct evbuffer *headers;	/* of the answer */
	struct http_parser parser;
};

/* Arm the connection's one timer; 0 stops it. */
void conn_deadline(struct http_conn *, unsigned int seconds);
extern struct http_server_limits http_limits;

#endif

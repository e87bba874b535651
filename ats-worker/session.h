/*
 * session.h - the Session object of RFC 8620 s. 2.
 */
#ifndef ATS_SESSION_H
#define ATS_SESSION_H

#include "http_server.h"

struct json_t;

/* "http://host": from Host, checked against [A-Za-z0-9.:-], and
 * X-Forwarded-Proto; http://localhost when there is none that is usable. */
void session_origin(const struct http_head *, char *out, size_t size);

/* The whole object, of the accounts as known now; NULL without memory. */
struct json_t *session_json(const char *origin);

/* Answer GET of the Session: waits until the accounts are fresh. */
void session_route(struct http_conn *);

#endif

/*
 * reply_json.h - JSON answers over HTTP.
 */
#ifndef ATS_REPLY_JSON_H
#define ATS_REPLY_JSON_H

#include <jansson.h>

#include "http_server.h"

/* Steals value; NULL is answered with 500. */
void reply_json(struct http_conn *, int status, json_t *value);
/* A problem document (RFC 7807); steals value. */
void reply_problem_json(struct http_conn *, int status, json_t *value);
void reply_problem(struct http_conn *, int status, const char *type, const char *detail);

#endif

/*
 * http_head.h - the head of a request, once all its bytes are there.
 */
#ifndef ATS_HTTP_HEAD_H
#define ATS_HTTP_HEAD_H

#include "http_parse.h"

/* raw: request line and header lines, without the final empty line. Slices of
 * head point into raw. 0, or the status to refuse with. */
int http_head_parse(struct slice raw, struct http_head *head);

#endif

/*
 * http_target.h - the target of a request: path segments and query values.
 */
#ifndef ATS_HTTP_TARGET_H
#define ATS_HTTP_TARGET_H

#include "wire.h"

#define HTTP_SEGMENTS_MAX 8
#define HTTP_QUERY_MAX 8
#define HTTP_DECODED_MAX 2048	/* all decoded text of one target */

struct http_query_item {
	const char *name, *value;
};

struct http_target {
	const char *segments[HTTP_SEGMENTS_MAX];	/* "/a/b/" = "a", "b", "" */
	size_t nsegments;
	struct http_query_item query[HTTP_QUERY_MAX];
	size_t nquery;
	size_t used;
	char text[HTTP_DECODED_MAX];
};

/* Percent-decodes each segment and value. 0; -1 when it is malformed, holds
 * NUL or a control character, or exceeds a limit. */
int http_target_parse(struct http_target *, struct slice target);

/* The first value of that name, NULL when absent. */
const char *http_target_query(const struct http_target *, const char *name);

#endif

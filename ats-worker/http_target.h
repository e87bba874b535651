/*
 * http_target.h - the target of a request: path segments and query values.
 */
#ifndef ATS_HTTP_TARGET_H
#define ATS_HTTP_TARGET_H

#include "limits.h"
#include "wire.h"

struct http_query_item {
	const char *name, *value;
};

struct http_target {
	const char *segments[LIM_HTTP_SEGMENTS];	/* "/a/b/" = "a", "b", "" */
	size_t nsegments;
	struct http_query_item query[LIM_HTTP_QUERY];
	size_t nquery;
	size_t used;
	char text[LIM_HTTP_DECODED];
};

/* Percent-decodes each segment and value. 0; -1 when it is malformed, holds
 * NUL or a control character, or exceeds a limit. */
int http_target_parse(struct http_target *, struct slice target);

/* The first value of that name, NULL when absent. */
const char *http_target_query(const struct http_target *, const char *name);

#endif

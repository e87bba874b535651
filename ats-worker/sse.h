/*
 * sse.h - the arguments of an event stream and its events as text
 * (RFC 8620 s. 7.3). Pure.
 */
#ifndef ATS_SSE_H
#define ATS_SSE_H

#include <stdbool.h>
#include <stdint.h>

#include "http_target.h"

struct sse_args {
	uint32_t types;		/* bit per enum obj_type */
	bool close_after_state;
	unsigned int ping;	/* seconds, 0 = none */
};

/* 0, or -1 when an argument is malformed. Absent ones: every type, no close,
 * no ping. Unknown type names are ignored. */
int sse_args_read(const struct http_target *, struct sse_args *);

/* "event: name\ndata: text\n\n" into w; text must be one line. */
void sse_event(struct wbuf *w, const char *name, const char *text);

/* The JMAP name of a type, NULL for a number that is none. */
const char *sse_type_name(unsigned int type);

#endif

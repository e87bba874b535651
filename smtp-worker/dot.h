/*
 * dot.h - a message as it goes over the wire after DATA: every line ends with
 * CRLF (a bare CR or LF becomes one, so nothing in it can end the message),
 * leading dots are doubled (RFC 5321 s. 4.5.2). The final dot is not part.
 */
#ifndef SMTP_WORKER_DOT_H
#define SMTP_WORKER_DOT_H

#include "wire.h"

struct dot {
	struct slice left;
	bool in_line;	/* the line under way has bytes already */
	bool ended;	/* the last line's end is written */
};

void dot_init(struct dot *, struct slice message);
/* The next bytes, at most size (8 or more); 0 = all is written. */
size_t dot_next(struct dot *, uint8_t *out, size_t size);
/* Size with CRLF ends and without the doubled dots: RFC 1870 s. 6.1. */
uint64_t dot_size(struct slice message);
bool dot_has_8bit(struct slice message);

#endif

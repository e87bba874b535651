/*
 * reply.h - SMTP replies (RFC 5321 s. 4.2), line by line, with bounds on the
 * length of a line, the lines of a reply and the text that is kept.
 */
#ifndef SMTP_WORKER_REPLY_H
#define SMTP_WORKER_REPLY_H

#include "limits.h"
#include "wire.h"

enum reply_event {
	REPLY_MORE,	/* all bytes taken, nothing complete */
	REPLY_PART,	/* a line of a reply that goes on: reply.line */
	REPLY_WHOLE,	/* the last line: code, text and line are valid */
	REPLY_BROKEN	/* not SMTP, or over a bound; stays so */
};

struct reply {
	unsigned int code;		/* 200 to 599 */
	char text[LIM_DETAIL + 1];	/* the lines joined by spaces, odd bytes as '?' */
	size_t text_n;
	struct slice line;		/* without the code; valid until the next call */

	uint8_t buf[LIM_REPLY_LINE];	/* private */
	size_t buf_n;
	unsigned int lines;
	bool fresh, broken;
};

void reply_init(struct reply *);
/* Takes bytes from *in up to the end of one line. */
enum reply_event reply_read(struct reply *, struct slice *in);

#endif

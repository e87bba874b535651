/*
 * classify.h - whether a human wrote a message, from its header: RFC 3834,
 * RFC 3464, RFC 2919 and what mailers do without a standard.
 */
#ifndef MIME_CLASSIFY_H
#define MIME_CLASSIFY_H

#include "enums.h"
#include "header.h"

/* The fields it looks at, for header_find: one pass finds them with all others. */
#define CLASSIFY_WANTS 11
void classify_wants(struct header_want[CLASSIFY_WANTS]);

/* What parse_header found already. Borrowed. */
struct classify_input {
	const struct header_want *want;	/* those of classify_wants */
	struct slice subject;	/* decoded */
	struct slice from;	/* list of rec address */
	bool is_reply;		/* In-Reply-To or References is there */
};

/* Appends the reasons, short words of ours, as list items. */
enum mail_kind classify(struct wbuf *reasons, const struct classify_input *);

#endif

/*
 * classify.h - whether a human wrote a message, from its header: RFC 3834,
 * RFC 3464, RFC 2919 and what mailers do without a standard.
 */
#ifndef MIME_CLASSIFY_H
#define MIME_CLASSIFY_H

#include "enums.h"
#include "wire.h"

/* What parse_header found already. Borrowed. */
struct classify_input {
	struct slice header;	/* raw fields */
	struct slice subject;	/* decoded */
	struct slice from;	/* list of rec address */
	bool is_reply;		/* In-Reply-To or References is there */
};

/* Appends the reasons, short words of ours, as list items. */
enum mail_kind classify(struct wbuf *reasons, const struct classify_input *);

#endif

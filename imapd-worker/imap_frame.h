/*
 * imap_frame.h - cut the server's bytes into whole responses.
 *
 * A response is a line, continued after each literal (RFC 3501 s. 4.3). The
 * framer collects it in one bounded buffer; a literal over inline_max goes to
 * a memfd instead, so that a message is never held in this process's heap.
 * The cut does not depend on how the bytes arrive.
 */
#ifndef IMAPD_IMAP_FRAME_H
#define IMAPD_IMAP_FRAME_H

#include "wire.h"

struct imap_limits {
	size_t text;		/* one response, small literals included */
	size_t inline_max;	/* a larger literal goes to the memfd */
	size_t literal_max;	/* a larger one is refused */
};

extern const struct imap_limits imap_limits_default;

enum imap_frame_status { IMAP_FRAME_MORE, IMAP_FRAME_DONE, IMAP_FRAME_BAD };

struct imap_frame {
	const struct imap_limits *limits;
	struct wbuf text;	/* on DONE: the response without its final CRLF */
	size_t left;		/* bytes of the current literal still to come */
	bool to_spill;
	int spill_fd;
	size_t spill_size;
	const char *error;	/* on BAD: why, static */
};

void imap_frame_init(struct imap_frame *, const struct imap_limits *);
void imap_frame_free(struct imap_frame *);
/* Consume at most n bytes, never beyond the end of one response. After DONE
 * call imap_frame_next before the next byte; after BAD only imap_frame_free. */
enum imap_frame_status imap_frame_feed(struct imap_frame *, const uint8_t *, size_t n, size_t *used);
void imap_frame_next(struct imap_frame *);
/* Bytes of the big literal that this response has, come or not; 0: it has none. */
size_t imap_frame_coming(const struct imap_frame *);
/* The big literal of this response, sealed for body_open (body.h); the caller
 * owns the descriptor. -1: there is none, or it cannot be sealed. */
int imap_frame_take(struct imap_frame *);

#endif

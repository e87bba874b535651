/*
 * header.h - the raw header block of a message or part: fields, unfolding.
 * RFC 5322 s. 2.2; bytes are looked at, never changed. Line ends are CRLF or LF.
 */
#ifndef MIME_HEADER_H
#define MIME_HEADER_H

#include "wire.h"

struct header_field {
	struct slice name;	/* without white space before the colon */
	struct slice value;	/* raw: after the colon, up to the last line end, folds included */
	struct slice whole;	/* with its line end */
};

/* The length of the line at the start, its end included. */
size_t header_line(struct slice);
/* Whether a line (end included) is empty. */
bool header_line_empty(struct slice line);
/* Whether a line begins a field: name, optional white space, colon. */
bool header_line_is_field(struct slice line);
/* Whether a header can begin with this line: a field, or "From " of mbox. */
bool header_line_begins(struct slice line);

/*
 * Splits a message or part: *header = its fields, *body = what follows the
 * empty line. A first line that is no field (and no "From " of mbox) means
 * that there is no header at all.
 */
void header_split(struct slice message, struct slice *header, struct slice *body);

/* The next field of *rest; lines that are no field are stepped over. false at the end. */
bool header_next(struct slice *rest, struct header_field *);

/* Finds fields by name in one pass over at most LIM_HEADER_FIELDS fields; at most
 * HEADER_WANTS of them. */
#define HEADER_WANTS 32
struct header_want {
	const char *name;
	bool last;		/* the last one counts (RFC 8621 s. 4.1.3), else the first */
	bool found;
	struct slice value;
};
void header_find(struct slice header, struct header_want *, size_t n);

/*
 * Append the value unfolded and as valid UTF-8 (utf8_clean), without white
 * space at its ends; at most LIM_HEADER_VALUE bytes of it.
 */
void header_unfold(struct wbuf *out, struct slice value);

#endif

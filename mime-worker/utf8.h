/*
 * utf8.h - every string that leaves this process is valid UTF-8 without NUL
 * bytes and within its limit. RFC 3629; RFC 8621 s. 4.1.2.1 for what happens
 * to bytes that are not: U+FFFD for a broken run, nothing for a NUL.
 */
#ifndef MIME_UTF8_H
#define MIME_UTF8_H

#include "wire.h"

/* Length of the valid character at the start of s: 1-4, or 0 when there is none. */
size_t utf8_char(struct slice s);
bool utf8_valid(struct slice);	/* NUL bytes count as broken */
/* Append *s, cleaned; never more than max bytes in all in *out, cut between
 * characters. *s keeps what found no room. Returns the number of places that
 * were not valid. */
size_t utf8_clean(struct wbuf *out, struct slice *s, size_t max);
/* The longest prefix of at most max bytes that ends between characters. */
struct slice utf8_cut(struct slice, size_t max);
/* As utf8_cut, by characters. */
struct slice utf8_cut_chars(struct slice, size_t chars);

/*
 * One line for display: control characters and runs of white space become one
 * space, none at the ends. In place, of a cleaned buffer from offset start on.
 */
void utf8_one_line(struct wbuf *, size_t start);

#endif

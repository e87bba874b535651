/*
 * rfc2047.h - encoded words in header text, both ways. Linear in the input.
 */
#ifndef MIME_RFC2047_H
#define MIME_RFC2047_H

#include "wire.h"

/*
 * Append the text with its encoded words decoded, at most max bytes in all in
 * *out. in: unfolded, valid UTF-8. Lenient as mail needs it: words inside other
 * words, white space in them, characters split over neighbours. The result is
 * clean UTF-8 but may hold control characters: see utf8_one_line.
 */
void rfc2047_decode(struct wbuf *out, struct slice in, size_t max);

/*
 * Append text as encoded words of at most 75 characters (UTF-8, Q or B), with
 * CRLF SP between them; *column is where the line stands, kept up to date.
 * Never splits a character. Text must be valid UTF-8.
 */
void rfc2047_encode(struct wbuf *out, struct slice text, size_t *column);
/* Whether text cannot stand in a header as it is: 8-bit or control bytes,
 * something that reads as an encoded word, or a word too long for a line. */
bool rfc2047_needed(struct slice text);

#endif

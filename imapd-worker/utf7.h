/*
 * utf7.h - modified UTF-7 of mailbox names, RFC 3501 s. 5.1.3.
 */
#ifndef IMAPD_UTF7_H
#define IMAPD_UTF7_H

#include "wire.h"

/* Append the UTF-8 form to out. -1: not well-formed (8-bit bytes, a bad or
 * unfinished shift, half a surrogate pair) or out is full. */
int utf7_decode(struct slice, struct wbuf *out);
/* Append the modified UTF-7 form of UTF-8 to out. -1: not UTF-8, or full. */
int utf7_encode(struct slice, struct wbuf *out);
/* Well-formed UTF-8 without control characters. */
bool utf8_clean(struct slice);
/* Is it UTF-8, and more than ASCII? */
bool utf8_beyond_ascii(struct slice);

#endif

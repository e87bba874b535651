/*
 * charset.h - bytes in a named charset to UTF-8.
 *
 * The descriptors are opened by charset_warm() before the sandbox and kept:
 * later iconv could not load its modules. A charset outside the table is
 * unknown for good. ISO-8859-1 and US-ASCII are read as the WHATWG Encoding
 * Standard does (windows-1252): that is what their senders mean.
 */
#ifndef MIME_CHARSET_H
#define MIME_CHARSET_H

#include "wire.h"

#define CHARSET_PROBLEM 1u	/* unknown name, or bytes that are not of it */
#define CHARSET_CUT 2u		/* max was reached, bytes are missing at the end */

/* Opens what the system has; what it lacks is unknown later. */
void charset_warm(void);

/*
 * Append in, decoded, to *out until that holds max bytes, cut between
 * characters. name empty = US-ASCII, and UTF-8 is tried first for 8-bit bytes.
 * NUL characters are dropped. Returns CHARSET_* flags.
 */
unsigned int charset_decode(struct wbuf *out, struct slice name, struct slice in, size_t max);

#endif

/*
 * content.h - transfer encodings of a part's body, RFC 2045 s. 6.
 */
#ifndef MIME_CONTENT_H
#define MIME_CONTENT_H

#include "structure.h"

/*
 * Append the decoded body to *out; stops once out holds at least max bytes.
 * Broken places are read as well as they can be; an unknown encoding as none.
 * Returns false when *out has failed (its bound or memory).
 */
bool content_decode(struct wbuf *out, const struct mime_part *, size_t max);
/* The size of the whole decoded body; decodes it without keeping it. */
size_t content_size(const struct mime_part *);

#endif

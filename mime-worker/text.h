/*
 * text.h - text parts as UTF-8, and what is made of them: preview, note text.
 */
#ifndef MIME_TEXT_H
#define MIME_TEXT_H

#include "structure.h"

/*
 * Append the text of a part: decoded, UTF-8, CRLF as LF, NUL characters
 * dropped, at most max bytes in all in *out. Returns BLOB_TRUNCATED and
 * BLOB_ENCODING_PROBLEM as they apply (RFC 8621 s. 4.1.4, EmailBodyValue).
 * *size, if not NULL: as content_size.
 */
unsigned int text_part(struct wbuf *out, const struct mime_part *, size_t max, size_t *size);

/* The message's body as plain text: the parts of textBody one after another,
 * HTML converted; at most LIM_NOTE_TEXT bytes. Parts are flagged (parts.h). */
void text_note(struct wbuf *out, const struct mime_tree *);
/* At most 256 characters of it on one line, without quoted lines if others are there. */
void text_preview(struct wbuf *out, struct slice note);

#endif

/*
 * strip.h - what must not leave with a message: Bcc and Resent-Bcc.
 */
#ifndef MIME_STRIP_H
#define MIME_STRIP_H

#include "wire.h"

/*
 * Append the raw message without those fields, their folded lines included;
 * every other byte is as it was. Fields are looked for in all lines before the
 * first empty one, even if those before them are no header at all.
 */
void strip_bcc(struct wbuf *out, struct slice message);

#endif

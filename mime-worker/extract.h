/*
 * extract.h - the content of one part, as a download.
 */
#ifndef MIME_EXTRACT_H
#define MIME_EXTRACT_H

#include "wire.h"

/*
 * Append the decoded bytes of the part with this id (of rec part); an attached
 * message comes raw. Returns NULL, or the error code "blobNotFound" or
 * "tooLarge" (over LIM_BODY).
 */
const char *extract_part(struct wbuf *out, struct slice message, struct slice part_id);

#endif

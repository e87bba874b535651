/*
 * compose_part.h - one part's header and content as it is sent.
 */
#ifndef MIME_COMPOSE_PART_H
#define MIME_COMPOSE_PART_H

#include "messages.h"

/*
 * Content-* fields, the empty line, the content of a leaf. data: the blob's
 * bytes, or the draft's text when is_text. NULL or an error code of compose.h.
 */
const char *compose_leaf(struct wbuf *out, const struct rec_draft_part *, struct slice data, bool is_text);
/* The same for a multipart, up to the empty line. */
const char *compose_multipart(struct wbuf *out, const struct rec_draft_part *, const char *boundary);
bool compose_type_valid(struct slice type);

#endif

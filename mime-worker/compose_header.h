/*
 * compose_header.h - header fields of a message that is written.
 */
#ifndef MIME_COMPOSE_HEADER_H
#define MIME_COMPOSE_HEADER_H

#include "messages.h"

/* All fields of the draft up to MIME-Version. NULL or an error code of compose.h. */
const char *compose_header(struct wbuf *out, const struct rec_draft *);

/* name="value", or name*=utf-8''... when it is not plain ASCII (RFC 2231 s. 4). */
void compose_parameter(struct wbuf *out, const char *name, struct slice value);
/* A message or content id: something, and nothing that ends the brackets. */
bool compose_id_valid(struct slice);

#endif

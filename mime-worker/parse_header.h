/*
 * parse_header.h - the header of a message as a rec header.
 */
#ifndef MIME_PARSE_HEADER_H
#define MIME_PARSE_HEADER_H

#include "limits.h"
#include "wire.h"

/*
 * header: the raw fields (header_split). Appends the encoded rec header, at
 * most LIM_HEADER_RECORD bytes. Missing or unreadable fields are empty or 0.
 * Of several fields of one name the last counts (RFC 8621 s. 4.1.3).
 * The digest covers the fields without the last line end, so that it is the
 * same for BODY[HEADER] and for the whole message.
 */
void parse_header(struct wbuf *out, struct slice header);

#endif

/*
 * part_header.h - what the header of one part says about it: type,
 * disposition, encoding, id. RFC 2045, 2183, 2231; RFC 8621 s. 4.1.4.
 */
#ifndef MIME_PART_HEADER_H
#define MIME_PART_HEADER_H

#include "structure.h"

/*
 * Fills type, charset, disposition, name, cid, encoding, multipart and digest
 * from part->header. boundary: of a multipart, at most LIM_BOUNDARY bytes, else
 * empty; malloc'd, the caller's. in_digest: what is not said is message/rfc822.
 */
void part_header_parse(struct mime_part *, bool in_digest, char **boundary);
/* The part is this type after all; what the header said about it is dropped. */
void part_header_override(struct mime_part *, const char *type);
void part_header_free(struct mime_part *);

#endif

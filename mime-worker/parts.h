/*
 * parts.h - where each part of a message belongs: textBody, htmlBody,
 * attachments (RFC 8621 s. 4.1.4), and which attachments are documents.
 */
#ifndef MIME_PARTS_H
#define MIME_PARTS_H

#include "structure.h"

/* Sets flags (PART_*) of every part. */
void parts_flag(struct mime_tree *);
/* RFC 8621 s. 4.1.4 hasAttachment: something to offer as a download. */
bool parts_has_attachment(const struct mime_tree *);

#endif

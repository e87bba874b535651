/*
 * email_parts.h - the body of a new Email (RFC 8621 s. 4.6) into the parts of
 * a rec draft: bodyStructure as it is, or a structure made of textBody,
 * htmlBody and attachments.
 */
#ifndef ATS_EMAIL_PARTS_H
#define ATS_EMAIL_PARTS_H

#include "json_util.h"
#include "messages.h"

struct email_parts {
	struct wbuf parts;		/* as rec draft.parts */
	json_t *blobs;			/* blob ids that are referred to */
	const char *property;		/* of a problem */
	const char *description;
	size_t count;
	json_t *values;			/* bodyValues, borrowed */
};

/* 0, or -1 with property and description set. Release with email_parts_free
 * in both cases. */
int email_parts_read(struct email_parts *, json_t *object);
void email_parts_free(struct email_parts *);

#endif

/*
 * email_header.h - header fields of an Email as JSON (RFC 8621 s. 4.1.2, 4.1.3).
 */
#ifndef ATS_EMAIL_HEADER_H
#define ATS_EMAIL_HEADER_H

#include "jmap_type.h"

struct email_field {
	const char *property;	/* the convenience property, e.g. "replyTo" */
	const char *field;	/* the field's name, e.g. "Reply-To" */
	const char *form;	/* the only form it is offered in, e.g. "asAddresses" */
	json_t *(*render)(const struct rec_header *);
};

/* Ends with a NULL property. */
extern const struct email_field email_fields[];

/* "header:Reply-To:asAddresses", any case of the field's name: the row, or
 * NULL when the field or the form is not offered. */
const struct email_field *email_field_find(const char *property);

#endif

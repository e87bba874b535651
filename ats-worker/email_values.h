/*
 * email_values.h - bodyValues of Email/get: the decoded texts, fetched from
 * the store part by part after the rows are rendered.
 */
#ifndef ATS_EMAIL_VALUES_H
#define ATS_EMAIL_VALUES_H

#include "jmap_type.h"

struct email_options {
	bool text, html, all;		/* fetch...BodyValues */
	uint64_t max;			/* maxBodyValueBytes, 0 = no limit */
	json_t *body_names;		/* bodyProperties, borrowed; NULL = default */
};

/* Fill in what get->options ask for, then jmap_get_reply(). */
void email_values_fetch(struct jmap_call *, struct jmap_get *);

#endif

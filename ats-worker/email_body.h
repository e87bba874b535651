/*
 * email_body.h - the body of an Email as JSON (RFC 8621 s. 4.1.4), from the
 * stored parts: a pre-order list with depths, flagged where each belongs.
 */
#ifndef ATS_EMAIL_BODY_H
#define ATS_EMAIL_BODY_H

#include "json_util.h"
#include "messages.h"

/* names: of EmailBodyPart properties; NULL = the default ones. */
/* The tree, or null when no parts are stored. */
json_t *email_body_structure(uint64_t email, struct slice parts, json_t *names);
/* Those with one of the PART_* flags, in order. */
json_t *email_body_list(uint64_t email, struct slice parts, unsigned int flag, json_t *names);
/* Are all of them properties of EmailBodyPart that we offer? */
bool email_body_names_ok(json_t *names);

/* Cut a text to at most max bytes (0 = no limit), never inside a character,
 * and not inside a tag of html. True when it was cut. */
bool email_body_truncate(struct slice *text, uint64_t max, bool html);

#endif

/*
 * email_note.h - what an email gives to its note: the plain text and the parts.
 *
 * The text is kept for emails whose note is filed later. Most often it is one of the
 * texts that are stored anyway; only when it is not, it has a row of its own.
 */
#ifndef STORE_EMAIL_NOTE_H
#define STORE_EMAIL_NOTE_H

#include "table.h"

/* Keep it; the texts are put by text_put. */
void email_note_put(uint32_t account, uint64_t email, const struct rec_parsed *);
/* Append it; nothing when the content of this email is not here. */
void email_note_get(uint32_t account, uint64_t email, struct wbuf *);
/* Append its parts: a list of rec part. */
void email_parts_get(uint32_t account, uint64_t email, struct wbuf *);
/* For the check of the database: is it where it should be? */
bool email_note_there(uint32_t account, uint64_t email);

#endif

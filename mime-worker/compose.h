/*
 * compose.h - a rec draft as an RFC 5322 message, CRLF line ends.
 *
 * Nothing in a draft can add a header field or end the header: text is put on
 * one line and encoded (RFC 2047, 2231), ids and addresses that could break
 * out are refused. Needs no 8BITMIME unless a message that needs it is attached.
 */
#ifndef MIME_COMPOSE_H
#define MIME_COMPOSE_H

#include "messages.h"

/* The bytes of a blob that a draft_part names, borrowed; false: not there. */
typedef bool (*compose_blob_fn)(void *ctx, const struct rec_draft_part *, struct slice *data);

/*
 * Append the message. draft: an encoded rec draft. Returns NULL or an error
 * code: "invalidDraft" (not decodable, impossible date), "invalidAddress",
 * "invalidHeader", "invalidPart", "blobNotFound", "tooLarge" (over LIM_BODY;
 * set out->max to it).
 */
const char *compose_message(struct wbuf *out, struct slice draft, compose_blob_fn, void *ctx);

#endif

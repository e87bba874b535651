/*
 * attach.h - blobs that arrived for a composition (message attach).
 */
#ifndef MIME_ATTACH_H
#define MIME_ATTACH_H

#include "messages.h"

struct attachments;

struct attachments *attachments_new(void);	/* NULL: no memory */
void attachments_free(struct attachments *);
/*
 * Keep one, at most LIM_PARTS of together LIM_BODY bytes; more marks the
 * request as overflown. An attachment of another request than the last one
 * replaces all: a composition is complete before the next begins. Takes *fd
 * over. 0, or -1 when the body is not as body.h says.
 */
int attachments_add(struct attachments *, const struct msg_attach *, int *fd);
bool attachments_overflow(const struct attachments *, uint32_t req);
void attachments_clear(struct attachments *);
/* A compose_blob_fn; ctx is the struct attachments. A store that numbers its
 * attachments leaves kind and part empty: then the number alone counts. */
bool attachments_find(void *ctx, const struct rec_draft_part *, struct slice *data);

#endif

/*
 * email_create.c - Email/set create: a draft for the store to compose.
 */
#include <string.h>

#include "email_draft.h"
#include "email_maps.h"
#include "email_parts.h"
#include "email_set.h"
#include "jmap_date.h"

struct draft_request {
	struct msg_email_create m;
	struct rec_draft draft;
	struct wbuf keywords, mailboxes, encoded;
};

/* mailboxIds, keywords, receivedAt. NULL = good, else the property. */
static const char *
read_place(const struct jmap_call *call, json_t *object, struct draft_request *q)
{
	json_t *received = json_object_get(object, "receivedAt");

	if (email_mailboxes_read(call, json_object_get(object, "mailboxIds"), &q->mailboxes) != NULL)
		return "mailboxIds";
	if (email_keywords_read(json_object_get(object, "keywords"), &q->keywords) != NULL)
		return "keywords";
	if (received != NULL && !json_is_null(received) &&
	    (!json_is_string(received) ||
		jmap_date_parse(json_string_value(received), true, &q->m.received_at) == -1))
		return "receivedAt";
	return NULL;
}

static void
note_blobs(struct jmap_set *set, json_t *blobs)
{
	json_t *id;
	size_t i;

	json_array_foreach(blobs, i, id)
		jmap_set_note_blob(set, json_string_value(id));
}

/* A blob id that cannot be one of ours is not found, too. */
static void
blob_not_found(struct jmap_set *set, json_t *blobs)
{
	json_t *error = jmap_set_error("blobNotFound", NULL), *missing = json_array(), *id;
	struct jmap_blob blob;
	size_t i;

	json_array_foreach(blobs, i, id)
		if (jmap_blob_parse(json_string_value(id), &blob) == -1)
			ju_push(missing, json_incref(id));
	ju_set(error, "notFound", missing);
	jmap_set_fail(set, error);
}

static void
send_draft(struct jmap_set *set, struct draft_request *q)
{
	int fd;

	wbuf_init(&q->encoded, LIM_BODY);
	rec_draft_encode(&q->encoded, &q->draft);
	q->m.account = jmap_set_call(set)->account;
	q->m.keywords = wbuf_slice(&q->keywords);
	q->m.mailboxes = wbuf_slice(&q->mailboxes);
	if (q->encoded.failed || (fd = body_put(wbuf_slice(&q->encoded), &q->m.draft)) == -2)
		jmap_set_fail_type(set, "tooLarge", NULL);
	else
		jmap_set_ask(set, MSG_email_create, &q->m, fd);
	wbuf_free(&q->encoded);
}

static void
create_with_body(struct jmap_set *set, json_t *object, struct draft_request *q)
{
	struct email_parts parts;

	if (email_parts_read(&parts, object) == 0) {
		q->draft.parts = wbuf_slice(&parts.parts);
		note_blobs(set, parts.blobs);
		send_draft(set, q);
	} else if (strcmp(parts.property, "blobId") == 0 && parts.description == NULL)
		blob_not_found(set, parts.blobs);
	else
		jmap_set_bad_property(set, parts.property, parts.description);
	email_parts_free(&parts);
}

void
email_create(struct jmap_set *set, json_t *object)
{
	struct jmap_call *call = jmap_set_call(set);
	struct draft_request q = { .keywords = { .max = LIM_KEYWORDS }, .mailboxes = { .max = 64 * 8 } };
	const char *bad = read_place(call, object, &q);

	if (bad == NULL)
		bad = email_draft_read(&call->arena, object, &q.draft);
	if (bad != NULL)
		jmap_set_bad_property(set, bad, NULL);
	else
		create_with_body(set, object, &q);
	wbuf_free(&q.keywords);
	wbuf_free(&q.mailboxes);
}

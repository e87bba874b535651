#include "attach.h"

#include <stdlib.h>

#include "body.h"

struct attachment {
	uint8_t kind;
	uint64_t blob;
	char part[65];
	struct body body;
};

struct attachments {
	struct attachment item[LIM_PARTS];
	size_t n, bytes;
	uint32_t req;
	bool overflow;
};

struct attachments *
attachments_new(void)
{
	return calloc(1, sizeof(struct attachments));
}

void
attachments_clear(struct attachments *a)
{
	for (size_t i = 0; i < a->n; i++)
		body_close(&a->item[i].body);
	a->n = a->bytes = 0;
	a->overflow = false;
}

void
attachments_free(struct attachments *a)
{
	if (a != NULL)
		attachments_clear(a);
	free(a);
}

int
attachments_add(struct attachments *a, const struct msg_attach *m, int *fd)
{
	struct attachment *item;
	struct body body;

	if (m->req != a->req)
		attachments_clear(a);
	a->req = m->req;
	if (body_keep(&body, m->data, fd) == -1)
		return -1;
	if (a->n == LIM_PARTS || body.data.n > LIM_BODY - a->bytes) {
		a->overflow = true;
		body_close(&body);
		return 0;
	}
	item = &a->item[a->n++];
	*item = (struct attachment){ .kind = m->kind, .blob = m->blob, .body = body };
	(void)slice_copy(m->part, item->part, sizeof(item->part));	/* its row limits it to 64 */
	a->bytes += body.data.n;
	return 0;
}

bool
attachments_overflow(const struct attachments *a, uint32_t req)
{
	return a->overflow && a->req == req;
}

bool
attachments_find(void *ctx, const struct rec_draft_part *p, struct slice *data)
{
	struct attachments *a = ctx;

	for (size_t i = 0; i < a->n; i++) {
		const struct attachment *item = &a->item[i];

		if (item->blob != p->blob || (item->kind != 0 && item->kind != p->blob_kind) ||
		    (item->kind != 0 && !slice_eq_str(p->blob_part, item->part)))
			continue;
		*data = item->body.data;
		return true;
	}
	return false;
}

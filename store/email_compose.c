/*
 * email_compose.c - Email/set create: a draft becomes a message.
 *
 * Attachments that are parts of other messages are extracted one after the
 * other; then a mime-worker composes, another reads the result back as it would
 * any mail, and the email is stored with an append to the server pending. All
 * attachments go to the composer under running numbers.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "blob.h"
#include "changes.h"
#include "email.h"
#include "ingest.h"
#include "journal.h"
#include "log.h"
#include "mailbox.h"
#include "mime_pool.h"
#include "quota.h"
#include "seam.h"
#include "submit_copy.h"
#include "table_index.h"
#include "thread.h"

#define ATTACHED_MAX LIM_BODY	/* bytes of all attachments of one draft */

struct creation {
	LIST_ENTRY(creation) entry;
	struct asker asker;
	uint32_t account;
	uint64_t received_at;
	struct keywords keywords;
	struct wbuf mailboxes;
	struct wbuf parts;	/* of the draft, renumbered */
	struct body draft;	/* as the ATS sent it */
	struct slice todo;	/* of draft.parts, not yet taken */
	uint64_t number;	/* of the last attachment */
	size_t attached;
	struct wbuf current;	/* the part being extracted, encoded */
	struct mime_job *compose, *extract;
};

static LIST_HEAD(, creation) creations = LIST_HEAD_INITIALIZER(creations);
static unsigned int ncreations;

static void next_part(struct creation *);

static void
creation_free(struct creation *c)
{
	LIST_REMOVE(c, entry);
	ncreations--;
	mime_cancel(c->compose);
	mime_cancel(c->extract);
	wbuf_free(&c->mailboxes);
	wbuf_free(&c->parts);
	wbuf_free(&c->current);
	body_close(&c->draft);
	free(c);
}

static void
fail(struct creation *c, const char *error, const char *property, const char *why)
{
	out_set_error(c->asker, error, property, why);
	creation_free(c);
}

void
email_compose_forget(const struct chan *chan)
{
	struct creation *c;

	LIST_FOREACH(c, &creations, entry)
		if (c->asker.chan == chan)
			c->asker.chan = NULL;
}

/* ---- the stored email ---- */

/* First folder by append, the others by copying that. */
static void
place(struct email *e, const struct creation *c)
{
	bool local = email_is_local(c->account);
	struct slice boxes = wbuf_slice(&c->mailboxes);

	for (size_t i = 0; i < ids_count(boxes); i++) {
		struct rec_pending p = { .account = c->account, .email = e->id, .created_at = store_now(),
			.kind = i == 0 ? OP_APPEND : OP_COPY };

		if (local) {
			email_copy_set(e, ids_at(boxes, i), 0, 0);
			continue;
		}
		p.mailbox = i == 0 ? ids_at(boxes, i) : 0;
		p.target = i == 0 ? 0 : ids_at(boxes, i);
		(void)journal_add(&p);
	}
}

static void
store_email(struct creation *c, struct slice raw, const struct rec_parsed *p)
{
	uint64_t old = changes_state(c->account, OBJ_EMAIL);
	struct rec_header h;
	struct email e;

	if (rec_header_decode(p->header, &h) == -1) {
		out_set_error(c->asker, "serverFail", "", "");
		return;
	}
	email_new(&e, c->account);
	e.rec.thread = thread_find(c->account, &h, SLICE_NONE, 0);
	e.rec.size = (uint32_t)raw.n;
	e.rec.received_at = c->received_at;
	e.keywords = c->keywords;
	ingest_content(&e, raw, p);
	place(&e, c);
	(void)email_project(&e);
	email_save(&e);
	out_set_done(c->asker, c->account, OBJ_EMAIL, old,
	    (struct msg_set_done){ .id = e.id, .blob = e.rec.blob, .thread = e.rec.thread, .size = raw.n });
	email_free(&e);
}

static void
on_read_back(void *ctx, const struct mime_result *res)
{
	struct creation *c = ctx;
	struct rec_parsed p;

	c->compose = NULL;
	if (res->error != NULL || rec_parsed_decode(res->data, &p) == -1) {
		fail(c, "serverFail", "", "the composed message cannot be read");
		return;
	}
	store_email(c, res->source, &p);
	creation_free(c);
}

static void
on_composed(void *ctx, const struct mime_result *res)
{
	struct creation *c = ctx;
	struct body raw;

	c->compose = NULL;
	if (res->error != NULL) {
		fail(c, strcmp(res->error, "blobNotFound") == 0 ? "blobNotFound" : "invalidProperties", "",
		    res->error);
		return;
	}
	if (mime_copy(&raw, res->data) == -1 ||
	    (c->compose = mime_parse(c->account, false, &raw, 0, on_read_back, NULL, c)) == NULL)
		fail(c, "serverFail", "", "out of memory");
}

/* ---- attachments ---- */

static bool
part_add(struct creation *c, const struct rec_draft_part *part)
{
	struct wbuf w = { .max = 0 };

	rec_draft_part_encode(&w, part);
	w_bytes(&c->parts, wbuf_slice(&w), 8388608);
	wbuf_free(&w);
	return !w.failed && !c->parts.failed;
}

/* The bytes of a part are here: give them to the composer under a number. */
static bool
attach(struct creation *c, struct rec_draft_part *part, struct slice data)
{
	struct body b;

	c->attached += data.n;
	if (c->attached > ATTACHED_MAX || mime_copy(&b, data) == -1)
		return false;
	part->blob_kind = BLOB_RAW;
	part->blob = ++c->number;
	part->blob_part = SLICE_NONE;
	return mime_attach(c->compose, c->number, &b) == 0 && part_add(c, part);
}

static void
on_extracted(void *ctx, const struct mime_result *res)
{
	struct creation *c = ctx;
	struct rec_draft_part part;

	c->extract = NULL;
	if (res->error != NULL)
		fail(c, "blobNotFound", "", "");
	else if (rec_draft_part_decode(wbuf_slice(&c->current), &part) == -1 || !attach(c, &part, res->data))
		fail(c, "tooLarge", "", "the attachments are too large");
	else
		next_part(c);
}

/* A part of another message: a worker digs it out. */
static void
extract(struct creation *c, const struct rec_draft_part *part)
{
	struct email e;
	struct slice raw;
	struct body b;
	int r = -1;

	wbuf_reset(&c->current);
	rec_draft_part_encode(&c->current, part);
	if (email_load(&e, c->account, part->blob)) {
		if (e.rec.blob != 0 && blob_get(c->account, e.rec.blob, &raw) == 0) {
			r = mime_copy(&b, raw);
			blob_release(&raw);
		}
		email_free(&e);
	}
	if (r == -1 || (c->extract = mime_extract(c->account, &b, part->blob_part, on_extracted, c)) == NULL)
		fail(c, "blobNotFound", "", "");
}

static bool
attach_blob(struct creation *c, struct rec_draft_part *part)
{
	struct slice data;
	bool ok;

	if (blob_get(c->account, part->blob, &data) == -1)
		return false;
	ok = attach(c, part, data);
	blob_release(&data);
	return ok;
}

/* ---- the draft ---- */

/* Who writes, for the domain of the Message-ID. */
static void
author(const struct creation *c, const struct rec_draft *d, char *out)
{
	struct slice from = d->from, item;
	struct rec_address a;
	struct row_link row;

	out[0] = '\0';
	if (list_next(&from, &item) && rec_address_decode(item, &a) == 0 && address_canonical(a.email, out) > 0)
		return;
	if (row_link_get(&row, KEY(link, .no = c->account))) {
		(void)address_canonical(row.rec.address, out);
		row_link_free(&row);
	}
}

static bool
final_draft(const struct creation *c, struct wbuf *out)
{
	char address[LIM_ADDRESS + 1], msgid[MSGID_SIZE];
	struct rec_draft d;

	if (rec_draft_decode(c->draft.data, &d) == -1)
		return false;
	if (d.message_id.n == 0) {
		author(c, &d, address);
		if (submit_msgid_make(slice_str(address), msgid) == 0)
			d.message_id = slice_str(msgid);
	}
	if (d.sent_at == 0)
		d.sent_at = store_now();
	d.parts = wbuf_slice(&c->parts);
	rec_draft_encode(out, &d);
	return !out->failed;
}

/* The draft goes last; the attachments are with the job already. */
static void
compose(struct creation *c)
{
	struct wbuf w = { .max = 0 };
	struct body b = { .map = NULL };

	if (!final_draft(c, &w) || mime_copy(&b, wbuf_slice(&w)) == -1)
		fail(c, "serverFail", "", "out of memory");
	else {
		mime_set_body(c->compose, &b);
		mime_start(c->compose);
	}
	wbuf_free(&w);
}

static void
next_part(struct creation *c)
{
	struct rec_draft_part part;
	struct rbuf r;
	struct slice item;

	while (c->todo.n > 0) {
		rbuf_init(&r, c->todo);
		item = r_bytes(&r, 8388608);
		if (r.failed || rec_draft_part_decode(item, &part) == -1) {
			fail(c, "invalidProperties", "", "a body part is malformed");
			return;
		}
		c->todo = slice_mem(r.p, r.n);
		if (part.blob_kind == BLOB_PART || part.blob_kind == BLOB_TEXT) {
			extract(c, &part);
			return;
		}
		if (part.blob_kind == BLOB_RAW ? !attach_blob(c, &part) : !part_add(c, &part)) {
			fail(c, "blobNotFound", "", "an attachment does not exist or is too large");
			return;
		}
	}
	compose(c);
}

/* ---- the request ---- */

static const char *
check_mailboxes(uint32_t account, struct slice boxes)
{
	struct row_mailbox row;
	bool ok;

	if (ids_count(boxes) == 0)
		return "an email is in at least one mailbox";
	for (size_t i = 0; i < ids_count(boxes); i++) {
		if (!row_mailbox_get(&row, KEY(mailbox, .account = account, .id = ids_at(boxes, i))))
			return "no such mailbox";
		ok = row.rec.selectable;
		row_mailbox_free(&row);
		if (!ok)
			return "a mailbox cannot hold messages";
	}
	return NULL;
}

static struct creation *
creation_new(struct asker a, const struct msg_email_create *m)
{
	struct creation *c = ncreations < LIM_DRAFTS_MAKING ? calloc(1, sizeof(*c)) : NULL;
	struct body none = { .map = NULL };

	if (c == NULL)
		return NULL;
	c->asker = a;
	c->account = m->account;
	c->received_at = m->received_at != 0 ? m->received_at : store_now();
	for (size_t i = 0; i < ids_count(m->mailboxes); i++)
		ids_add_once(&c->mailboxes, ids_at(m->mailboxes, i));
	LIST_INSERT_HEAD(&creations, c, entry);
	ncreations++;
	if ((c->compose = mime_compose(m->account, &none, on_composed, c)) == NULL) {
		creation_free(c);
		return NULL;
	}
	return c;
}

int
email_on_create(struct chan *chan, const union msg *m, int *fd)
{
	const struct msg_email_create *r = &m->email_create;
	struct asker a = { chan, r->req };
	struct rec_draft d;
	struct creation *c;
	struct body draft;
	const char *wrong;

	if (body_keep(&draft, r->draft, fd) == -1 || rec_draft_decode(draft.data, &d) == -1) {
		body_close(&draft);
		return -1;
	}
	if ((wrong = check_mailboxes(r->account, r->mailboxes)) != NULL)
		out_set_error(a, "invalidProperties", "mailboxIds", wrong);
	else if (!quota_room(draft.data.n))
		out_set_error(a, "overQuota", "", "max-storage of the configuration is reached");
	else if ((c = creation_new(a, r)) == NULL)
		out_set_error(a, "serverUnavailable", "", "too many drafts at once");
	else if (!keywords_load(&c->keywords, r->keywords))
		fail(c, "invalidProperties", "keywords", "not a keyword, or too many");
	else {
		c->draft = draft;
		draft = (struct body){ 0 };
		c->todo = d.parts;
		next_part(c);
	}
	body_close(&draft);
	return 0;
}

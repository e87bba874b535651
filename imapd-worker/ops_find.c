/*
 * ops_find.c - which messages are there: by their Message-IDs, or by size and
 * date, which copies keep. Many are looked for by one SEARCH; then what it found
 * is read to see which is whose. See ops.h.
 */
#include "messages.h"
#include "ops.h"

#include <string.h>

static bool
has_id(const struct operation *o)
{
	return o->message_id[0] != '\0';
}

static bool
is_possible(const struct operation *o)
{
	return has_id(o) || (o->size != 0 && o->size != UINT32_MAX);
}

bool
ops_find_joins(const struct operation *o)
{
	size_t i, n = strlen(o->message_id);

	for (i = 0; i < n && o->message_id[i] > ' ' && o->message_id[i] < 0x7f; i++)
		continue;
	return o->kind == OP_FIND && i == n && n <= LIM_FIND_ID && is_possible(o);
}

static void
put_key(struct engine *e, const struct operation *o, bool group)
{
	if (has_id(o)) {
		imap_text(&e->writer, "HEADER Message-ID ");
		imap_astring(&e->writer, slice_str(o->message_id));
	} else
		imap_text(&e->writer, group ? "(LARGER %u SMALLER %u)" : "LARGER %u SMALLER %u", o->size - 1, o->size + 1);
}

/* OR takes two: halves of halves are not nested deeply. */
static struct operation *
put_keys(struct engine *e, struct operation *o, size_t n)
{
	if (n == 1) {
		put_key(e, o, e->doing.n > 1);
		return STAILQ_NEXT(o, entry);
	}
	imap_text(&e->writer, "OR ");
	o = put_keys(e, o, n / 2);
	imap_text(&e->writer, " ");
	return put_keys(e, o, n - n / 2);
}

/* NOOP first: a SEARCH only sees messages that were announced. */
void
ops_find_ask(struct engine *e)
{
	struct operation *o;

	OPS_BATCH_EACH(o, e)
		o->result_uid = 0;
	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "NOOP");
	(void)imap_end(&e->writer);
	(void)imap_begin(&e->writer, CMD_OP_FIND);
	imap_text(&e->writer, "UID SEARCH %s", (e->caps & CAP_ESEARCH) != 0 ? "RETURN (ALL) " : "");
	(void)put_keys(e, STAILQ_FIRST(&e->ops), e->doing.n);
	if (imap_end(&e->writer) == -1)
		ops_cannot_write(e);
}

/* Two messages may have one Message-ID, or none: size and date tell them apart. */
static bool
is_like(const struct operation *o, const struct imap_fetch *f, bool many)
{
	if (o->size != 0 && !(f->has_size && f->has_date && f->size == o->size && f->internaldate == o->internaldate))
		return false;
	if (!many || !has_id(o))
		return true;
	return f->fields.n > 0 && memmem(f->fields.p, f->fields.n, o->message_id, strlen(o->message_id)) != NULL;
}

/* One of those that were found: the newest that is like it. */
void
ops_find_row(struct engine *e, const struct imap_fetch *f)
{
	bool many = e->doing.n > 1;
	struct operation *o;

	if (imap_pending_uid(&e->writer, CMD_OP_LOOK, f->uid) == NULL || !(f->has_size && f->has_date))
		return;
	e->doing.unclear |= many && f->fields.n == 0;
	OPS_BATCH_EACH(o, e)
		if (f->uid > o->result_uid && is_like(o, f, many))
			o->result_uid = f->uid;
}

void
ops_find_tagged(struct engine *e, const struct pending *p)
{
	struct operation *o;

	OPS_BATCH_EACH(o, e) {
		if (e->doing.n == 1 && o->size == 0)
			o->result_uid = p->high;
		o->result_validity = e->sel.uidvalidity;
	}
}

/* What it found does not say whose it is, or is not all: each is looked for alone. */
static bool
one_by_one(struct engine *e)
{
	struct operation *o;

	OPS_BATCH_EACH(o, e)
		o->most = 1;
	return true;
}

bool
ops_find_run(struct engine *e)
{
	struct operation *o = STAILQ_FIRST(&e->ops);
	bool many = e->doing.n > 1;

	if (!is_possible(o))
		return ops_all_done(e, OP_REFUSED, "api.invalid");
	if (e->doing.step++ == 0) {
		ops_find_ask(e);
		return false;
	}
	uidset_settle(&e->doing.set, 1, UINT32_MAX);
	uidset_keep(&e->doing.set, LIM_OP_BATCH);	/* the newest: what is looked for came just now */
	if (e->doing.unclear || (many && e->doing.set.over))
		return one_by_one(e);
	if (e->doing.step > 2 || (o->size == 0 && !many) || e->doing.set.n == 0)
		return ops_all_done(e, OP_OK, "");
	ops_look_for(e, many ? "RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"
			     : "RFC822.SIZE INTERNALDATE");
	return false;
}

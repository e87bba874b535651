/*
 * ops_batch.c - which operations go together. See ops.h.
 */
#include "messages.h"
#include "ops.h"

#include <string.h>

static bool
is_of_message(const struct operation *o)
{
	return o->uid != 0 &&
	    (o->kind == OP_FLAGS || o->kind == OP_MOVE || o->kind == OP_COPY || o->kind == OP_EXPUNGE);
}

/* Searches of one folder; they change nothing, so they may overtake. */
static size_t
form_search(struct engine *e, struct operation *head)
{
	struct operation *last = head, *o, *next;
	size_t n = 1, most = head->most < LIM_FIND_BATCH ? head->most : LIM_FIND_BATCH;

	for (o = STAILQ_NEXT(head, entry); o != NULL && n < most && ops_find_joins(head); o = next) {
		next = STAILQ_NEXT(o, entry);
		if (!ops_find_joins(o) || o->most <= n || o->mailbox != head->mailbox ||
		    o->uidvalidity != head->uidvalidity)
			continue;
		STAILQ_REMOVE(&e->ops, o, operation, entry);
		STAILQ_INSERT_AFTER(&e->ops, last, o, entry);
		last = o;
		most = o->most < most ? o->most : most;
		n++;
	}
	return n;
}

/* Would the same commands do both? */
static bool
alike(const struct operation *a, const struct operation *b)
{
	return a->kind == b->kind && a->mailbox == b->mailbox && a->uidvalidity == b->uidvalidity &&
	    a->uid != b->uid && a->target == b->target && a->by_hand == b->by_hand && a->copied == b->copied &&
	    strcmp(a->flags_add, b->flags_add) == 0 && strcmp(a->flags_del, b->flags_del) == 0;
}

/* Is something before it in the queue that concerns the same message? */
static bool
overtakes(const struct engine *e, const struct operation *o)
{
	const struct operation *p;

	STAILQ_FOREACH(p, &e->ops, entry) {
		if (p == o)
			return false;
		if (p->mailbox == o->mailbox && p->uid == o->uid)
			return true;
	}
	return false;
}

void
ops_batch_form(struct engine *e)
{
	struct operation *head = STAILQ_FIRST(&e->ops), *last = head, *o, *next;
	size_t most = head->most;

	e->ops_since = 0;
	e->doing.n = head->kind == OP_FIND ? form_search(e, head) : 1;
	if (!is_of_message(head))
		return;
	for (o = STAILQ_NEXT(head, entry); o != NULL && e->doing.n < most; o = next) {
		next = STAILQ_NEXT(o, entry);
		if (!is_of_message(o) || o->most <= e->doing.n || !alike(head, o) || overtakes(e, o))
			continue;
		STAILQ_REMOVE(&e->ops, o, operation, entry);
		STAILQ_INSERT_AFTER(&e->ops, last, o, entry);
		last = o;
		most = o->most < most ? o->most : most;
		e->doing.n++;
	}
}

void
ops_batch_end(struct engine *e)
{
	struct uidset set = e->doing.set;

	uidset_clear(&set);
	e->doing = (struct op_batch){ .set = set, .code = "" };
}

bool
ops_batch_split(struct engine *e)
{
	struct op_batch *b = &e->doing;
	struct operation *o;
	size_t half = b->n / 2;

	if (b->n < 2 || b->whole || b->failure == OP_RETRY)
		return false;
	OPS_BATCH_EACH(o, e) {
		o->most = half;
		o->exists = o->unkept = false;
	}
	ops_batch_end(e);
	return true;
}

void
ops_batch_set(struct engine *e)
{
	struct operation *o;

	uidset_clear(&e->doing.set);
	OPS_BATCH_EACH(o, e)
		uidset_add(&e->doing.set, o->uid, o->uid);
	uidset_settle(&e->doing.set, 1, UINT32_MAX);
}

/* ---- COPYUID: two sets of the same length, RFC 4315 s. 3 ---- */

/* The place of a UID in a set, counted from 0; -1: it is not in it. */
static int64_t
place_of(struct slice set, uint32_t uid)
{
	struct uidrange r;
	int64_t n = 0;
	bool bad;

	while (uidset_next(&set, &r, &bad)) {
		if (uid >= r.first && uid <= r.last)
			return n + (uid - r.first);
		n += (int64_t)(r.last - r.first) + 1;
	}
	return -1;
}

static uint32_t
at_place(struct slice set, int64_t place)
{
	struct uidrange r;
	bool bad;

	while (uidset_next(&set, &r, &bad)) {
		int64_t n = (int64_t)(r.last - r.first) + 1;

		if (place < n)
			return r.first + (uint32_t)place;
		place -= n;
	}
	return 0;
}

/* How many UIDs; -1: no set, or in more pieces than a batch can have. */
static int64_t
length(struct slice set)
{
	struct uidrange r;
	int64_t n = 0;
	size_t pieces = 0;
	bool bad = false;

	while (pieces++ <= LIM_OP_BATCH && uidset_next(&set, &r, &bad))
		n += (int64_t)(r.last - r.first) + 1;
	return bad || pieces > LIM_OP_BATCH + 1 ? -1 : n;
}

void
ops_batch_copied(struct engine *e, const struct imap_response *r)
{
	int64_t n = length(r->uids_to), place;
	struct operation *o;

	/* Sets that do not fit each other tell of one message, or nothing. */
	if (n < 1 || (n != length(r->uids_from) && e->doing.n > 1))
		return;
	OPS_BATCH_EACH(o, e) {
		place = e->doing.n == 1 ? 0 : place_of(r->uids_from, o->uid);
		if (place < 0 || o->copied)
			continue;
		o->copied = true;
		o->result_validity = r->uidvalidity;
		o->result_uid = at_place(r->uids_to, place);
	}
}

/*
 * email_view.c - from what the server has to what the ATS sees. See email_row.h.
 */
#include "bind.h"
#include "email_row.h"
#include "journal.h"

struct view_state {
	struct wbuf mailboxes;
	struct wbuf leaving;	/* copies that are to be expunged: their flags do not count */
	struct keywords keywords;
	bool moving;	/* an entry may still bring or take a copy */
};

/* Several copies: $seen only if all have it, other keywords if any has. */
static void
merge_copy(struct keywords *all, const struct keywords *one, bool first, bool *all_seen)
{
	*all_seen = (first || *all_seen) && keywords_has(keywords_slice(one), "$seen");
	(void)keywords_patch(all, keywords_slice(one), SLICE_NONE);
}

static void
look_at_copies(const struct email *e, struct view_state *v)
{
	struct slice copies = wbuf_slice(&e->copies);
	bool first = true, all_seen = false;
	struct uid_row u;

	for (size_t i = 0; i < copies_count(copies); i++) {
		struct copy c = copies_at(copies, i);

		if (c.uid == 0) {
			ids_add_once(&v->mailboxes, c.mailbox);
			continue;
		}
		if (!uid_get(e->account, c.mailbox, c.uid, &u) || u.deleted)
			continue;
		ids_add_once(&v->mailboxes, c.mailbox);
		if (ids_has(wbuf_slice(&v->leaving), c.mailbox))
			continue;
		merge_copy(&v->keywords, &u.keywords, first, &all_seen);
		first = false;
	}
	/* No UID is known: what we gave it ourselves still holds. */
	if (first)
		v->keywords = e->keywords;
	else if (!all_seen)
		keywords_del(&v->keywords, slice_str("$seen"));
}

static bool
note_leaving(uint64_t op, const struct rec_pending *p, void *arg)
{
	struct view_state *v = arg;

	(void)op;
	if (p->kind == OP_EXPUNGE)
		ids_add_once(&v->leaving, p->mailbox);
	return true;
}

static bool
apply(uint64_t op, const struct rec_pending *p, void *arg)
{
	struct view_state *v = arg;

	(void)op;
	v->moving |= p->kind != OP_FLAGS && p->kind != OP_FIND;
	switch (p->kind) {
	case OP_FLAGS:
		(void)keywords_patch(&v->keywords, p->flags_add, p->flags_del);
		break;
	case OP_MOVE:
		ids_remove(&v->mailboxes, p->mailbox);
		ids_add_once(&v->mailboxes, p->target);
		break;
	case OP_COPY:
		ids_add_once(&v->mailboxes, p->target);
		break;
	case OP_EXPUNGE:
		ids_remove(&v->mailboxes, p->mailbox);
		break;
	case OP_APPEND:
		ids_add_once(&v->mailboxes, p->mailbox);
		break;
	}
	return true;
}

enum view
email_project(struct email *e)
{
	struct view_state v = { .moving = false };

	wbuf_init(&v.mailboxes, 64 * 8);
	journal_each(e->account, e->id, note_leaving, &v);
	look_at_copies(e, &v);
	journal_each(e->account, e->id, apply, &v);
	wbuf_free(&v.leaving);
	if (v.mailboxes.n == 0 && !v.moving && copies_count(wbuf_slice(&e->copies)) == 0) {
		wbuf_free(&v.mailboxes);
		return VIEW_LOST;
	}
	wbuf_free(&e->mailboxes);
	e->mailboxes = v.mailboxes;
	e->keywords = v.keywords;
	return v.mailboxes.n > 0 ? VIEW_SHOWN : VIEW_HIDDEN;
}

void
email_settle(uint32_t account, uint64_t id)
{
	struct email e;

	if (!email_load(&e, account, id))
		return;
	if (email_project(&e) != VIEW_LOST) {
		(void)table_del(T_held, KEY(held, .account = account, .email = id));
		email_save(&e);
	} else if (!email_visible(&e.row.rec))
		email_erase(&e);
	else {
		email_save(&e);
		bind_hold(&e);
	}
	email_free(&e);
}

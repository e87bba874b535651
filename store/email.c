#include "email.h"

#include <stdlib.h>

#include "changes.h"
#include "imap_session.h"
#include "journal.h"
#include "log.h"
#include "mailbox.h"
#include "seam.h"

bool
email_is_local(uint32_t account)
{
	struct row_link row;
	bool local;

	if (!row_link_get(&row, KEY(link, .no = account)))
		return true;
	local = row.rec.mode == MODE_SEND_ONLY;
	row_link_free(&row);
	return local;
}

#define READ_ONLY "the server lets nothing be changed in this folder"

/* ---- patching ---- */

struct appends {
	uint32_t account;
	uint64_t from, to;	/* from 0: only look; to 0: drop it */
	bool started, changed;
};

/* An append that has not been tried yet is changed in place. */
static bool
look_at_append(uint64_t op, const struct rec_pending *p, void *arg)
{
	struct appends *a = arg;

	a->started |= p->kind == OP_APPEND && p->attempts > 0;
	a->changed = a->from != 0 && journal_redirect(a->account, op, p, a->from, a->to);
	return !a->changed;
}

static bool
append_redirected(const struct email *e, uint64_t from, uint64_t to)
{
	struct appends a = { .account = e->account, .from = from, .to = to };

	journal_each(e->account, e->id, look_at_append, &a);
	if (a.changed)
		imap_drain_of(e->account);	/* no waiting there */
	return a.changed;
}

/* Is there nothing at the server yet, nor on its way there? */
static bool
only_here(const struct email *e)
{
	struct appends a = { .account = e->account };
	struct slice copies = wbuf_slice(&e->copies);

	for (size_t i = 0; i < copies_count(copies); i++)
		if (!email_copy_only_here(e->account, copies_at(copies, i).mailbox, e->id))
			return false;
	journal_each(e->account, e->id, look_at_append, &a);
	return !a.started;
}

struct keywords_change {
	struct keywords want, add, del;
};

/* What of the patch is not so already; false: nothing. */
static bool
keywords_change(const struct email *e, const struct email_patch *p, struct keywords_change *c)
{
	c->want = e->keywords;
	(void)keywords_patch(&c->want, p->keywords_add, p->keywords_del);
	keywords_diff(keywords_slice(&e->keywords), keywords_slice(&c->want), &c->add, &c->del);
	return c->add.n > 0 || c->del.n > 0;
}

static void
patch_keywords(struct email *e, const struct email_patch *p, bool local)
{
	struct keywords_change c;

	if (!keywords_change(e, p, &c))
		return;
	if (local || only_here(e))
		e->keywords = c.want;
	else
		(void)journal_add(&(struct rec_pending){ .account = e->account, .kind = OP_FLAGS, .email = e->id,
		    .flags_add = keywords_slice(&c.add), .flags_del = keywords_slice(&c.del),
		    .created_at = store_now() });
}

static void
add_op(const struct email *e, enum op_kind kind, uint64_t mailbox, uint64_t target)
{
	(void)journal_add(&(struct rec_pending){ .account = e->account, .kind = (uint8_t)kind, .email = e->id,
	    .mailbox = mailbox, .target = target, .created_at = store_now() });
}

static void
move_one(struct email *e, uint64_t from, uint64_t to, bool local)
{
	if (local) {
		if (from != 0)
			email_copy_del(e, from);
		if (to != 0)
			email_copy_set(e, to, 0, 0);
	} else if (from != 0 && append_redirected(e, from, to)) {
		if (email_copy_only_here(e->account, from, e->id))
			email_copy_del(e, from);	/* refused there, and not yet elsewhere */
	} else if (from != 0 && email_copy_only_here(e->account, from, e->id)) {
		email_copy_del(e, from);
		if (to != 0)
			add_op(e, OP_APPEND, to, 0);
	} else if (to != 0 && copies_count(wbuf_slice(&e->copies)) > 0 && only_here(e))
		add_op(e, OP_APPEND, to, 0);
	else if (from != 0 && to != 0)
		add_op(e, OP_MOVE, from, to);
	else if (to != 0)
		add_op(e, OP_COPY, 0, to);
	else
		add_op(e, OP_EXPUNGE, from, 0);
}

static bool
any_role(uint32_t account, struct slice boxes, enum mailbox_role role)
{
	for (size_t i = 0; i < ids_count(boxes); i++)
		if (mailbox_role(account, ids_at(boxes, i)) == role)
			return true;
	return false;
}

/* All Mail shows all but what is deleted or spam: nobody takes a message out of it. */
static bool
stays(const struct email *e, uint64_t mailbox, struct slice add)
{
	return mailbox_role(e->account, mailbox) == MBOX_ALL && !any_role(e->account, add, MBOX_TRASH) &&
	    !any_role(e->account, add, MBOX_JUNK);
}

/* Leaving one folder and entering another is a move; what is left over is
 * copied or expunged. Additions first: the email is always somewhere. */
static void
patch_mailboxes(struct email *e, const struct email_patch *p, bool local)
{
	struct wbuf add = { .max = 0 }, del = { .max = 0 };
	struct slice now = wbuf_slice(&e->mailboxes);
	size_t na, nd, n;

	for (size_t i = 0; i < ids_count(p->mailboxes_add); i++)
		if (!ids_has(now, ids_at(p->mailboxes_add, i)))
			ids_add_once(&add, ids_at(p->mailboxes_add, i));
	for (size_t i = 0; i < ids_count(p->mailboxes_del); i++)
		if (ids_has(now, ids_at(p->mailboxes_del, i)) && !stays(e, ids_at(p->mailboxes_del, i), p->mailboxes_add))
			ids_add_once(&del, ids_at(p->mailboxes_del, i));
	na = ids_count(wbuf_slice(&add));
	nd = ids_count(wbuf_slice(&del));
	n = na < nd ? na : nd;
	for (size_t i = n; i < na; i++)
		move_one(e, 0, ids_at(wbuf_slice(&add), i), local);
	for (size_t i = 0; i < n; i++)
		move_one(e, ids_at(wbuf_slice(&del), i), ids_at(wbuf_slice(&add), i), local);
	for (size_t i = n; i < nd; i++)
		move_one(e, ids_at(wbuf_slice(&del), i), 0, local);
	wbuf_free(&add);
	wbuf_free(&del);
}

void
email_patch(struct email *e, const struct email_patch *p)
{
	bool local = email_is_local(e->account);

	patch_keywords(e, p, local);
	patch_mailboxes(e, p, local);
	(void)email_project(e);
	email_save(e);
	journal_again(e->account, e->id);
}

void
email_mark_answered(uint32_t account, struct slice msgid)
{
	struct hash16 hash = db_hash16(msgid);
	struct scan s;
	struct slice key;
	struct key_msgemail k;
	struct email e;

	scan_prefix(&s, T_msgemail, PREFIX(msgemail, 2, .account = account, .msgid = HASH(hash)), false);
	while (scan_next(&s, &key, NULL)) {
		if (key_msgemail_read(key, &k) == -1 || !email_load(&e, account, k.email))
			continue;
		if (email_visible(&e.rec))
			email_patch(&e, &(struct email_patch){ .keywords_add = slice_str("$answered") });
		email_free(&e);
	}
	scan_end(&s);
}

/* ---- Email/set update ---- */

/* What is refused, and why; NULL: nothing. */
static const char *
check_mailboxes(const struct email *e, const struct email_patch *p)
{
	struct wbuf next = { .max = 0 };
	struct row_mailbox row;
	const char *wrong = NULL;
	bool ok;

	w_raw(&next, e->mailboxes.p, e->mailboxes.n);
	for (size_t i = 0; i < ids_count(p->mailboxes_del); i++)
		ids_remove(&next, ids_at(p->mailboxes_del, i));
	for (size_t i = 0; i < ids_count(p->mailboxes_add) && wrong == NULL; i++) {
		uint64_t id = ids_at(p->mailboxes_add, i);

		ok = row_mailbox_get(&row, KEY(mailbox, .account = e->account, .id = id));
		if (!ok || !row.rec.selectable)
			wrong = "a mailbox does not exist or cannot hold messages";
		if (ok)
			row_mailbox_free(&row);
		ids_add_once(&next, id);
	}
	if (wrong == NULL && next.n == 0)
		wrong = "an email is in at least one mailbox";
	if (wrong == NULL && ids_count(wbuf_slice(&next)) > LIM_EMAIL_MAILBOXES)
		wrong = "too many mailboxes";
	wbuf_free(&next);
	return wrong;
}

/* The server said that nothing can be changed there. */
static bool
is_read_only(uint32_t account, uint64_t mailbox)
{
	struct row_mailbox row;
	bool only;

	if (!row_mailbox_get(&row, KEY(mailbox, .account = account, .id = mailbox)))
		return false;
	only = row.rec.read_only;
	row_mailbox_free(&row);
	return only;
}

/* Is one of these read-only and the email, as asked for, in it or not? */
static bool
any_read_only(const struct email *e, struct slice mailboxes, bool in)
{
	struct slice now = wbuf_slice(&e->mailboxes);

	for (size_t i = 0; i < ids_count(mailboxes); i++)
		if (ids_has(now, ids_at(mailboxes, i)) == in && is_read_only(e->account, ids_at(mailboxes, i)))
			return true;
	return false;
}

/* Would this patch change something in a folder that is read-only? */
static bool
is_forbidden(const struct email *e, const struct email_patch *p)
{
	struct keywords_change c;

	return any_read_only(e, p->mailboxes_add, false) || any_read_only(e, p->mailboxes_del, true) ||
	    (keywords_change(e, p, &c) && any_read_only(e, wbuf_slice(&e->mailboxes), true));
}

static bool
is_system_keyword(struct slice k)
{
	return slice_eq_str(k, "$seen") || slice_eq_str(k, "$answered") || slice_eq_str(k, "$flagged") ||
	    slice_eq_str(k, "$draft");
}

/* A server that keeps no keywords must not seem to take one. */
static bool
keywords_possible(const struct email *e, struct slice add)
{
	struct imap_session *s = imap_session_of(e->account);
	struct slice item;
	bool special = false;

	while (keywords_next(&add, &item))
		special |= !is_system_keyword(item);
	for (size_t i = 0; special && s != NULL && i < ids_count(wbuf_slice(&e->mailboxes)); i++) {
		struct imap_folder *f = imap_folder_of(s, ids_at(wbuf_slice(&e->mailboxes), i));

		if (f != NULL && f->no_keywords)
			return false;
	}
	return true;
}

struct patch_buffers {
	struct keywords add, del;
	struct wbuf boxes_del;
};

/* Whole-property values become additions and removals too. */
static bool
read_patch(const struct email *e, const struct msg_email_update *m, struct email_patch *p, struct patch_buffers *b)
{
	struct keywords want;
	bool ok;

	if (m->set_keywords) {
		ok = keywords_load(&want, m->keywords);
		keywords_diff(keywords_slice(&e->keywords), keywords_slice(&want), &b->add, &b->del);
	} else {
		ok = keywords_load(&b->add, m->keywords_add) && keywords_load(&b->del, m->keywords_del);
	}
	*p = (struct email_patch){ .keywords_add = keywords_slice(&b->add), .keywords_del = keywords_slice(&b->del),
		.mailboxes_add = m->set_mailboxes ? m->mailboxes : m->mailboxes_add,
		.mailboxes_del = m->mailboxes_del };
	if (m->set_mailboxes) {
		for (size_t i = 0; i < ids_count(wbuf_slice(&e->mailboxes)); i++)
			if (!ids_has(m->mailboxes, ids_at(wbuf_slice(&e->mailboxes), i)))
				ids_add(&b->boxes_del, ids_at(wbuf_slice(&e->mailboxes), i));
		p->mailboxes_del = wbuf_slice(&b->boxes_del);
	}
	return ok;
}

static void
update(struct email *e, const struct msg_email_update *m, struct asker a)
{
	struct patch_buffers b = { .boxes_del = { .max = 0 } };
	struct email_patch p;
	uint64_t old = changes_state(e->account, OBJ_EMAIL);
	const char *wrong;

	if (!read_patch(e, m, &p, &b))
		out_set_error(a, "invalidProperties", "keywords", "not a keyword, or too many");
	else if (!keywords_possible(e, p.keywords_add))
		out_set_error(a, "invalidProperties", "keywords", "the server keeps no such keywords");
	else if ((wrong = check_mailboxes(e, &p)) != NULL)
		out_set_error(a, "invalidProperties", "mailboxIds", wrong);
	else if (is_forbidden(e, &p))
		out_set_error(a, "forbidden", "", READ_ONLY);
	else {
		email_patch(e, &p);
		out_set_done(a, e->account, OBJ_EMAIL, old, (struct msg_set_done){ .id = e->id });
	}
	wbuf_free(&b.boxes_del);
}

int
email_on_update(struct chan *c, const union msg *m, int *fd)
{
	struct asker a = { c, m->email_update.req };
	struct email e;

	(void)fd;
	if (!email_load(&e, m->email_update.account, m->email_update.id)) {
		out_set_error(a, "notFound", "", "");
		return 0;
	}
	if (email_visible(&e.rec))
		update(&e, &m->email_update, a);
	else
		out_set_error(a, "notFound", "", "");
	email_free(&e);
	return 0;
}

/* ---- Email/set destroy ---- */

struct dying {
	uint32_t account;
	struct wbuf places;	/* where it is, or may come to be */
};

/* Entries that were never tried are void; the others have their effect first. */
static bool
void_entry(uint64_t op, const struct rec_pending *p, void *arg)
{
	struct dying *d = arg;

	if (p->attempts == 0 && !journal_in_flight(d->account, op))
		journal_drop(d->account, op);
	else if (p->kind == OP_APPEND)
		ids_add_once(&d->places, p->mailbox);
	else if (p->kind == OP_MOVE || p->kind == OP_COPY)
		ids_add_once(&d->places, p->target);
	return true;
}

/* A draft that takes another's place is seldom asked for before that one is to
 * go, and never after: the last append to this folder that is on its way. */
static uint64_t
successor(const struct email *e, uint64_t mailbox)
{
	struct scan s;
	struct slice key;
	struct key_pending k;
	struct row_pending row;
	uint64_t op = 0;
	size_t n = 0;

	scan_prefix(&s, T_pending, PREFIX(pending, 1, .account = e->account), true);
	while (op == 0 && n++ < LIM_JOURNAL_SCAN && scan_next(&s, &key, NULL)) {
		if (key_pending_read(key, &k) == -1 ||
		    !row_pending_get(&row, KEY(pending, .account = e->account, .op = k.op)))
			continue;
		if (row.rec.kind == OP_APPEND && row.rec.mailbox == mailbox && row.rec.email != e->id)
			op = k.op;
		row_pending_free(&row);
	}
	scan_end(&s);
	return op;
}

/* For good, which at some servers is what happens in the trash alone. */
static void
expunge(const struct email *e, uint64_t mailbox)
{
	uint64_t trash = mailbox_by_role(e->account, MBOX_TRASH);
	bool draft = keywords_has(keywords_slice(&e->keywords), "$draft");

	(void)journal_add(&(struct rec_pending){ .account = e->account, .kind = OP_EXPUNGE, .email = e->id,
	    .mailbox = mailbox, .target = trash != mailbox ? trash : 0, .created_at = store_now(),
	    .after = draft ? successor(e, mailbox) : 0 });
}

static void
destroy(struct email *e)
{
	struct dying d = { .account = e->account };
	struct slice copies = wbuf_slice(&e->copies);

	if (email_is_local(e->account)) {
		email_erase(e);
		return;
	}
	journal_each(e->account, e->id, void_entry, &d);
	for (size_t i = 0; i < copies_count(copies); i++)
		if (!email_copy_only_here(e->account, copies_at(copies, i).mailbox, e->id))
			ids_add_once(&d.places, copies_at(copies, i).mailbox);
	for (size_t i = 0; i < ids_count(wbuf_slice(&d.places)); i++)
		expunge(e, ids_at(wbuf_slice(&d.places), i));
	if (d.places.n == 0 || email_project(e) == VIEW_LOST)
		email_erase(e);
	else
		email_save(e);
	wbuf_free(&d.places);
}

int
email_on_destroy(struct chan *c, const union msg *m, int *fd)
{
	struct asker a = { c, m->email_destroy.req };
	uint32_t account = m->email_destroy.account;
	uint64_t old = changes_state(account, OBJ_EMAIL);
	struct email e;

	(void)fd;
	if (!email_load(&e, account, m->email_destroy.id)) {
		out_set_error(a, "notFound", "", "");
		return 0;
	}
	if (email_visible(&e.rec) && any_read_only(&e, wbuf_slice(&e.mailboxes), true))
		out_set_error(a, "forbidden", "", READ_ONLY);
	else if (email_visible(&e.rec)) {
		destroy(&e);
		out_set_done(a, account, OBJ_EMAIL, old, (struct msg_set_done){ .id = m->email_destroy.id });
	} else
		out_set_error(a, "notFound", "", "");
	email_free(&e);
	return 0;
}

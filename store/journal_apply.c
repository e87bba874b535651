/*
 * journal_apply.c - what the server's answer to an entry changes here.
 */
#include "bind.h"
#include "journal_flight.h"
#include "log.h"
#include "mailbox.h"
#include "review.h"
#include "submit_copy.h"

/* COPYUID, APPENDUID or a search told the UID: it is this email's copy. */
void
journal_take_uid(struct email *e, uint64_t mailbox, uint32_t uid, const struct keywords *k)
{
	struct uid_row u;
	struct email other;
	bool known = uid_get(e->account, mailbox, uid, &u);

	if (known && u.email != 0 && u.email != e->id && email_load(&other, e->account, u.email)) {
		/* The sync saw it first and took it for a new message. */
		email_copy_del(&other, mailbox);
		email_save(&other);
		email_free(&other);
		email_settle(e->account, u.email);
	}
	bind_copy(e, mailbox, uid, known ? &u.keywords : k, known && u.deleted);
}

/* Rounds to wait for a copy whose UID we were not told; 0 where nothing is synced. */
static uint64_t
rounds_for(struct imap_session *s, uint64_t mailbox)
{
	struct imap_folder *f = imap_folder_of(s, mailbox);

	return f != NULL && f->synced ? 2 : 0;
}

/* A folder that is not synced is never opened for its own sake: what an answer
 * tells of its numbering is noted here, once no UID of the old one is left. */
static void
note_validity(struct rec_mailbox *r, struct dbkey k, uint32_t link, uint64_t mailbox, uint32_t validity)
{
	if (r->synced || r->uidvalidity == validity ||
	    (r->uidvalidity != 0 && bind_unbind(link, mailbox, LIM_DB_SLICE)))
		return;
	r->uidvalidity = validity;
	row_mailbox_put(k, r);
}

bool
journal_validity_fits(struct imap_session *s, uint64_t mailbox, uint32_t validity)
{
	struct dbkey k = KEY(mailbox, .account = s->link, .id = mailbox);
	struct row_mailbox row;
	bool fits;

	if (!row_mailbox_get(&row, k))
		return false;
	if (validity != 0)
		note_validity(&row.rec, k, s->link, mailbox, validity);
	fits = validity == 0 || row.rec.uidvalidity == validity || row.rec.uidvalidity == 0;
	row_mailbox_free(&row);
	return fits;
}

void
journal_renumbered(struct imap_session *s, uint64_t mailbox)
{
	struct dbkey k = KEY(mailbox, .account = s->link, .id = mailbox);
	struct row_mailbox row;

	if (!row_mailbox_get(&row, k))
		return;
	note_validity(&row.rec, k, s->link, mailbox, 0);
	row_mailbox_free(&row);
}

static void
add_copy(struct imap_session *s, struct email *e, uint64_t mailbox, const struct keywords *k,
    const struct msg_op_done *m)
{
	uint32_t known = 0;

	if (m->uid != 0 && journal_validity_fits(s, mailbox, m->uidvalidity))
		journal_take_uid(e, mailbox, m->uid, k);
	else if (!email_copy_in(e, mailbox, &known) || known == 0)	/* the sync may have seen it first */
		email_copy_set(e, mailbox, 0, rounds_for(s, mailbox));
}

static void
remove_copy(struct email *e, uint64_t mailbox, uint32_t uid)
{
	uint32_t now;

	if (uid != 0)
		uid_del(e->account, mailbox, uid);
	if (email_copy_in(e, mailbox, &now) && (now == uid || now == 0))
		email_copy_del(e, mailbox);
}

static struct keywords
keywords_of(const struct email *e, uint64_t mailbox, uint32_t uid)
{
	struct uid_row u;

	return uid != 0 && uid_get(e->account, mailbox, uid, &u) ? u.keywords : e->keywords;
}

static void
flags_done(struct email *e, const struct journal_flight *f, const struct rec_pending *p)
{
	struct uid_row u;

	if (!uid_get(e->account, f->mailbox, f->uid, &u))
		return;
	(void)keywords_patch(&u.keywords, p->flags_add, p->flags_del);
	uid_put(e->account, f->mailbox, f->uid, &u);
}

void
journal_succeeded(struct imap_session *s, const struct journal_flight *f, const struct rec_pending *p,
    const struct msg_op_done *m)
{
	struct email e;
	struct keywords k;

	/* Only marked as deleted: it is still known, and what it is marked with. */
	bool marked = slice_eq_str(m->code, "sync.expunge_unsupported");

	if (p->kind == OP_EXPUNGE && p->uid != 0 && !marked)
		uid_del(s->link, p->mailbox, p->uid);
	review_settle_change(s->link, p->email, p->kind);
	if (p->kind == OP_APPEND || p->kind == OP_COPY || p->kind == OP_MOVE)
		journal_takes(s, p->kind == OP_APPEND ? p->mailbox : p->target);
	if (p->kind == OP_EXPUNGE && !marked)
		journal_room(s);
	if (!email_load(&e, s->link, p->email))
		return;
	k = keywords_of(&e, f->mailbox, f->uid);
	switch (p->kind) {
	case OP_FLAGS:
		flags_done(&e, f, p);
		break;
	case OP_MOVE:
		if (!marked)
			remove_copy(&e, p->mailbox, f->uid);
		add_copy(s, &e, p->target, &k, m);
		break;
	case OP_COPY:
		add_copy(s, &e, p->target, &k, m);
		break;
	case OP_EXPUNGE:
		if (p->uid == 0 && !marked)
			remove_copy(&e, p->mailbox, f->uid);
		break;
	case OP_APPEND:
		add_copy(s, &e, p->mailbox, &e.keywords, m);
		break;
	}
	email_save(&e);
	email_free(&e);
}

/* ---- refused ---- */

struct kept {
	struct email e;
	uint64_t from, in;	/* the folder that refused it; where it is kept, 0: nowhere */
};

/* What the ATS wrote is not lost with an append: it stays here, in the folder it
 * was to be in, or in another where that is gone. */
static void
keep_here(struct kept *k)
{
	uint32_t account = k->e.account;

	k->in = k->from;
	if (!mailbox_exists(account, k->in))
		k->in = mailbox_by_role(account, MBOX_DRAFTS);
	if (k->in == 0)
		k->in = mailbox_by_role(account, MBOX_INBOX);
	if (k->in != 0 && !email_copy_in(&k->e, k->in, NULL))
		email_copy_set(&k->e, k->in, 0, ROUNDS_ONLY_HERE);
}

/* Entries behind a refused append have nothing at the server to change. */
static bool
only_here(uint64_t op, const struct rec_pending *p, void *arg)
{
	struct kept *k = arg;
	struct email *e = &k->e;
	struct rec_pending next = *p;

	if (p->kind == OP_FIND || p->kind == OP_APPEND)
		return true;
	if (p->kind == OP_EXPUNGE || p->kind == OP_MOVE)
		email_copy_del(e, p->mailbox == k->from ? k->in : p->mailbox);
	if (p->kind == OP_FLAGS || p->kind == OP_EXPUNGE) {
		journal_drop(e->account, op);
		return true;
	}
	next.kind = OP_APPEND;
	next.mailbox = p->target;
	next.target = 0;
	next.attempts = 0;
	row_pending_put(KEY(pending, .account = e->account, .op = op), &next);
	return true;
}

/* Kept, and an entry that waits in place of the one that was refused, or 0. */
static uint64_t
append_refused(struct imap_session *s, const struct rec_pending *p, struct slice code)
{
	struct kept k = { .from = p->mailbox };
	struct rec_pending next = *p;
	uint64_t op = 0;

	if (!email_load(&k.e, s->link, p->email))
		return 0;
	keep_here(&k);
	journal_each(s->link, p->email, only_here, &k);
	email_save(&k.e);
	email_free(&k.e);
	if (k.in == 0 || !again_worth_it(code) || !email_copy_only_here(s->link, k.in, p->email))
		return 0;
	next.mailbox = k.in;
	next.attempts = 0;
	op = journal_add(&next);
	again_refused(s, p);
	return op;
}

/* A person is told, except of what nobody asked for. */
static void
tell(uint32_t link, const struct rec_pending *p, struct slice code, struct slice detail, bool again)
{
	uint64_t mailbox = p->kind == OP_MOVE || p->kind == OP_COPY ? p->target : p->mailbox;

	if (p->kind == OP_APPEND && mailbox_role(link, mailbox) == MBOX_SENT)
		code = slice_str("send.copy_failed");
	if (p->email != 0 && table_get(T_email, KEY(email, .account = link, .id = p->email), NULL))
		review_refused(link, p->email, p->kind, mailbox, code, detail, again);
}

/* What was to be done once this was done waits for what is in its place, or is
 * not done, for the same reason. */
static void
followers(uint32_t link, uint64_t op, uint64_t instead, const struct msg_op_done *m)
{
	struct scan s;
	struct slice key;
	struct key_pendafter k;
	struct row_pending row;

	scan_prefix(&s, T_pendafter, PREFIX(pendafter, 2, .account = link, .after = op), false);
	while (scan_next(&s, &key, NULL)) {
		if (key_pendafter_read(key, &k) == -1 ||
		    !row_pending_get(&row, KEY(pending, .account = link, .op = k.op)))
			continue;
		if (instead != 0)
			journal_wait_for(link, k.op, &row.rec, instead);
		else {
			journal_drop(link, k.op);
			tell(link, &row.rec, m->code, m->detail, false);
			email_settle(link, row.rec.email);
		}
		row_pending_free(&row);
	}
	scan_end(&s);
}

void
journal_refused(struct imap_session *s, const struct journal_flight *f, const struct rec_pending *p,
    const struct msg_op_done *m)
{
	bool append = p->kind == OP_APPEND, again = append && email_copy_only_here(s->link, p->mailbox, p->email);
	uint64_t instead;

	log_warn("server refused a change link=%u code=%.*s", s->link, (int)m->code.n, (const char *)m->code.p);
	journal_drop(s->link, f->op);
	instead = append ? append_refused(s, p, m->code) : 0;
	tell(s->link, p, m->code, m->detail, again);
	if (append)
		followers(s->link, f->op, instead, m);
	email_settle(s->link, p->email);
}

void
journal_lost(struct imap_session *s, const struct journal_flight *f, const struct rec_pending *p)
{
	struct email e;
	uint64_t where = p->kind == OP_MOVE || p->kind == OP_EXPUNGE ? p->mailbox : f->mailbox;

	if (where != 0 && email_load(&e, s->link, p->email)) {
		remove_copy(&e, where, f->uid);
		email_save(&e);
		email_free(&e);
	}
	journal_drop(s->link, f->op);
	email_settle(s->link, p->email);
}

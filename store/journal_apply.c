/*
 * journal_apply.c - what the server's answer to an entry changes here.
 */
#include "bind.h"
#include "journal_flight.h"
#include "log.h"
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

	if (p->kind == OP_EXPUNGE && p->uid != 0)
		uid_del(s->link, p->mailbox, p->uid);
	if (!email_load(&e, s->link, p->email))
		return;
	k = keywords_of(&e, f->mailbox, f->uid);
	switch (p->kind) {
	case OP_FLAGS:
		flags_done(&e, f, p);
		break;
	case OP_MOVE:
		remove_copy(&e, p->mailbox, f->uid);
		add_copy(s, &e, p->target, &k, m);
		break;
	case OP_COPY:
		add_copy(s, &e, p->target, &k, m);
		break;
	case OP_EXPUNGE:
		if (p->uid == 0)
			remove_copy(&e, p->mailbox, f->uid);
		break;
	case OP_APPEND:
		add_copy(s, &e, p->mailbox, &e.keywords, m);
		break;
	}
	email_save(&e);
	email_free(&e);
}

void
journal_refused(struct imap_session *s, const struct journal_flight *f, const struct rec_pending *p,
    struct slice code)
{
	struct email e;

	log_warn("server refused a change link=%u code=%.*s", s->link, (int)code.n, (const char *)code.p);
	/* What the ATS wrote is not lost with it: it stays here as a local copy. */
	if (p->kind == OP_APPEND && email_load(&e, s->link, p->email)) {
		if (!email_copy_in(&e, p->mailbox, NULL))
			email_copy_set(&e, p->mailbox, 0, 0);
		email_save(&e);
		email_free(&e);
	}
	journal_drop(s->link, f->op);
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

#include "submit_copy.h"

#include "bind.h"
#include "email.h"
#include "imap_session.h"
#include "journal.h"
#include "journal_flight.h"	/* journal_take_uid */
#include "log.h"
#include "mailbox.h"
#include "review.h"
#include "submit.h"

/* How often the Sent folder is asked before we put the copy there ourselves. */
static unsigned int
looks_for(enum learned l)
{
	return l == LEARNED_DOES_NOT_SAVE ? 1 : l == LEARNED_SAVES ? 6 : 4;
}

static enum learned
learned_of(uint32_t account)
{
	return (enum learned)table_get_u64(T_learned, KEY(learned, .account = account));
}

static void
learn(uint32_t account, enum learned l)
{
	table_put_u64(T_learned, KEY(learned, .account = account), l);
}

uint64_t
submit_sent_mailbox(uint32_t account)
{
	return mailbox_by_role(account, MBOX_SENT);
}

/* ---- whose message is it ---- */

static bool
submission_of_header(struct submission *s, uint32_t account, const struct rec_header *h)
{
	struct slice ids = h->message_id, id;
	struct hash16 hash;

	if (!list_next(&ids, &id))
		return false;
	hash = db_hash16(id);
	return submission_load(s, account,
	    table_get_u64(T_submsgid, KEY(submsgid, .account = account, .msgid = HASH(hash))));
}

static bool
submission_of_email(struct submission *s, uint32_t account, uint64_t email)
{
	struct email e;
	struct rec_header h;
	bool found;

	if (!email_load(&e, account, email))
		return false;
	found = email_header(&e, &h) && submission_of_header(s, account, &h);
	email_free(&e);
	if (found && s->row.rec.email != email) {
		submission_free(s);
		return false;
	}
	return found;
}

static bool
under_way(const struct rec_submission *rec)
{
	return !rec->copy_done && (rec->state == SUB_QUEUED || rec->state == SUB_SENDING ||
	    rec->state == SUB_UNCERTAIN || rec->state == SUB_SENT);
}

bool
submit_under_way(uint32_t account, uint64_t email)
{
	struct submission s;
	bool hold;

	if (!submission_of_email(&s, account, email))
		return false;
	hold = under_way(&s.row.rec);
	submission_free(&s);
	return hold;
}

bool
submit_holds(uint32_t account, const struct rec_pending *p)
{
	if (p->email == 0 || p->kind == OP_FIND || p->kind == OP_FLAGS ||
	    (p->kind == OP_APPEND && mailbox_role(account, p->mailbox) != MBOX_SENT))
		return false;
	return submit_under_way(account, p->email);
}

/* ---- the server saved a copy ---- */

struct cleanup {
	uint32_t account;
	uint64_t sent;
	struct wbuf from;	/* folders that a dropped move would have left */
};

/* What would bring the draft to Sent, or to the server at all, is void now. */
static bool
drop_entry(uint64_t op, const struct rec_pending *p, void *arg)
{
	struct cleanup *c = arg;

	if ((p->kind == OP_MOVE || p->kind == OP_COPY) && p->target == c->sent) {
		if (p->kind == OP_MOVE)
			ids_add_once(&c->from, p->mailbox);
		journal_drop(c->account, op);
	} else if (p->kind == OP_APPEND) {
		if (p->attempts == 0)
			journal_drop(c->account, op);	/* else it ends first, then its copy goes */
		else if (p->mailbox != c->sent)
			ids_add_once(&c->from, p->mailbox);
	}
	return true;
}

/* Exactly one copy in Sent, none in Drafts. Who asks saves it: an email can be saved once. */
static void
drop_draft(struct email *e, uint64_t sent)
{
	struct cleanup c = { .account = e->account, .sent = sent };
	struct slice copies = wbuf_slice(&e->copies);

	journal_each(e->account, e->id, drop_entry, &c);
	for (size_t i = 0; i < copies_count(copies); i++) {
		uint64_t m = copies_at(copies, i).mailbox;

		if (m != sent && mailbox_role(e->account, m) == MBOX_DRAFTS)
			ids_add_once(&c.from, m);
	}
	for (size_t i = 0; i < ids_count(wbuf_slice(&c.from)); i++)
		(void)journal_add(&(struct rec_pending){ .account = e->account, .kind = OP_EXPUNGE, .email = e->id,
		    .mailbox = ids_at(wbuf_slice(&c.from), i), .created_at = store_now() });
	wbuf_free(&c.from);
	(void)email_project(e);
}

static void
not_a_draft(uint32_t account, uint64_t email, struct slice add_to, struct slice take_from)
{
	struct email e;

	if (!email_load(&e, account, email))
		return;
	email_patch(&e, &(struct email_patch){ .keywords_add = slice_str("$seen"),
		    .keywords_del = slice_str("$draft"), .mailboxes_add = add_to, .mailboxes_del = take_from });
	email_free(&e);
}

static void
copy_is_there(struct submission *s, uint64_t sent)
{
	struct email e;

	s->row.rec.copy_done = true;
	submission_save(s);
	learn(s->account, LEARNED_SAVES);
	if (!email_load(&e, s->account, s->row.rec.email))
		return;
	drop_draft(&e, sent);
	/* Whether it is seen the server says: at Gmail it may be new mail in INBOX too. */
	email_patch(&e, &(struct email_patch){ .keywords_del = slice_str("$draft") });
	email_free(&e);
	log_info("server saved the sent copy link=%u submission=%llu", s->account, (unsigned long long)s->id);
}

/* We put a copy there ourselves, and now the server's own appears: ours goes. */
static void
swap_own_copy(struct email *e, uint64_t mailbox, uint32_t own)
{
	struct uid_row nobody = { .email = 0 };

	uid_put(e->account, mailbox, own, &nobody);
	(void)journal_add(&(struct rec_pending){ .account = e->account, .kind = OP_EXPUNGE, .mailbox = mailbox,
	    .uid = own, .created_at = store_now() });
	email_copy_del(e, mailbox);
	email_save(e);
	learn(e->account, LEARNED_SAVES);
}

bool
submit_copy_in_sent(const struct email *e)
{
	uint32_t uid = 0;

	return email_copy_in(e, submit_sent_mailbox(e->account), &uid) && uid != 0;
}

/* All Mail shows the draft too, which is another message and nobody's now. */
static uint64_t
in_place_of_draft(struct email *e, uint64_t mailbox, uint32_t own, uint64_t gm_msgid)
{
	struct uid_row nobody = { .email = 0 };

	if (e->rec.gm_msgid != 0 && gm_msgid != e->rec.gm_msgid && submit_copy_in_sent(e))
		return 0;
	uid_put(e->account, mailbox, own, &nobody);
	email_copy_del(e, mailbox);
	email_save(e);
	return e->id;
}

static uint64_t
expected_for(const struct submission *s, uint64_t mailbox, uint64_t gm_msgid)
{
	struct email e;
	uint64_t id = 0;
	uint32_t own = 0;

	if (!email_load(&e, s->account, s->row.rec.email))
		return 0;
	if (!email_visible(&e.rec))
		id = 0;	/* the ATS destroyed it: what the server keeps is a message of its own */
	else if (!email_copy_in(&e, mailbox, &own) || own == 0)
		id = e.rec.gm_msgid == 0 || gm_msgid == e.rec.gm_msgid || !submit_copy_in_sent(&e) ? e.id : 0;
	else if (mailbox_role(s->account, mailbox) != MBOX_SENT)
		id = in_place_of_draft(&e, mailbox, own, gm_msgid);
	else if (s->row.rec.copy_done && learned_of(s->account) != LEARNED_SAVES) {
		swap_own_copy(&e, mailbox, own);
		id = e.id;
	}
	email_free(&e);
	return id;
}

/* May a message that was sent show there by itself? */
static bool
shows_sent(uint32_t account, uint64_t mailbox, bool labels)
{
	enum mailbox_role role = mailbox_role(account, mailbox);

	return role == MBOX_SENT || (labels && role != MBOX_DRAFTS && role != MBOX_TRASH && role != MBOX_JUNK);
}

uint64_t
submit_copy_expected(uint32_t account, uint64_t mailbox, uint64_t gm_msgid, const struct rec_header *h)
{
	struct submission s;
	uint64_t id = 0;
	bool handed;

	if (!shows_sent(account, mailbox, gm_msgid != 0) || !submission_of_header(&s, account, h))
		return 0;
	handed = s.row.rec.state == SUB_SENDING || s.row.rec.state == SUB_UNCERTAIN || s.row.rec.state == SUB_SENT;
	if (handed)
		id = expected_for(&s, mailbox, gm_msgid);
	submission_free(&s);
	return id;
}

bool
submit_copy_leftover(uint32_t account, uint64_t mailbox, uint64_t gm_msgid, const struct rec_header *h)
{
	struct submission s;
	struct email e;
	bool left = false;

	if (gm_msgid == 0 || mailbox_role(account, mailbox) != MBOX_ALL || !submission_of_header(&s, account, h))
		return false;
	if (email_load(&e, account, s.row.rec.email)) {
		left = email_visible(&e.rec) && submit_copy_in_sent(&e) && e.rec.gm_msgid != 0 &&
		    gm_msgid != e.rec.gm_msgid;
		email_free(&e);
	}
	submission_free(&s);
	return left;
}

/* Entries that would put a copy there are held back while this is open, so the
 * copy is the server's own, and proof that the message was accepted. */
void
submit_copy_bound(uint32_t account, uint64_t mailbox, uint64_t email)
{
	struct submission s;

	if (mailbox_role(account, mailbox) != MBOX_SENT || !submission_of_email(&s, account, email))
		return;
	if (!s.row.rec.copy_done && (s.row.rec.state == SUB_SENT || s.row.rec.state == SUB_SENDING ||
		s.row.rec.state == SUB_UNCERTAIN))
		copy_is_there(&s, mailbox);
	if (s.row.rec.state == SUB_UNCERTAIN)
		submit_was_sent(&s);
	submission_free(&s);
}

/* ---- looking for it ---- */

void
submit_copy_start(uint32_t account, uint64_t submission)
{
	uint64_t sent = submit_sent_mailbox(account);
	struct submission s;

	if (!submission_load(&s, account, submission))
		return;
	if (s.row.rec.copy_done || (s.row.rec.state == SUB_UNCERTAIN && (email_is_local(account) || sent == 0))) {
		/* Nobody can tell: the review opens when its time comes. */
	} else if (email_is_local(account)) {
		s.row.rec.copy_done = true;
		submission_save(&s);
	} else if (sent == 0) {
		log_warn("no Sent folder, so no copy link=%u code=send.copy_failed", account);
		s.row.rec.copy_done = true;
		submission_save(&s);
	} else
		(void)journal_add(&(struct rec_pending){ .account = account, .kind = OP_FIND,
		    .email = s.row.rec.email, .mailbox = sent, .submission = submission,
		    .created_at = store_now() });
	submission_free(&s);
}

/* The server keeps none: the draft becomes the Sent copy. */
static void
make_copy(struct submission *s, uint64_t sent)
{
	struct wbuf drafts = { .max = 0 }, to = { .max = 0 };
	struct email e;
	bool visible;

	s->row.rec.copy_done = true;
	submission_save(s);
	learn(s->account, LEARNED_DOES_NOT_SAVE);
	if (!email_load(&e, s->account, s->row.rec.email))
		return;
	visible = email_visible(&e.rec);
	for (size_t i = 0; i < ids_count(wbuf_slice(&e.mailboxes)); i++)
		if (mailbox_role(s->account, ids_at(wbuf_slice(&e.mailboxes), i)) == MBOX_DRAFTS)
			ids_add_once(&drafts, ids_at(wbuf_slice(&e.mailboxes), i));
	email_free(&e);
	ids_add(&to, sent);
	if (visible)
		not_a_draft(s->account, s->row.rec.email, wbuf_slice(&to), wbuf_slice(&drafts));
	wbuf_free(&drafts);
	wbuf_free(&to);
}

/* Is that UID the email's own copy, known before? The ATS made it in Sent. */
static bool
is_own(const struct submission *s, uint64_t mailbox, uint32_t uid)
{
	struct uid_row u;

	return uid_get(s->account, mailbox, uid, &u) && u.email == s->row.rec.email;
}

static void
take_found(struct submission *s, uint64_t mailbox, uint32_t uid)
{
	struct email e;

	if (!email_load(&e, s->account, s->row.rec.email))
		return;
	if (email_visible(&e.rec)) {
		keywords_del(&e.keywords, slice_str("$draft"));
		bind_unlearn(&e);
		journal_take_uid(&e, mailbox, uid, &e.keywords);
	}
	email_free(&e);
	copy_is_there(s, mailbox);
}

static bool
found_uncertain(struct submission *s, const struct rec_pending *p, uint32_t uid)
{
	if (uid != 0 && !is_own(s, p->mailbox, uid)) {
		take_found(s, p->mailbox, uid);
		submit_was_sent(s);
		return true;
	}
	if (p->attempts < looks_for(LEARNED_NOTHING))
		return false;
	(void)review_open(&(struct review_input){ .reason = REVIEW_UNCERTAIN_SEND, .account = s->account,
	    .email = s->row.rec.email, .submission = s->id });
	return true;
}

static bool
found_sent(struct submission *s, const struct rec_pending *p, uint32_t uid)
{
	if (s->row.rec.copy_done)
		return true;
	if (uid != 0 && is_own(s, p->mailbox, uid)) {
		s->row.rec.copy_done = true;
		submission_save(s);
		not_a_draft(s->account, s->row.rec.email, SLICE_NONE, SLICE_NONE);
		return true;
	}
	if (uid != 0) {
		take_found(s, p->mailbox, uid);
		return true;
	}
	if (p->attempts < looks_for(learned_of(s->account)))
		return false;
	make_copy(s, p->mailbox);
	return true;
}

bool
submit_copy_found(uint32_t account, const struct rec_pending *p, uint32_t uid)
{
	struct submission s;
	bool settled = true;

	if (!submission_load(&s, account, p->submission))
		return true;
	if (s.row.rec.state == SUB_UNCERTAIN)
		settled = found_uncertain(&s, p, uid);
	else if (s.row.rec.state == SUB_SENT || s.row.rec.state == SUB_QUEUED)
		settled = found_sent(&s, p, uid);
	submission_free(&s);
	return settled;
}

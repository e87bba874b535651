#include "bind.h"

#include <string.h>

#include "journal.h"
#include "mailbox.h"
#include "submit_copy.h"

/* A copy of a folder that was rebuilt: its UID there is not known. */
#define ROUNDS_REBUILT UINT32_MAX

/* ---- fingerprints ---- */

bool
bind_fingerprint(const struct rec_header *h, uint32_t size, uint64_t internaldate, struct hash32 *out)
{
	struct slice ids = h->message_id, id;
	struct wbuf w = { .max = 0 };

	if (!list_next(&ids, &id) || id.n == 0 || h->digest.n == 0)
		return false;
	w_bytes(&w, id, LIM_MESSAGE_ID);
	w_u32(&w, size);
	w_u64(&w, internaldate);
	w_bytes(&w, h->digest, 32);
	if (w.failed)
		db_fail("out of memory");
	*out = db_hash32(wbuf_slice(&w));
	wbuf_free(&w);
	return true;
}

/* ---- finding ---- */

/* May this email take a UID of this folder? Never beside another one there. */
static bool
has_room(const struct bind_input *in, const struct email *e)
{
	uint32_t uid;

	return !email_copy_in(e, in->mailbox, &uid) || uid == 0;
}

/* X-GM-MSGID says for sure when it is not the same. */
static bool
is_another(const struct bind_input *in, const struct email *e)
{
	return in->gm_msgid != 0 && e->rec.gm_msgid != 0 && in->gm_msgid != e->rec.gm_msgid;
}

static bool
is_candidate(const struct bind_input *in, uint64_t id)
{
	struct email e;
	bool ok;

	if (!email_load(&e, in->account, id))
		return false;
	ok = has_room(in, &e) && !is_another(in, &e);
	email_free(&e);
	return ok;
}

static uint64_t
find_by_server_id(const struct bind_input *in)
{
	uint64_t id = 0;

	if (in->emailid.n > 0)
		id = table_get_u64(T_emailid, KEY(emailid, .account = in->account, .emailid = in->emailid));
	if (id == 0 && in->gm_msgid != 0)
		id = table_get_u64(T_gmmsgid, KEY(gmmsgid, .account = in->account, .gm_msgid = in->gm_msgid));
	return id != 0 && is_candidate(in, id) ? id : 0;
}

/*
 * Inference. Held: it vanished elsewhere and has no copy now. Another living
 * copy: the same message in two folders. Both exclude a UID of its own here.
 */
static uint64_t
find_by_fingerprint(const struct bind_input *in)
{
	struct hash32 print;
	struct dbkey alike;
	struct scan s;
	struct slice key;
	struct key_fingerprint k;
	uint64_t found = 0;
	size_t n = 0;

	if (!bind_fingerprint(in->header, in->size, in->internaldate, &print))
		return 0;
	alike = PREFIX(fingerprint, 2, .account = in->account, .digest = HASH(print));
	if (!table_any_at(T_fingerprint, &alike))
		return 0;
	scan_prefix_at(&s, T_fingerprint, &alike, false);
	while (found == 0 && n++ < LIM_ALIKE && scan_next(&s, &key, NULL))
		if (key_fingerprint_read(key, &k) == 0 && is_candidate(in, k.email))
			found = k.email;
	scan_end(&s);
	return found;
}

/* We put a message there ourselves and were not told its UID. */
static bool
awaited_here(const struct bind_input *in, uint64_t id)
{
	struct email e;
	uint32_t uid = 1;
	bool ok;

	if (!email_load(&e, in->account, id))
		return false;
	ok = email_copy_in(&e, in->mailbox, &uid) && uid == 0;
	email_free(&e);
	return ok;
}

static uint64_t
find_awaited(const struct bind_input *in)
{
	struct slice ids = in->header->message_id, id;
	struct scan s;
	struct slice key;
	struct key_msgemail k;
	struct hash16 hash;
	uint64_t found = 0;
	size_t n = 0;

	if (!list_next(&ids, &id) || submit_msgid_check(id) != MSGID_OURS)
		return 0;
	hash = db_hash16(id);
	scan_prefix(&s, T_msgemail, PREFIX(msgemail, 2, .account = in->account, .msgid = HASH(hash)), false);
	while (found == 0 && n++ < LIM_ALIKE && scan_next(&s, &key, NULL))
		if (key_msgemail_read(key, &k) == 0 && awaited_here(in, k.email))
			found = k.email;
	scan_end(&s);
	return found;
}

uint64_t
bind_find(const struct bind_input *in)
{
	uint64_t id = find_by_server_id(in);

	if (id != 0 || in->header == NULL)
		return id;
	if ((id = submit_copy_expected(in->account, in->mailbox, in->gm_msgid, in->header)) != 0)
		return id;
	if ((id = find_awaited(in)) != 0)
		return id;
	return find_by_fingerprint(in);
}

void
bind_copy(struct email *e, uint64_t mailbox, uint32_t uid, const struct keywords *k, bool deleted)
{
	struct uid_row u = { .email = e->id, .deleted = deleted, .keywords = *k };

	uid_put(e->account, mailbox, uid, &u);
	email_copy_set(e, mailbox, uid, 0);
	(void)table_del(T_held, KEY(held, .account = e->account, .email = e->id));
	(void)email_project(e);
	email_save(e);
}

/* What it was at the server is not what it is now: a draft beside what was sent. */
static void
set_apart(const struct email *e)
{
	struct slice copies = wbuf_slice(&e->copies);
	struct uid_row u;

	for (size_t i = 0; i < copies_count(copies); i++) {
		struct copy c = copies_at(copies, i);

		if (c.uid == 0 || !uid_get(e->account, c.mailbox, c.uid, &u))
			continue;
		u.apart = true;
		uid_put(e->account, c.mailbox, c.uid, &u);
	}
}

void
bind_learn(struct email *e, struct slice emailid, uint64_t gm_msgid)
{
	if ((emailid.n == 0 || slice_eq(emailid, e->rec.emailid)) && (gm_msgid == 0 || gm_msgid == e->rec.gm_msgid))
		return;
	email_index_ids(e, false);
	if (emailid.n > 0)
		e->rec.emailid = emailid;
	if (gm_msgid != 0 && e->rec.gm_msgid != 0 && gm_msgid != e->rec.gm_msgid)
		set_apart(e);
	if (gm_msgid != 0)
		e->rec.gm_msgid = gm_msgid;
	email_index_ids(e, true);
}

void
bind_unlearn(struct email *e)
{
	email_index_ids(e, false);
	if (e->rec.gm_msgid != 0)
		set_apart(e);
	e->rec.emailid = SLICE_NONE;
	e->rec.gm_msgid = 0;
	email_index_ids(e, true);
}

void
bind_share(const struct email *e, const struct keywords *k)
{
	struct slice copies = wbuf_slice(&e->copies);
	struct uid_row u;

	for (size_t i = 0; e->rec.gm_msgid != 0 && i < copies_count(copies); i++) {
		struct copy c = copies_at(copies, i);

		if (c.uid == 0 || !uid_get(e->account, c.mailbox, c.uid, &u) || u.apart ||
		    slice_eq(keywords_slice(&u.keywords), keywords_slice(k)))
			continue;
		u.keywords = *k;
		uid_put(e->account, c.mailbox, c.uid, &u);
	}
}

/* ---- vanished ---- */

static void
hold(uint32_t account, uint64_t email, uint64_t order)
{
	struct wbuf w = { .max = 0 };

	w_u64(&w, store_ticks());
	w_u64(&w, order);
	if (w.failed)
		db_fail("out of memory");
	else
		table_put(T_held, KEY(held, .account = account, .email = email), wbuf_slice(&w));
	wbuf_free(&w);
}

void
bind_hold(const struct email *e)
{
	if (!table_get(T_held, KEY(held, .account = e->account, .email = e->id), NULL))
		hold(e->account, e->id, store_next_id());
}

/* What was only hidden, for somebody marked it as deleted, may have been moved
 * like any other, and shows again where the mark is taken off. */
void
bind_vanished(uint32_t account, uint64_t mailbox, uint32_t uid)
{
	struct uid_row u;
	struct email e;
	uint32_t now;
	bool marked_last;

	if (!uid_get(account, mailbox, uid, &u))
		return;
	uid_del(account, mailbox, uid);
	if (!email_load(&e, account, u.email))
		return;
	if (email_copy_in(&e, mailbox, &now) && now == uid)
		email_copy_del(&e, mailbox);
	marked_last = u.deleted && email_project(&e) == VIEW_LOST;
	email_save(&e);
	if (marked_last)
		bind_hold(&e);
	email_free(&e);
	if (!marked_last)
		email_settle(account, u.email);
}

/* The folder of what is only here is gone: it goes to where it can be seen. */
static void
keep_elsewhere(struct email *e, uint64_t mailbox)
{
	uint64_t to = mailbox_by_role(e->account, MBOX_DRAFTS);
	bool there;

	if (to == 0 || to == mailbox)
		to = mailbox_by_role(e->account, MBOX_INBOX);
	if (to == 0 || to == mailbox)
		return;
	there = email_copy_in(e, to, NULL);
	journal_elsewhere(e->account, e->id, mailbox, there ? 0 : to);
	if (!there)
		email_copy_set(e, to, 0, ROUNDS_ONLY_HERE);
}

void
bind_lost(uint32_t account, uint64_t mailbox, uint64_t email)
{
	bool only_here = email_copy_only_here(account, mailbox, email);
	struct email e;
	uint32_t uid;

	(void)table_del(T_unbound, KEY(unbound, .account = account, .mailbox = mailbox, .email = email));
	if (!email_load(&e, account, email))
		return;
	if (email_copy_in(&e, mailbox, &uid) && uid == 0)
		email_copy_del(&e, mailbox);
	if (only_here)
		keep_elsewhere(&e, mailbox);
	email_save(&e);
	email_free(&e);
	email_settle(account, email);
}

static void
unbind_one(const struct key_uid *k)
{
	struct uid_row u;
	struct email e;

	if (!uid_get(k->account, k->mailbox, k->uid, &u))
		return;
	uid_del(k->account, k->mailbox, k->uid);
	if (!email_load(&e, k->account, u.email))
		return;
	email_copy_set(&e, k->mailbox, 0, ROUNDS_REBUILT);
	email_save(&e);
	email_free(&e);
}

/* Entries of the journal that name a UID of the old numbering. */
static void
drop_pinned(uint32_t account, uint64_t mailbox)
{
	struct scan s;
	struct slice key;
	struct key_pending k;
	struct row_pending row;

	scan_prefix(&s, T_pending, PREFIX(pending, 1, .account = account), false);
	while (scan_next(&s, &key, NULL)) {
		if (key_pending_read(key, &k) == -1 ||
		    !row_pending_get(&row, KEY(pending, .account = account, .op = k.op)))
			continue;
		if (row.rec.uid != 0 && row.rec.mailbox == mailbox)
			journal_drop(account, k.op);
		row_pending_free(&row);
	}
	scan_end(&s);
}

bool
bind_unbind(uint32_t account, uint64_t mailbox, size_t max)
{
	struct scan s;
	struct slice key;
	struct key_uid k;
	size_t n = 0;

	scan_prefix(&s, T_uid, PREFIX(uid, 2, .account = account, .mailbox = mailbox), false);
	for (; n < max && scan_next(&s, &key, NULL); n++)
		if (key_uid_read(key, &k) == 0)
			unbind_one(&k);
	scan_end(&s);
	if (n < max)
		drop_pinned(account, mailbox);
	return n == max;
}

/* Only a look at the whole folder tells that a message of its old numbering is
 * gone. Else it may lie below what is read again: it stays, without a UID. */
static void
round_one(const struct key_unbound *k, uint64_t rounds, bool whole)
{
	struct dbkey key = KEY(unbound, .account = k->account, .mailbox = k->mailbox, .email = k->email);

	if (rounds == ROUNDS_ONLY_HERE)
		return;
	if (rounds == ROUNDS_REBUILT && !whole)
		(void)table_del(T_unbound, key);
	else if (rounds == ROUNDS_REBUILT || rounds <= 1)
		bind_lost(k->account, k->mailbox, k->email);
	else
		table_put_u64(T_unbound, key, rounds - 1);
}

void
bind_round(uint32_t account, uint64_t mailbox, bool whole)
{
	struct scan s;
	struct slice key, v;
	struct key_unbound k;
	struct rbuf r;

	scan_prefix(&s, T_unbound, PREFIX(unbound, 2, .account = account, .mailbox = mailbox), false);
	while (scan_next(&s, &key, &v)) {
		rbuf_init(&r, v);
		if (key_unbound_read(key, &k) == 0)
			round_one(&k, r_u64(&r), whole);
	}
	scan_end(&s);
}

size_t
bind_release(uint32_t account, uint64_t looked, uint64_t before, size_t max)
{
	struct scan s;
	struct slice key, v;
	struct key_held k;
	struct rbuf r;
	struct email e;
	uint64_t now = store_ticks(), at, order;
	size_t n = 0;

	scan_prefix(&s, T_held, PREFIX(held, 1, .account = account), false);
	while (n < max && scan_next(&s, &key, &v)) {
		rbuf_init(&r, v);
		if (key_held_read(key, &k) == -1)
			continue;
		at = r_u64(&r);
		order = r_u64(&r);
		if (at > now)	/* of a run before this machine started */
			hold(k.account, k.email, order);
		if (order >= looked && (at > now || at >= before))
			continue;
		n++;
		(void)table_del(T_held, KEY(held, .account = k.account, .email = k.email));
		if (!email_load(&e, account, k.email))
			continue;
		if (email_project(&e) == VIEW_LOST)
			email_erase(&e);
		email_free(&e);
	}
	scan_end(&s);
	return n;
}

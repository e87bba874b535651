#include "email_row.h"

#include <string.h>

#include "blob.h"
#include "bind.h"
#include "changes.h"
#include "journal.h"
#include "mailbox_count.h"
#include "review.h"
#include "table_index.h"
#include "thread.h"

#define COPY_SIZE 12	/* u64 mailbox, u32 uid */

/* ---- uid rows ---- */

/* What the byte behind the email's id says. */
enum uid_bits { UID_DELETED = 1, UID_APART = 2 };

bool
uid_get(uint32_t account, uint64_t mailbox, uint32_t uid, struct uid_row *u)
{
	struct slice v;
	struct rbuf r;
	uint8_t bits;

	*u = (struct uid_row){ 0 };
	if (!table_get(T_uid, KEY(uid, .account = account, .mailbox = mailbox, .uid = uid), &v))
		return false;
	rbuf_init(&r, v);
	u->email = r_u64(&r);
	bits = r_u8(&r);
	u->deleted = (bits & UID_DELETED) != 0;
	u->apart = (bits & UID_APART) != 0;
	(void)keywords_load(&u->keywords, r.failed ? SLICE_NONE : slice_mem(r.p, r.n));
	return true;
}

void
uid_put(uint32_t account, uint64_t mailbox, uint32_t uid, const struct uid_row *u)
{
	static struct wbuf w;

	wbuf_reset(&w);
	w_u64(&w, u->email);
	w_u8(&w, (uint8_t)((u->deleted ? UID_DELETED : 0) | (u->apart ? UID_APART : 0)));
	w_raw(&w, u->keywords.text, u->keywords.n);
	if (w.failed)
		db_fail("out of memory");
	else
		table_put(T_uid, KEY(uid, .account = account, .mailbox = mailbox, .uid = uid), wbuf_slice(&w));
}

void
uid_del(uint32_t account, uint64_t mailbox, uint32_t uid)
{
	(void)table_del(T_uid, KEY(uid, .account = account, .mailbox = mailbox, .uid = uid));
	(void)table_del(T_tries, KEY(tries, .account = account, .mailbox = mailbox, .uid = uid));
}

/* ---- packed ids ---- */

bool
ids_has(struct slice ids, uint64_t id)
{
	for (size_t i = 0; i < ids_count(ids); i++)
		if (ids_at(ids, i) == id)
			return true;
	return false;
}

void
ids_add_once(struct wbuf *w, uint64_t id)
{
	if (!ids_has(wbuf_slice(w), id))
		ids_add(w, id);
}

void
ids_remove(struct wbuf *w, uint64_t id)
{
	for (size_t i = 0; i < w->n / 8; i++) {
		if (ids_at(wbuf_slice(w), i) != id)
			continue;
		memmove(w->p + i * 8, w->p + (i + 1) * 8, w->n - (i + 1) * 8);
		w->n -= 8;
		return;
	}
}

/* ---- copies ---- */

size_t
copies_count(struct slice copies)
{
	return copies.n / COPY_SIZE;
}

struct copy
copies_at(struct slice copies, size_t i)
{
	struct copy c;
	struct rbuf r;

	rbuf_init(&r, slice_mem(copies.p + i * COPY_SIZE, COPY_SIZE));
	c.mailbox = r_u64(&r);
	c.uid = r_u32(&r);
	return c;
}

bool
email_copy_in(const struct email *e, uint64_t mailbox, uint32_t *uid)
{
	for (size_t i = 0; i < copies_count(wbuf_slice(&e->copies)); i++) {
		struct copy c = copies_at(wbuf_slice(&e->copies), i);

		if (c.mailbox != mailbox)
			continue;
		if (uid != NULL)
			*uid = c.uid;
		return true;
	}
	return false;
}

static void
copies_drop(struct email *e, uint64_t mailbox)
{
	struct wbuf *w = &e->copies;

	for (size_t i = 0; i < copies_count(wbuf_slice(w)); i++) {
		if (copies_at(wbuf_slice(w), i).mailbox != mailbox)
			continue;
		memmove(w->p + i * COPY_SIZE, w->p + (i + 1) * COPY_SIZE, w->n - (i + 1) * COPY_SIZE);
		w->n -= COPY_SIZE;
		return;
	}
}

void
email_copy_set(struct email *e, uint64_t mailbox, uint32_t uid, uint64_t rounds)
{
	struct dbkey k = KEY(unbound, .account = e->account, .mailbox = mailbox, .email = e->id);

	copies_drop(e, mailbox);
	w_u64(&e->copies, mailbox);
	w_u32(&e->copies, uid);
	if (uid == 0 && rounds > 0)
		table_put_u64(T_unbound, k, rounds);
	else if (e->stored)
		(void)table_del(T_unbound, k);
}

void
email_copy_del(struct email *e, uint64_t mailbox)
{
	copies_drop(e, mailbox);
	(void)table_del(T_unbound, KEY(unbound, .account = e->account, .mailbox = mailbox, .email = e->id));
}

bool
email_copy_only_here(uint32_t account, uint64_t mailbox, uint64_t email)
{
	return table_get_u64(T_unbound, KEY(unbound, .account = account, .mailbox = mailbox, .email = email)) ==
	    ROUNDS_ONLY_HERE;
}

/* ---- one email ---- */

bool
email_load(struct email *e, uint32_t account, uint64_t id)
{
	*e = (struct email){ .account = account, .id = id, .stored = true };
	if (id == 0 || !row_email_get(&e->row, KEY(email, .account = account, .id = id)))
		return false;
	e->rec = e->row.rec;
	wbuf_init(&e->mailboxes, 64 * 8);
	wbuf_init(&e->copies, 64 * 24);
	w_raw(&e->mailboxes, e->rec.mailboxes.p, e->rec.mailboxes.n);
	w_raw(&e->copies, e->rec.copies.p, e->rec.copies.n - e->rec.copies.n % COPY_SIZE);
	(void)keywords_load(&e->keywords, e->rec.keywords);
	return true;
}

void
email_new(struct email *e, uint32_t account)
{
	*e = (struct email){ .account = account, .id = store_next_id() };
	wbuf_init(&e->mailboxes, 64 * 8);
	wbuf_init(&e->copies, 64 * 24);
}

void
email_born(struct email *e, uint64_t mailbox, uint32_t uid, const struct uid_row *u)
{
	uid_put(e->account, mailbox, uid, u);
	email_copy_set(e, mailbox, uid, 0);
	if (u->deleted)
		return;	/* hidden, as long as it is so */
	ids_add(&e->mailboxes, mailbox);
	e->keywords = u->keywords;
}

void
email_free(struct email *e)
{
	wbuf_free(&e->mailboxes);
	wbuf_free(&e->copies);
	row_email_free(&e->row);
}

bool
email_visible(const struct rec_email *rec)
{
	return rec->mailboxes.n > 0;
}

bool
email_header(const struct email *e, struct rec_header *h)
{
	if (e->head == NULL)
		return rec_header_decode(e->rec.header, h) == 0;
	*h = *e->head;
	return true;
}

/* Is anything different that Email/get shows? */
static bool
differs(const struct rec_email *a, const struct rec_email *b)
{
	return !slice_eq(a->mailboxes, b->mailboxes) || !slice_eq(a->keywords, b->keywords) ||
	    a->content_state != b->content_state || a->blob != b->blob || a->has_attachment != b->has_attachment ||
	    !slice_eq(a->preview, b->preview) || !slice_eq(a->header, b->header);
}

static enum change
what_happened(const struct email *e, const struct rec_email *before, const struct rec_email *after)
{
	if (before == NULL)
		return e->stored ? CREATED : BORN;
	return after == NULL ? DESTROYED : UPDATED;
}

static void
save_effects(const struct email *e, const struct rec_email *before, const struct rec_email *after)
{
	const struct rec_email *any = after != NULL ? after : before;

	index_email(e->account, e->id, before, after);
	if (before == NULL)
		thread_add(e->account, any->thread, any->received_at, e->id, e->alone);
	else if (after == NULL)
		thread_remove(e->account, any->thread, any->received_at, e->id);
	mailbox_count(e->account, e->id, before, after, e->alone);
	if (before == NULL || after == NULL || differs(before, after))
		changes_record(e->account, OBJ_EMAIL, e->id, what_happened(e, before, after));
}

void
email_save(struct email *e)
{
	const struct rec_email *before = e->stored && email_visible(&e->row.rec) ? &e->row.rec : NULL;
	const struct rec_email *after;

	if (e->mailboxes.failed || e->copies.failed)
		db_fail("an email in too many mailboxes");
	e->rec.mailboxes = wbuf_slice(&e->mailboxes);
	e->rec.copies = wbuf_slice(&e->copies);
	e->rec.keywords = keywords_slice(&e->keywords);
	e->rec.parts = SLICE_NONE;
	after = email_visible(&e->rec) ? &e->rec : NULL;
	row_email_put(KEY(email, .account = e->account, .id = e->id), &e->rec);
	if (!e->stored)
		email_index_ids(e, true);
	if (before != NULL || after != NULL)
		save_effects(e, before, after);
}

/* ---- what finds it again ---- */

static void
index_row(enum table t, struct dbkey k, uint64_t value, bool present)
{
	if (!present)
		(void)table_del(t, k);
	else if (value == 0)
		table_put_empty(t, k);
	else
		table_put_u64(t, k, value);
}

/* Only its own row may be taken away by an email. */
static void
index_single(enum table t, struct dbkey k, uint64_t email, bool present)
{
	uint64_t owner = table_get_u64(t, k);

	if (present ? owner == 0 : owner == email)
		index_row(t, k, email, present);
}

void
email_index_ids(const struct email *e, bool present)
{
	struct rec_header h;
	struct slice ids, id;
	struct hash32 print;
	struct hash16 hash;
	uint32_t a = e->account;

	if (e->rec.emailid.n > 0)
		index_single(T_emailid, KEY(emailid, .account = a, .emailid = e->rec.emailid), e->id, present);
	if (e->rec.gm_msgid != 0)
		index_single(T_gmmsgid, KEY(gmmsgid, .account = a, .gm_msgid = e->rec.gm_msgid), e->id, present);
	if (!email_header(e, &h))
		return;
	if (bind_fingerprint(&h, e->rec.size, e->rec.received_at, &print))
		index_row(T_fingerprint, KEY(fingerprint, .account = a, .digest = HASH(print), .email = e->id), 0,
		    present);
	for (ids = h.message_id; list_next(&ids, &id);) {
		hash = db_hash16(id);
		index_row(T_msgemail, KEY(msgemail, .account = a, .msgid = HASH(hash), .email = e->id), 0, present);
	}
}

/* ---- the end ---- */

static void
erase_copies(struct email *e)
{
	for (size_t i = 0; i < copies_count(wbuf_slice(&e->copies)); i++) {
		struct copy c = copies_at(wbuf_slice(&e->copies), i);

		if (c.uid != 0)
			uid_del(e->account, c.mailbox, c.uid);
		(void)table_del(T_unbound, KEY(unbound, .account = e->account, .mailbox = c.mailbox, .email = e->id));
	}
}

static void
erase_pending(const struct email *e)
{
	struct scan s;
	struct slice key;
	struct key_pendmail pm;

	scan_prefix(&s, T_pendmail, PREFIX(pendmail, 2, .account = e->account, .email = e->id), false);
	while (scan_next(&s, &key, NULL)) {
		if (key_pendmail_read(key, &pm) == -1)
			continue;
		journal_drop(pm.account, pm.op);
		/* Also what is damaged. */
		(void)table_del(T_pending, KEY(pending, .account = pm.account, .op = pm.op));
		(void)table_del(T_pendmail, KEY(pendmail, .account = pm.account, .email = pm.email, .op = pm.op));
	}
}

void
email_erase(struct email *e)
{
	uint32_t a = e->account;
	struct rec_header h;

	erase_copies(e);
	erase_pending(e);
	review_settle_change(a, e->id, 0);
	/* The rows say what was indexed; the changed record may differ. */
	e->rec = e->row.rec;
	email_index_ids(e, false);
	if (email_visible(&e->row.rec))
		save_effects(e, &e->row.rec, NULL);
	if (email_header(e, &h))
		thread_forget(a, e->rec.thread, &h);
	(void)table_del(T_email, KEY(email, .account = a, .id = e->id));
	(void)table_del(T_email_parts, KEY(email_parts, .account = a, .id = e->id));
	(void)table_del(T_email_note, KEY(email_note, .account = a, .id = e->id));
	(void)table_del(T_want, KEY(want, .account = a, .email = e->id));
	(void)table_del(T_held, KEY(held, .account = a, .email = e->id));
	text_erase(a, e->id);
	if (e->row.rec.blob != 0)
		blob_unref(a, e->row.rec.blob);
}

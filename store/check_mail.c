/*
 * check_mail.c - emails, and every table that finds them.
 */
#include "bind.h"
#include "blob.h"
#include "check_private.h"
#include "email_note.h"
#include "email_row.h"
#include "table_index.h"

/* ---- from the email to its rows ---- */
static bool
want(enum table t, struct dbkey k, struct slice key, const char *why)
{
	if (table_get(t, k, NULL))
		return true;
	check_bad(T_email, key, why);
	return false;
}

/* left: of the addresses that are indexed, in the order of table_index.c. */
static void
want_addresses(const struct email *e, struct slice key, struct slice list, size_t *left)
{
	char canonical[LIM_ADDRESS + 1];
	struct slice item;
	struct rec_address a;
	size_t n;

	while (*left > 0 && list_next(&list, &item)) {
		if (rec_address_decode(item, &a) == -1 || (n = address_canonical(a.email, canonical)) == 0)
			continue;
		--*left;
		(void)want(T_byaddress,
		    KEY(byaddress, .account = e->account, .address = slice_mem(canonical, n),
			.received_at = e->rec.received_at, .email = e->id),
		    key, "not by this address");
	}
}

static void
want_ids(const struct email *e, struct slice key, const struct rec_header *h)
{
	struct slice ids = h->message_id, id;
	struct hash32 print;
	struct hash16 hash;

	while (list_next(&ids, &id)) {
		hash = db_hash16(id);
		(void)want(T_msgemail, KEY(msgemail, .account = e->account, .msgid = HASH(hash), .email = e->id), key,
		    "not by its Message-ID");
		if (email_visible(&e->rec))
			(void)want(T_msgid, KEY(msgid, .account = e->account, .msgid = HASH(hash)), key,
			    "its Message-ID leads to no thread");
	}
	if (bind_fingerprint(h, e->rec.size, e->rec.received_at, &print))
		(void)want(T_fingerprint,
		    KEY(fingerprint, .account = e->account, .digest = HASH(print), .email = e->id), key,
		    "not by its fingerprint");
}

static void
want_visible(const struct email *e, struct slice key, const struct rec_header *h)
{
	uint32_t a = e->account;
	uint64_t at = e->rec.received_at;
	size_t left = LIM_INDEXED_ADDRESSES;

	(void)want(T_bydate, KEY(bydate, .account = a, .received_at = at, .email = e->id), key, "not by date");
	(void)want(T_threademail,
	    KEY(threademail, .account = a, .thread = e->rec.thread, .received_at = at, .email = e->id), key,
	    "not in its thread");
	for (size_t i = 0; i < ids_count(e->rec.mailboxes); i++) {
		uint64_t box = ids_at(e->rec.mailboxes, i);

		(void)want(T_mailbox, KEY(mailbox, .account = a, .id = box), key, "its folder is not there");
		(void)want(T_bymailbox, KEY(bymailbox, .account = a, .mailbox = box, .received_at = at, .email = e->id),
		    key, "not in its folder");
	}
	if (h != NULL) {
		want_addresses(e, key, h->from, &left);
		want_addresses(e, key, h->to, &left);
		want_addresses(e, key, h->cc, &left);
		want_addresses(e, key, h->bcc, &left);
	}
}

static void
want_copies(const struct email *e, struct slice key)
{
	struct uid_row u;

	for (size_t i = 0; i < copies_count(e->rec.copies); i++) {
		struct copy c = copies_at(e->rec.copies, i);

		if (c.uid != 0 && (!uid_get(e->account, c.mailbox, c.uid, &u) || u.email != e->id))
			check_bad(T_email, key, "its copy's UID is not its own");
	}
}

/* Which parts have text is said nowhere, so of email_text nothing is missed. */
static void
want_content(const struct email *e, struct slice key)
{
	if (e->rec.content_state != CONTENT_STATE_FULL)
		return;
	(void)want(T_email_parts, KEY(email_parts, .account = e->account, .id = e->id), key, "its parts are gone");
	if (!email_note_there(e->account, e->id))
		check_bad(T_email, key, "its text for a note is gone");
}

static void
check_emails(void)
{
	struct slice key, v;
	struct key_email k;
	struct rec_header h;
	struct email e;
	bool parsed;

	CHECK_EACH(email, k, key, v)
	{
		if (check_leaving(k.account) || !email_load(&e, k.account, k.id))
			continue;
		parsed = email_header(&e, &h);
		if (email_visible(&e.rec))
			want_visible(&e, key, parsed ? &h : NULL);
		if (parsed)
			want_ids(&e, key, &h);
		want_copies(&e, key);
		want_content(&e, key);
		if (e.rec.blob != 0)
			(void)want(T_blob, KEY(blob, .account = k.account, .id = e.rec.blob), key, "its bytes are gone");
		email_free(&e);
	}
}

/* ---- from the rows to the email ---- */
enum need { EXISTS, VISIBLE };

static bool
email_for(enum table t, struct slice key, uint32_t account, uint64_t id, enum need need, struct email *e)
{
	if (check_leaving(account))
		return false;
	if (!email_load(e, account, id)) {
		check_bad(t, key, "its email is not there");
		return false;
	}
	if (need == VISIBLE && !email_visible(&e->rec)) {
		check_bad(t, key, "its email is hidden");
		email_free(e);
		return false;
	}
	return true;
}

static void
only_exists(enum table t, struct slice key, uint32_t account, uint64_t id)
{
	struct email e;

	if (email_for(t, key, account, id, EXISTS, &e))
		email_free(&e);
}

static void
check_indexes(void)
{
	struct slice key, v;
	struct key_bydate date;
	struct key_bymailbox box;
	struct key_byaddress address;
	struct key_threademail thread;
	struct email e;

	CHECK_EACH(bydate, date, key, v)
		if (email_for(T_bydate, key, date.account, date.email, VISIBLE, &e)) {
			if (e.rec.received_at != date.received_at)
				check_bad(T_bydate, key, "another date");
			email_free(&e);
		}
	CHECK_EACH(bymailbox, box, key, v)
		if (email_for(T_bymailbox, key, box.account, box.email, VISIBLE, &e)) {
			if (e.rec.received_at != box.received_at || !ids_has(e.rec.mailboxes, box.mailbox))
				check_bad(T_bymailbox, key, "the email is not in this folder");
			email_free(&e);
		}
	CHECK_EACH(byaddress, address, key, v)
		if (email_for(T_byaddress, key, address.account, address.email, VISIBLE, &e)) {
			if (e.rec.received_at != address.received_at)
				check_bad(T_byaddress, key, "another date");
			email_free(&e);
		}
	CHECK_EACH(threademail, thread, key, v)
		if (email_for(T_threademail, key, thread.account, thread.email, VISIBLE, &e)) {
			if (e.rec.received_at != thread.received_at || e.rec.thread != thread.thread)
				check_bad(T_threademail, key, "the email is in another thread");
			email_free(&e);
		}
}

static void
check_finders(void)
{
	struct slice key, v;
	struct key_fingerprint print;
	struct key_msgemail msgid;
	struct key_emailid emailid;
	struct key_gmmsgid gm;

	CHECK_EACH(fingerprint, print, key, v)
		only_exists(T_fingerprint, key, print.account, print.email);
	CHECK_EACH(msgemail, msgid, key, v)
		only_exists(T_msgemail, key, msgid.account, msgid.email);
	CHECK_EACH(emailid, emailid, key, v)
		only_exists(T_emailid, key, emailid.account, check_u64(v));
	CHECK_EACH(gmmsgid, gm, key, v)
		only_exists(T_gmmsgid, key, gm.account, check_u64(v));
}

static void
check_belongings(void)
{
	struct slice key, v;
	struct key_email_parts parts;
	struct key_email_text text;
	struct key_email_note note;
	struct key_want wanted;
	struct key_held held;

	CHECK_EACH(email_parts, parts, key, v)
		only_exists(T_email_parts, key, parts.account, parts.id);
	CHECK_EACH(email_text, text, key, v)
	{
		only_exists(T_email_text, key, text.account, text.id);
		if (!text_sound(text.account, v))
			check_bad(T_email_text, key, "its bytes are not where it says");
	}
	CHECK_EACH(email_note, note, key, v)
		only_exists(T_email_note, key, note.account, note.id);
	CHECK_EACH(want, wanted, key, v)
		only_exists(T_want, key, wanted.account, wanted.email);
	CHECK_EACH(held, held, key, v)
		only_exists(T_held, key, held.account, held.email);
}

void
check_mail(void)
{
	check_emails();
	check_indexes();
	check_finders();
	check_belongings();
}

/*
 * check_folders.c - mailboxes and what they count, UIDs, the journal, blobs.
 */
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "check_private.h"
#include "email_keywords.h"
#include "email_row.h"

/* ---- what a folder holds ---- */
struct held {
	uint32_t total, unread, threads, unread_threads;
	struct wbuf seen;	/* threads counted */
};

static bool
unread(const struct rec_email *e)
{
	return !keywords_has(e->keywords, "$seen") && !keywords_has(e->keywords, "$draft");
}

static bool
thread_unread(uint32_t account, uint64_t thread)
{
	struct scan s;
	struct slice key;
	struct key_threademail k;
	struct row_email row;
	bool found = false;

	scan_prefix(&s, T_threademail, PREFIX(threademail, 2, .account = account, .thread = thread), false);
	while (!found && scan_next(&s, &key, NULL)) {
		if (key_threademail_read(key, &k) == -1 ||
		    !row_email_get(&row, KEY(email, .account = account, .id = k.email)))
			continue;
		found = unread(&row.rec);
		row_email_free(&row);
	}
	scan_end(&s);
	return found;
}

static void
count_email(uint32_t account, const struct rec_email *e, struct held *h)
{
	h->total++;
	h->unread += unread(e);
	if (ids_has(wbuf_slice(&h->seen), e->thread))
		return;
	ids_add(&h->seen, e->thread);
	h->threads++;
	h->unread_threads += thread_unread(account, e->thread);
}

static struct held
count_folder(uint32_t account, uint64_t mailbox)
{
	struct held h = { .seen = { .max = 0 } };
	struct scan s;
	struct slice key;
	struct key_bymailbox k;
	struct row_email row;

	scan_prefix(&s, T_bymailbox, PREFIX(bymailbox, 2, .account = account, .mailbox = mailbox), false);
	while (scan_next(&s, &key, NULL)) {
		if (key_bymailbox_read(key, &k) == -1 ||
		    !row_email_get(&row, KEY(email, .account = account, .id = k.email)))
			continue;
		count_email(account, &row.rec, &h);
		row_email_free(&row);
	}
	wbuf_free(&h.seen);
	return h;
}

static void
check_mailbox(const struct key_mailbox *k, struct slice key, const struct rec_mailbox *r)
{
	struct hash16 name = db_hash16(r->raw_name);
	struct held h = count_folder(k->account, k->id);

	if (r->raw_name.n > 0 &&
	    table_get_u64(T_mailboxname, KEY(mailboxname, .account = k->account, .name = HASH(name))) != k->id)
		check_bad(T_mailbox, key, "not by its name");
	if (r->total != h.total || r->unread != h.unread)
		check_bad(T_mailbox, key, "counts other emails than it holds");
	if (r->total_threads != h.threads || r->unread_threads != h.unread_threads)
		check_bad(T_mailbox, key, "counts other threads than it holds");
}

static void
check_mailboxes(void)
{
	struct slice key, v;
	struct key_mailbox k;
	struct key_mailboxname name;
	struct row_mailbox row;

	CHECK_EACH(mailbox, k, key, v)
	{
		if (check_leaving(k.account) || !row_mailbox_get(&row, KEY(mailbox, .account = k.account, .id = k.id)))
			continue;
		check_mailbox(&k, key, &row.rec);
		row_mailbox_free(&row);
	}
	CHECK_EACH(mailboxname, name, key, v)
		if (!check_leaving(name.account) &&
		    !table_get(T_mailbox, KEY(mailbox, .account = name.account, .id = check_u64(v)), NULL))
			check_bad(T_mailboxname, key, "the name of no folder");
}

/* ---- UIDs ---- */
static bool
has_copy(uint32_t account, uint64_t email, uint64_t mailbox, uint32_t uid)
{
	struct email e;
	uint32_t found = 0;
	bool has;

	if (!email_load(&e, account, email))
		return false;
	has = email_copy_in(&e, mailbox, &found) && found == uid;
	email_free(&e);
	return has;
}

static void
check_uids(void)
{
	struct slice key, v;
	struct key_uid k;
	struct key_unbound u;
	struct uid_row row;

	CHECK_EACH(uid, k, key, v)
	{
		if (check_leaving(k.account))
			continue;
		if (!uid_get(k.account, k.mailbox, k.uid, &row))
			check_bad(T_uid, key, "does not decode");
		else if (row.email != 0 && !has_copy(k.account, row.email, k.mailbox, k.uid))
			check_bad(T_uid, key, "its email does not know this copy");
	}
	CHECK_EACH(unbound, u, key, v)
		if (!check_leaving(u.account) && !has_copy(u.account, u.email, u.mailbox, 0))
			check_bad(T_unbound, key, "no copy waits for its UID");
}

/* ---- the journal ---- */
static void
check_journal(void)
{
	struct slice key, v;
	struct key_pending k;
	struct key_pendmail m;
	struct key_pendafter a;
	struct row_pending row;

	CHECK_EACH(pending, k, key, v)
	{
		if (check_leaving(k.account) || !row_pending_get(&row, KEY(pending, .account = k.account, .op = k.op)))
			continue;
		if (!table_get(T_pendmail, KEY(pendmail, .account = k.account, .email = row.rec.email, .op = k.op), NULL))
			check_bad(T_pending, key, "not by its email");
		if (row.rec.after != 0 && !table_get(T_pendafter, KEY(pendafter, .account = k.account,
		    .after = row.rec.after, .op = k.op), NULL))
			check_bad(T_pending, key, "not by what it waits for");
		row_pending_free(&row);
	}
	CHECK_EACH(pendmail, m, key, v)
		if (!check_leaving(m.account) && !table_get(T_pending, KEY(pending, .account = m.account, .op = m.op), NULL))
			check_bad(T_pendmail, key, "the operation is not there");
	CHECK_EACH(pendafter, a, key, v)
		if (!check_leaving(a.account) && !table_get(T_pending, KEY(pending, .account = a.account, .op = a.op), NULL))
			check_bad(T_pendafter, key, "the operation is not there");
}

/* ---- blobs ---- */
struct ref {
	uint32_t account;
	uint64_t blob;
};
static struct ref *refs;
static size_t nrefs, cap;

static void
ref_add(uint32_t account, uint64_t blob)
{
	struct ref *more;

	if (blob == 0 || check_leaving(account))
		return;
	if (nrefs == cap) {
		if ((more = reallocarray(refs, cap + 4096, sizeof(*refs))) == NULL) {
			db_fail("out of memory");
			return;
		}
		refs = more;
		cap += 4096;
	}
	refs[nrefs++] = (struct ref){ account, blob };
}

static int
ref_order(const void *a, const void *b)
{
	const struct ref *x = a, *y = b;

	if (x->account != y->account)
		return x->account < y->account ? -1 : 1;
	return x->blob < y->blob ? -1 : x->blob > y->blob;
}

static void
collect_refs(void)
{
	struct slice key, v;
	struct key_email e;
	struct key_submission k;
	struct rec_email email;
	struct rec_submission submission;

	nrefs = 0;
	CHECK_EACH(email, e, key, v)
		if (rec_email_decode(v, &email) == 0)
			ref_add(e.account, email.blob);
	CHECK_EACH(submission, k, key, v)
		if (rec_submission_decode(v, &submission) == 0)
			ref_add(k.account, submission.snapshot);
	if (nrefs > 0)
		qsort(refs, nrefs, sizeof(*refs), ref_order);
}

/* Blobs are walked in the order that the references are sorted in. */
static uint32_t
refs_take(size_t *at, uint32_t account, uint64_t blob)
{
	const struct ref r = { account, blob };
	uint32_t n = 0;

	while (*at < nrefs && ref_order(&refs[*at], &r) < 0)
		(*at)++;
	for (; *at < nrefs && ref_order(&refs[*at], &r) == 0; (*at)++)
		n++;
	return n;
}

static void
check_blobs(void)
{
	struct slice key, v, data;
	struct key_blob k;
	struct key_blobrow row;
	struct blob_info info;
	size_t at = 0;

	collect_refs();
	CHECK_EACH(blob, k, key, v)
	{
		uint32_t n = refs_take(&at, k.account, k.id);

		if (check_leaving(k.account))
			continue;
		if (!blob_stat(k.account, k.id, &info) || blob_get(k.account, k.id, &data) == -1) {
			check_bad(T_blob, key, "cannot be read");
			continue;
		}
		blob_release(&data);
		if (info.refs != n)
			check_bad(T_blob, key, "counts other references than there are");
		if ((info.refs == 0) !=
		    table_get(T_blobend, KEY(blobend, .at = info.hold_until, .account = k.account, .id = k.id), NULL))
			check_bad(T_blob, key, info.refs == 0 ? "will never end" : "will end while it is in use");
	}
	CHECK_EACH(blobrow, row, key, v)
		if (!check_leaving(row.account) &&
		    !table_get(T_blob, KEY(blob, .account = row.account, .id = row.id), NULL))
			check_bad(T_blobrow, key, "bytes of no blob");
	free(refs);
	refs = NULL;
	cap = 0;
}

void
check_folders(void)
{
	check_mailboxes();
	check_uids();
	check_journal();
	check_blobs();
}

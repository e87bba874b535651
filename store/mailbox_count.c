#include "mailbox_count.h"

#include <stdlib.h>

#include "changes.h"
#include "email_keywords.h"
#include "email_row.h"
#include "thread.h"

struct delta {
	uint32_t account;
	uint64_t mailbox;
	int64_t total, unread, threads, unread_threads;
};

/* What waits for this turn's commit. */
static struct delta *deltas;
static size_t ndeltas, cap;

/* The other emails of the thread, as far as they matter. */
struct others {
	struct wbuf mailboxes;
	bool unread;
};

static bool
is_unread(const struct rec_email *e)
{
	return e != NULL && !keywords_has(e->keywords, "$seen") && !keywords_has(e->keywords, "$draft");
}

static bool
is_in(const struct rec_email *e, uint64_t mailbox)
{
	return e != NULL && ids_has(e->mailboxes, mailbox);
}

static void
look_at_others(uint32_t account, uint64_t thread, uint64_t email, struct others *o)
{
	struct wbuf ids;
	struct rec_email rec;
	struct slice v;

	wbuf_init(&ids, 8 * LIM_IDS);
	(void)thread_emails(account, thread, &ids);
	for (size_t i = 0; i < ids_count(wbuf_slice(&ids)); i++) {
		uint64_t id = ids_at(wbuf_slice(&ids), i);

		if (id == email || !table_get(T_email, KEY(email, .account = account, .id = id), &v) ||
		    rec_email_decode(v, &rec) == -1)
			continue;
		o->unread |= is_unread(&rec);
		for (size_t m = 0; m < ids_count(rec.mailboxes); m++)
			ids_add_once(&o->mailboxes, ids_at(rec.mailboxes, m));
	}
	wbuf_free(&ids);
}

static struct delta *
delta_of(uint32_t account, uint64_t mailbox)
{
	struct delta *d;

	for (size_t i = 0; i < ndeltas; i++)
		if (deltas[i].account == account && deltas[i].mailbox == mailbox)
			return &deltas[i];
	if (ndeltas == cap) {
		if ((d = reallocarray(deltas, cap + 64, sizeof(*d))) == NULL) {
			db_fail("out of memory");
			return NULL;
		}
		deltas = d;
		cap += 64;
	}
	deltas[ndeltas] = (struct delta){ .account = account, .mailbox = mailbox };
	return &deltas[ndeltas++];
}

static void
count_in(uint32_t account, uint64_t mailbox, const struct others *o, const struct rec_email *before,
    const struct rec_email *after)
{
	struct delta *d = delta_of(account, mailbox);
	bool other = ids_has(wbuf_slice(&o->mailboxes), mailbox);
	bool in_b = is_in(before, mailbox), in_a = is_in(after, mailbox);
	bool thread_b = other || in_b, thread_a = other || in_a;
	bool unread_b = o->unread || is_unread(before), unread_a = o->unread || is_unread(after);

	if (d == NULL)
		return;
	d->total += in_a - in_b;
	d->unread += (in_a && is_unread(after)) - (in_b && is_unread(before));
	d->threads += thread_a - thread_b;
	d->unread_threads += (thread_a && unread_a) - (thread_b && unread_b);
}

void
mailbox_count(uint32_t account, uint64_t email, const struct rec_email *before, const struct rec_email *after,
    bool alone)
{
	struct others o = { .unread = false };
	struct wbuf touched = { .max = 0 };
	const struct rec_email *both[] = { before, after };

	if (!alone)
		look_at_others(account, after != NULL ? after->thread : before->thread, email, &o);
	for (size_t b = 0; b < 2; b++)
		for (size_t i = 0; both[b] != NULL && i < ids_count(both[b]->mailboxes); i++)
			ids_add_once(&touched, ids_at(both[b]->mailboxes, i));
	/* Other mailboxes of the thread only notice that it became read or unread. */
	if (is_unread(before) != is_unread(after))
		for (size_t i = 0; i < ids_count(wbuf_slice(&o.mailboxes)); i++)
			ids_add_once(&touched, ids_at(wbuf_slice(&o.mailboxes), i));
	for (size_t i = 0; i < ids_count(wbuf_slice(&touched)); i++)
		count_in(account, ids_at(wbuf_slice(&touched), i), &o, before, after);
	wbuf_free(&touched);
	wbuf_free(&o.mailboxes);
}

static uint32_t
moved(uint32_t n, int64_t by)
{
	int64_t r = (int64_t)n + by;

	return r < 0 ? 0 : (uint32_t)r;
}

static void
flush_one(const struct delta *d)
{
	struct dbkey k = KEY(mailbox, .account = d->account, .id = d->mailbox);
	struct row_mailbox row;

	if ((d->total == 0 && d->unread == 0 && d->threads == 0 && d->unread_threads == 0) ||
	    !row_mailbox_get(&row, k))
		return;
	row.rec.total = moved(row.rec.total, d->total);
	row.rec.unread = moved(row.rec.unread, d->unread);
	row.rec.total_threads = moved(row.rec.total_threads, d->threads);
	row.rec.unread_threads = moved(row.rec.unread_threads, d->unread_threads);
	row_mailbox_put(k, &row.rec);
	row_mailbox_free(&row);
	changes_record(d->account, OBJ_MAILBOX, d->mailbox, UPDATED);
}

static void
flush(void)
{
	for (size_t i = 0; i < ndeltas; i++)
		flush_one(&deltas[i]);
	ndeltas = 0;
}

static void
forget(void)
{
	ndeltas = 0;
}

void
mailbox_count_init(void)
{
	db_hook(DB_BEFORE_COMMIT, flush);
	db_hook(DB_ABORTED, forget);
}

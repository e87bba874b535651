/*
 * db_migrate.c - a database of an older version becomes one of this.
 *
 * Schema 2: a link says of each limit of its policy whether it is its own
 * (before, 0 and 0 meant the configuration's), and a mailbox knows its window.
 * Schema 3: an entry of the journal may wait for another, and a review tells of
 * a change that was refused.
 * Schema 4: what waits for an entry of the journal is found by that one.
 *
 * The new fields are the last ones of their records.
 */
#include "db_env.h"

#define MAILBOX_NEW (4 * 4)	/* four u32 */
#define LINK_NEW 2		/* two flags */
#define LINK_NOW (3 * 4)	/* version 2 has three u32, 0 in the database */
#define PENDING_NEW 8		/* u64 */
#define REVIEW_NEW (1 + 8 + 4 + 4)	/* u8, u64, two empty strings */

/* The row at the scan's place, of an older version, with so many bytes of zero more. */
static bool
widen(enum table t, const struct scan *s, struct slice v, uint8_t version, size_t more, struct wbuf *w)
{
	wbuf_reset(w);
	if (v.n == 0 || v.p[0] >= version)
		return false;
	w_u8(w, version);
	w_raw(w, v.p + 1, v.n - 1);
	while (more-- > 0)
		w_u8(w, 0);
	if (w->failed)
		db_fail("out of memory");
	else
		table_put(t, s->last, wbuf_slice(w));
	return !w->failed;
}

/* Limits that were set keep their meaning: 0 beside another was "no limit". */
static void
links(struct wbuf *w)
{
	struct scan s;
	struct slice key, v;
	struct row_link row;
	struct dbkey k;

	scan_prefix(&s, T_link, PREFIX(link, 0, .no = 0), false);
	while (scan_next(&s, &key, &v)) {
		k = s.last;
		if (!widen(T_link, &s, v, 3, LINK_NEW + (v.n > 0 && v.p[0] == 1 ? LINK_NOW : 0), w) || !row_link_get(&row, k))
			continue;
		row.rec.own_period = row.rec.own_first = row.rec.period_days != 0 || row.rec.first != 0;
		row_link_put(k, &row.rec);
		row_link_free(&row);
	}
}

/* What is here is what belongs here: taken as measured by today's policy. */
static void
adopt(struct dbkey k, uint32_t account)
{
	struct row_mailbox row;
	struct row_link link;

	if (!row_mailbox_get(&row, k))
		return;
	if (row_link_get(&link, KEY(link, .no = account))) {
		row.rec.window_first = link.rec.own_first ? link.rec.first : store.first;
		row.rec.window_days = link.rec.own_period ? link.rec.period_days : store.period_days;
		row_link_free(&link);
	}
	row.rec.first_low = row.rec.complete ? row.rec.uid_low : 0;
	row_mailbox_put(k, &row.rec);
	row_mailbox_free(&row);
}

static void
mailboxes(struct wbuf *w)
{
	struct scan s;
	struct slice key, v;
	struct key_mailbox m;

	scan_prefix(&s, T_mailbox, PREFIX(mailbox, 0, .account = 0), false);
	while (scan_next(&s, &key, &v)) {
		struct dbkey k = s.last;

		if (key_mailbox_read(key, &m) == 0 && widen(T_mailbox, &s, v, 2, MAILBOX_NEW, w))
			adopt(k, m.account);
	}
}

void
db_migrate_windows(void)
{
	struct wbuf w = { .max = 0 };

	links(&w);
	mailboxes(&w);
	wbuf_free(&w);
}

static void
widen_all(enum table t, struct dbkey prefix, uint8_t version, size_t more)
{
	struct wbuf w = { .max = 0 };
	struct scan s;
	struct slice key, v;

	scan_prefix(&s, t, prefix, false);
	while (scan_next(&s, &key, &v))
		(void)widen(t, &s, v, version, more, &w);
	wbuf_free(&w);
}

void
db_migrate_write_back(void)
{
	widen_all(T_pending, PREFIX(pending, 0, .account = 0), 2, PENDING_NEW);
	widen_all(T_review, PREFIX(review, 0, .id = 0), 2, REVIEW_NEW);
}

void
db_migrate_followers(void)
{
	struct scan s;
	struct slice key;
	struct key_pending k;
	struct row_pending row;

	scan_prefix(&s, T_pending, PREFIX(pending, 0, .account = 0), false);
	while (scan_next(&s, &key, NULL)) {
		if (key_pending_read(key, &k) == -1 || !row_pending_get(&row, s.last))
			continue;
		if (row.rec.after != 0)
			table_put_empty(T_pendafter, KEY(pendafter, .account = k.account, .after = row.rec.after, .op = k.op));
		row_pending_free(&row);
	}
}

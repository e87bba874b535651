/*
 * table_scan.c - walks over keys in order. Each step seeks behind the last key
 * given, so nothing that happens to the table in between can mislead it; LMDB
 * makes the seek cheap when the page is the same.
 */
#include "db_env.h"

#include <string.h>

/* What there is of it: most keys are short. */
static void
key_copy(struct dbkey *to, const struct dbkey *k)
{
	to->n = k->n;
	to->bad = k->bad;
	memcpy(to->p, k->p, k->n);
}

void
scan_range_at(struct scan *s, enum table t, const struct dbkey *low, const struct dbkey *high, bool reverse)
{
	s->table = t;
	s->reverse = reverse;
	s->started = false;
	s->done = low->bad || high->bad;
	key_copy(&s->low, low);
	key_copy(&s->high, high);
	s->last.n = 0;
	s->last.bad = false;
	s->cursor = NULL;
	s->sight = 0;
}

/* Up to the first key behind all keys with this prefix; n = 0: there is none. */
void
scan_prefix_at(struct scan *s, enum table t, const struct dbkey *prefix, bool reverse)
{
	struct dbkey *k = &s->high;

	scan_range_at(s, t, prefix, prefix, reverse);
	while (k->n > 0 && k->p[k->n - 1] == 0xff)
		k->n--;
	if (k->n > 0)
		k->p[k->n - 1]++;
}

void
scan_end(struct scan *s)
{
	if (s->cursor != NULL && s->sight == db_sight() && (db_env.viewing || db_env.txn != NULL))
		db_cursor_close(s->cursor);
	s->cursor = NULL;
	s->done = true;
}

/* A cursor of this turn or view, which closes it at its end. */
static MDB_cursor *
scan_cursor(struct scan *s)
{
	MDB_txn *txn = db_txn();
	MDB_cursor *c;

	if (txn == NULL)
		return NULL;
	if (s->cursor != NULL && s->sight == db_sight())
		return s->cursor;
	s->cursor = NULL;
	if (!db_check(db_cursor_open(txn, s->table, &c), s->table))
		return NULL;
	s->sight = db_sight();
	s->cursor = c;
	return c;
}

static int
compare(const MDB_val *a, const struct dbkey *b)
{
	size_t n = a->mv_size < b->n ? a->mv_size : b->n;
	int c = n > 0 ? memcmp(a->mv_data, b->p, n) : 0;

	return c != 0 ? c : (a->mv_size > b->n) - (a->mv_size < b->n);
}

/* Position on the first key at or behind k; LMDB has no empty key. */
static int
seek(MDB_cursor *c, const struct dbkey *k, MDB_val *key, MDB_val *data)
{
	if (k->n == 0)
		return mdb_cursor_get(c, key, data, MDB_FIRST);
	*key = (MDB_val){ k->n, (void *)(uintptr_t)k->p };
	return mdb_cursor_get(c, key, data, MDB_SET_RANGE);
}

static int
step_forward(struct scan *s, MDB_cursor *c, MDB_val *key, MDB_val *data)
{
	int rc = seek(c, s->started ? &s->last : &s->low, key, data);

	if (rc == 0 && s->started && compare(key, &s->last) == 0)
		rc = mdb_cursor_get(c, key, data, MDB_NEXT);
	if (rc == 0 && s->high.n > 0 && compare(key, &s->high) >= 0)
		rc = MDB_NOTFOUND;
	return rc;
}

static int
step_back(struct scan *s, MDB_cursor *c, MDB_val *key, MDB_val *data)
{
	const struct dbkey *from = s->started ? &s->last : &s->high;
	int rc = MDB_NOTFOUND;

	if (from->n > 0 && (rc = seek(c, from, key, data)) == 0)
		rc = mdb_cursor_get(c, key, data, MDB_PREV);
	else if (rc == MDB_NOTFOUND)
		rc = mdb_cursor_get(c, key, data, MDB_LAST);
	if (rc == 0 && compare(key, &s->low) < 0)
		rc = MDB_NOTFOUND;
	return rc;
}

/* In a damaged tree the next key may be one that was given already: a walk
 * that believed it would never end. */
static bool
advances(const struct scan *s, const MDB_val *k)
{
	int c = s->started ? compare(k, &s->last) : s->reverse ? -1 : 1;

	if (s->reverse ? c < 0 : c > 0)
		return true;
	table_log_damaged(s->table, slice_mem(k->mv_data, k->mv_size));
	return false;
}

bool
scan_next(struct scan *s, struct slice *key, struct slice *value)
{
	MDB_val k, d;
	MDB_cursor *c;
	int rc;

	if (table_is_number(s->table) && !db_env.viewing)
		table_numbers_write();
	if (s->done || (c = scan_cursor(s)) == NULL)
		return false;
	rc = s->reverse ? step_back(s, c, &k, &d) : step_forward(s, c, &k, &d);
	if (!db_check(rc, s->table) || k.mv_size > DBKEY_MAX || !advances(s, &k)) {
		scan_end(s);
		return false;
	}
	memcpy(s->last.p, k.mv_data, k.mv_size);
	s->last.n = (uint16_t)k.mv_size;
	s->started = true;
	*key = slice_mem(s->last.p, s->last.n);
	if (value != NULL)
		*value = slice_mem(d.mv_data, d.mv_size);
	return true;
}

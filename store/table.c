/*
 * table.c - one row at a time. The contract is in table.h.
 */
#include "db_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* What waits in memory is a row like others to whoever asks for it so. */
static void
as_rows(enum table t)
{
	if (table_is_number(t) && !db_env.viewing)
		table_numbers_write();
}

static bool
get(enum table t, const struct dbkey *k, struct slice *value)
{
	MDB_val key = { k->n, (void *)(uintptr_t)k->p }, data;
	MDB_txn *txn = k->bad || k->n == 0 ? NULL : db_txn();

	if (value != NULL)
		*value = SLICE_NONE;
	if (txn == NULL || !db_check(table_cursor_get(t, &key, &data), t))
		return false;
	if (value != NULL)
		*value = slice_mem(data.mv_data, data.mv_size);
	return true;
}

bool
table_get_at(enum table t, const struct dbkey *k, struct slice *value)
{
	as_rows(t);
	return get(t, k, value);
}

bool
table_any_at(enum table t, const struct dbkey *prefix)
{
	MDB_val key = { prefix->n, (void *)(uintptr_t)prefix->p }, data;
	MDB_txn *txn = prefix->bad || prefix->n == 0 ? NULL : db_txn();

	as_rows(t);
	return txn != NULL && db_check(table_cursor_seek(t, &key, &data), t) && key.mv_size >= prefix->n &&
	    memcmp(key.mv_data, prefix->p, prefix->n) == 0;
}

/* What is cached of a table is good as long as its number stays. */
static uint64_t changed[T__COUNT], undone = 1;

uint64_t
table_version(enum table t)
{
	return db_env.viewing || db_env.failed ? 0 : changed[t] + undone;
}

void
table_undone(void)
{
	for (size_t t = 0; t < T__COUNT; t++)
		undone += changed[t] + 1;
}

/* MDB_KEYEXIST is told apart only when it was asked for. */
static bool
put(enum table t, const struct dbkey *k, MDB_val *data, unsigned int flags)
{
	MDB_val key = { k->n, (void *)(uintptr_t)k->p };
	MDB_txn *txn = db_txn();
	int rc;

	if (txn == NULL)
		return true;
	if (db_env.viewing) {
		db_fail("a row is written by who only reads");
		return true;
	}
	if (k->bad || k->n == 0) {
		db_fail("a key is out of bounds");
		return true;
	}
	as_rows(t);
	changed[t]++;
	db_gather(k->n + data->mv_size);
	rc = table_cursor_put(t, &key, data, flags);
	if (rc == MDB_KEYEXIST && flags == MDB_NOOVERWRITE)
		return false;
	db_check(rc, t);
	return true;
}

void
table_put_at(enum table t, const struct dbkey *k, struct slice value)
{
	MDB_val data = { value.n, (void *)(uintptr_t)value.p };

	(void)put(t, k, &data, 0);
}

bool
table_del_at(enum table t, const struct dbkey *k)
{
	MDB_val key = { k->n, (void *)(uintptr_t)k->p };
	MDB_txn *txn = k->bad || k->n == 0 ? NULL : db_txn();

	as_rows(t);
	if (txn == NULL || !db_check(mdb_del(txn, db_env.dbi[t], &key, NULL), t))
		return false;
	changed[t]++;
	db_gather(k->n);
	return true;
}

/* Addresses stay out of the log. */
static bool
key_may_be_told(enum table t)
{
	return t != T_linkaddr && t != T_address && t != T_byaddress && t != T_backfill;
}

void
table_log_damaged(enum table t, struct slice key)
{
	char hex[2 * 48 + 1] = "";
	size_t n = !key_may_be_told(t) ? 0 : key.n < 48 ? key.n : 48;

	for (size_t i = 0; i < n; i++)
		snprintf(hex + 2 * i, 3, "%02x", key.p[i]);
	log_error("row skipped: it is damaged code=store.corrupt reason=%s:%s", table_name(t), hex);
}

static uint64_t
u64_of(enum table t, const struct dbkey *k, struct slice v)
{
	struct rbuf r;

	if (v.n < 8) {
		table_log_damaged(t, slice_mem(k->p, k->n));
		return 0;
	}
	rbuf_init(&r, slice_mem(v.p, 8));
	return r_u64(&r);
}

void
table_u64_bytes(uint8_t b[8], uint64_t v)
{
	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> (8 * i));
}

uint64_t
table_get_u64_at(enum table t, const struct dbkey *k)
{
	struct slice v;
	uint64_t n;

	if (table_number_get(t, k, &n))
		return n;
	return get(t, k, &v) ? u64_of(t, k, v) : 0;
}

void
table_put_u64_at(enum table t, const struct dbkey *k, uint64_t v)
{
	uint8_t b[8];

	if (table_number_put(t, k, v))
		return;
	table_u64_bytes(b, v);
	table_put_at(t, k, slice_mem(b, sizeof(b)));
}

bool
table_add_u64_at(enum table t, const struct dbkey *k, uint64_t v, uint64_t *now)
{
	uint8_t b[8];
	MDB_val data = { sizeof(b), b };

	table_u64_bytes(b, v);
	if (put(t, k, &data, MDB_NOOVERWRITE))
		return true;
	*now = u64_of(t, k, slice_mem(data.mv_data, data.mv_size));
	return false;
}

size_t
table_del_prefix(enum table t, struct dbkey prefix, size_t max)
{
	struct scan s;
	struct slice key;
	struct dbkey k = { .bad = false };
	size_t n = 0;

	scan_prefix(&s, t, prefix, false);
	while (n < max && scan_next(&s, &key, NULL)) {
		k.n = (uint16_t)key.n;
		memcpy(k.p, key.p, key.n);
		table_del_at(t, &k);
		n++;
	}
	scan_end(&s);
	return n;
}

/* ---- tables of one record ---- */
static struct wbuf row_buf;

static uint8_t *
row_copy(struct slice v)
{
	uint8_t *p = malloc(v.n + 1);

	if (p == NULL)
		db_fail("out of memory");
	else if (v.n > 0)
		memcpy(p, v.p, v.n);
	return p;
}

static void
row_store(enum table t, struct dbkey k)
{
	if (row_buf.failed)
		db_fail("a record is out of bounds");
	else
		table_put(t, k, wbuf_slice(&row_buf));
}

#define TABLE(name, scope, keys)
#define ROW(table, rectype)                                                                                            \
	bool row_##table##_get(struct row_##table *row, struct dbkey k)                                                \
	{                                                                                                              \
		struct slice v;                                                                                        \
		*row = (struct row_##table){ .mem = NULL };                                                            \
		if (!table_get(T_##table, k, &v) || (row->mem = row_copy(v)) == NULL)                                  \
			return false;                                                                                  \
		if (rec_##rectype##_decode(slice_mem(row->mem, v.n), &row->rec) == 0)                                  \
			return true;                                                                                   \
		table_log_damaged(T_##table, slice_mem(k.p, k.n));                                                     \
		row_##table##_free(row);                                                                               \
		return false;                                                                                          \
	}                                                                                                              \
	void row_##table##_put(struct dbkey k, const struct rec_##rectype *rec)                                        \
	{                                                                                                              \
		wbuf_reset(&row_buf);                                                                                  \
		rec_##rectype##_encode(&row_buf, rec);                                                                 \
		row_store(T_##table, k);                                                                               \
	}                                                                                                              \
	void row_##table##_free(struct row_##table *row)                                                               \
	{                                                                                                              \
		free(row->mem);                                                                                        \
		*row = (struct row_##table){ .mem = NULL };                                                            \
	}
#include "table.def"
#undef TABLE
#undef ROW

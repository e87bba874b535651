/*
 * table.c - one row at a time. The contract is in table.h.
 */
#include "db_env.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

bool
table_get(enum table t, struct dbkey k, struct slice *value)
{
	MDB_val key = { k.n, k.p }, data;
	MDB_txn *txn = k.bad || k.n == 0 ? NULL : db_txn();

	if (value != NULL)
		*value = SLICE_NONE;
	if (txn == NULL || !db_check(mdb_get(txn, db_env.dbi[t], &key, &data), t))
		return false;
	if (value != NULL)
		*value = slice_mem(data.mv_data, data.mv_size);
	return true;
}

void
table_put(enum table t, struct dbkey k, struct slice value)
{
	MDB_val key = { k.n, k.p }, data = { value.n, (void *)(uintptr_t)value.p };
	MDB_txn *txn = db_txn();

	if (txn == NULL)
		return;
	if (db_env.viewing) {
		db_fail("a row is written by who only reads");
		return;
	}
	if (k.bad || k.n == 0) {
		db_fail("a key is out of bounds");
		return;
	}
	db_gather(k.n + value.n);
	db_check(mdb_put(txn, db_env.dbi[t], &key, &data, 0), t);
}

bool
table_del(enum table t, struct dbkey k)
{
	MDB_val key = { k.n, k.p };
	MDB_txn *txn = k.bad || k.n == 0 ? NULL : db_txn();

	if (txn == NULL || !db_check(mdb_del(txn, db_env.dbi[t], &key, NULL), t))
		return false;
	db_gather(k.n);
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

uint64_t
table_get_u64(enum table t, struct dbkey k)
{
	struct slice v;
	struct rbuf r;

	if (!table_get(t, k, &v))
		return 0;
	if (v.n < 8) {
		table_log_damaged(t, slice_mem(k.p, k.n));
		return 0;
	}
	rbuf_init(&r, slice_mem(v.p, 8));
	return r_u64(&r);
}

void
table_put_u64(enum table t, struct dbkey k, uint64_t v)
{
	uint8_t b[8];

	for (size_t i = 0; i < 8; i++)
		b[i] = (uint8_t)(v >> (8 * i));
	table_put(t, k, slice_mem(b, sizeof(b)));
}

void
table_put_empty(enum table t, struct dbkey k)
{
	table_put(t, k, SLICE_NONE);
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
		table_del(t, k);
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

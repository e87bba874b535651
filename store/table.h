/*
 * table.h - typed access to the tables of table.def.
 *
 * Every call works inside the turn's transaction (db.h). Writing never returns
 * an error: a failure is sticky, the whole turn is rolled back at its end and
 * every request of the turn is answered store.full. After a failure reads find
 * nothing; what is made of that never leaves the process.
 *
 * A value read is borrowed: it is good until the next write or the end of the
 * turn. row_*_get copies, so a row lives until row_*_free.
 *
 * Counters and states (meta, modseq, state) wait in memory for the commit;
 * whoever reads in the turn sees them, a view sees those of the last commit.
 *
 * A value that does not decode is logged with its table and key, and treated
 * as absent.
 */
#ifndef STORE_TABLE_H
#define STORE_TABLE_H

#include "messages.h"

#define DBKEY_MAX 511	/* LMDB's limit */

enum table {
#define TABLE(name, scope, keys) T_##name,
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW
	T__COUNT
};

struct dbkey {
	uint16_t n;
	bool bad;	/* a part broke its limit: reads find nothing, writes fail the turn */
	uint8_t p[DBKEY_MAX];
};

/* struct key_foo and: key_foo(&parts, nparts) -> key or prefix,
 * key_foo_read(bytes, &parts) -> 0 or -1; slices point into bytes. */
#define K_U8(n) uint8_t n;
#define K_U32(n) uint32_t n;
#define K_U64(n) uint64_t n;
#define K_STR(n) struct slice n;
#define K_HASH(n, size) struct slice n;
#define TABLE(name, scope, keys)                                                                                       \
	struct key_##name {                                                                                            \
		keys                                                                                                   \
	};                                                                                                             \
	struct dbkey key_##name(const struct key_##name *, unsigned int parts);                                       \
	int key_##name##_read(struct slice, struct key_##name *);
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW
#undef K_U8
#undef K_U32
#undef K_U64
#undef K_STR
#undef K_HASH

/* KEY(email, .account = a, .id = i); PREFIX(email, 1, .account = a) takes the
 * first part only. */
#define KEY(table, ...) key_##table(&(struct key_##table){ __VA_ARGS__ }, 16)
#define PREFIX(table, parts, ...) key_##table(&(struct key_##table){ __VA_ARGS__ }, parts)

const char *table_name(enum table);
bool table_is_account(enum table);	/* scope ACCOUNT */

/*
 * Keys are given as values and handed on where they are: each is half a
 * kilobyte, whatever it holds.
 *
 * bool table_get(enum table, struct dbkey, struct slice *value);	value may be NULL
 * bool table_any(enum table, struct dbkey prefix);			a row whose key begins so
 * void table_put(enum table, struct dbkey, struct slice value);
 * bool table_del(enum table, struct dbkey);				true: it was there
 *	Tables whose value is one u64; 0 when absent.
 * uint64_t table_get_u64(enum table, struct dbkey);
 * void table_put_u64(enum table, struct dbkey, uint64_t);
 * void table_put_empty(enum table, struct dbkey);
 *	Unless there is one: then false, and its value in *now.
 * bool table_add_u64(enum table, struct dbkey, uint64_t, uint64_t *now);
 */
#define KEY_AT(k) ((struct dbkey[1]){ k })
#define table_get(t, k, value) table_get_at(t, KEY_AT(k), value)
#define table_any(t, prefix) table_any_at(t, KEY_AT(prefix))
#define table_put(t, k, value) table_put_at(t, KEY_AT(k), value)
#define table_del(t, k) table_del_at(t, KEY_AT(k))
#define table_get_u64(t, k) table_get_u64_at(t, KEY_AT(k))
#define table_put_u64(t, k, v) table_put_u64_at(t, KEY_AT(k), v)
#define table_add_u64(t, k, v, now) table_add_u64_at(t, KEY_AT(k), v, now)
#define table_put_empty(t, k) table_put_at(t, KEY_AT(k), SLICE_NONE)
bool table_get_at(enum table, const struct dbkey *, struct slice *value);
bool table_any_at(enum table, const struct dbkey *prefix);
void table_put_at(enum table, const struct dbkey *, struct slice value);
bool table_del_at(enum table, const struct dbkey *);
uint64_t table_get_u64_at(enum table, const struct dbkey *);
void table_put_u64_at(enum table, const struct dbkey *, uint64_t);
bool table_add_u64_at(enum table, const struct dbkey *, uint64_t, uint64_t *now);
/* While it stays what it is, so do the rows of the table; 0: nobody knows. */
uint64_t table_version(enum table);
/* Delete at most max rows with this prefix; returns how many. */
size_t table_del_prefix(enum table, struct dbkey prefix, size_t max);
void table_log_damaged(enum table, struct slice key);

/*
 * Walk keys in order. A scan survives writes of any kind, also the deletion of
 * the row it stands on, and the end of the turn: it goes on behind the last key
 * it gave. key and value are borrowed as above; copy before writing.
 * No scan_end is needed for a scan that gave false; else call it.
 */
struct scan {
	enum table table;
	bool reverse, started, done;
	struct dbkey low, high;	/* low <= key < high; high.n == 0: no upper bound */
	struct dbkey last;
	void *cursor;
	uint64_t sight;		/* of which turn or view it is */
};

/* void scan_prefix(struct scan *, enum table, struct dbkey prefix, bool reverse);
 * void scan_range(struct scan *, enum table, struct dbkey low, struct dbkey high, bool reverse); */
#define scan_prefix(s, t, prefix, reverse) scan_prefix_at(s, t, KEY_AT(prefix), reverse)
#define scan_range(s, t, low, high, reverse) scan_range_at(s, t, KEY_AT(low), KEY_AT(high), reverse)
void scan_prefix_at(struct scan *, enum table, const struct dbkey *prefix, bool reverse);
void scan_range_at(struct scan *, enum table, const struct dbkey *low, const struct dbkey *high, bool reverse);
bool scan_next(struct scan *, struct slice *key, struct slice *value);
void scan_end(struct scan *);

/* ---- rows of one record: row_email_get(&row, KEY(email, ...)) ---- */
#define TABLE(name, scope, keys)
#define ROW(table, rectype)                                                                                            \
	struct row_##table {                                                                                           \
		struct rec_##rectype rec;	/* slices point into mem */                                           \
		uint8_t *mem;                                                                                          \
	};                                                                                                             \
	bool row_##table##_get(struct row_##table *, struct dbkey);                                                    \
	void row_##table##_put(struct dbkey, const struct rec_##rectype *);                                            \
	void row_##table##_free(struct row_##table *);
#include "table.def"
#undef TABLE
#undef ROW

#endif

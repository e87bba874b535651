/*
 * check.c - the generic walk. The contract is in check.h.
 */
#include "check.h"

#include <stdio.h>
#include <string.h>

#include "check_private.h"

static struct {
	void (*tell)(void *, const char *);
	void *ctx;
	size_t n;
} check;

void
check_bad(enum table t, struct slice key, const char *why)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "%s:", table_name(t));

	for (size_t i = 0; i < key.n && i < 64; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%02x", key.p[i]);
	snprintf(text + n, sizeof(text) - (size_t)n, ": %s", why);
	check.n++;
	check.tell(check.ctx, text);
}

bool
check_leaving(uint32_t account)
{
	return table_get(T_erase, KEY(erase, .account = account), NULL);
}

struct scan
check_walk(enum table t)
{
	struct scan s;

	scan_range(&s, t, PREFIX(meta, 0, .what = 0), PREFIX(meta, 0, .what = 0), false);
	return s;
}

uint64_t
check_u64(struct slice v)
{
	struct rbuf r;

	rbuf_init(&r, v);
	return v.n < 8 ? 0 : r_u64(&r);
}

/* ---- every key of every table ---- */
#define TABLE(name, scope, keys)                                                                                       \
	static void keys_##name(void)                                                                                  \
	{                                                                                                              \
		struct scan s = check_walk(T_##name);                                                                  \
		struct key_##name k;                                                                                   \
		struct slice key, v;                                                                                   \
		struct dbkey again;                                                                                    \
		while (scan_next(&s, &key, &v)) {                                                                      \
			if (key_##name##_read(key, &k) == -1) {                                                        \
				check_bad(T_##name, key, "the key cannot be read");                                    \
				continue;                                                                              \
			}                                                                                              \
			again = key_##name(&k, 16);                                                                    \
			if (!slice_eq(key, slice_mem(again.p, again.n)))                                               \
				check_bad(T_##name, key, "the key has another form");                                  \
		}                                                                                                      \
	}
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW

/* ---- every record ---- */
#define TABLE(name, scope, keys)
#define ROW(table, rec)                                                                                                \
	static void rows_##table(void)                                                                                 \
	{                                                                                                              \
		struct scan s = check_walk(T_##table);                                                                 \
		struct rec_##rec r;                                                                                    \
		struct slice key, v;                                                                                   \
		while (scan_next(&s, &key, &v))                                                                        \
			if (rec_##rec##_decode(v, &r) == -1)                                                           \
				check_bad(T_##table, key, "the record does not decode");                               \
	}
#include "table.def"
#undef TABLE
#undef ROW

/* Rows of an account need its link. */
static void
check_owners(enum table t)
{
	struct scan s = check_walk(t);
	struct slice key, v;
	struct key_modseq k;

	while (scan_next(&s, &key, &v)) {
		if (key.n < 4 || key_modseq_read(slice_mem(key.p, 4), &k) == -1)
			continue;
		if (!table_get(T_link, KEY(link, .no = k.account), NULL) && !check_leaving(k.account))
			check_bad(t, key, "its link is gone");
	}
}

static void
check_every_table(void)
{
#define TABLE(name, scope, keys) keys_##name();
#define ROW(table, rec) rows_##table();
#include "table.def"
#undef TABLE
#undef ROW
	for (unsigned int t = 0; t < T__COUNT; t++)
		if (table_is_account(t))
			check_owners(t);
}

/* What db_open puts there; the number of the last link is healed by it. */
static void
check_meta(void)
{
	static const enum meta always[] = { META_SCHEMA, META_EPOCH, META_INDEX_KEY };

	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++) {
		struct dbkey k = KEY(meta, .what = (uint8_t)always[i]);

		if (!table_get(T_meta, k, NULL))
			check_bad(T_meta, slice_mem(k.p, k.n), "it is not there");
	}
}

size_t
store_check(void (*problem)(void *, const char *), void *ctx)
{
	check.tell = problem;
	check.ctx = ctx;
	check.n = 0;
	check_every_table();
	check_meta();
	check_log();
	check_mail();
	check_folders();
	check_people();
	if (db_failed())
		check_bad(T_meta, SLICE_NONE, "reading failed");
	return check.n;
}

/*
 * table_number.c - counters and states move with nearly every row that is
 * written: their newest values wait in memory, each is written once in a turn.
 * Whoever looks at these tables in another way finds them written.
 */
#include "db_env.h"

#include <string.h>

#define NUMBERS 16	/* of a turn: the counters, and the states of what it changes */
#define KEY_LEN 8	/* the longest key of these tables */

struct number {
	enum table table;
	uint8_t n, key[KEY_LEN];
	uint64_t value;
};
static struct number numbers[NUMBERS];
static size_t count;

static bool
is_kept(enum table t, const struct dbkey *k)
{
	return table_is_number(t) && !db_env.viewing && !k->bad && k->n > 0 && k->n <= KEY_LEN;
}

static struct number *
find(enum table t, const struct dbkey *k)
{
	for (size_t i = 0; i < count; i++)
		if (numbers[i].table == t && numbers[i].n == k->n && memcmp(numbers[i].key, k->p, k->n) == 0)
			return &numbers[i];
	return NULL;
}

static struct number *
add(enum table t, const struct dbkey *k)
{
	struct number *x;

	if (count == NUMBERS)
		table_numbers_write();
	x = &numbers[count++];
	*x = (struct number){ .table = t, .n = (uint8_t)k->n };
	memcpy(x->key, k->p, k->n);
	return x;
}

bool
table_is_number(enum table t)
{
	return t == T_meta || t == T_modseq || t == T_state;
}

bool
table_number_get(enum table t, const struct dbkey *k, uint64_t *v)
{
	const struct number *x = is_kept(t, k) && db_txn() != NULL ? find(t, k) : NULL;

	if (x != NULL)
		*v = x->value;
	return x != NULL;
}

bool
table_number_put(enum table t, const struct dbkey *k, uint64_t v)
{
	struct number *x;

	if (!is_kept(t, k) || db_txn() == NULL)
		return false;
	db_gather(k->n + sizeof(v));
	if ((x = find(t, k)) == NULL)
		x = add(t, k);
	x->value = v;
	return true;
}

static void
write_one(const struct number *x)
{
	uint8_t key[KEY_LEN], b[8];
	MDB_val k = { x->n, key }, data = { sizeof(b), b };

	memcpy(key, x->key, x->n);
	table_u64_bytes(b, x->value);
	if (db_txn() != NULL)
		db_check(table_cursor_put(x->table, &k, &data, 0), x->table);
}

void
table_numbers_write(void)
{
	for (size_t i = 0; i < count; i++)
		write_one(&numbers[i]);
	count = 0;
}

void
table_numbers_forget(void)
{
	count = 0;
}

/*
 * table_cursor.c - the cursors of the turn. What is looked for is often written
 * next, and most rows go beside those before them: a cursor that stands on the
 * page spares the way down from the root. LMDB keeps each true to what others
 * write, and frees them with the transaction.
 */
#include "db_env.h"

#include <string.h>

/* Where a table grows at several places, the byte behind the account tells them
 * apart: types of the change log, addresses. */
#define PLACES 4
#define PLACE_AT 4

static MDB_cursor *cursors[T__COUNT][PLACES];

static int
cursor_of(enum table t, const MDB_val *key, MDB_cursor **c)
{
	const uint8_t *p = key->mv_data;
	MDB_cursor **kept = &cursors[t][key->mv_size > PLACE_AT ? p[PLACE_AT] % PLACES : 0];
	int rc = *kept == NULL ? mdb_cursor_open(db_env.txn, db_env.dbi[t], kept) : 0;

	*c = *kept;
	return rc;
}

int
table_cursor_get(enum table t, MDB_val *key, MDB_val *data)
{
	MDB_cursor *c;
	int rc;

	if (db_env.viewing)
		return mdb_get(db_env.view, db_env.dbi[t], key, data);
	rc = cursor_of(t, key, &c);
	return rc != 0 ? rc : mdb_cursor_get(c, key, data, MDB_SET);
}

int
table_cursor_seek(enum table t, MDB_val *key, MDB_val *data)
{
	MDB_cursor *c;
	int rc;

	if (!db_env.viewing)
		return (rc = cursor_of(t, key, &c)) != 0 ? rc : mdb_cursor_get(c, key, data, MDB_SET_RANGE);
	if ((rc = mdb_cursor_open(db_env.view, db_env.dbi[t], &c)) != 0)
		return rc;
	rc = mdb_cursor_get(c, key, data, MDB_SET_RANGE);
	mdb_cursor_close(c);
	return rc;
}

int
table_cursor_put(enum table t, MDB_val *key, MDB_val *data, unsigned int flags)
{
	MDB_cursor *c;
	int rc = cursor_of(t, key, &c);

	return rc != 0 ? rc : mdb_cursor_put(c, key, data, flags);
}

void
table_cursors_gone(void)
{
	memset(cursors, 0, sizeof(cursors));
}

/*
 * db_env.h - private to db*.c and table*.c: the handles of the environment.
 */
#ifndef STORE_DB_ENV_H
#define STORE_DB_ENV_H

#include <lmdb.h>

#include "db.h"

struct db_env {
	MDB_env *env;
	MDB_txn *txn;
	MDB_txn *view;		/* reads what is committed; renewed by db_view */
	bool viewing;
	MDB_dbi dbi[T__COUNT];
	uint64_t turn;
	bool failed;
	char why[128];
};

extern struct db_env db_env;

/* An LMDB error other than "not found" fails the turn; returns rc == 0. */
bool db_check(int rc, enum table);

/* db_view.c */
int db_view_open(void);	/* once, behind the first commit; an LMDB error */
void db_view_close(void);
/* Number of what is seen now, turn or view: a cursor is good as long as it stays. */
uint64_t db_sight(void);
/* Cursors of a view end with it, those of a turn with the turn. */
int db_cursor_open(MDB_txn *, enum table, MDB_cursor **);
void db_cursor_close(MDB_cursor *);

/* db_gather.c */
void db_gather(size_t n);	/* n bytes are written or to be said in this turn */
void db_gather_over(void);	/* the turn ended */

/* table.c: the rows of every table may be others than they were. */
void table_undone(void);
void table_u64_bytes(uint8_t[8], uint64_t);	/* the value of a table of numbers */

/* table_number.c: rows of tables that are numbers. false: it is not kept here. */
bool table_is_number(enum table);
bool table_number_get(enum table, const struct dbkey *, uint64_t *);
bool table_number_put(enum table, const struct dbkey *, uint64_t);
void table_numbers_write(void);		/* before the commit, and before a look at the rows */
void table_numbers_forget(void);	/* the turn ended */

/*
 * table_cursor.c: one row of the turn, or, to look at, of the view; an LMDB
 * error. Nothing of it outlives the transaction: whoever ends it says so.
 */
int table_cursor_get(enum table, MDB_val *key, MDB_val *data);
int table_cursor_seek(enum table, MDB_val *key, MDB_val *data);	/* that one, or the next */
int table_cursor_put(enum table, MDB_val *key, MDB_val *data, unsigned int flags);
void table_cursors_gone(void);

/* db_migrate.c: from schema 1 to 2, to 3, and to 4, in the turn of the opening. */
void db_migrate_windows(void);
void db_migrate_write_back(void);
void db_migrate_followers(void);

/* db_out.c */
void out_flush(void);	/* the commit worked */
void out_fail(void);	/* it did not */

#endif

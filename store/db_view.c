/*
 * db_view.c - reading beside the turn: a read transaction over what was
 * committed last. LMDB gives it to the thread that writes as well, because
 * with MDB_NOTLS a reader is tied to its handle, not to its thread. The handle
 * is made once, before the sandbox: its place in the lock file takes a lock.
 */
#include "db_env.h"

#include <errno.h>
#include <stdlib.h>

#include "log.h"

static uint64_t views;		/* their number, for what is cached within one */
static MDB_cursor **cursors;	/* open in this view: LMDB does not close them */
static size_t ncursors, cap;

int
db_view_open(void)
{
	int rc = mdb_txn_begin(db_env.env, NULL, MDB_RDONLY, &db_env.view);

	if (rc != 0) {
		db_env.view = NULL;
		return rc;
	}
	mdb_txn_reset(db_env.view);
	return 0;
}

void
db_view_close(void)
{
	if (db_env.view != NULL)
		mdb_txn_abort(db_env.view);
	db_env.view = NULL;
}

/* Without one the turn is read: later, but as true. */
void
db_view(void)
{
	int rc = db_env.view != NULL ? mdb_txn_renew(db_env.view) : MDB_BAD_TXN;

	if (rc != 0)
		log_warn("reading waits for the turn reason=%s", mdb_strerror(rc));
	db_env.viewing = rc == 0;
	views++;
}

void
db_view_end(void)
{
	if (!db_env.viewing)
		return;
	while (ncursors > 0)
		mdb_cursor_close(cursors[--ncursors]);
	mdb_txn_reset(db_env.view);
	db_env.viewing = false;
}

uint64_t
db_sight(void)
{
	return db_env.viewing ? UINT64_C(1) << 63 | views : db_env.turn;
}

int
db_cursor_open(MDB_txn *txn, enum table t, MDB_cursor **c)
{
	size_t more = cap != 0 ? 2 * cap : 16;
	MDB_cursor **v;
	int rc;

	if (db_env.viewing && ncursors == cap) {
		if ((v = reallocarray(cursors, more, sizeof(*v))) == NULL)
			return ENOMEM;
		cursors = v;
		cap = more;
	}
	if ((rc = mdb_cursor_open(txn, db_env.dbi[t], c)) == 0 && db_env.viewing)
		cursors[ncursors++] = *c;
	return rc;
}

void
db_cursor_close(MDB_cursor *c)
{
	for (size_t i = ncursors; db_env.viewing && i-- > 0;)
		if (cursors[i] == c) {
			cursors[i] = cursors[--ncursors];
			break;
		}
	mdb_cursor_close(c);
}

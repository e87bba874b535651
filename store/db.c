/*
 * db.c - the environment and the turn's transaction.
 */
#include "db_env.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/time.h>

#include "log.h"
#include "loop.h"

#define MAP_SIZE ((size_t)1 << 40)	/* 1 TiB of addresses; the file grows with use */
#define SCHEMA 4
#define MAX_HOOKS 16

struct store store = { .content = CONTENT_MATCHED, .first = 100 };
struct db_env db_env;

static struct {
	enum db_when when;
	void (*fn)(void);
} hooks[MAX_HOOKS];
static size_t nhooks;
static bool last_failed;	/* the last turn was undone */

void
db_hook(enum db_when when, void (*fn)(void))
{
	if (nhooks == MAX_HOOKS)
		fatal("too many hooks");
	hooks[nhooks].when = when;
	hooks[nhooks++].fn = fn;
}

static void
run_hooks(enum db_when when)
{
	for (size_t i = 0; i < nhooks; i++)
		if (hooks[i].when == when)
			hooks[i].fn();
}

void
db_fail(const char *why)
{
	if (db_env.failed)
		return;
	db_env.failed = true;
	snprintf(db_env.why, sizeof(db_env.why), "%s", why);
}

bool
db_failed(void)
{
	return db_env.failed;
}

uint64_t
db_turn(void)
{
	return db_env.turn;
}

bool
db_check(int rc, enum table t)
{
	char why[128];

	if (rc == 0)
		return true;
	if (rc != MDB_NOTFOUND) {
		snprintf(why, sizeof(why), "%s: %s", table_name(t), mdb_strerror(rc));
		db_fail(why);
	}
	return false;
}

void *
db_txn(void)
{
	int rc;

	if (db_env.viewing)
		return db_env.view;
	if (db_env.failed || db_env.env == NULL)
		return NULL;
	if (db_env.txn != NULL)
		return db_env.txn;
	if ((rc = mdb_txn_begin(db_env.env, NULL, 0, &db_env.txn)) != 0) {
		/* LMDB could not write its meta page: only a fresh start helps. */
		if (rc == MDB_PANIC)
			fatal("database gave up reason=%s", mdb_strerror(rc));
		db_env.txn = NULL;
		db_fail(mdb_strerror(rc));
		return NULL;
	}
	return db_env.txn;
}

static bool
commit(void)
{
	int rc;

	if (db_env.txn != NULL)
		run_hooks(DB_BEFORE_COMMIT);
	table_numbers_write();
	table_cursors_gone();
	if (db_env.failed) {
		if (db_env.txn != NULL)
			mdb_txn_abort(db_env.txn);
		db_env.txn = NULL;
		return false;
	}
	if (db_env.txn == NULL)
		return true;
	rc = mdb_txn_commit(db_env.txn);
	db_env.txn = NULL;
	/* LMDB says EIO of a write that was cut short. */
	if (rc != 0)
		db_fail(rc == EIO ? "the disk is full, or it is broken" : mdb_strerror(rc));
	return rc == 0;
}

void
db_turn_end(void)
{
	bool ok = commit();

	db_gather_over();
	if (!ok)
		log_error("turn undone: nothing of it was stored code=store.full reason=%s", db_env.why);
	last_failed = !ok;
	db_env.failed = false;
	db_env.turn++;
	if (ok) {
		run_hooks(DB_COMMITTED);
		out_flush();
	} else {
		table_undone();
		run_hooks(DB_ABORTED);
		out_fail();
	}
}

/* ---- later ---- */
struct later {
	void (*fn)(void *);
	void *arg;
};

static void
run_later(evutil_socket_t fd, short what, void *arg)
{
	struct later l = *(struct later *)arg;

	(void)fd;
	(void)what;
	free(arg);
	l.fn(l.arg);
}

bool
db_later(void (*fn)(void *), void *arg)
{
	/* Let the channels speak first; with a full disk, do not turn in circles. */
	const struct timeval soon = { last_failed ? 1 : 0, last_failed ? 0 : 1000 };
	struct later *l = malloc(sizeof(*l));

	if (l == NULL) {
		db_fail("out of memory");
		return false;
	}
	*l = (struct later){ fn, arg };
	if (event_base_once(loop_base(), -1, EV_TIMEOUT, run_later, l, &soon) == 0)
		return true;
	free(l);
	db_fail("no timer");
	return false;
}

/* ---- opening ---- */
static bool
open_tables(void)
{
	int rc;

	for (unsigned int t = 0; t < T__COUNT; t++) {
		rc = mdb_dbi_open(db_txn(), table_name(t), MDB_CREATE, &db_env.dbi[t]);
		if (!db_check(rc, t))
			return false;
	}
	return true;
}

/*
 * What everything else rests on. A counter that began anew would write over what
 * is there, another index key would find nothing: rather no store than that.
 */
static bool
meta_is_sound(void)
{
	struct slice v;

	for (uint8_t what = META_SCHEMA; what <= META_INDEX_KEY; what++) {
		struct dbkey k = KEY(meta, .what = what);

		if (table_get(T_meta, k, &v) && v.n != (what == META_INDEX_KEY ? sizeof(store.index_key) : 8)) {
			table_log_damaged(T_meta, slice_mem(k.p, k.n));
			db_fail("a row of meta is damaged: restore a backup");
			return false;
		}
	}
	return true;
}

/* Numbers of links are never given twice, whatever the counter says. */
static void
heal_next_link(void)
{
	struct dbkey next = KEY(meta, .what = META_NEXT_LINK);
	struct key_link k;
	struct slice key;
	struct scan s;

	scan_prefix(&s, T_link, PREFIX(link, 0, .no = 0), true);
	if (scan_next(&s, &key, NULL) && key_link_read(key, &k) == 0 && k.no < UNIT_PROBE &&
	    table_get_u64(T_meta, next) < k.no)
		table_put_u64(T_meta, next, k.no);
	scan_end(&s);
}

static bool
open_index_key(void)
{
	struct dbkey k = KEY(meta, .what = META_INDEX_KEY);
	struct slice v;

	if (table_get(T_meta, k, &v)) {
		memcpy(store.index_key, v.p, v.n);
		return true;
	}
	if (getrandom(store.index_key, sizeof(store.index_key), 0) != (ssize_t)sizeof(store.index_key))
		return false;
	table_put(T_meta, k, slice_mem(store.index_key, sizeof(store.index_key)));
	return true;
}

static bool
open_meta(void)
{
	uint64_t schema;

	if (!meta_is_sound())
		return false;
	schema = table_get_u64(T_meta, KEY(meta, .what = META_SCHEMA));
	if (schema > SCHEMA) {
		log_error("the database was written by a newer version size=%llu", (unsigned long long)schema);
		return false;
	}
	if (schema == 1)
		db_migrate_windows();
	if (schema == 1 || schema == 2)
		db_migrate_write_back();
	if (schema == 3)
		db_migrate_followers();
	if (schema != SCHEMA)
		table_put_u64(T_meta, KEY(meta, .what = META_SCHEMA), SCHEMA);
	store.epoch = table_get_u64(T_meta, KEY(meta, .what = META_EPOCH));
	if (store.epoch == 0) {
		if (getrandom(&store.epoch, sizeof(store.epoch), 0) != (ssize_t)sizeof(store.epoch))
			return false;
		store.epoch |= 1;	/* zero means: none yet */
		table_put_u64(T_meta, KEY(meta, .what = META_EPOCH), store.epoch);
	}
	heal_next_link();
	return open_index_key() && !db_failed();
}

int
db_open(const char *dir)
{
	int rc = mdb_env_create(&db_env.env);

	if (rc == 0)
		rc = mdb_env_set_mapsize(db_env.env, MAP_SIZE);
	if (rc == 0)
		rc = mdb_env_set_maxdbs(db_env.env, T__COUNT + 8);
	if (rc == 0)
		rc = mdb_env_open(db_env.env, dir, MDB_NOTLS, 0600);
	if (rc != 0) {
		log_error("cannot open the database reason=%s", mdb_strerror(rc));
		db_close();
		return -1;
	}
	db_env.turn++;
	if (!open_tables() || !open_meta() || !commit()) {
		log_error("cannot set up the database reason=%s", db_env.why);
		db_close();
		return -1;
	}
	if ((rc = db_view_open()) != 0)
		log_warn("no reading beside the turn reason=%s", mdb_strerror(rc));
	return 0;
}

void
db_close(void)
{
	table_numbers_forget();
	table_cursors_gone();
	table_undone();
	if (db_env.txn != NULL)
		mdb_txn_abort(db_env.txn);
	db_view_close();
	if (db_env.env != NULL)
		mdb_env_close(db_env.env);
	db_env = (struct db_env){ .turn = db_env.turn + 1 };
}

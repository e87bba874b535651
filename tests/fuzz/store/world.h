/*
 * world.h - a whole store in one process, with a database in memory that is
 * new for each input, a link or two, and every peer role owned by an attacker.
 */
#ifndef FUZZ_STORE_WORLD_H
#define FUZZ_STORE_WORLD_H

#include <dlfcn.h>
#include <event2/event.h>
#include <lmdb.h>
#include <sodium.h>
#include <stdio.h>

#include "../clock.h"
#include "../hostile.h"
#include "ats_request.h"
#include "blob_pack.h"
#include "child.h"
#include "db.h"
#include "link_unit.h"
#include "log.h"
#include "loop.h"
#include "peer.h"
#include "person.h"
#include "probe.h"
#include "push.h"
#include "seam.h"

#define WORLD_LINKS 3

enum { END_MASTER, END_ATS, END_CONTROL, END_VAULT, END_IMAP, END_SMTP, END_MIME, END_PROBE, END__COUNT };
static const enum role end_roles[END__COUNT] = { ROLE_MASTER, ROLE_ATS, ROLE_CONTROL, ROLE_VAULT, ROLE_IMAP, ROLE_SMTP,
	ROLE_MIME, ROLE_IMAP };
static struct chan *ends[END__COUNT];
static struct chan *master_near;
static char world_dir[64];

/*
 * ---- what LMDB lends ----
 * A row is lent until the next write or the end of the turn. Here each is a
 * piece of memory of its own that goes at that moment, so that reading past
 * its end, or after it, is seen.
 */
#define LENT_MAX 65536
static void *lent[LENT_MAX];
static size_t lent_n;

static inline void
lent_drop(void)
{
	while (lent_n > 0)
		free(lent[--lent_n]);
}

static inline void
lend(MDB_val *v)
{
	void *copy;

	if (lent_n == LENT_MAX)
		return;
	feed_check((copy = malloc(v->mv_size)) != NULL);
	if (v->mv_size > 0)
		memcpy(copy, v->mv_data, v->mv_size);
	lent[lent_n++] = v->mv_data = copy;
}

static inline void *
lmdb(const char *name)
{
	void *found = dlsym(RTLD_NEXT, name);

	feed_check(found != NULL);
	return found;
}

int
mdb_get(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	static int (*real)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *);
	int rc;

	if (real == NULL)
		real = (int (*)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *))lmdb("mdb_get");
	if ((rc = real(txn, dbi, key, data)) == 0)
		lend(data);
	return rc;
}

int
mdb_cursor_get(MDB_cursor *c, MDB_val *key, MDB_val *data, MDB_cursor_op op)
{
	static int (*real)(MDB_cursor *, MDB_val *, MDB_val *, MDB_cursor_op);
	int rc;

	if (real == NULL)
		real = (int (*)(MDB_cursor *, MDB_val *, MDB_val *, MDB_cursor_op))lmdb("mdb_cursor_get");
	if ((rc = real(c, key, data, op)) == 0) {
		lend(key);
		lend(data);
	}
	return rc;
}

int
mdb_put(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data, unsigned int flags)
{
	static int (*real)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *, unsigned int);
	int rc;

	if (real == NULL)
		real = (int (*)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *, unsigned int))lmdb("mdb_put");
	rc = real(txn, dbi, key, data, flags);
	lent_drop();
	return rc;
}

int
mdb_del(MDB_txn *txn, MDB_dbi dbi, MDB_val *key, MDB_val *data)
{
	static int (*real)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *);
	int rc;

	if (real == NULL)
		real = (int (*)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *))lmdb("mdb_del");
	rc = real(txn, dbi, key, data);
	lent_drop();
	return rc;
}

int
mdb_txn_commit(MDB_txn *txn)
{
	static int (*real)(MDB_txn *);

	if (real == NULL)
		real = (int (*)(MDB_txn *))lmdb("mdb_txn_commit");
	lent_drop();
	return real(txn);
}

/* ---- peers ---- */

/* A breach: the master would end that process. */
static inline void
world_master_broken(struct chan *c, const char *reason)
{
	(void)c;
	(void)reason;
}

static inline int
world_on_worker_gone(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if ((m->worker_gone.unit & UNIT_PROBE) != 0)
		probe_worker_gone(m->worker_gone.unit, m->worker_gone.role, m->worker_gone.reason);
	else
		mail_worker_gone(m->worker_gone.unit, m->worker_gone.role, m->worker_gone.reason);
	return 0;
}

static inline int
world_on_unit_step(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_unit_step *q = &m->unit_step;

	(void)c;
	(void)fd;
	if ((q->unit & UNIT_PROBE) != 0)
		probe_on_unit_step(q);
	else
		link_step(q->unit, q->service, q->ok, q->code, q->detail);
	return 0;
}

static const chan_handler world_master_handlers[MSG__COUNT] = { [MSG_worker_gone] = world_on_worker_gone,
	[MSG_unit_step] = world_on_unit_step };
static const struct chan_ops world_master_ops = { .handlers = world_master_handlers, .on_eof = hostile_eof,
	.on_broken = world_master_broken };

static inline void
world_init(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	feed_check(sodium_init() != -1);
	log_set_level(LOG_LVL_ERROR);
	child.role = ROLE_STORE;
	blob_pack_init();
	push_init();
	link_unit_init();
	probe_init();
	mail_init();
	store.content = CONTENT_MATCHED;
	store.first = 100;
	store.max_links = 8;
	store.allow_none = true;
	list_add(&store.own_domains, slice_str("agency.example"));
}

/* What asks for the next turn by a short timer would keep one for ever where
 * everything is slow. */
#define WORLD_PASSES 32

static inline void
world_turn(void)
{
	for (unsigned int i = 0; i < WORLD_PASSES; i++)
		if (event_base_loop(loop_base(), EVLOOP_ONCE | EVLOOP_NONBLOCK) == -1)
			abort();
	db_turn_end();
	for (size_t i = 0; i < END__COUNT; i++)
		hostile_turn(ends[i]);
	hostile_turn(master_near);
}

static inline void
world_turns(unsigned int n)
{
	while (n-- > 0)
		world_turn();
}

static inline void
world_close(unsigned int i)
{
	chan_free(ends[i]);
	ends[i] = NULL;
}

/* A peer comes, in place of the one that may be there. */
static inline void
world_wire(unsigned int i, uint32_t unit)
{
	struct chan_peer peer = { .chan = i + 1, .role = end_roles[i], .unit = unit, .ats = "main" };
	int fd;

	world_close(i);
	world_turn();
	ends[i] = hostile_new(peer.role, ROLE_STORE, &fd);
	if (i == END_MASTER) {
		chan_free(master_near);
		feed_check((master_near = chan_new(fd, ROLE_STORE, &peer, &world_master_ops, NULL)) != NULL);
		chan_run(master_near);
		child.master = master_near;
	} else
		peer_new(&peer, fd);
}

static inline void
world_link(const char *address, enum link_mode mode)
{
	struct rec_link r = { .address = slice_str(address), .name = slice_str("Anna"), .mode = (uint8_t)mode,
		.imap_host = slice_str("imap.example.org"), .imap_port = 993, .imap_security = SECURITY_TLS,
		.imap_user = slice_str(address), .smtp_host = slice_str("smtp.example.org"), .smtp_port = 465,
		.smtp_security = SECURITY_TLS, .smtp_user = slice_str(address), .state = LINK_LIVE, .generation = 1 };

	link_write(store_next_link(), &r, true);
}

/* The database; with links unless the input brings all rows itself. */
static inline void
world_open(bool links)
{
	clock_start();
	snprintf(world_dir, sizeof(world_dir), "%s/postern-fuzz-XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	feed_check(mkdtemp(world_dir) != NULL);
	feed_check(db_open(world_dir) == 0);
	world_wire(END_MASTER, 0);
	if (links) {
		world_link("anna@agency.example", MODE_TWO_WAY);
		world_link("desk@agency.example", MODE_SEND_ONLY);
	}
	world_turn();
}

static inline void
world_start(void)
{
	link_start_all();
	link_erase_start();
	person_backfill_start();
	mail_start();
	world_turn();
}

static inline void
world_end(void)
{
	char path[96];

	for (unsigned int i = 0; i < END__COUNT; i++)
		if (i != END_MASTER)
			world_close(i);
	world_turns(12);
	for (uint32_t no = 0; no < 64; no++)
		link_run_forget(no);
	out_forget(master_near);
	world_close(END_MASTER);
	chan_free(master_near);
	child.master = master_near = NULL;
	db_close();
	lent_drop();
	for (unsigned int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", world_dir, i == 0 ? "data.mdb" : "lock.mdb");
		(void)unlink(path);
	}
	feed_check(rmdir(world_dir) == 0);
	clock_on = false;
}

#endif

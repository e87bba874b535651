/*
 * store - one per ATS: the only process that opens its database. It parses
 * nothing of outsiders; everything arrives as fields of bounded messages.
 */
#include <event2/event.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "ats_request.h"
#include "blob.h"
#include "blob_pack.h"
#include "changes.h"
#include "child.h"
#include "link.h"
#include "link_unit.h"
#include "log.h"
#include "loop.h"
#include "peer.h"
#include "person.h"
#include "probe.h"
#include "push.h"
#include "seam.h"
#include "table_index.h"
#include "told.h"
#include "watch.h"

static char dir[LIM_PATH + 1];
static bool running;

/* ---- configuration ---- */

/* Domains as addresses are compared: lower-case. */
static void
take_domains(struct slice list)
{
	struct slice item;
	char domain[LIM_HOST + 1];

	wbuf_reset(&store.own_domains);
	while (list_next(&list, &item)) {
		if (slice_copy(item, domain, sizeof(domain)) == -1)
			continue;
		for (char *p = domain; *p != '\0'; p++)
			if (*p >= 'A' && *p <= 'Z')
				*p = (char)(*p + 32);
		list_add(&store.own_domains, slice_str(domain));
	}
}

static int
on_cfg_store(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_cfg_store *q = &m->cfg_store;
	enum content_policy content = q->content == CONTENT_DEFAULT ? CONTENT_MATCHED : q->content;
	bool changed = content != store.content || q->period_days != store.period_days || q->first != store.first;

	(void)c;
	(void)fd;
	if (content > CONTENT_MATCHED || q->hash_key.n != sizeof(store.hash_key))
		return -1;
	store.content = content;
	store.period_days = q->period_days;
	store.first = q->first;
	store.max_links = q->max_links;
	store.max_storage = q->max_storage;
	store.max_submissions = q->max_submissions;
	store.allow_none = q->allow_none;
	memcpy(store.hash_key, q->hash_key.p, q->hash_key.n);
	take_domains(q->own_domains);
	/* Links that use the defaults look at other folders' depths. */
	if (running && changed)
		link_each(mail_link_changed);
	return running ? 0 : slice_copy(q->dir, dir, sizeof(dir));
}

/* Presets are filled in by the ats-worker; nothing here depends on them. */
static int
on_cfg_provider(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

/* ---- the master's news ---- */
static int
on_worker_gone(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_worker_gone *q = &m->worker_gone;

	(void)c;
	(void)fd;
	if ((q->unit & UNIT_PROBE) != 0)
		probe_worker_gone(q->unit, q->role, q->reason);
	else
		mail_worker_gone(q->unit, q->role, q->reason);
	return 0;
}

static int
on_unit_step(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_unit_step *q = &m->unit_step;

	(void)c;
	(void)fd;
	if ((q->unit & UNIT_PROBE) != 0)
		probe_on_unit_step(q);
	else if (!q->ok || q->step == STEP_AUTH)
		link_step(q->unit, q->service, q->ok, q->code, q->detail);
	return 0;
}

/* What was done is committed and said; what was not will be done again. */
static int
on_drain(struct chan *c, const union msg *m, int *fd)
{
	(void)m;
	(void)fd;
	db_turn_end();
	told_counts();
	(void)chan_flush_blocking(c);
	db_close();
	exit(0);
}

static const chan_handler master_handlers[MSG__COUNT] = {
	[MSG_cfg_store] = on_cfg_store,
	[MSG_cfg_provider] = on_cfg_provider,
	[MSG_worker_gone] = on_worker_gone,
	[MSG_unit_step] = on_unit_step,
	[MSG_drain] = on_drain,
};

/* ---- what the clock brings ---- */
static void
on_housekeeping(evutil_socket_t fd, short what, void *arg)
{
	uint64_t now = store_past();

	(void)fd;
	(void)what;
	(void)arg;
	blob_expire(now, LIM_HOUSEKEEPING_ROWS);
	changes_expire(now, LIM_HOUSEKEEPING_ROWS);
}

static void
start_housekeeping(void)
{
	static const struct timeval every = { LIM_HOUSEKEEPING_SECONDS, 0 };
	struct event *e = event_new(loop_base(), -1, EV_PERSIST, on_housekeeping, NULL);

	if (e == NULL || event_add(e, &every) == -1)
		fatal("no timer");
}

static void
open_database(void)
{
	if (sodium_init() == -1)
		fatal("libsodium does not start");
	blob_pack_init();
	(void)loop_base();
	push_init();
	told_init();
	link_unit_init();
	probe_init();
	watch_init();
	mail_init();
	child_sandbox_drop();
	if (db_open(dir) == -1)
		fatal("no database, no store");
}

int
main(void)
{
	child_start(ROLE_STORE, master_handlers, peer_new);
	open_database();
	start_housekeeping();
	child_sandbox();
	child_ready(NULL);
	running = true;
	loop_set_turn_end(db_iteration_end);
	link_start_all();
	link_erase_start();
	person_backfill_start();
	mail_start();
	return loop_run() == 0 ? 0 : EXIT_FATAL;
}

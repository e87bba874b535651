/*
 * ats_get.c - /get: rows, as many at a time as the asker gives credits for,
 * as they were committed last.
 *
 * The state told at the end is the one from before the first row, so what
 * changes while the rows leave is found again by /changes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "ats_request.h"
#include "body.h"
#include "changes.h"

struct get {
	TAILQ_ENTRY(get) entry;
	struct asker asker;
	uint32_t account, parts;
	enum obj_type type;
	uint64_t state;
	bool all;
	struct scan scan;	/* all: over the ids of the type */
	struct wbuf ids;	/* else: those asked for */
	size_t next;
	bool tired;		/* has work left for another turn, and credits */
	struct wbuf not_found;
};
static TAILQ_HEAD(, get) gets = TAILQ_HEAD_INITIALIZER(gets);
static size_t ngets;
static bool later;

static void
get_free(struct get *g)
{
	TAILQ_REMOVE(&gets, g, entry);
	ngets--;
	scan_end(&g->scan);
	wbuf_free(&g->ids);
	wbuf_free(&g->not_found);
	free(g);
}

static void
answer_error(struct chan *c, uint32_t req, const char *error)
{
	out_send(c, MSG_get_done, &(struct msg_get_done){ .req = req, .error = slice_str(error) }, OUT_NOFD);
}

/* Every living object of a type has one row in "changed": no second list. */
static bool
next_of_all(struct get *g, uint64_t *id)
{
	struct key_changed k;
	struct slice key;

	while (scan_next(&g->scan, &key, NULL))
		if (key_changed_read(key, &k) == 0) {
			*id = k.id;
			return true;
		}
	return false;
}

static bool
next_id(struct get *g, uint64_t *id)
{
	if (g->all)
		return next_of_all(g, id);
	if (g->next == ids_count(wbuf_slice(&g->ids)))
		return false;
	*id = ids_at(wbuf_slice(&g->ids), g->next++);
	return true;
}

static bool
put_row(const struct get *g, uint64_t id, struct slice data)
{
	struct msg_row m = { .req = g->asker.req, .type = (uint8_t)g->type, .id = id };
	int fd = body_put(data, &m.data);

	if (fd == -2)
		return false;
	out_send(g->asker.chan, MSG_row, &m, fd);
	return true;
}

static void
finish(struct get *g)
{
	struct msg_get_done done = { .req = g->asker.req, .epoch = store.epoch, .state = g->state,
		.not_found = wbuf_slice(&g->not_found) };

	out_send(g->asker.chan, MSG_get_done, &done, OUT_NOFD);
	get_free(g);
}

static void
on_later(void *arg)
{
	struct get *g;

	(void)arg;
	later = false;
	/* Each run may free gets, so begin anew; what waits for credits is no work. */
	TAILQ_FOREACH(g, &gets, entry)
		if (g->tired) {
			ats_get_credit(g->asker.chan);
			break;
		}
}

/* Many ids without a row: go on in another turn. */
static void
rest(struct get *g)
{
	g->tired = true;
	if (!later)
		db_later(on_later, NULL);
	later = true;
}

/* An answer with a hole is none. */
static void
give_up(struct get *g)
{
	answer_error(g->asker.chan, g->asker.req, "serverUnavailable");
	get_free(g);
}

/* Rows while there are credits. False: the get is done and gone. */
static bool
get_rows(struct get *g)
{
	static struct wbuf w;
	unsigned int credits = out_credits(g->asker.chan), steps = 0;
	uint64_t id;

	g->tired = false;
	while (credits > 0) {
		if (++steps > LIM_GET_STEPS) {
			rest(g);
			return true;
		}
		if (!next_id(g, &id)) {
			finish(g);
			return false;
		}
		wbuf_reset(&w);
		if (ats_row(g->account, g->type, id, g->parts, &w)) {
			if (!put_row(g, id, wbuf_slice(&w))) {
				give_up(g);
				return false;
			}
			credits--;
		} else if (!g->all)
			ids_add(&g->not_found, id);
	}
	return true;
}

static bool
get_run(struct get *g)
{
	bool more;

	db_view();
	more = get_rows(g);
	db_view_end();
	return more;
}

static struct get *
get_new(struct chan *c, const struct msg_get *q)
{
	struct get *g = calloc(1, sizeof(*g));

	if (g == NULL)
		return NULL;
	g->asker = (struct asker){ c, q->req };
	g->account = q->account;
	g->type = q->type;
	g->parts = q->parts;
	g->all = q->all;
	g->state = changes_state(q->account, q->type);
	w_raw(&g->ids, q->ids.p, q->ids.n);
	scan_prefix(&g->scan, T_changed, PREFIX(changed, 2, .account = q->account, .type = q->type), false);
	TAILQ_INSERT_TAIL(&gets, g, entry);
	ngets++;
	return g;
}

int
ats_on_get(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_get *q = &m->get;

	(void)fd;
	if (q->ids.n % 8 != 0)
		return -1;
	db_view();
	if (!ats_account_serves(q->account, q->type))
		answer_error(c, q->req, "accountNotFound");
	else if (ngets >= LIM_ATS_JOBS || get_new(c, q) == NULL)
		answer_error(c, q->req, "serverUnavailable");
	db_view_end();
	ats_get_credit(c);
	return 0;
}

/* One asker's gets in the order they came: the oldest has the credits. */
void
ats_get_credit(struct chan *c)
{
	struct get *g, *next;

	for (g = TAILQ_FIRST(&gets); g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		if (g->asker.chan == c && get_run(g))
			return;
	}
}

void
ats_get_forget(const struct chan *c)
{
	struct get *g, *next;

	for (g = TAILQ_FIRST(&gets); g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		if (g->asker.chan == c)
			get_free(g);
	}
}

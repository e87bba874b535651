/*
 * ats_query.c - /query (RFC 8620 s. 5.5).
 *
 * Sorted by receivedAt for emails and notes, by id else; equal times by id.
 * position, and with an anchor the anchorOffset in the same field, are signed
 * 32-bit numbers: a negative position counts from the end. Both are found by a
 * walk of their own, so that no query holds more than the ids of its answer.
 *
 * The walk goes in slices. When the type's state moves between two slices it
 * begins again; after LIM_QUERY_RESTARTS times it goes on, and the state told is that of
 * the last beginning, so nothing is lost to /queryChanges or /changes.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "ats_filter.h"
#include "ats_request.h"
#include "changes.h"

#define ROW_COST 8	/* a row that is loaded counts as so many */

struct query {
	TAILQ_ENTRY(query) entry;
	struct asker asker;
	uint32_t account, limit;
	enum obj_type type;
	bool ascending, total;
	int32_t position;
	uint64_t anchor, state;
	unsigned int restarts;
	struct wbuf filter_bytes;
	struct rec_filter filter;	/* into filter_bytes */
	struct source source;
	bool searching;			/* the first walk, for where the window begins */
	int64_t start, count;		/* of the window; results met in this walk */
	struct wbuf ids;		/* those in the window, limit at most */
};
static TAILQ_HEAD(, query) queries = TAILQ_HEAD_INITIALIZER(queries);
static size_t nqueries;
static bool later;

static void
query_free(struct query *q)
{
	TAILQ_REMOVE(&queries, q, entry);
	nqueries--;
	scan_end(&q->source.scan);
	wbuf_free(&q->filter_bytes);
	wbuf_free(&q->ids);
	free(q);
}

static void
answer_error(struct asker a, const char *error)
{
	out_send(a.chan, MSG_query_done, &(struct msg_query_done){ .req = a.req, .error = slice_str(error) },
	    OUT_NOFD);
}

/* ---- the walk ---- */

/* From the first row, with nothing counted yet. */
static bool
walk_begin(struct query *q)
{
	wbuf_reset(&q->ids);
	q->count = 0;
	scan_end(&q->source.scan);
	return source_open(&q->source, q->account, q->type, &q->filter, q->ascending);
}

static bool
begin(struct query *q)
{
	q->state = changes_state(q->account, q->type);
	q->searching = q->anchor != 0 || q->position < 0;
	q->start = q->searching ? 0 : q->position;
	return walk_begin(q);
}

/* The window begins so far from what was counted: now its ids. */
static void
found_start(struct query *q)
{
	q->start = (int64_t)q->count + q->position;
	if (q->start < 0)
		q->start = 0;
	q->searching = false;
	(void)walk_begin(q);	/* it did so before */
}

static void
result(struct query *q, uint64_t id)
{
	if (q->searching && id == q->anchor) {
		found_start(q);
		return;
	}
	if (!q->searching && q->count >= q->start && q->ids.n / 8 < q->limit)
		ids_add(&q->ids, id);
	q->count++;
}

static bool
enough(const struct query *q)
{
	return !q->searching && !q->total && q->count >= q->start + q->limit;
}

static void
finish(struct query *q)
{
	struct msg_query_done m = { .req = q->asker.req, .epoch = store.epoch, .state = q->state,
		.position = (uint32_t)q->start, .total = q->total ? (uint32_t)q->count : 0,
		.ids = wbuf_slice(&q->ids) };

	out_send(q->asker.chan, MSG_query_done, &m, OUT_NOFD);
	query_free(q);
}

/* No rows are left. False: the query is answered and gone. */
static bool
walk_ended(struct query *q)
{
	if (q->searching && q->anchor == 0) {
		found_start(q);
		return true;
	}
	if (q->searching) {
		answer_error(q->asker, "anchorNotFound");
		query_free(q);
	} else
		finish(q);
	return false;
}

/* One slice; false: the query is answered and gone. */
static bool
query_walk(struct query *q)
{
	struct slice key, value;
	uint64_t id;

	for (unsigned int cost = 0; cost < LIM_QUERY_SLICE; cost++) {
		if (enough(q)) {
			finish(q);
			return false;
		}
		if (!scan_next(&q->source.scan, &key, &value)) {
			if (!walk_ended(q))
				return false;
			continue;
		}
		if (!q->source.take(key, value, &id))
			continue;
		if (!q->source.exact) {
			cost += ROW_COST;
			if (!filter_fits(q->account, q->type, id, &q->filter))
				continue;
		}
		result(q, id);
	}
	return true;
}

/* As it was committed last; what changed since the slice before begins it anew. */
static bool
query_run(struct query *q)
{
	bool more;

	db_view();
	if (changes_state(q->account, q->type) != q->state && q->restarts < LIM_QUERY_RESTARTS) {
		q->restarts++;
		(void)begin(q);
	}
	more = query_walk(q);
	db_view_end();
	return more;
}

static void
run_all(void *arg)
{
	struct query *q, *next;

	(void)arg;
	later = false;
	for (q = TAILQ_FIRST(&queries); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		(void)query_run(q);
	}
	if (!TAILQ_EMPTY(&queries) && !later) {
		later = true;
		db_later(run_all, NULL);
	}
}

/* ---- requests ---- */
static struct query *
query_new(struct chan *c, const struct msg_query *m)
{
	struct query *q = nqueries < LIM_ATS_JOBS ? calloc(1, sizeof(*q)) : NULL;

	if (q == NULL)
		return NULL;
	q->asker = (struct asker){ c, m->req };
	q->account = m->account;
	q->type = m->type;
	q->ascending = m->ascending;
	q->total = m->total;
	q->position = (int32_t)m->position;
	q->anchor = m->anchor;
	q->limit = m->limit == 0 || m->limit > LIM_IDS ? LIM_IDS : m->limit;
	w_raw(&q->filter_bytes, m->filter.p, m->filter.n);
	TAILQ_INSERT_TAIL(&queries, q, entry);
	nqueries++;
	return q;
}

/* -1: a breach. *q: what is to be run. */
static int
query_take(struct chan *c, const struct msg_query *m, struct query **q)
{
	struct asker a = { c, m->req };

	*q = NULL;
	if (!ats_account_serves(m->account, m->type))
		answer_error(a, "accountNotFound");
	else if ((*q = query_new(c, m)) == NULL)
		answer_error(a, "serverUnavailable");
	if (*q == NULL)
		return 0;
	if ((*q)->filter_bytes.n > 0 && rec_filter_decode(wbuf_slice(&(*q)->filter_bytes), &(*q)->filter) == -1) {
		query_free(*q);
		return -1;
	}
	if (!begin(*q)) {
		answer_error(a, "unknownMethod");
		query_free(*q);
		*q = NULL;
	}
	return 0;
}

int
ats_on_query(struct chan *c, const union msg *m, int *fd)
{
	struct query *q;
	int r;

	(void)fd;
	db_view();
	r = query_take(c, &m->query, &q);
	db_view_end();
	if (r == 0 && q != NULL && query_run(q) && !later) {
		later = true;
		db_later(run_all, NULL);
	}
	return r;
}

void
ats_query_forget(const struct chan *c)
{
	struct query *q, *next;

	for (q = TAILQ_FIRST(&queries); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		if (q->asker.chan == c)
			query_free(q);
	}
}

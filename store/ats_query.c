/*
 * ats_query.c - /query (RFC 8620 s. 5.5).
 *
 * Sorted by receivedAt for emails and notes, by id else; equal times by id.
 * position, and with an anchor the anchorOffset in the same field, are signed
 * 32-bit numbers: a negative position counts from the end.
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
	struct wbuf ids;		/* all that fit so far */
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

/* ---- the window of the answer ---- */

/* Where the window begins, among n results; -1: the anchor is not there. */
static int64_t
window_start(const struct query *q, size_t n)
{
	struct slice ids = wbuf_slice(&q->ids);
	int64_t start = q->position;

	if (q->anchor != 0) {
		size_t i = 0;

		while (i < n && ids_at(ids, i) != q->anchor)
			i++;
		if (i == n)
			return -1;
		start += (int64_t)i;
	} else if (start < 0)
		start += (int64_t)n;
	return start < 0 ? 0 : start;
}

static void
finish(struct query *q)
{
	size_t n = ids_count(wbuf_slice(&q->ids)), take = 0;
	int64_t start = window_start(q, n);
	struct msg_query_done m = { .req = q->asker.req, .epoch = store.epoch, .state = q->state };

	if (start == -1) {
		answer_error(q->asker, "anchorNotFound");
		query_free(q);
		return;
	}
	if ((uint64_t)start < n)
		take = n - (size_t)start < q->limit ? n - (size_t)start : q->limit;
	m.position = (uint32_t)start;
	m.total = q->total ? (uint32_t)n : 0;
	if (take > 0)
		m.ids = slice_mem(q->ids.p + 8 * (size_t)start, 8 * take);
	out_send(q->asker.chan, MSG_query_done, &m, OUT_NOFD);
	query_free(q);
}

/* ---- the walk ---- */
static bool
enough(const struct query *q)
{
	size_t n = q->ids.n / 8;

	if (n >= LIM_QUERY_RESULTS)
		return true;
	return !q->total && q->anchor == 0 && q->position >= 0 && n >= (size_t)q->position + q->limit;
}

static bool
begin(struct query *q)
{
	wbuf_reset(&q->ids);
	scan_end(&q->source.scan);
	q->state = changes_state(q->account, q->type);
	return source_open(&q->source, q->account, q->type, &q->filter, q->ascending);
}

/* One slice; false: the query is answered and gone. */
static bool
query_run(struct query *q)
{
	struct slice key, value;
	uint64_t id;

	for (unsigned int cost = 0; cost < LIM_QUERY_SLICE; cost++) {
		if (enough(q) || !scan_next(&q->source.scan, &key, &value)) {
			finish(q);
			return false;
		}
		if (!q->source.take(key, value, &id))
			continue;
		if (!q->source.exact) {
			cost += ROW_COST;
			if (!filter_fits(q->account, q->type, id, &q->filter))
				continue;
		}
		ids_add(&q->ids, id);
	}
	return true;
}

static void
run_all(void *arg)
{
	struct query *q, *next;

	(void)arg;
	later = false;
	for (q = TAILQ_FIRST(&queries); q != NULL; q = next) {
		next = TAILQ_NEXT(q, entry);
		if (changes_state(q->account, q->type) != q->state && q->restarts < LIM_QUERY_RESTARTS) {
			q->restarts++;
			(void)begin(q);
		}
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

int
ats_on_query(struct chan *c, const union msg *m, int *fd)
{
	struct asker a = { c, m->query.req };
	struct query *q;

	(void)fd;
	if (!ats_account_serves(m->query.account, m->query.type)) {
		answer_error(a, "accountNotFound");
		return 0;
	}
	if ((q = query_new(c, &m->query)) == NULL) {
		answer_error(a, "serverUnavailable");
		return 0;
	}
	if (q->filter_bytes.n > 0 && rec_filter_decode(wbuf_slice(&q->filter_bytes), &q->filter) == -1) {
		query_free(q);
		return -1;
	}
	if (!begin(q)) {
		answer_error(a, "unknownMethod");
		query_free(q);
	} else if (query_run(q) && !later) {
		later = true;
		db_later(run_all, NULL);
	}
	return 0;
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

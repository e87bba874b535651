/*
 * watch.c - events for posternctl monitor. See watch.h.
 */
#include "watch.h"

#include "link.h"

struct noted {
	enum watched what;
	uint32_t link, count;
	uint64_t id;		/* of a submission */
};

static struct chan *watcher;	/* NULL: nobody looks */
static struct noted noted[LIM_WATCH_EVENTS];
static size_t nnoted;
static uint32_t lost;

static void
note(enum watched what, uint32_t link, uint64_t id)
{
	if (watcher == NULL)
		return;
	for (size_t i = nnoted; i-- > 0;)
		if (noted[i].what == what && noted[i].link == link && noted[i].id == id) {
			noted[i].count++;
			return;
		}
	if (nnoted == LIM_WATCH_EVENTS)
		lost++;
	else
		noted[nnoted++] = (struct noted){ .what = what, .link = link, .count = 1, .id = id };
}

void
watch_changed(uint32_t account, enum obj_type type, uint64_t id)
{
	if (type == OBJ_LINK)
		note(WATCHED_LINK, (uint32_t)id, 0);
	else if (type == OBJ_SUBMISSION)
		note(WATCHED_SEND, account, id);
}

void
watch_mail(uint32_t link)
{
	note(WATCHED_MAIL, link, 0);
}

/* ---- with the commit ---- */

static void
tell(const struct msg_watched *m)
{
	out_send(watcher, MSG_watched, m, OUT_NOFD);
}

static void
tell_link(uint32_t no)
{
	struct wbuf w = { .max = LIM_CTL_RECORD };
	struct row_link row;

	if (row_link_get(&row, KEY(link, .no = no))) {
		link_now(no, &row.rec);
		row.rec.also = SLICE_NONE;	/* long, and nobody's question */
		rec_link_encode(&w, &row.rec);
		row_link_free(&row);
	}
	if (!w.failed)
		tell(&(struct msg_watched){ .what = WATCHED_LINK, .link = no, .record = wbuf_slice(&w) });
	wbuf_free(&w);
}

static void
tell_send(uint32_t account, uint64_t id)
{
	struct row_submission row;

	if (!row_submission_get(&row, KEY(submission, .account = account, .id = id)))
		return;
	tell(&(struct msg_watched){ .what = WATCHED_SEND, .link = account, .id = id, .state = row.rec.state,
	    .count = (uint32_t)list_count(row.rec.rcpts), .code = row.rec.code });
	row_submission_free(&row);
}

static void
tell_noted(const struct noted *n)
{
	if (n->what == WATCHED_LINK)
		tell_link(n->link);
	else if (n->what == WATCHED_SEND)
		tell_send(n->link, n->id);
	else
		tell(&(struct msg_watched){ .what = (uint8_t)n->what, .link = n->link, .count = n->count });
}

static void
before_commit(void)
{
	size_t n = nnoted;

	nnoted = 0;
	if (watcher == NULL || (n == 0 && lost == 0))
		return;
	if (chan_queued(watcher) > LIM_EVENTS_WAITING) {
		lost += (uint32_t)n;
		return;
	}
	if (lost > 0)
		tell(&(struct msg_watched){ .what = WATCHED_LOST, .count = lost });
	lost = 0;
	for (size_t i = 0; i < n; i++)
		tell_noted(&noted[i]);
}

static void
on_aborted(void)
{
	nnoted = 0;
}

/* ---- life ---- */

int
watch_on_watch(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	watcher = m->watch.on ? c : NULL;
	nnoted = 0;
	lost = 0;
	return 0;
}

void
watch_forget(const struct chan *c)
{
	if (watcher == c)
		watcher = NULL;
}

void
watch_init(void)
{
	db_hook(DB_BEFORE_COMMIT, before_commit);
	db_hook(DB_ABORTED, on_aborted);
}

#include <event2/event.h>
#include <stdlib.h>

#include "child.h"
#include "db.h"
#include "log.h"
#include "loop.h"
#include "mime_job.h"
#include "push.h"
#include "wake.h"

/* The parse jobs of one link that wait. */
struct line {
	TAILQ_ENTRY(line) entry;
	uint32_t link;
	struct mime_jobs jobs;
};

static TAILQ_HEAD(, mime_worker) workers = TAILQ_HEAD_INITIALIZER(workers);
static TAILQ_HEAD(, line) lines = TAILQ_HEAD_INITIALIZER(lines);
static struct mime_jobs urgent = TAILQ_HEAD_INITIALIZER(urgent);
static struct event *pump_event;
static struct wake late;

static void worker_end(struct mime_worker *);

/* Scheduling happens in a turn of its own: after the commit of this one, and
 * never inside a caller. */
void
mime_pool_soon(void)
{
	static const struct timeval zero = { 0, 0 };

	if (pump_event != NULL)
		evtimer_add(pump_event, &zero);
}

/* ---- queues ---- */

static struct line *
line_find(uint32_t link)
{
	struct line *l;

	TAILQ_FOREACH(l, &lines, entry)
		if (l->link == link)
			return l;
	if ((l = calloc(1, sizeof(*l))) == NULL)
		fatal("out of memory");
	l->link = link;
	TAILQ_INIT(&l->jobs);
	TAILQ_INSERT_TAIL(&lines, l, entry);
	return l;
}

static void
queue_put(struct mime_job *job, bool first)
{
	struct mime_jobs *q = job->kind == MIME_PARSE ? &line_find(job->link)->jobs : &urgent;

	mime_job_rewind(job);
	job->queued = true;
	if (first)
		TAILQ_INSERT_HEAD(q, job, entry);
	else
		TAILQ_INSERT_TAIL(q, job, entry);
	mime_pool_soon();
}

void
mime_pool_add(struct mime_job *job)
{
	queue_put(job, false);
}

void
mime_pool_forget(struct mime_job *job)
{
	if (!job->queued)
		return;
	TAILQ_REMOVE(job->kind == MIME_PARSE ? &line_find(job->link)->jobs : &urgent, job, entry);
	job->queued = false;
}

static void
lines_tidy(void)
{
	struct line *l, *next;

	for (l = TAILQ_FIRST(&lines); l != NULL; l = next) {
		next = TAILQ_NEXT(l, entry);
		if (TAILQ_EMPTY(&l->jobs)) {
			TAILQ_REMOVE(&lines, l, entry);
			free(l);
		}
	}
}

size_t
mime_waiting(void)
{
	struct mime_job *job;
	struct line *l;
	size_t n = 0;

	TAILQ_FOREACH(job, &urgent, entry)
		n++;
	TAILQ_FOREACH(l, &lines, entry)
		TAILQ_FOREACH(job, &l->jobs, entry)
			n++;
	return n;
}

/* ---- workers ---- */

unsigned int
mime_spares(void)
{
	struct mime_worker *w;
	unsigned int n = 0;

	TAILQ_FOREACH(w, &workers, entry)
		n += w->link == 0;
	return n;
}

static struct mime_worker *
worker_for(uint32_t link)
{
	struct mime_worker *w;

	TAILQ_FOREACH(w, &workers, entry)
		if (w->link == link && (link == 0 || (!w->single && !w->last)))
			return w;
	return NULL;
}

/*
 * The worker is gone, whoever ended it. Its jobs return to the head of their
 * queue in order; only the first one was being worked on and counts a try.
 */
void
mime_worker_lost(struct mime_worker *w)
{
	struct mime_job *job, *first = TAILQ_FIRST(&w->jobs);

	while ((job = TAILQ_LAST(&w->jobs, mime_jobs)) != NULL) {
		TAILQ_REMOVE(&w->jobs, job, entry);
		job->worker = NULL;
		if (job->canceled)
			mime_job_free(job);
		else if (job != first)
			queue_put(job, true);
		else if (++job->tries < LIM_MIME_TRIES) {
			if (job->died != NULL)
				job->died(job->ctx, job->tries);
			queue_put(job, true);
		} else
			mime_job_finish(job, "sync.item_poison", SLICE_NONE);
	}
	worker_end(w);
}

static void
worker_end(struct mime_worker *w)
{
	TAILQ_REMOVE(&workers, w, entry);
	chan_free(w->chan);
	free(w);
	mime_pool_soon();
}

/* Hung: the peer is not broken in the sense of the protocol, but only the
 * master can end a process that does not read. */
static void
worker_stuck(struct mime_worker *w)
{
	log_warn("mime-worker does not answer link=%u", w->link);
	/* Behind the commit: by then the try is counted. */
	out_send(child.master, MSG_stuck, &(struct msg_stuck){ .chan = chan_peer(w->chan)->chan }, OUT_NOFD);
	mime_worker_lost(w);
}

static void
worker_put(struct mime_worker *w, struct mime_job *job)
{
	if (TAILQ_EMPTY(&w->jobs))
		w->since = store_ticks();
	TAILQ_INSERT_TAIL(&w->jobs, job, entry);
	job->worker = w;
	w->njobs++;
	w->bytes += job->body.data.n;
	w->given++;
	if (w->given >= LIM_MIME_BATCH)
		w->last = true;
}

/* True when the worker is still there and may be given more. */
static bool
worker_give(struct mime_worker *w, struct mime_job *job)
{
	enum mime_sent r = mime_job_send(job, w->chan);

	if (r == MIME_SENT_PART && job->kind == MIME_PARSE)
		return false;
	mime_pool_forget(job);
	if (r == MIME_SENT_FAILED) {
		log_error("message cannot be handed to a mime-worker link=%u size=%zu", job->link, job->body.data.n);
		mime_job_finish(job, "serverFail", SLICE_NONE);
		return true;
	}
	if (r == MIME_SENT_DEAD) {
		/* Its last answers may still wait to be read; then comes its end. */
		queue_put(job, true);
		w->last = true;
		return false;
	}
	job->unsent = r == MIME_SENT_PART;
	worker_put(w, job);
	return true;
}

/*
 * Answers leave a parser some at a time: those it had made when it died are lost
 * with it, and the first of them took the blame. Who was blamed is parsed alone,
 * so that no message is blamed twice for another.
 */
static bool
window_open(const struct mime_worker *w, const struct mime_job *next)
{
	if (w->njobs == 0)
		return true;
	if (next->tries > 0 || TAILQ_FIRST(&w->jobs)->tries > 0)
		return false;
	return w->njobs < LIM_MIME_WINDOW && w->bytes + next->body.data.n <= LIM_MIME_WINDOW_BYTES;
}

/* ---- scheduling ---- */

static bool
others_wait(uint32_t link)
{
	struct line *l;

	if (!TAILQ_EMPTY(&urgent))
		return true;
	TAILQ_FOREACH(l, &lines, entry)
		if (l->link != link && !TAILQ_EMPTY(&l->jobs) && worker_for(l->link) == NULL)
			return true;
	return false;
}

/* Nobody is free for waiting clients: one parser finishes what it has and goes. */
static void
make_room(void)
{
	struct mime_worker *w;

	TAILQ_FOREACH(w, &workers, entry)
		if (w->last)
			return;
	if ((w = TAILQ_FIRST(&workers)) != NULL)
		w->last = true;
}

static void
serve_urgent(void)
{
	struct mime_worker *w;
	struct mime_job *job;

	while ((job = TAILQ_FIRST(&urgent)) != NULL && (w = worker_for(0)) != NULL) {
		w->link = job->link;
		w->single = w->last = true;
		w->since = store_ticks();
		(void)worker_give(w, job);
	}
	if (!TAILQ_EMPTY(&urgent))
		make_room();
}

/* The last spare stays for work a client waits for, unless nothing else parses. */
static struct mime_worker *
spare_for_parsing(void)
{
	struct mime_worker *w;
	bool parsing = false;

	TAILQ_FOREACH(w, &workers, entry)
		parsing |= w->link != 0 && !w->single;
	return mime_spares() > 1 || (!parsing && TAILQ_EMPTY(&urgent)) ? worker_for(0) : NULL;
}

static void
serve_line(struct line *l)
{
	struct mime_worker *w = worker_for(l->link);
	struct mime_job *job;

	if (w == NULL && !TAILQ_EMPTY(&l->jobs) && (w = spare_for_parsing()) != NULL) {
		w->link = l->link;
		w->since = store_ticks();
	}
	while (w != NULL && (job = TAILQ_FIRST(&l->jobs)) != NULL && !w->last && window_open(w, job))
		if (!worker_give(w, job))
			return;
}

static void
end_idle(void)
{
	struct mime_worker *w, *next;

	for (w = TAILQ_FIRST(&workers); w != NULL; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (w->link != 0 && TAILQ_EMPTY(&w->jobs) &&
		    (w->last || others_wait(w->link) || store_ticks() - w->since >= LIM_MIME_LINGER_SECONDS))
			worker_end(w);
	}
}

/* A worker that is too slow, or lingers; what found no place is tried again. */
static uint64_t
next_due(void)
{
	uint64_t next = TAILQ_EMPTY(&urgent) && TAILQ_EMPTY(&lines) ? WAKE_NEVER : store_ticks() + 1, at;
	const struct mime_worker *w;

	TAILQ_FOREACH(w, &workers, entry) {
		at = WAKE_NEVER;
		if (!TAILQ_EMPTY(&w->jobs))
			at = w->since + LIM_MIME_SECONDS + 1;
		else if (w->link != 0)
			at = w->since + LIM_MIME_LINGER_SECONDS;
		next = at < next ? at : next;
	}
	return next;
}

/* Lines take turns: the first becomes the last each time. */
static void
pump(void)
{
	struct line *l = TAILQ_FIRST(&lines);

	serve_urgent();
	if (l != NULL) {
		TAILQ_REMOVE(&lines, l, entry);
		TAILQ_INSERT_TAIL(&lines, l, entry);
	}
	TAILQ_FOREACH(l, &lines, entry)
		serve_line(l);
	end_idle();
	lines_tidy();
	wake_by(&late, next_due());
}

static void
on_pump(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	pump();
}

static void
on_due(void)
{
	struct mime_worker *w, *next;

	for (w = TAILQ_FIRST(&workers); w != NULL; w = next) {
		next = TAILQ_NEXT(w, entry);
		if (!TAILQ_EMPTY(&w->jobs) && store_ticks() - w->since > LIM_MIME_SECONDS)
			worker_stuck(w);
	}
	pump();
}

/* ---- life ---- */

static void
events_start(void)
{
	if (pump_event != NULL)
		return;
	wake_init(&late, on_due);
	if ((pump_event = evtimer_new(loop_base(), on_pump, NULL)) == NULL)
		fatal("out of memory");
}

void
mime_on_peer(const struct chan_peer *peer, int fd)
{
	struct mime_worker *w = calloc(1, sizeof(*w));

	events_start();
	if (w == NULL)
		fatal("out of memory");
	TAILQ_INIT(&w->jobs);
	if ((w->chan = loop_chan(fd, peer, &mime_worker_ops, w)) == NULL)
		fatal("out of memory");
	chan_set_between(w->chan, push_hear);
	TAILQ_INSERT_TAIL(&workers, w, entry);
	mime_pool_soon();
}

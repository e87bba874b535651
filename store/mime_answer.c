/*
 * mime_answer.c - what comes back from a mime-worker. It read hostile bytes, so
 * nothing it says is believed before it was checked: the order of its answers,
 * their size, and that every record in them decodes.
 */
#include "child.h"
#include "db.h"
#include "log.h"
#include "mime_job.h"

static void
on_eof(struct chan *c)
{
	struct mime_worker *w = chan_ctx(c);

	if (!TAILQ_EMPTY(&w->jobs))
		log_warn("mime-worker died at a message link=%u", w->link);
	mime_worker_lost(w);
}

static void
on_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	mime_worker_lost(chan_ctx(c));
}

/* A composition with more attachments than credits goes in several steps. */
static void
on_credit(struct chan *c)
{
	struct mime_worker *w = chan_ctx(c);
	struct mime_job *job = TAILQ_FIRST(&w->jobs);

	if (job != NULL && job->unsent)
		job->unsent = mime_job_send(job, c) == MIME_SENT_PART;
	else
		mime_pool_soon();
}

/* Answers come in the order of the requests; anything else is a breach. */
static struct mime_job *
answered(struct mime_worker *w, uint32_t req)
{
	struct mime_job *job = TAILQ_FIRST(&w->jobs);

	if (job != NULL && job->req == req && !job->unsent)
		return job;
	log_error("a mime-worker answers what it was not asked link=%u req=%u", w->link, req);
	return NULL;
}

static void
take_job(struct mime_worker *w, struct mime_job *job)
{
	TAILQ_REMOVE(&w->jobs, job, entry);
	w->njobs--;
	w->bytes -= job->body.data.n;
	w->since = store_ticks();
	mime_pool_soon();
}

static void
finish(struct mime_job *job, struct slice error, struct slice data)
{
	char code[LIM_CODE + 1] = "";

	(void)slice_copy(error, code, sizeof(code));
	mime_job_finish(job, error.n > 0 ? code : NULL, data);
}

static int
on_parsed(struct chan *c, const union msg *m, int *fd)
{
	struct mime_worker *w = chan_ctx(c);
	struct mime_job *job = answered(w, m->parsed.req);
	struct body b;

	if (job == NULL || job->kind != MIME_PARSE || body_open(&b, m->parsed.data, fd) == -1)
		return -1;
	if (m->parsed.error.n == 0 && !mime_parsed_valid(b.data, job->header_only)) {
		body_close(&b);
		return -1;
	}
	take_job(w, job);
	finish(job, m->parsed.error, b.data);
	body_close(&b);
	return 0;
}

static int
on_made(struct chan *c, const union msg *m, int *fd)
{
	struct mime_worker *w = chan_ctx(c);
	struct mime_job *job = answered(w, m->made.req);
	struct body b;

	if (job == NULL || job->kind == MIME_PARSE || body_open(&b, m->made.data, fd) == -1)
		return -1;
	take_job(w, job);
	finish(job, m->made.error, b.data);
	body_close(&b);
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_parsed] = on_parsed,
	[MSG_made] = on_made,
};

const struct chan_ops mime_worker_ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken,
	.on_credit = on_credit };


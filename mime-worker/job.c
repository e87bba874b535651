#include "job.h"

#include <errno.h>
#include <stdlib.h>

#include "attach.h"
#include "body.h"
#include "compose.h"
#include "extract.h"
#include "log.h"
#include "parse_body.h"
#include "strip.h"

struct job {
	struct job *next;
	enum msg_type type;
	uint32_t req;
	bool header_only;
	char part[65];
	struct body body;
};

struct jobs {
	struct job *first, **last;
	struct attachments *attached;
};

struct jobs *
jobs_new(void)
{
	struct jobs *j = calloc(1, sizeof(*j));

	if (j == NULL || (j->attached = attachments_new()) == NULL) {
		free(j);
		return NULL;
	}
	j->last = &j->first;
	return j;
}

static void
drop_first(struct jobs *j)
{
	struct job *job = j->first;

	if ((j->first = job->next) == NULL)
		j->last = &j->first;
	body_close(&job->body);
	free(job);
}

void
jobs_free(struct jobs *j)
{
	if (j == NULL)
		return;
	while (j->first != NULL)
		drop_first(j);
	attachments_free(j->attached);
	free(j);
}

/* ---- results ---- */

static void
answer(struct chan *c, uint32_t req, const char *error, struct wbuf *out)
{
	struct msg_made m = { .req = req, .error = slice_str(error) };
	int fd = -1;

	if (out->failed && error == NULL)
		m.error = slice_str("tooLarge");
	if (m.error.n == 0 && (fd = body_put(wbuf_slice(out), &m.data)) == -2)
		fatal("cannot hand over a result code=%d", errno);
	if (send_made(c, &m, fd) == -1 && errno != EPIPE)
		fatal("cannot send a result code=%d", errno);
}

static void
do_extract(struct chan *c, const struct job *job)
{
	struct wbuf out;
	const char *error;

	wbuf_init(&out, LIM_BODY);
	error = extract_part(&out, job->body.data, slice_str(job->part));
	answer(c, job->req, error, &out);
	wbuf_free(&out);
}

static void
do_strip(struct chan *c, const struct job *job)
{
	struct wbuf out;

	wbuf_init(&out, LIM_BODY);
	strip_bcc(&out, job->body.data);
	answer(c, job->req, NULL, &out);
	wbuf_free(&out);
}

static void
do_compose(struct chan *c, struct jobs *j, const struct job *job)
{
	struct wbuf out;
	const char *error;

	wbuf_init(&out, LIM_BODY);
	error = attachments_overflow(j->attached, job->req)
	    ? "tooLarge"
	    : compose_message(&out, job->body.data, attachments_find, j->attached);
	attachments_clear(j->attached);
	answer(c, job->req, error, &out);
	wbuf_free(&out);
}

static void
do_parse(struct chan *c, const struct job *job)
{
	struct mime_tree *tree = job->header_only ? NULL : parse_tree(job->body.data);
	struct msg_parsed m = { .req = job->req };
	struct wbuf out;
	int fd;

	wbuf_init(&out, 0);
	if (parse_record(&out, job->body.data, tree) == -1 || (fd = body_put(wbuf_slice(&out), &m.data)) == -2)
		fatal("cannot hand over a parsed message code=%d", errno);
	if (send_parsed(c, &m, fd) == -1 && errno != EPIPE)
		fatal("cannot send a parsed message code=%d", errno);
	wbuf_free(&out);
	structure_free(tree);
}

static void
do_job(struct chan *c, struct jobs *j, const struct job *job)
{
	switch (job->type) {
	case MSG_parse:
		do_parse(c, job);
		break;
	case MSG_extract:
		do_extract(c, job);
		break;
	case MSG_strip:
		do_strip(c, job);
		break;
	default:
		do_compose(c, j, job);
		break;
	}
}

static bool
may_run(const struct chan *c)
{
	const struct jobs *j = chan_ctx(c);

	return j->first != NULL && chan_credits(c) > 0 && !chan_dead(c);
}

bool
jobs_run(struct chan *c)
{
	struct jobs *j = chan_ctx(c);
	size_t done = 0;

	while (may_run(c) && done < LIM_MIME_STRETCH) {
		done += j->first->body.data.n + 1;
		do_job(c, j, j->first);
		drop_first(j);
		chan_release(c, 1);
	}
	return may_run(c);
}

/* ---- requests ---- */

/* Takes the request over. */
static int
enqueue(struct chan *c, struct job request, struct slice data, struct slice part, int *fd)
{
	struct jobs *j = chan_ctx(c);
	struct job *job = malloc(sizeof(*job));

	if (job == NULL)
		fatal("out of memory");
	*job = request;
	if (slice_copy(part, job->part, sizeof(job->part)) == -1 || body_keep(&job->body, data, fd) == -1) {
		free(job);
		return -1;
	}
	*j->last = job;
	j->last = &job->next;
	chan_hold(c);
	return 0;
}

static int
on_parse(struct chan *c, const union msg *m, int *fd)
{
	struct job job = { .type = MSG_parse, .req = m->parse.req, .header_only = m->parse.header_only };

	return enqueue(c, job, m->parse.data, SLICE_NONE, fd);
}

static int
on_extract(struct chan *c, const union msg *m, int *fd)
{
	struct job job = { .type = MSG_extract, .req = m->extract.req };

	return enqueue(c, job, m->extract.data, m->extract.part, fd);
}

static int
on_compose(struct chan *c, const union msg *m, int *fd)
{
	struct job job = { .type = MSG_compose, .req = m->compose.req };

	return enqueue(c, job, m->compose.draft, SLICE_NONE, fd);
}

static int
on_strip(struct chan *c, const union msg *m, int *fd)
{
	struct job job = { .type = MSG_strip, .req = m->strip.req };

	return enqueue(c, job, m->strip.data, SLICE_NONE, fd);
}

static int
on_attach(struct chan *c, const union msg *m, int *fd)
{
	struct jobs *j = chan_ctx(c);

	return attachments_add(j->attached, &m->attach, fd);
}

const chan_handler job_handlers[MSG__COUNT] = {
	[MSG_parse] = on_parse,
	[MSG_extract] = on_extract,
	[MSG_attach] = on_attach,
	[MSG_compose] = on_compose,
	[MSG_strip] = on_strip,
};

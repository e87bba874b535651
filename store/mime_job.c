#include "mime_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t last_req;

static struct mime_job *
job_new(enum mime_kind kind, uint32_t link, struct body *keep, mime_done_fn done, void *ctx)
{
	struct mime_job *job = calloc(1, sizeof(*job));

	if (job == NULL) {
		body_close(keep);
		return NULL;
	}
	job->kind = kind;
	job->link = link;
	job->req = ++last_req;
	job->body = *keep;
	*keep = (struct body){ 0 };
	job->done = done;
	job->ctx = ctx;
	STAILQ_INIT(&job->attachments);
	return job;
}

struct mime_job *
mime_parse(uint32_t link, bool header_only, struct body *keep, unsigned int tries, mime_done_fn done,
    mime_died_fn died, void *ctx)
{
	struct mime_job *job = job_new(MIME_PARSE, link, keep, done, ctx);

	if (job == NULL)
		return NULL;
	job->header_only = header_only;
	job->tries = tries;
	job->died = died;
	mime_pool_add(job);
	return job;
}

struct mime_job *
mime_extract(uint32_t link, struct body *keep, struct slice part, mime_done_fn done, void *ctx)
{
	struct mime_job *job = job_new(MIME_EXTRACT, link, keep, done, ctx);

	if (job == NULL)
		return NULL;
	if (slice_copy(part, job->part, sizeof(job->part)) == -1) {
		mime_job_free(job);
		return NULL;
	}
	mime_pool_add(job);
	return job;
}

struct mime_job *
mime_strip(uint32_t link, struct body *keep, mime_done_fn done, void *ctx)
{
	struct mime_job *job = job_new(MIME_STRIP, link, keep, done, ctx);

	if (job != NULL)
		mime_pool_add(job);
	return job;
}

struct mime_job *
mime_compose(uint32_t link, struct body *draft, mime_done_fn done, void *ctx)
{
	return job_new(MIME_COMPOSE, link, draft, done, ctx);
}

int
mime_attach(struct mime_job *job, uint64_t blob, struct body *keep)
{
	struct mime_attachment *a = calloc(1, sizeof(*a));

	if (a == NULL) {
		body_close(keep);
		return -1;
	}
	a->blob = blob;
	a->body = *keep;
	*keep = (struct body){ 0 };
	STAILQ_INSERT_TAIL(&job->attachments, a, entry);
	return 0;
}

void
mime_set_body(struct mime_job *job, struct body *keep)
{
	body_close(&job->body);
	job->body = *keep;
	*keep = (struct body){ 0 };
}

void
mime_start(struct mime_job *job)
{
	mime_pool_add(job);
}

void
mime_cancel(struct mime_job *job)
{
	if (job == NULL)
		return;
	if (job->worker != NULL) {
		job->canceled = true;
		return;
	}
	mime_pool_forget(job);
	mime_job_free(job);
}

int
mime_copy(struct body *b, struct slice data)
{
	int none = -1;

	return body_keep(b, data, &none);
}

/* ---- sending ---- */

static enum mime_sent
sent(int r)
{
	if (r == 0)
		return MIME_SENT_ALL;
	if (errno == EAGAIN)
		return MIME_SENT_PART;
	return errno == EPIPE ? MIME_SENT_DEAD : MIME_SENT_FAILED;
}

static enum mime_sent
send_attachment(const struct mime_job *job, const struct mime_attachment *a, struct chan *c)
{
	struct msg_attach m = { .req = job->req, .blob = a->blob };
	int fd = body_put(a->body.data, &m.data);

	return fd == -2 ? MIME_SENT_FAILED : sent(send_attach(c, &m, fd));
}

static int
send_main(const struct mime_job *job, struct chan *c, struct slice field, int fd)
{
	switch (job->kind) {
	case MIME_PARSE:
		return send_parse(c,
		    &(struct msg_parse){ .req = job->req, .header_only = job->header_only, .data = field }, fd);
	case MIME_EXTRACT:
		return send_extract(c,
		    &(struct msg_extract){ .req = job->req, .part = slice_str(job->part), .data = field }, fd);
	case MIME_STRIP:
		return send_strip(c, &(struct msg_strip){ .req = job->req, .data = field }, fd);
	case MIME_COMPOSE:
		return send_compose(c, &(struct msg_compose){ .req = job->req, .draft = field }, fd);
	}
	errno = EINVAL;
	return -1;
}

enum mime_sent
mime_job_send(struct mime_job *job, struct chan *c)
{
	struct slice field;
	enum mime_sent r;
	int fd;

	for (; job->next_attachment != NULL; job->next_attachment = STAILQ_NEXT(job->next_attachment, entry)) {
		if (chan_credits(c) == 0)
			return MIME_SENT_PART;
		if ((r = send_attachment(job, job->next_attachment, c)) != MIME_SENT_ALL)
			return r;
	}
	if (chan_credits(c) == 0)
		return MIME_SENT_PART;
	if ((fd = body_put(job->body.data, &field)) == -2)
		return MIME_SENT_FAILED;
	return sent(send_main(job, c, field, fd));
}

/* ---- answers ---- */

void
mime_job_rewind(struct mime_job *job)
{
	job->worker = NULL;
	job->unsent = false;
	job->next_attachment = STAILQ_FIRST(&job->attachments);
}

void
mime_job_finish(struct mime_job *job, const char *error, struct slice data)
{
	struct mime_result r = { .error = error, .source = job->body.data, .data = data };

	if (!job->canceled)
		job->done(job->ctx, &r);
	mime_job_free(job);
}

void
mime_job_free(struct mime_job *job)
{
	struct mime_attachment *a;

	while ((a = STAILQ_FIRST(&job->attachments)) != NULL) {
		STAILQ_REMOVE_HEAD(&job->attachments, entry);
		body_close(&a->body);
		free(a);
	}
	body_close(&job->body);
	free(job);
}

/* ---- what a parser may say ---- */

static bool
addresses_valid(struct slice list)
{
	struct rec_address a;
	struct slice item;

	while (list_next(&list, &item))
		if (rec_address_decode(item, &a) == -1)
			return false;
	return true;
}

static bool
header_valid(struct slice s)
{
	struct rec_header h;

	return rec_header_decode(s, &h) == 0 && addresses_valid(h.from) && addresses_valid(h.sender) &&
	    addresses_valid(h.to) && addresses_valid(h.cc) && addresses_valid(h.bcc) && addresses_valid(h.reply_to);
}

/* The part of the note is where email_note_get will look for it. */
static bool
note_valid(const struct rec_parsed *p)
{
	struct rec_part body;

	return p->note_part.n == 0 ||
	    (p->note_text.n == 0 && mime_body_part(p->parts, &body) && slice_eq(body.part_id, p->note_part));
}

static bool
texts_valid(const struct rec_parsed *p)
{
	struct slice rest = p->texts;
	struct rec_text t;
	size_t n = 0;
	bool noted = p->note_part.n == 0;

	for (; mime_text_next(&rest, &t); n++) {
		if (p->note_part.n == 0 || !slice_eq(t.part, p->note_part))
			continue;
		if (t.data.n > LIM_NOTE_TEXT)
			return false;
		noted = true;
	}
	return rest.n == 0 && n <= LIM_PARTS && noted;
}

bool
mime_parsed_valid(struct slice s, bool header_only)
{
	struct rec_parsed p;
	struct rec_part part;
	struct slice item;

	if (rec_parsed_decode(s, &p) == -1 || !header_valid(p.header) || !texts_valid(&p) || !note_valid(&p) ||
	    (header_only && p.parts.n + p.texts.n > 0))
		return false;
	while (list_next(&p.parts, &item))
		if (rec_part_decode(item, &part) == -1)
			return false;
	return true;
}

bool
mime_body_part(struct slice parts, struct rec_part *part)
{
	struct slice item;

	while (list_next(&parts, &item))
		if (rec_part_decode(item, part) == 0 && (part->flags & PART_TEXT_BODY) != 0 && !part->multipart &&
		    part->type.n > 5 && memcmp(part->type.p, "text/", 5) == 0)
			return true;
	return false;
}

bool
mime_text_next(struct slice *texts, struct rec_text *t)
{
	struct slice item;
	struct rbuf r;

	rbuf_init(&r, *texts);
	item = r_bytes(&r, LIM_MIME_TEXT);
	if (r.failed || rec_text_decode(item, t) == -1)
		return false;
	*texts = slice_mem(r.p, r.n);
	return true;
}

struct slice
mime_note_text(const struct rec_parsed *p)
{
	struct slice rest = p->texts;
	struct rec_text t;

	while (p->note_part.n > 0 && mime_text_next(&rest, &t))
		if (slice_eq(t.part, p->note_part))
			return t.data;
	return p->note_text;
}

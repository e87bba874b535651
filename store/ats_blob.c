/*
 * ats_blob.c - uploads and downloads.
 *
 * A download is answered by one bulk message, so it may have to wait for a
 * credit; what it names is read when there is one. Decoded parts come from a
 * mime-worker and are kept until then.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "ats_request.h"
#include "blob.h"
#include "link.h"
#include "mime_pool.h"
#include "told.h"
#include "quota.h"

struct download {
	TAILQ_ENTRY(download) entry;
	struct asker asker;
	uint32_t account;
	enum blob_kind kind;
	uint64_t id;
	uint32_t uid;
	char part[65];
	struct mime_job *job;	/* under way: not ready */
	bool held;		/* data is here already */
	char error[LIM_CODE + 1];
	uint32_t flags;
	struct slice data;	/* malloc'd */
};

/* More than LIM_ATS_JOBS, too: those wait for a credit with their refusal. */
static TAILQ_HEAD(, download) downloads = TAILQ_HEAD_INITIALIZER(downloads);
static size_t ndownloads, nheld;

static void
download_free(struct download *d)
{
	TAILQ_REMOVE(&downloads, d, entry);
	ndownloads--;
	if (d->held)
		nheld -= d->data.n;
	mime_cancel(d->job);
	blob_release(&d->data);
	free(d);
}

static void
fail(struct download *d, const char *error)
{
	(void)slice_copy(slice_str(error), d->error, sizeof(d->error));
}

/* ---- reading what it names ---- */

/* The raw message of an email. part "" of BLOB_PART is the whole message. */
static uint64_t
raw_of_email(struct download *d)
{
	struct row_email row;
	uint64_t blob = 0;

	if (!row_email_get(&row, KEY(email, .account = d->account, .id = d->id)) || row.rec.mailboxes.n == 0)
		fail(d, "notFound");
	else if (row.rec.blob == 0)
		fail(d, "contentNotStored");
	else
		blob = row.rec.blob;
	row_email_free(&row);
	return blob;
}

static void
load(struct download *d)
{
	uint64_t blob = d->kind == BLOB_PART ? raw_of_email(d) : d->id;
	int rc;

	if (d->error[0] != '\0')
		return;
	if (d->kind == BLOB_TEXT)
		rc = text_get(d->account, d->id, slice_str(d->part), &d->flags, &d->data);
	else
		rc = blob_get(d->account, blob, &d->data);
	if (rc == -1)
		fail(d, "notFound");
}

/* As it was committed last: who reads ends no turn. */
static void
deliver(struct download *d)
{
	struct msg_blob_data m = { .req = d->asker.req };
	int fd = OUT_NOFD;

	db_view();
	if (!d->held && d->error[0] == '\0')
		load(d);
	if (d->error[0] == '\0' && (fd = body_put(d->data, &m.data)) == -2) {
		fail(d, "serverFail");
		fd = OUT_NOFD;
	}
	if (d->error[0] == '\0')
		told_read(d->account, d->uid);
	m.flags = d->flags;
	m.error = slice_str(d->error);
	out_send(d->asker.chan, MSG_blob_data, &m, fd);
	db_view_end();
	download_free(d);
}

void
ats_blob_credit(struct chan *c)
{
	struct download *d, *next;

	for (d = TAILQ_FIRST(&downloads); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (d->asker.chan != c || d->job != NULL)
			continue;
		if (out_credits(c) == 0)
			return;
		deliver(d);
	}
}

/* ---- decoded parts ---- */
static void
on_made(void *ctx, const struct mime_result *r)
{
	struct download *d = ctx;
	uint8_t *p = NULL;

	d->job = NULL;
	if (r->error != NULL)
		fail(d, strcmp(r->error, "notFound") == 0 ? "notFound" : "serverFail");
	else if (nheld + r->data.n > LIM_BLOB_HELD || (p = malloc(r->data.n + 1)) == NULL)
		fail(d, "serverUnavailable");
	else {
		if (r->data.n > 0)
			memcpy(p, r->data.p, r->data.n);
		d->data = slice_mem(p, r->data.n);
		d->held = true;
		nheld += r->data.n;
	}
	ats_blob_credit(d->asker.chan);
}

static void
start_extract(struct download *d)
{
	uint64_t blob = raw_of_email(d);
	struct slice raw;
	struct body body;

	if (d->error[0] != '\0')
		return;
	if (blob_get(d->account, blob, &raw) == -1) {
		fail(d, "notFound");
		return;
	}
	body = (struct body){ .data = raw, .map = (void *)(uintptr_t)raw.p, .map_len = raw.n, .copied = true };
	d->job = mime_extract(d->account, &body, slice_str(d->part), on_made, d);
	if (d->job == NULL)
		fail(d, "serverUnavailable");
}

/* ---- requests ---- */
static struct download *
download_new(struct chan *c, const struct msg_blob_get *q)
{
	struct download *d = calloc(1, sizeof(*d));

	if (d == NULL)
		return NULL;
	*d = (struct download){ .asker = { c, q->req }, .account = q->account, .kind = q->kind, .id = q->id,
		.uid = q->uid };
	(void)slice_copy(q->part, d->part, sizeof(d->part));
	TAILQ_INSERT_TAIL(&downloads, d, entry);
	ndownloads++;
	return d;
}

static size_t
asked_by(const struct chan *c)
{
	const struct download *d;
	size_t n = 0;

	TAILQ_FOREACH(d, &downloads, entry)
		n += d->asker.chan == c;
	return n;
}

static void
start(struct download *d)
{
	if (ndownloads > LIM_ATS_JOBS)
		fail(d, "serverUnavailable");
	else if (!link_exists(d->account) || d->kind < BLOB_RAW || d->kind > BLOB_TEXT)
		fail(d, "notFound");
	else if (d->kind == BLOB_PART && d->part[0] != '\0')
		start_extract(d);
}

int
ats_on_blob_get(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_blob_get *q = &m->blob_get;
	struct download *d;

	(void)fd;
	if (asked_by(c) >= LIM_STORE_REQUESTS)
		return -1;	/* no ats-worker keeps so many requests under way */
	if ((d = download_new(c, q)) == NULL) {
		db_fail("out of memory");
		return 0;
	}
	db_view();
	start(d);
	db_view_end();
	ats_blob_credit(c);
	return 0;
}

int
ats_on_blob_put(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_blob_put *q = &m->blob_put;
	struct asker a = { c, q->req };
	struct body body;
	uint64_t blob;

	if (body_open(&body, q->data, fd) == -1)
		return -1;
	if (!link_exists(q->account))
		out_set_error(a, "accountNotFound", "", "");
	else if (!quota_room(body.data.n))
		out_set_error(a, "overQuota", "", "max-storage of the configuration is reached");
	else if ((blob = blob_put(q->account, body.data, q->type, 0, store_now() + LIM_UPLOAD_SECONDS)) == 0)
		out_set_error(a, "tooLarge", "", "");
	else
		out_send(c, MSG_set_done,
		    &(struct msg_set_done){ .req = q->req, .id = blob, .blob = blob, .size = body.data.n,
			.epoch = store.epoch }, OUT_NOFD);
	body_close(&body);
	return 0;
}

void
ats_blob_forget(const struct chan *c)
{
	struct download *d, *next;

	for (d = TAILQ_FIRST(&downloads); d != NULL; d = next) {
		next = TAILQ_NEXT(d, entry);
		if (d->asker.chan == c)
			download_free(d);
	}
}

/*
 * played_store.h - the store at the other end of the ats-worker's channel. It
 * keeps what it was asked last and answers at once; or, while fake.hold is set,
 * when it is told to; with rows and texts as large as wanted.
 */
#ifndef TEST_ATS_PLAYED_STORE_H
#define TEST_ATS_PLAYED_STORE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "loop.h"
#include "played_rows.h"
#include "store_client.h"

#define FAKE_EPOCH 0xabcu

/* A request that waits for its answer. */
struct held {
	enum msg_type type;
	struct wbuf bytes;
	int fd;
};

/* What the fake store saw last, and what it shall answer. */
static struct {
	struct chan *chan;
	enum msg_type last;
	struct msg_link_set link_set;
	struct rec_link link;
	uint8_t seal[8192];
	size_t seal_n;
	struct msg_email_update update;
	char add[256], del[256], keywords[256];
	struct wbuf draft;
	struct msg_submission_set submission_set;
	struct wbuf submission;
	struct msg_query query;
	struct wbuf filter;
	struct msg_review_set review_set;
	struct wbuf blob;
	uint64_t destroyed;
	const char *error;	/* of the next set_done */
	const char *blob_error;
	bool hold;		/* do not answer yet */
	struct held held[2048];
	size_t nheld;
	unsigned int steps;	/* of a probe; 0: one */
	unsigned int big_rows;	/* of any get, if not 0 ... */
	size_t big_row;		/* ... of so many bytes each ... */
	bool endless;		/* ... and its end comes with fake_end_gets */
	uint32_t unended[64];
	size_t nunended;
	size_t text[2];		/* bytes of the texts asked for by turns; 0: a short one */
	unsigned int ntext;
	unsigned int gets;
	uint64_t state;
} fake = { .state = 7 };

/* Bytes without a meaning; to be freed. */
static inline struct slice
fake_bytes(size_t n)
{
	char *p = malloc(n + 1);

	assert_non_null(p);
	memset(p, 'x', n);
	return slice_mem(p, n);
}

/* Rows of a size, and no end of them unless it was asked for. */
static inline int
fake_big_rows(struct chan *c, uint32_t req)
{
	struct slice bytes = fake_bytes(fake.big_row);
	struct msg_row m = { .req = req, .type = OBJ_EMAIL };

	for (m.id = 1; m.id <= fake.big_rows; m.id++) {
		int fd = body_put(bytes, &m.data);

		assert_int_equal(send_row(c, &m, fd), 0);
	}
	free((void *)(uintptr_t)bytes.p);
	if (fake.endless)
		fake.unended[fake.nunended++] = req;
	else
		assert_int_equal(send_get_done(c, &(struct msg_get_done){ .req = req, .epoch = FAKE_EPOCH }), 0);
	return 0;
}

static inline void
fake_end_gets(void)
{
	for (size_t i = 0; i < fake.nunended; i++)
		assert_int_equal(send_get_done(fake.chan, &(struct msg_get_done){ .req = fake.unended[i] }), 0);
	fake.nunended = 0;
}

static inline int
fake_get(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf missing = { .max = 0 }, all = { .max = 0 }, row = { .max = 0 };
	struct slice ids = m->get.ids;

	(void)fd;
	fake.gets++;
	if (fake.big_rows > 0)
		return fake_big_rows(c, m->get.req);
	ids_add(&all, 1);
	ids_add(&all, 2);
	if (m->get.all)
		ids = wbuf_slice(&all);
	for (size_t i = 0; i < ids_count(ids); i++) {
		wbuf_reset(&row);
		if (!make_row(&row, &m->get, ids_at(ids, i))) {
			if (!m->get.all)
				ids_add(&missing, ids_at(ids, i));
			continue;
		}
		assert_int_equal(send_row(c, &(struct msg_row){ .req = m->get.req, .type = m->get.type,
		    .id = ids_at(ids, i), .data = wbuf_slice(&row) }, -1), 0);
	}
	assert_int_equal(send_get_done(c, &(struct msg_get_done){ .req = m->get.req, .epoch = FAKE_EPOCH,
	    .state = fake.state, .not_found = wbuf_slice(&missing) }), 0);
	wbuf_free(&missing);
	wbuf_free(&all);
	wbuf_free(&row);
	return 0;
}

static inline int
fake_changes(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf ids = { .max = 0 };

	(void)fd;
	ids_add(&ids, 5);
	assert_int_equal(send_changes_done(c, &(struct msg_changes_done){ .req = m->changes.req, .epoch = FAKE_EPOCH,
	    .error = slice_str(m->changes.epoch == FAKE_EPOCH ? "" : "cannotCalculateChanges"),
	    .old_state = m->changes.since, .new_state = fake.state, .created = wbuf_slice(&ids) }), 0);
	wbuf_free(&ids);
	return 0;
}

static inline int
fake_query(struct chan *c, const union msg *m, int *fd)
{
	struct wbuf ids = { .max = 0 };
	uint32_t position = m->query.anchor != 0 ? 4 : m->query.position;

	(void)fd;
	fake.query = m->query;
	wbuf_reset(&fake.filter);
	w_raw(&fake.filter, m->query.filter.p, m->query.filter.n);
	for (uint32_t i = 0; i < m->query.limit && position + i < 10; i++)
		ids_add(&ids, position + i + 1);
	assert_int_equal(send_query_done(c, &(struct msg_query_done){ .req = m->query.req, .epoch = FAKE_EPOCH,
	    .state = fake.state, .position = position, .total = 10, .ids = wbuf_slice(&ids) }), 0);
	wbuf_free(&ids);
	return 0;
}

static inline void
fake_done(struct chan *c, enum msg_type type, uint32_t req, uint64_t id)
{
	const char *error = fake.error != NULL ? fake.error : "";
	struct msg_set_done m = { .req = req, .error = slice_str(error), .id = id != 0 ? id : 1, .epoch = FAKE_EPOCH,
		.old_state = fake.state, .blob = 77, .thread = 3, .size = 55 };

	fake.last = type;
	m.new_state = fake.error == NULL ? ++fake.state : fake.state;
	assert_int_equal(send_set_done(c, &m), 0);
}

static inline int
fake_link_set(struct chan *c, const union msg *m, int *fd)
{
	static uint8_t record[16384];

	(void)fd;
	fake.link_set = m->link_set;
	assert_true(m->link_set.record.n <= sizeof(record));
	memcpy(record, m->link_set.record.p, m->link_set.record.n);
	if (m->link_set.record.n > 0)
		assert_int_equal(rec_link_decode(slice_mem(record, m->link_set.record.n), &fake.link), 0);
	fake.seal_n = m->link_set.seal.n;
	memcpy(fake.seal, m->link_set.seal.p, m->link_set.seal.n);
	for (unsigned int i = 0; m->link_set.verify && i < (fake.steps != 0 ? fake.steps : 1); i++)
		assert_int_equal(send_probe_step(c, &(struct msg_probe_step){ .req = m->link_set.req,
		    .service = SERVICE_IMAP, .step = STEP_AUTH, .ok = fake.error == NULL,
		    .code = slice_str(fake.error != NULL ? "auth.rejected" : ""), .ms = 12 }), 0);
	fake_done(c, MSG_link_set, m->link_set.req, m->link_set.id);
	return 0;
}

static inline int
fake_email_create(struct chan *c, const union msg *m, int *fd)
{
	struct body b;

	assert_int_equal(body_open(&b, m->email_create.draft, fd), 0);
	wbuf_reset(&fake.draft);
	w_raw(&fake.draft, b.data.p, b.data.n);
	body_close(&b);
	(void)slice_copy(m->email_create.keywords, fake.keywords, sizeof(fake.keywords));
	fake_done(c, MSG_email_create, m->email_create.req, 1);
	return 0;
}

static inline int
fake_email_update(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.update = m->email_update;
	(void)slice_copy(m->email_update.keywords_add, fake.add, sizeof(fake.add));
	(void)slice_copy(m->email_update.keywords_del, fake.del, sizeof(fake.del));
	(void)slice_copy(m->email_update.keywords, fake.keywords, sizeof(fake.keywords));
	fake_done(c, MSG_email_update, m->email_update.req, m->email_update.id);
	return 0;
}

static inline int
fake_email_destroy(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.destroyed = m->email_destroy.id;
	fake_done(c, MSG_email_destroy, m->email_destroy.req, m->email_destroy.id);
	return 0;
}

static inline int
fake_email_content(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake_done(c, MSG_email_content, m->email_content.req, m->email_content.id);
	return 0;
}

static inline int
fake_submission_set(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.submission_set = m->submission_set;
	wbuf_reset(&fake.submission);
	w_raw(&fake.submission, m->submission_set.record.p, m->submission_set.record.n);
	fake_done(c, MSG_submission_set, m->submission_set.req, m->submission_set.id);
	return 0;
}

static inline int
fake_correspondent_set(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake_done(c, MSG_correspondent_set, m->correspondent_set.req, m->correspondent_set.id);
	return 0;
}

static inline int
fake_review_set(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake.review_set = m->review_set;
	fake_done(c, MSG_review_set, m->review_set.req, m->review_set.id);
	return 0;
}

static inline int
fake_note_destroy(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	fake_done(c, MSG_note_destroy, m->note_destroy.req, m->note_destroy.id);
	return 0;
}

static inline int
fake_blob_put(struct chan *c, const union msg *m, int *fd)
{
	struct body b;

	assert_int_equal(body_open(&b, m->blob_put.data, fd), 0);
	wbuf_reset(&fake.blob);
	w_raw(&fake.blob, b.data.p, b.data.n);
	body_close(&b);
	fake_done(c, MSG_blob_put, m->blob_put.req, 0);
	return 0;
}

static inline int
fake_blob_get(struct chan *c, const union msg *m, int *fd)
{
	struct msg_blob_data d = { .req = m->blob_get.req };
	struct slice text = slice_str("line one\r\n<b>line</b> \xc3\xa4 two"), big = SLICE_NONE;
	int out = -1;

	(void)fd;
	if (fake.blob_error != NULL)
		d.error = slice_str(fake.blob_error);
	else if (m->blob_get.kind == BLOB_TEXT && fake.text[fake.ntext % 2] > 0) {
		big = fake_bytes(fake.text[fake.ntext++ % 2]);
		out = body_put(big, &d.data);
	} else if (m->blob_get.kind == BLOB_TEXT)
		d.data = text;
	else
		out = body_put(wbuf_slice(&fake.blob), &d.data);
	assert_int_equal(send_blob_data(c, &d, out), 0);
	free((void *)(uintptr_t)big.p);
	return 0;
}

/* ---- holding back ---- */

#define HEAR(name)                                                                                                     \
	static inline int hear_##name(struct chan *c, const union msg *m, int *fd)                                     \
	{                                                                                                              \
		return fake.hold ? fake_hold(MSG_##name, &m->name, fd) : fake_##name(c, m, fd);                         \
	}

static inline int
fake_hold(enum msg_type type, const void *m, int *fd)
{
	struct held *h = &fake.held[fake.nheld++];

	assert_true(fake.nheld <= sizeof(fake.held) / sizeof(fake.held[0]));
	*h = (struct held){ .type = type, .fd = *fd };
	msg_encode(&h->bytes, type, m);
	*fd = -1;
	return 0;
}

HEAR(get)
HEAR(changes)
HEAR(query)
HEAR(link_set)
HEAR(email_create)
HEAR(email_update)
HEAR(email_destroy)
HEAR(email_content)
HEAR(submission_set)
HEAR(correspondent_set)
HEAR(review_set)
HEAR(note_destroy)
HEAR(blob_put)
HEAR(blob_get)
#undef HEAR

static const chan_handler fake_answers[MSG__COUNT] = { [MSG_get] = fake_get, [MSG_changes] = fake_changes,
	[MSG_query] = fake_query, [MSG_link_set] = fake_link_set, [MSG_email_create] = fake_email_create,
	[MSG_email_update] = fake_email_update, [MSG_email_destroy] = fake_email_destroy,
	[MSG_email_content] = fake_email_content, [MSG_submission_set] = fake_submission_set,
	[MSG_correspondent_set] = fake_correspondent_set, [MSG_review_set] = fake_review_set,
	[MSG_note_destroy] = fake_note_destroy, [MSG_blob_put] = fake_blob_put,
	[MSG_blob_get] = fake_blob_get };
static const chan_handler fake_handlers[MSG__COUNT] = { [MSG_get] = hear_get, [MSG_changes] = hear_changes,
	[MSG_query] = hear_query, [MSG_link_set] = hear_link_set, [MSG_email_create] = hear_email_create,
	[MSG_email_update] = hear_email_update, [MSG_email_destroy] = hear_email_destroy,
	[MSG_email_content] = hear_email_content, [MSG_submission_set] = hear_submission_set,
	[MSG_correspondent_set] = hear_correspondent_set, [MSG_review_set] = hear_review_set,
	[MSG_note_destroy] = hear_note_destroy, [MSG_blob_put] = hear_blob_put,
	[MSG_blob_get] = hear_blob_get };

static inline void
held_free(struct held *h)
{
	wbuf_free(&h->bytes);
	if (h->fd != -1)
		close(h->fd);
}

/* The answers to what waits, in the order it was asked; the first ones wait on. */
static inline void
fake_release_behind(size_t kept)
{
	union msg m;

	fake.hold = false;
	for (size_t i = kept; i < fake.nheld; i++) {
		struct held *h = &fake.held[i];

		assert_int_equal(msg_decode(h->type, wbuf_slice(&h->bytes), &m), 0);
		assert_int_equal(fake_answers[h->type](fake.chan, &m, &h->fd), 0);
		held_free(h);
	}
	fake.nheld = kept;
}

static inline void
fake_release(void)
{
	fake_release_behind(0);
}

/* ---- the channel ---- */

static inline void
fake_gone(struct chan *c)
{
	for (size_t i = 0; i < fake.nheld; i++)
		held_free(&fake.held[i]);
	fake.nheld = 0;
	chan_free(c);
	fake.chan = NULL;
}

static inline void
fake_broken(struct chan *c, const char *reason)
{
	fprintf(stderr, "the ats-worker broke the channel: %s\n", reason);
	fake_gone(c);
	abort();
}

static const struct chan_ops fake_ops = { .handlers = fake_handlers, .on_eof = fake_gone, .on_broken = fake_broken };

static inline void
store_connect(void)
{
	static const struct chan_peer to_store = { .role = ROLE_STORE }, to_ats = { .role = ROLE_ATS };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	store_client_attach(loop_chan(fds[0], &to_store, &store_client_ops, NULL));
	fake.chan = chan_new(fds[1], ROLE_STORE, &to_ats, &fake_ops, NULL);
	chan_run(fake.chan);
	loop_add(fake.chan);
}

#endif

/*
 * out.h - the way out of a store: a draft, its submission, a played smtp-worker.
 * Time is the test's own.
 */
#ifndef TEST_STORE_OUT_H
#define TEST_STORE_OUT_H

#include "mail_time.h"
#include "mail_write.h"
#include "review.h"

#define CANDIDATE "candidate@home.example"

static uint64_t email, sub;

static inline uint64_t
draft_for_candidate(const char *reply_to)
{
	return draft_in(1, drafts, CANDIDATE, "secret@home.example", reply_to);
}

static inline struct msg_set_done
submit(uint32_t req, uint64_t e, const char *key)
{
	struct rec_submission r = { .email = e, .idempotency_key = slice_str(key) };
	struct wbuf w = { 0 };

	rec_submission_encode(&w, &r);
	send_submission_set(far_ats.c,
	    &(struct msg_submission_set){ .req = req, .account = LINK, .action = SET_CREATE,
		.record = wbuf_slice(&w) });
	wbuf_free(&w);
	return answer_of(req);
}

static inline struct rec_submission
submission(void)
{
	static struct row_submission row;

	row_submission_free(&row);
	assert_true(row_submission_get(&row, KEY(submission, .account = LINK, .id = sub)));
	return row.rec;
}

static inline void
learned(enum learned l)
{
	table_put_u64(T_learned, KEY(learned, .account = LINK), l);
	db_turn_end();
}

/* ---- a played smtp-worker ---- */
static inline void
smtp_wired(void)
{
	static const struct chan_peer peer = { .role = ROLE_SMTP, .unit = LINK };
	union msg m;

	smtp_peer(&peer, far_open(&far_smtp, ROLE_SMTP));
	turns();
	assert_non_null(next_told(&far_smtp, MSG_send_config, &m));
	assert_true(slice_eq_str(m.send_config.from, OWN));
}

static inline void
smtp_connect(void)
{
	union msg m;

	turns();
	for (int i = 0; next_told(&far_master, MSG_worker_start, &m) == NULL || m.worker_start.role != ROLE_SMTP; i++) {
		assert_true(i < 300);
		turns_for(100);
	}
	smtp_wired();
}

static inline struct told *
item(union msg *m)
{
	struct told *t;

	turns();
	t = next_told(&far_smtp, MSG_send_item, m);
	assert_non_null(t);
	assert_int_equal(m->send_item.submission, sub);
	return t;
}

static inline void
rcpt(uint32_t i, uint16_t reply)
{
	send_send_rcpt(far_smtp.c, &(struct msg_send_rcpt){ .submission = sub, .index = i, .reply = reply });
}

static inline void
data_sent(void)
{
	union msg m;

	send_data_sent(far_smtp.c, &(struct msg_data_sent){ .submission = sub });
	turns();
	assert_non_null(next_told(&far_smtp, MSG_data_go, &m));
}

static inline void
done(enum send_result result, uint16_t reply)
{
	send_send_done(far_smtp.c,
	    &(struct msg_send_done){ .submission = sub, .result = (uint8_t)result, .reply = reply });
	turns();
}

static inline void
smtp_dies(void)
{
	far_close(&far_smtp);
	turns();
}

static inline void
deliver(void)
{
	union msg m;

	item(&m);
	rcpt(0, 250);
	rcpt(1, 250);
	data_sent();
	done(SEND_OK, 250);
}

/* A draft on the server, and its submission. */
static inline void
prepare(const char *reply_to)
{
	union msg m;
	struct msg_set_done d;
	uint64_t op;

	imap_connect();
	opened(sent, 3);
	synced(sent, 3, 1);
	turns();
	email = draft_for_candidate(reply_to);
	op = next_op(OP_APPEND, &m);
	op_answer(op, OP_OK, 5, 77);
	d = submit(2, email, "key");
	assert_int_equal(d.error.n, 0);
	sub = d.id;
}

/* onSuccessUpdateEmail, as the ats-worker sends it after the create. */
static inline void
on_success(void)
{
	struct wbuf add = { 0 }, del = { 0 };

	ids_add(&add, sent);
	ids_add(&del, drafts);
	send_email_update(far_ats.c,
	    &(struct msg_email_update){ .req = 3, .account = LINK, .id = email, .keywords_del = slice_str("$draft"),
		.mailboxes_add = wbuf_slice(&add), .mailboxes_del = wbuf_slice(&del) });
	wbuf_free(&add);
	wbuf_free(&del);
	assert_int_equal(answer_of(3).error.n, 0);
	assert_true(is_in(email, sent) && !is_in(email, drafts));
}

static inline void
one_copy_in_sent(void)
{
	assert_int_equal(only_email(), email);
	assert_true(is_in(email, sent) && !is_in(email, drafts));
	assert_false(has_keyword(email, "$draft"));
	assert_true(has_keyword(email, "$seen"));
	assert_int_equal(pending_count(), 0);
	assert_true(submission().copy_done);
}

#endif

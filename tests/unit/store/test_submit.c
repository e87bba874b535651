/* The way out: phases with a death at each, the one Sent copy, requests. */
#include "mail.h"
#include "review.h"

#define CANDIDATE "candidate@home.example"

static uint64_t email, sub;

static uint64_t
draft_in(uint32_t req, uint64_t mailbox, const char *reply_to)
{
	struct wbuf from = { 0 }, to = { 0 }, bcc = { 0 }, a = { 0 }, boxes = { 0 }, d = { 0 }, irt = { 0 };
	struct rec_draft r = { .sent_at = 1700000000 };
	struct msg_set_done done;

	rec_address_encode(&a, &(struct rec_address){ .email = slice_str(OWN) });
	list_add(&from, wbuf_slice(&a));
	wbuf_reset(&a);
	rec_address_encode(&a, &(struct rec_address){ .email = slice_str(CANDIDATE) });
	list_add(&to, wbuf_slice(&a));
	wbuf_reset(&a);
	rec_address_encode(&a, &(struct rec_address){ .email = slice_str("secret@home.example") });
	list_add(&bcc, wbuf_slice(&a));
	if (reply_to != NULL)
		list_add(&irt, slice_str(reply_to));
	r.from = wbuf_slice(&from);
	r.to = wbuf_slice(&to);
	r.bcc = wbuf_slice(&bcc);
	r.in_reply_to = wbuf_slice(&irt);
	rec_draft_encode(&d, &r);
	ids_add(&boxes, mailbox);
	send_email_create(far_ats.c,
	    &(struct msg_email_create){ .req = req, .account = LINK, .keywords = slice_str("$draft $seen"),
		.mailboxes = wbuf_slice(&boxes), .draft = wbuf_slice(&d) },
	    -1);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&bcc);
	wbuf_free(&a);
	wbuf_free(&boxes);
	wbuf_free(&d);
	wbuf_free(&irt);
	done = answer_of(req);
	assert_int_equal(done.error.n, 0);
	return done.id;
}

static struct msg_set_done
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

static struct rec_submission
submission(void)
{
	static struct row_submission row;

	row_submission_free(&row);
	assert_true(row_submission_get(&row, KEY(submission, .account = LINK, .id = sub)));
	return row.rec;
}

static size_t
reviews(void)
{
	struct scan s;
	struct slice key;
	size_t n = 0;

	scan_prefix(&s, T_review, PREFIX(review, 0, .id = 0), false);
	while (scan_next(&s, &key, NULL))
		n++;
	scan_end(&s);
	return n;
}

static void
learned(enum learned l)
{
	table_put_u64(T_learned, KEY(learned, .account = LINK), l);
	db_turn_end();
}

/* ---- a played smtp-worker ---- */
static void
smtp_wired(void)
{
	static const struct chan_peer peer = { .role = ROLE_SMTP, .unit = LINK };
	union msg m;

	smtp_peer(&peer, far_open(&far_smtp, ROLE_SMTP));
	turns();
	assert_non_null(next_told(&far_smtp, MSG_send_config, &m));
	assert_true(slice_eq_str(m.send_config.from, OWN));
}

static void
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

static struct told *
item(union msg *m)
{
	struct told *t;

	turns();
	t = next_told(&far_smtp, MSG_send_item, m);
	assert_non_null(t);
	assert_int_equal(m->send_item.submission, sub);
	return t;
}

static void
rcpt(uint32_t i, uint16_t reply)
{
	send_send_rcpt(far_smtp.c, &(struct msg_send_rcpt){ .submission = sub, .index = i, .reply = reply });
}

static void
data_sent(void)
{
	union msg m;

	send_data_sent(far_smtp.c, &(struct msg_data_sent){ .submission = sub });
	turns();
	assert_non_null(next_told(&far_smtp, MSG_data_go, &m));
}

static void
done(enum send_result result, uint16_t reply)
{
	send_send_done(far_smtp.c,
	    &(struct msg_send_done){ .submission = sub, .result = (uint8_t)result, .reply = reply });
	turns();
}

static void
smtp_dies(void)
{
	far_close(&far_smtp);
	turns();
}

static void
deliver(void)
{
	union msg m;

	item(&m);
	rcpt(0, 250);
	rcpt(1, 250);
	data_sent();
	done(SEND_OK, 250);
}

static uint64_t
next_op(enum op_kind kind, union msg *m)
{
	turns();
	assert_non_null(next_told(&far_imap, MSG_op, m));
	assert_int_equal(m->op.kind, kind);
	return m->op.op;
}

/* A draft on the server, and its submission. */
static void
prepare(const char *reply_to)
{
	union msg m;
	struct msg_set_done d;
	uint64_t op;

	imap_connect();
	opened(sent, 3);
	synced(sent, 3, 1);
	turns();
	email = draft_in(1, drafts, reply_to);
	op = next_op(OP_APPEND, &m);
	op_answer(op, OP_OK, 5, 77);
	d = submit(2, email, "key");
	assert_int_equal(d.error.n, 0);
	sub = d.id;
}

/* onSuccessUpdateEmail, as the ats-worker sends it after the create. */
static void
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

static void
no_op(void)
{
	union msg m;

	turns();
	assert_null(next_told(&far_imap, MSG_op, &m));
}

static void
one_copy_in_sent(void)
{
	assert_int_equal(only_email(), email);
	assert_true(is_in(email, sent) && !is_in(email, drafts));
	assert_false(has_keyword(email, "$draft"));
	assert_true(has_keyword(email, "$seen"));
	assert_int_equal(pending_count(), 0);
	assert_true(submission().copy_done);
}

static void
test_draft_moves(void **state)
{
	union msg m;
	struct told *t;
	uint64_t op;

	(void)state;
	learned(LEARNED_DOES_NOT_SAVE);
	prepare(NULL);
	smtp_connect();
	t = item(&m);
	assert_null(memmem(t->body.data.p, t->body.data.n, "secret", 6));
	assert_int_equal(list_count(m.send_item.rcpts), 2);	/* Bcc is in the envelope only */
	assert_int_equal(submission().phase, SUBP_HANDED);
	rcpt(0, 250);
	rcpt(1, 250);
	data_sent();
	assert_int_equal(submission().phase, SUBP_DATA_SENT);
	done(SEND_OK, 250);
	assert_int_equal(submission().state, SUB_SENT);
	assert_int_equal(submission().undo, UNDO_FINAL);
	assert_non_null(next_told(&far_smtp, MSG_send_quit, &m));
	op = next_op(OP_FIND, &m);
	assert_int_equal(m.op.mailbox, sent);
	op_answer(op, OP_OK, 3, 0);
	op = next_op(OP_FLAGS, &m);	/* the server keeps none: the draft becomes the copy */
	op_answer(op, OP_OK, 0, 0);
	op = next_op(OP_MOVE, &m);
	assert_int_equal(m.op.uid, 77);
	assert_int_equal(m.op.target, sent);
	op_answer(op, OP_OK, 3, 1);
	one_copy_in_sent();
}

static void
test_on_success_waits(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	learned(LEARNED_DOES_NOT_SAVE);
	prepare(NULL);
	on_success();
	op = next_op(OP_FLAGS, &m);
	op_answer(op, OP_OK, 0, 0);
	no_op();	/* the move is held back until it is known what the server does */
	smtp_connect();
	deliver();
	op = next_op(OP_FIND, &m);
	op_answer(op, OP_OK, 3, 0);
	op = next_op(OP_MOVE, &m);
	op_answer(op, OP_OK, 3, 1);
	one_copy_in_sent();
}

static void
test_server_saves(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	prepare(NULL);
	on_success();
	op = next_op(OP_FLAGS, &m);
	op_answer(op, OP_OK, 0, 0);
	smtp_connect();
	deliver();
	op = next_op(OP_FIND, &m);
	op_answer(op, OP_OK, 3, 21);
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.mailbox, drafts);
	assert_int_equal(m.op.uid, 77);
	op_answer(op, OP_OK, 0, 0);
	one_copy_in_sent();
	assert_int_equal(table_get_u64(T_learned, KEY(learned, .account = LINK)), LEARNED_SAVES);
}

/* The sync reports the server's copy before we asked for it. */
static void
test_server_saves_sync_first(void **state)
{
	struct slice id;
	char text[600];
	union msg m;
	uint64_t op;

	(void)state;
	prepare(NULL);
	smtp_connect();
	item(&m);
	rcpt(0, 250);
	rcpt(1, 250);
	data_sent();
	id = submission().message_id;
	snprintf(text, sizeof(text), "Received: x\r\nFrom: " OWN "\r\nMessage-ID: %.*s\r\n\r\n",
	    (int)id.n, (const char *)id.p);
	header(sent, 21, "\\Seen", text);
	synced(sent, 3, 22);
	turns();
	assert_int_equal(only_email(), email);
	done(SEND_OK, 250);
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.uid, 77);
	op_answer(op, OP_OK, 0, 0);
	turns();
	one_copy_in_sent();
}

/* It saves one although we found none and put ours there. */
static void
test_server_saves_late(void **state)
{
	struct slice id;
	char text[600];
	union msg m;
	uint64_t op;

	(void)state;
	test_draft_moves(NULL);
	id = submission().message_id;
	snprintf(text, sizeof(text), "Received: x\r\nFrom: " OWN "\r\nMessage-ID: %.*s\r\n\r\n",
	    (int)id.n, (const char *)id.p);
	header(sent, 2, "\\Seen", text);
	synced(sent, 3, 3);
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.mailbox, sent);
	assert_int_equal(m.op.uid, 1);
	op_answer(op, OP_OK, 0, 0);
	one_copy_in_sent();
}

static void
test_death_before_data(void **state)
{
	union msg m;

	(void)state;
	learned(LEARNED_DOES_NOT_SAVE);
	prepare(NULL);
	smtp_connect();
	item(&m);
	rcpt(0, 250);
	smtp_dies();
	assert_int_equal(submission().state, SUB_QUEUED);
	assert_int_equal(submission().phase, SUBP_NONE);
	smtp_connect();
	deliver();
	assert_int_equal(submission().state, SUB_SENT);
	assert_int_equal(reviews(), 0);
}

static void
test_death_after_data(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	prepare(NULL);
	smtp_connect();
	item(&m);
	rcpt(0, 250);
	data_sent();
	smtp_dies();
	assert_int_equal(submission().state, SUB_UNCERTAIN);
	for (int look = 0; look < 4; look++) {
		turns_for(look == 0 ? 10 : 1000u << (look - 1));
		turns_for(1100);
		op = next_op(OP_FIND, &m);
		op_answer(op, OP_OK, 3, 0);
	}
	assert_int_equal(submission().state, SUB_UNCERTAIN);
	assert_int_equal(reviews(), 1);
	assert_int_equal(submit_resolve(LINK, sub, true), 0);
	smtp_connect();
	deliver();
	assert_int_equal(submission().state, SUB_SENT);
	assert_int_equal(submit_resolve(LINK, sub, true), -1);
}

static void
test_uncertain_found(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	prepare(NULL);
	smtp_connect();
	item(&m);
	data_sent();
	smtp_dies();
	op = next_op(OP_FIND, &m);
	op_answer(op, OP_OK, 3, 50);
	assert_int_equal(submission().state, SUB_SENT);
	op = next_op(OP_EXPUNGE, &m);
	op_answer(op, OP_OK, 0, 0);
	turns();
	assert_int_equal(reviews(), 0);
	assert_true(is_in(email, sent) && !is_in(email, drafts));
}

static void
test_store_dies(void **state)
{
	union msg m;

	(void)state;
	prepare(NULL);
	smtp_connect();
	item(&m);
	store_close();	/* handed over, nothing sent */
	store_open();
	mail_start();
	turns();
	assert_int_equal(submission().state, SUB_QUEUED);
	imap_connect();
	smtp_connect();
	item(&m);
	data_sent();
	store_close();	/* the dot may be written */
	store_open();
	mail_start();
	turns();
	assert_int_equal(submission().state, SUB_UNCERTAIN);
	turns_for(3000);
	while (next_told(&far_master, MSG_worker_start, &m) != NULL)
		assert_int_not_equal(m.worker_start.role, ROLE_SMTP);	/* never again by itself */
}

/* The phase cannot be stored: the final dot must not be written. */
static void
test_disk_full_at_data(void **state)
{
	union msg m;

	(void)state;
	learned(LEARNED_DOES_NOT_SAVE);
	prepare(NULL);
	smtp_connect();
	item(&m);
	rcpt(0, 250);
	send_data_sent(far_smtp.c, &(struct msg_data_sent){ .submission = sub });
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	db_fail("test");
	db_turn_end();
	turns_for(6000);	/* the queue looks again after a while */
	assert_null(next_told(&far_smtp, MSG_data_go, &m));
	assert_true(far_smtp.gone);
	assert_int_equal(submission().state, SUB_QUEUED);
	assert_int_equal(submission().phase, SUBP_NONE);
}

static void
test_refusals(void **state)
{
	union msg m;

	(void)state;
	learned(LEARNED_DOES_NOT_SAVE);
	prepare(NULL);
	smtp_connect();
	item(&m);
	rcpt(0, 550);
	rcpt(1, 250);
	data_sent();
	done(SEND_OK, 250);
	assert_int_equal(submission().state, SUB_SENT);
	assert_true(slice_eq_str(submission().code, "send.rcpt_partial"));
}

/* Who was refused before the connection was lost is known all the same. */
static void
test_uncertain_refusal(void **state)
{
	union msg m;
	struct slice list, one;
	struct rec_rcpt r;

	(void)state;
	prepare(NULL);
	smtp_connect();
	item(&m);
	rcpt(0, 550);
	rcpt(1, 250);
	data_sent();
	smtp_dies();
	assert_int_equal(submission().state, SUB_UNCERTAIN);
	list = submission().rcpts;
	assert_true(list_next(&list, &one) && rec_rcpt_decode(one, &r) == 0);
	assert_int_equal(r.state, RCPT_FAILED);
	assert_true(list_next(&list, &one) && rec_rcpt_decode(one, &r) == 0);
	assert_int_equal(r.state, RCPT_PENDING);
}

static void
test_temporary(void **state)
{
	union msg m;

	(void)state;
	prepare(NULL);
	smtp_connect();
	item(&m);
	done(SEND_TEMP, 451);
	assert_int_equal(submission().state, SUB_QUEUED);
	assert_true(submission().next_try >= store_now() + LIM_SUBMIT_RETRY_FIRST - 5);
	assert_int_equal(submission().attempts, 1);
}

static void
test_permanent(void **state)
{
	union msg m;

	(void)state;
	prepare(NULL);
	smtp_connect();
	item(&m);
	done(SEND_PERM, 554);
	assert_int_equal(submission().state, SUB_FAILED);
	assert_int_equal(submission().snapshot, 0);
}

static void
test_answered(void **state)
{
	uint64_t ids[4], op;
	union msg m;

	(void)state;
	learned(LEARNED_DOES_NOT_SAVE);
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", "From: " CANDIDATE "\r\nMessage-ID: q1@home.example\r\n\r\n");
	synced(inbox, 7, 2);
	turns();
	imap_lost();
	prepare("q1@home.example");
	smtp_connect();
	deliver();
	assert_int_equal(emails(ids, 4), 2);
	assert_true(has_keyword(ids[0], "$answered"));
	do
		op = (turns(), next_told(&far_imap, MSG_op, &m)) != NULL ? m.op.op : 0;
	while (op != 0 && m.op.kind != OP_FLAGS);
	assert_true(slice_eq_str(m.op.flags_add, "\\Answered"));
}

static void
set(uint32_t req, enum set_action action, enum undo_status undo)
{
	struct rec_submission r = { .undo = (uint8_t)undo };
	struct wbuf w = { 0 };

	rec_submission_encode(&w, &r);
	send_submission_set(far_ats.c,
	    &(struct msg_submission_set){ .req = req, .account = LINK, .id = sub, .action = (uint8_t)action,
		.record = wbuf_slice(&w) });
	wbuf_free(&w);
}

static void
test_requests(void **state)
{
	struct rec_submission r = { .email = 0, .send_at = store_now() + 3600 };
	struct wbuf w = { 0 };
	union msg m;

	(void)state;
	prepare(NULL);
	assert_int_equal(submit(5, email, "key").id, sub);	/* the same key is the same submission */
	set(6, SET_UPDATE, UNDO_CANCELED);
	assert_int_equal(answer_of(6).error.n, 0);
	assert_int_equal(submission().undo, UNDO_CANCELED);
	assert_int_equal(submission().state, SUB_STOPPED);
	/* One for later, which is not started now. */
	r.email = email;
	rec_submission_encode(&w, &r);
	while (next_told(&far_master, MSG_worker_start, &m) != NULL)
		;
	send_submission_set(far_ats.c,
	    &(struct msg_submission_set){ .req = 7, .account = LINK, .action = SET_CREATE,
		.record = wbuf_slice(&w) });
	wbuf_free(&w);
	sub = answer_of(7).id;
	turns();
	assert_int_equal(submission().state, SUB_QUEUED);
	assert_null(next_told(&far_master, MSG_worker_start, &m));
	set(8, SET_DESTROY, 0);
	assert_true(slice_eq_str(answer_of(8).error, "forbidden"));
	/* Handed over, it cannot be taken back. */
	sub = submit(9, email, "other").id;
	smtp_wired();	/* the worker that the first one had asked for */
	item(&m);
	set(10, SET_UPDATE, UNDO_CANCELED);
	assert_true(slice_eq_str(answer_of(10).error, "cannotUnsend"));
	/* Nothing of another account. */
	assert_true(slice_eq_str(submit(11, 4711, "").error, "invalidProperties"));
	link_put(MODE_RECEIVE_ONLY, CONTENT_ALL);
	assert_true(slice_eq_str(submit(12, email, "").error, "forbiddenToSend"));
}

static void
test_send_only(void **state)
{
	(void)state;
	link_put(MODE_SEND_ONLY, CONTENT_ALL);
	mail_link_changed(LINK);
	turns();
	drafts = mailbox_by_role(LINK, MBOX_DRAFTS);
	assert_true(drafts != 0);
	email = draft_in(1, drafts, NULL);
	sub = submit(2, email, "").id;
	smtp_connect();
	deliver();
	assert_int_equal(submission().state, SUB_SENT);
	assert_int_equal(pending_count(), 0);
	assert_true(is_in(email, drafts));	/* no server, no Sent copy: the ATS moves it as it likes */
}

static void
test_msgid(void **state)
{
	char a[LIM_OUR_MESSAGE_ID];
	struct rec_header h = { .kind = KIND_HUMAN };
	struct wbuf refs = { 0 };

	(void)state;
	assert_int_equal(submit_msgid_make(slice_str("Me@Agency.example"), a), 0);
	assert_int_equal(submit_msgid_check(slice_str(a)), MSGID_OURS);
	list_add(&refs, slice_str("x@y"));
	list_add(&refs, slice_str(a));
	h.references = wbuf_slice(&refs);
	assert_int_equal(submit_msgid_refs(&h), MSGID_OURS);
	a[5] = a[5] == 'a' ? 'b' : 'a';
	assert_int_equal(submit_msgid_check(slice_str(a)), MSGID_FORGED);
	assert_int_equal(submit_msgid_check(slice_str("p1.x@agency.example")), MSGID_FOREIGN);
	wbuf_free(&refs);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_draft_moves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_on_success_waits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_saves, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_saves_sync_first, setup, teardown),
		cmocka_unit_test_setup_teardown(test_server_saves_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_before_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_death_after_data, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uncertain_found, setup, teardown),
		cmocka_unit_test_setup_teardown(test_store_dies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uncertain_refusal, setup, teardown),
		cmocka_unit_test_setup_teardown(test_temporary, setup, teardown),
		cmocka_unit_test_setup_teardown(test_permanent, setup, teardown),
		cmocka_unit_test_setup_teardown(test_answered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_send_only, setup, teardown),
		cmocka_unit_test_setup_teardown(test_msgid, setup, teardown),
		/* last: after it the link's sender rests for a minute */
		cmocka_unit_test_setup_teardown(test_disk_full_at_data, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

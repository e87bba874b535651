/* The way out: the one Sent copy, and requests. */
#include "out.h"

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
gm_header(uint64_t mailbox, uint32_t uid, const char *flags, uint64_t gm_msgid)
{
	struct slice id = submission().message_id;
	struct msg_message_header h = { .mailbox = mailbox, .uid = uid, .flags = slice_str(flags), .size = 300,
		.internaldate = 1700000000, .gm_msgid = gm_msgid };
	char text[600];

	snprintf(text, sizeof(text), "Received: x\r\nFrom: " OWN "\r\nMessage-ID: %.*s\r\n\r\n", (int)id.n,
	    (const char *)id.p);
	h.header = slice_str(text);
	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
	turns();
}

/* A copy that the server saved is as the server has it, also where it shows by itself and is seen there before we
 * are told its UID; and the draft, which goes, is another message there, with flags of its own. */
static void
saved_with(const char *flags, bool first, bool moved)
{
	union msg m;
	uint64_t op;

	prepare(NULL);
	opened(drafts, 5);
	gm_header(drafts, 77, "\\Seen \\Draft", 4);
	header(drafts, 78, "\\Seen \\Draft", "Subject: another\r\n\r\n");
	turns();
	assert_int_equal(counts(drafts).total, 2);
	opened(inbox, 2);
	synced(inbox, 2, 1);
	if (moved) {
		on_success();
		op_answer(next_op(OP_FLAGS, &m), OP_OK, 0, 0);
	}
	smtp_connect();
	deliver();
	op = next_op(OP_FIND, &m);
	if (first)
		gm_header(inbox, 9, flags, 5);
	op_answer(op, OP_OK, 3, 21);
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.uid, 77);
	if (!first)
		gm_header(inbox, 9, flags, 5);
	gm_header(sent, 21, flags, 5);
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = drafts, .uid = 77, .flags = slice_str("\\Flagged \\Seen \\Deleted") });
	op_answer(op, OP_OK, 0, 0);
	no_op();
	assert_int_equal(pending_count(), 0);
	assert_true(is_in(email, sent) && is_in(email, inbox) && !is_in(email, drafts));
	assert_int_equal(counts(drafts).total, 1);
	assert_int_equal(counts(sent).total, 1);
	assert_int_equal(counts(sent).unread, flags[0] == '\0');
	assert_int_equal(counts(inbox).unread, flags[0] == '\0');
	assert_true(has_keyword(email, "$seen") == (flags[0] != '\0'));
}

static void
test_saved_unread(void **state)
{
	(void)state;
	saved_with("", true, true);
}

static void
test_saved_unread_told_first(void **state)
{
	(void)state;
	saved_with("", false, true);
}

/* The ATS leaves it to us to take it out of Drafts. */
static void
test_saved_not_moved(void **state)
{
	(void)state;
	saved_with("", true, false);
}

static void
test_saved_read(void **state)
{
	(void)state;
	saved_with("\\Seen", true, true);
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
	email = draft_for_candidate(NULL);
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
	char a[MSGID_SIZE];
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
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_draft_moves),
		T(test_on_success_waits),
		T(test_server_saves),
		T(test_server_saves_sync_first),
		T(test_server_saves_late),
		T(test_saved_unread),
		T(test_saved_unread_told_first),
		T(test_saved_not_moved),
		T(test_saved_read),
		T(test_answered),
		T(test_requests),
		T(test_send_only),
		T(test_msgid),
	};

	return cmocka_run_group_tests_name("store submit", tests, NULL, NULL);
}

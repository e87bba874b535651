/* Write-back: what the ATS changes, replayed, refused, cut off and resumed. */
#include "journal_stage.h"

/* An entry waits for its answer while old mail is gathered for a while: it is
 * looked at again when the turn has ended, not a thousand times a second. */
static void
test_looked_at_once_a_turn(void **state)
{
	struct imap_session *s;
	union msg m;

	(void)state;
	one_message();
	s = imap_session_of(LINK);
	update(1, "$seen", "");
	(void)next_op(OP_FLAGS, &m);
	db_turn_end();
	s->drain = s->drain_after = false;
	imap_drain(s);
	imap_drain(s);
	assert_false(s->drain);
	db_turn_end();
	assert_true(s->drain);
}

/* What was added in the turn that found nothing is not forgotten, though that turn goes on. */
static void
test_added_to_an_empty_one(void **state)
{
	struct imap_session *s;
	struct email e;
	union msg m;

	(void)state;
	one_message();
	s = imap_session_of(LINK);
	db_turn_end();
	imap_drain_later(s);
	imap_drain(s);
	assert_true(email_load(&e, LINK, id));
	email_patch(&e, &(struct email_patch){ .keywords_add = slice_str("$seen") });
	email_free(&e);
	for (int i = 0; s->drain && i < 1000; i++) {
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		usleep(500);
	}
	assert_false(s->drain);
	(void)next_op(OP_FLAGS, &m);
}

static void
test_refused(void **state)
{
	union msg m;
	uint64_t op, state0;

	(void)state;
	one_message();
	update(1, "$seen", "");
	op = next_op(OP_FLAGS, &m);
	state0 = changes_state(LINK, OBJ_EMAIL);
	op_answer(op, OP_REFUSED, 0, 0);
	assert_false(has_keyword(id, "$seen"));
	assert_true(changes_state(LINK, OBJ_EMAIL) > state0);
	assert_int_equal(pending_count(), 0);
}

static void
test_move(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	assert_true(is_in(id, archive) && !is_in(id, inbox));
	assert_int_equal(counts(archive).total, 1);
	op = next_op(OP_MOVE, &m);
	assert_int_equal(m.op.target, archive);
	update(2, "$flagged", "");
	no_op();	/* in order: the flag waits for the move */
	op_answer(op, OP_OK, 9, 44);
	op = next_op(OP_FLAGS, &m);
	assert_int_equal(m.op.mailbox, archive);
	assert_int_equal(m.op.uid, 44);
	op_answer(op, OP_OK, 0, 0);
	assert_int_equal(pending_count(), 0);
	/* The sync sees it too, and knows it. */
	header(archive, 44, "\\Flagged", M1);
	turns();
	assert_int_equal(only_email(), id);
}

static void
test_move_without_copyuid(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	opened(archive, 9);
	synced(archive, 9, 1);
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	op = next_op(OP_MOVE, &m);
	op_answer(op, OP_OK, 0, 0);
	update(2, "$seen", "");
	op = next_op(OP_FIND, &m);	/* its UID is asked for */
	assert_int_equal(m.op.mailbox, archive);
	assert_true(slice_eq_str(m.op.message_id, "m1@x.example"));
	op_answer(op, OP_OK, 9, 3);
	op = next_op(OP_FLAGS, &m);
	assert_int_equal(m.op.uid, 3);
	op_answer(op, OP_OK, 0, 0);
	header(archive, 3, "\\Seen", M1);
	synced(archive, 9, 4);
	turns();
	assert_int_equal(only_email(), id);
	assert_true(is_in(id, archive) && has_keyword(id, "$seen"));
}

static void
test_outage(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	imap_lost();
	update(1, "$seen", "");
	assert_int_equal(move(2, inbox, archive).error.n, 0);
	assert_int_equal(pending_count(), 2);
	store_close();
	store_open();
	assert_true(has_keyword(id, "$seen") && is_in(id, archive));
	imap_connect();
	op = next_op(OP_FLAGS, &m);
	op_answer(op, OP_OK, 0, 0);
	op = next_op(OP_MOVE, &m);
	op_answer(op, OP_OK, 9, 1);
	assert_int_equal(pending_count(), 0);
	assert_true(has_keyword(id, "$seen") && is_in(id, archive) && !is_in(id, inbox));
}

static void
test_cut_off_move(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	next_op(OP_MOVE, &m);
	imap_lost();	/* it was done, and nobody told us */
	imap_connect();
	op = next_op(OP_FIND, &m);
	assert_int_equal(m.op.mailbox, archive);
	assert_true(m.op.size > 0);	/* another of this Message-ID may lie there */
	op_answer(op, OP_OK, 9, 12);
	/* A server without MOVE may have copied only: never a second copy, and the first goes. */
	assert_int_equal(next_op(OP_EXPUNGE, &m), op);
	assert_int_equal(m.op.mailbox, inbox);
	assert_int_equal(m.op.uid, 1);
	assert_true(is_in(id, archive) && !is_in(id, inbox));
	op_answer(op, OP_OK, 0, 0);
	assert_int_equal(pending_count(), 0);
	assert_int_equal(only_email(), id);
	assert_true(is_in(id, archive) && !is_in(id, inbox));
}

/* Without a Message-ID it is looked for by size and date, and not copied twice. */
static void
test_cut_off_nameless(void **state)
{
	union msg m;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", "From: a@x.example\r\nTo: " OWN "\r\n\r\n");
	synced(inbox, 7, 2);
	turns();
	id = only_email();
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	next_op(OP_MOVE, &m);
	imap_lost();
	imap_connect();
	(void)next_op(OP_FIND, &m);
	assert_int_equal(m.op.mailbox, archive);
	assert_int_equal(m.op.message_id.n, 0);
	assert_true(m.op.size > 7);
	assert_int_equal(m.op.internaldate, 1700000000);
	op_answer(m.op.op, OP_OK, 9, 12);
	(void)next_op(OP_EXPUNGE, &m);
	op_answer(m.op.op, OP_OK, 0, 0);
	assert_true(is_in(id, archive) && !is_in(id, inbox));
}

/* The sync has seen the copy before an answer without COPYUID: it is not unlearned. */
static void
test_seen_before_told(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	op = next_op(OP_MOVE, &m);
	opened(archive, 9);
	header(archive, 12, "", M1);
	turns();
	op_answer(op, OP_OK, 0, 0);
	for (int i = 0; i < 4; i++) {
		synced(inbox, 7, 2);
		synced(archive, 9, 13);
		synced(sent, 3, 1);
		turns();
	}
	assert_int_equal(only_email(), id);
	assert_true(is_in(id, archive) && !is_in(id, inbox));
}

/* It did not get so far, or what is there is another one of the same Message-ID. */
static void
test_move_not_begun(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	next_op(OP_MOVE, &m);
	imap_lost();
	imap_connect();
	opened(archive, 9);
	uid_put(LINK, archive, 12, &(struct uid_row){ .email = id + 1000 });
	op = next_op(OP_FIND, &m);
	op_answer(op, OP_OK, 9, 12);
	assert_int_equal(next_op(OP_MOVE, &m), op);
	assert_int_equal(m.op.uid, 1);
	uid_del(LINK, archive, 12);
}

static void
test_destroy(void **state)
{
	uint64_t ids[4], op;
	union msg m;

	(void)state;
	one_message();
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 1, .account = LINK, .id = id });
	assert_int_equal(answer_of(1).error.n, 0);
	assert_int_equal(counts(inbox).total, 0);
	assert_false(is_in(id, inbox));
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.uid, 1);
	op_answer(op, OP_OK, 0, 0);
	assert_int_equal(emails(ids, 4), 0);
	assert_int_equal(pending_count(), 0);
}

static void
test_destroy_refused(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 1, .account = LINK, .id = id });
	assert_int_equal(answer_of(1).error.n, 0);
	op = next_op(OP_EXPUNGE, &m);
	op_answer(op, OP_REFUSED, 0, 0);
	assert_int_equal(only_email(), id);
	assert_true(is_in(id, inbox));
	assert_int_equal(counts(inbox).total, 1);
}

static void
test_set_errors(void **state)
{
	struct msg_email_update u = { .req = 9, .account = LINK, .id = 12345 };

	(void)state;
	one_message();
	assert_true(slice_eq_str(move(1, inbox, 0).error, "invalidProperties"));
	assert_true(slice_eq_str(move(2, inbox, 4711).error, "invalidProperties"));
	send_email_update(far_ats.c, &u);
	assert_true(slice_eq_str(answer_of(9).error, "notFound"));
	u = (struct msg_email_update){ .req = 10, .account = LINK + 1, .id = id };	/* another account */
	send_email_update(far_ats.c, &u);
	assert_true(slice_eq_str(answer_of(10).error, "notFound"));
	assert_int_equal(pending_count(), 0);
}

/* A thousand entries that wait do not keep the next one from its turn. */
static void
test_many_waiting(void **state)
{
	struct rec_pending p = { .kind = OP_FLAGS, .account = LINK, .flags_add = slice_str("$seen") };
	union msg m;

	(void)state;
	one_message();
	p.email = id;
	for (int i = 0; i < LIM_JOURNAL_SCAN + 10; i++)
		(void)journal_add(&p);
	(void)journal_add(
	    &(struct rec_pending){ .kind = OP_EXPUNGE, .account = LINK, .mailbox = inbox, .uid = 5 });
	db_turn_end();
	(void)next_op(OP_FLAGS, &m);
	turns_for(1500);
	(void)next_op(OP_EXPUNGE, &m);
	no_op();
}

/* A rebuilt folder is read anew by its newest mail only: older mail stays. */
static void
test_rebuilt_window(void **state)
{
	(void)state;
	one_message();
	opened(inbox, 8);
	send_mailbox_synced(far_imap.c,
	    &(struct msg_mailbox_synced){
		.mailbox = inbox, .uidvalidity = 8, .uidnext = 103, .uid_low = 50, .complete = true });
	turns();
	assert_true(is_in(id, inbox));
}

/* A renumbered folder says nothing of its messages. */
static void
test_renumbered(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	op = next_op(OP_MOVE, &m);
	send_op_done(far_imap.c,
	    &(struct msg_op_done){ .op = op, .result = OP_GONE, .code = slice_str("sync.uidvalidity_changed") });
	no_op();
	assert_int_equal(pending_count(), 1);
	opened(inbox, 8);
	header(inbox, 101, "", M1);
	turns_for(5500);
	assert_int_equal(next_op(OP_MOVE, &m), op);
	assert_int_equal(m.op.uid, 101);
}

/* What a worker says of a login does not end its session. */
static void
test_owned_worker(void **state)
{
	(void)state;
	one_message();
	send_sync_error(far_imap.c, &(struct msg_sync_error){ .code = slice_str("auth.rejected") });
	send_sync_error(far_imap.c, &(struct msg_sync_error){ .code = slice_str("sync.sent_folder_unknown") });
	update(1, "$seen", "");
	assert_non_null(imap_session_of(LINK));
}

/* An entry that names a UID goes with the numbering. */
static void
test_pinned(void **state)
{
	(void)state;
	one_message();
	imap_lost();
	(void)journal_add(
	    &(struct rec_pending){ .kind = OP_EXPUNGE, .account = LINK, .mailbox = inbox, .uid = 5 });
	db_turn_end();
	assert_int_equal(pending_count(), 1);
	assert_false(bind_unbind(LINK, inbox, LIM_DB_SLICE));
	db_turn_end();
	assert_int_equal(pending_count(), 0);
}

/* A folder that is closed to us rests; its messages are not given up. */
static void
test_folder_closed(void **state)
{
	union msg m;

	(void)state;
	one_message();
	(void)next_told(&far_imap, MSG_body_want, &m);
	ingest_want(LINK, id, false);
	turns();
	(void)next_told(&far_imap, MSG_body_want, &m);
	send_message_body(far_imap.c,
	    &(struct msg_message_body){ .mailbox = inbox, .uid = 1, .code = slice_str("sync.folder_denied") }, -1);
	turns_for(1500);
	assert_null(next_told(&far_imap, MSG_body_want, &m));
	assert_true(imap_folder_of(imap_session_of(LINK), inbox)->bodies_after > store_ticks());
	assert_true(table_get(T_want, KEY(want, .account = LINK, .email = id), NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_looked_at_once_a_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_added_to_an_empty_one, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_move_without_copyuid, setup, teardown),
		cmocka_unit_test_setup_teardown(test_outage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_off_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_cut_off_nameless, setup, teardown),
		cmocka_unit_test_setup_teardown(test_seen_before_told, setup, teardown),
		cmocka_unit_test_setup_teardown(test_move_not_begun, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destroy, setup, teardown),
		cmocka_unit_test_setup_teardown(test_destroy_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_waiting, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rebuilt_window, setup, teardown),
		cmocka_unit_test_setup_teardown(test_renumbered, setup, teardown),
		cmocka_unit_test_setup_teardown(test_owned_worker, setup, teardown),
		cmocka_unit_test_setup_teardown(test_pinned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_closed, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Appends that the server refused: tried again after growing pauses, when there may be room, when they are changed. */
#include "mail_time.h"

#include "journal_stage.h"
#include "review.h"

static void
answer_op(uint64_t op, enum op_result result, const char *code, uint32_t uid)
{
	assert_int_equal(send_op_done(far_imap.c,
			     &(struct msg_op_done){ .op = op, .result = (uint8_t)result, .code = slice_str(code),
				 .uidvalidity = uid != 0 ? 5 : 0, .uid = uid }),
	    0);
	turns();
}

static void
refuse(uint64_t op)
{
	answer_op(op, OP_REFUSED, "sync.mailbox_full", 0);
}

/* The append that is asked for now, or 0. */
static uint64_t
asked(union msg *m)
{
	turns();
	if (next_told(&far_imap, MSG_op, m) == NULL)
		return 0;
	assert_int_equal(m->op.kind, OP_APPEND);
	return m->op.op;
}

/* limit: LIM_APPEND_AGAIN_SECONDS, LIM_APPEND_AGAIN_MOST */
static void
test_pauses(void **state)
{
	uint64_t wait = LIM_APPEND_AGAIN_SECONDS, op, review = 0;
	union msg m;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	refuse(next_op(OP_APPEND, &m));
	for (int i = 0; i < 9; i++) {
		pass(wait * 1000 - 4000);
		assert_int_equal(asked(&m), 0);
		pass(6000);
		assert_int_not_equal(op = asked(&m), 0);
		assert_int_equal(m.op.mailbox, drafts);
		refuse(op);
		if (i > 0)
			assert_int_equal(changes_state(ACCOUNT_ATS, OBJ_REVIEW), review);	/* told once */
		if (i == 4) {
			review_settle_change(LINK, id, OP_APPEND);	/* a person closes it: it stays closed */
			db_turn_end();
		}
		review = changes_state(ACCOUNT_ATS, OBJ_REVIEW);
		wait = wait * 2 < LIM_APPEND_AGAIN_MOST ? wait * 2 : LIM_APPEND_AGAIN_MOST;
	}
	assert_int_equal(wait, LIM_APPEND_AGAIN_MOST);
	assert_int_equal(reviews(), 1);
	pass(wait * 1000 + 2000);
	answer_op(asked(&m), OP_OK, "", 77);
	assert_int_equal(pending_count(), 0);
	pass(2 * wait * 1000);
	assert_int_equal(asked(&m), 0);
}

/* One at a time asks whether there is room, each in its turn; when it is taken the others follow. */
static void
test_in_turn(void **state)
{
	uint64_t mails[3], first;
	union msg m;

	(void)state;
	imap_connect();
	for (uint32_t i = 0; i < 3; i++) {
		mails[i] = draft_in(1 + i, drafts, NULL, NULL, NULL);
		refuse(next_op(OP_APPEND, &m));
	}
	pass(LIM_APPEND_AGAIN_SECONDS * 1000 + 2000);
	assert_int_not_equal(first = asked(&m), 0);
	assert_int_equal(asked(&m), 0);
	refuse(first);
	assert_int_equal(asked(&m), 0);
	pass(2 * LIM_APPEND_AGAIN_SECONDS * 1000 + 2000);
	answer_op(asked(&m), OP_OK, "", 77);
	answer_op(asked(&m), OP_OK, "", 78);
	answer_op(asked(&m), OP_OK, "", 79);
	assert_int_equal(pending_count(), 0);
	for (size_t i = 0; i < 3; i++)
		assert_true(is_in(mails[i], drafts));
}

/* A message went from the server: perhaps there is room, but it is not asked more often than at the beginning. */
static void
test_room(void **state)
{
	struct wbuf gone = { .max = 0 };
	union msg m;

	(void)state;
	one_message();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	refuse(next_op(OP_APPEND, &m));
	pass(LIM_APPEND_AGAIN_SECONDS * 1000 + 2000);
	refuse(asked(&m));
	w_u32(&gone, 1);
	w_u32(&gone, 1);
	assert_int_equal(send_uids_vanished(far_imap.c,
	    &(struct msg_uids_vanished){ .mailbox = inbox, .ranges = wbuf_slice(&gone) }), 0);
	wbuf_free(&gone);
	assert_int_equal(asked(&m), 0);
	pass(LIM_APPEND_AGAIN_SECONDS * 1000 + 2000);
	answer_op(asked(&m), OP_OK, "", 77);
	assert_int_equal(pending_count(), 0);
}

/* The folder takes another message: what it refused is asked for at once. */
static void
test_taken(void **state)
{
	union msg m;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	refuse(next_op(OP_APPEND, &m));
	(void)draft_in(2, drafts, NULL, NULL, NULL);
	answer_op(next_op(OP_APPEND, &m), OP_OK, "", 77);
	answer_op(asked(&m), OP_OK, "", 78);
	assert_int_equal(pending_count(), 0);
}

/* It was read-only, and is not any more. */
static void
test_writable(void **state)
{
	struct msg_mailbox_open open = { .mailbox = drafts, .uidvalidity = 5, .keywords_any = true, .read_only = true };
	union msg m;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	answer_op(next_op(OP_APPEND, &m), OP_REFUSED, "sync.folder_denied", 0);
	open.mailbox = drafts;
	assert_int_equal(send_mailbox_open(far_imap.c, &open), 0);
	assert_int_equal(asked(&m), 0);
	open.read_only = false;
	assert_int_equal(send_mailbox_open(far_imap.c, &open), 0);
	answer_op(asked(&m), OP_OK, "", 77);
	assert_int_equal(pending_count(), 0);
}

/* What dies in the middle of such a try is looked for before it is made again. */
static void
test_cut_off(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	refuse(next_op(OP_APPEND, &m));
	pass(LIM_APPEND_AGAIN_SECONDS * 1000 + 2000);
	op = asked(&m);
	imap_lost();
	store_close();
	store_open();
	imap_connect();
	assert_int_equal(next_op(OP_FIND, &m), op);
	answer_op(op, OP_OK, "", 78);
	assert_int_equal(pending_count(), 0);
	assert_int_equal(asked(&m), 0);
	assert_int_equal(only_email(), id);
}

/* Another store, another worker: it is tried at once, and destroyed it is gone. */
static void
test_restarted(void **state)
{
	union msg m;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	refuse(next_op(OP_APPEND, &m));
	imap_lost();
	store_close();
	store_open();
	imap_connect();
	refuse(asked(&m));
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 2, .account = LINK, .id = id });
	assert_int_equal(answer_of(2).error.n, 0);
	assert_int_equal(pending_count(), 0);
	pass(2 * LIM_APPEND_AGAIN_SECONDS * 1000 + 2000);
	assert_int_equal(asked(&m), 0);
}

/* Its folder is in the database and not in this session: it waits for one that
 * has it, and is not refused by us again and again. */
static void
test_not_listed(void **state)
{
	uint64_t next_id;
	union msg m;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	refuse(next_op(OP_APPEND, &m));
	imap_folder_of(imap_session_of(LINK), drafts)->id = UINT64_MAX;
	turns();
	next_id = store_next_id();
	for (int i = 0; i < 5; i++)
		pass(LIM_APPEND_AGAIN_MOST * 1000);
	assert_int_equal(store_next_id(), next_id + 1);
	assert_int_equal(pending_count(), 1);
	imap_lost();
	imap_connect();
	answer_op(asked(&m), OP_OK, "", 77);
	assert_int_equal(pending_count(), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_pauses), T(test_in_turn), T(test_room), T(test_taken),
		T(test_writable), T(test_cut_off), T(test_restarted), T(test_not_listed) };

	return cmocka_run_group_tests_name("refused appends again", tests, NULL, NULL);
}

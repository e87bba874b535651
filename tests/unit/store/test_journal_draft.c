/* Write-back of drafts: appended, cut off, refused. */
#include "journal_stage.h"

static void
test_draft(void **state)
{
	union msg m;
	uint64_t op;
	struct told *t;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	assert_true(is_in(id, drafts) && has_keyword(id, "$draft"));
	turns();
	t = next_told(&far_imap, MSG_op, &m);
	assert_non_null(t);
	op = m.op.op;
	assert_int_equal(m.op.kind, OP_APPEND);
	assert_true(slice_eq_str(m.op.flags_add, "\\Draft \\Seen"));
	assert_true(t->body.data.n > 0);
	op_answer(op, OP_OK, 5, 77);
	assert_int_equal(pending_count(), 0);
	assert_true(is_in(id, drafts));
	/* Deleted, it is expunged by the UID that the append told. */
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 2, .account = LINK, .id = id });
	assert_int_equal(answer_of(2).error.n, 0);
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.uid, 77);
}

static void
test_append_cut_off(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	next_op(OP_APPEND, &m);
	imap_lost();
	store_close();
	store_open();
	imap_connect();
	op = next_op(OP_FIND, &m);	/* never appended blindly again */
	op_answer(op, OP_OK, 5, 0);
	op = next_op(OP_APPEND, &m);
	op_answer(op, OP_OK, 5, 78);
	assert_int_equal(pending_count(), 0);
	assert_int_equal(only_email(), id);
}

static void
test_append_refused(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	op = next_op(OP_APPEND, &m);
	op_answer(op, OP_REFUSED, 0, 0);
	assert_int_equal(pending_count(), 1);	/* it waits */
	assert_true(is_in(id, drafts));	/* nothing that was written is lost */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_draft, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

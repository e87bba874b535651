/* Write-back of keywords: to each copy, whatever others do to them meanwhile. */
#include "journal_stage.h"

static void
test_flags(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	update(1, "$seen $work", "");
	assert_true(has_keyword(id, "$seen"));
	op = next_op(OP_FLAGS, &m);
	assert_int_equal(m.op.uid, 1);
	assert_int_equal(m.op.uidvalidity, 7);
	assert_true(slice_eq_str(m.op.flags_add, "\\Seen $work"));
	/* What the server says meanwhile does not win. */
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = inbox, .uid = 1, .flags = slice_str("\\Flagged") });
	turns();
	assert_true(has_keyword(id, "$seen") && has_keyword(id, "$flagged"));
	op_answer(op, OP_OK, 0, 0);
	assert_int_equal(pending_count(), 0);
	assert_true(has_keyword(id, "$seen") && has_keyword(id, "$flagged") && has_keyword(id, "$work"));
	no_op();
}

static void
shown_in(uint64_t mailbox, uint32_t uid)
{
	assert_int_equal(send_message_header(far_imap.c, &(struct msg_message_header){ .mailbox = mailbox, .uid = uid,
	    .size = 100, .internaldate = 1700000000, .header = slice_str(M1), .emailid = slice_str("M7") }, -1), 0);
	turns();
}

static void
two_copies(uint64_t one, uint64_t other)
{
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(one, 7);
	opened(other, 8);
	shown_in(one, 1);
	shown_in(other, 2);
	id = only_email();
}

/* Each copy is told, also when one goes meanwhile. */
static void
test_flags_of_copies(void **state)
{
	uint64_t told = 0;
	union msg m;

	(void)state;
	two_copies(inbox, archive);
	update(1, "$seen", "");
	for (int i = 0; i < 2; i++) {
		uint64_t op = next_op(OP_FLAGS, &m);

		told |= m.op.mailbox == inbox ? 1 : 2;
		if (i == 0)
			vanish(m.op.mailbox, m.op.uid);
		turns();
		op_answer(op, OP_OK, 0, 0);
	}
	no_op();
	assert_int_equal(told, 3);
	assert_int_equal(pending_count(), 0);
	assert_true(has_keyword(id, "$seen"));
}

/* Another program moves a copy to a folder that was done: it is told there. */
static void
test_flags_of_a_moved_copy(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	two_copies(sent, archive);
	opened(inbox, 7);
	update(1, "$seen", "");
	op = next_op(OP_FLAGS, &m);
	assert_int_equal(m.op.mailbox, sent);
	op_answer(op, OP_OK, 0, 0);
	op = next_op(OP_FLAGS, &m);
	assert_int_equal(m.op.mailbox, archive);
	vanish(archive, 2);
	turns();
	shown_in(inbox, 3);
	op_answer(op, OP_OK, 0, 0);
	op = next_op(OP_FLAGS, &m);
	assert_int_equal(m.op.mailbox, inbox);
	op_answer(op, OP_OK, 0, 0);
	no_op();
	assert_int_equal(pending_count(), 0);
	assert_true(has_keyword(id, "$seen"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags_of_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags_of_a_moved_copy, setup, teardown),
	};

	return cmocka_run_group_tests_name("store journal flags", tests, NULL, NULL);
}

/* Limits of the write-back, on both sides of each. */
#include "limits_stage.h"

static void
seen(uint64_t id)
{
	struct msg_email_update u = { .req = 1, .account = LINK, .id = id, .keywords_add = slice_str("$seen") };

	assert_int_equal(send_email_update(far_ats.c, &u), 0);
	assert_int_equal(answer_of(1).error.n, 0);
}

static uint64_t
next_op(void)
{
	union msg m;

	turns();
	return next_told(&far_imap, MSG_op, &m) != NULL ? m.op.op : 0;
}

/* It comes again after so long, and not before. */
static uint64_t
op_after(unsigned int seconds)
{
	uint64_t op;

	pass((seconds - 1) * 1000 - 200);	/* whole seconds are counted */
	assert_int_equal(next_op(), 0);
	pass(2500);
	op = next_op();
	assert_int_not_equal(op, 0);
	return op;
}

/* limit: LIM_JOURNAL_WAIT_SECONDS LIM_JOURNAL_GONE_SECONDS LIM_JOURNAL_GONE_TRIES */
static void
test_journal_waits(void **state)
{
	uint64_t op, id = one_header();

	(void)state;
	seen(id);
	pass(1500);
	op = next_op();
	assert_int_not_equal(op, 0);
	for (unsigned int i = 1; i < 11; i++) {
		op_answer(op, OP_RETRY, 0, 0);
		op = op_after(i < 8 ? 1u << i : LIM_JOURNAL_WAIT_SECONDS);
	}
	op_answer(op, OP_OK, 0, 0);
	assert_int_equal(pending_count(), 0);
}

static void
test_journal_gone(void **state)
{
	uint64_t op, id = one_header();

	(void)state;
	seen(id);
	pass(1500);
	op = next_op();
	for (int i = 1; i < LIM_JOURNAL_GONE_TRIES; i++) {
		op_answer(op, OP_GONE, 0, 0);
		assert_int_equal(pending_count(), 1);
		op = op_after(LIM_JOURNAL_GONE_SECONDS);
	}
	op_answer(op, OP_GONE, 0, 0);
	assert_int_equal(pending_count(), 0);
}

/* limit: LIM_JOURNAL_WINDOW */
static void
test_journal_window(void **state)
{
	uint64_t ids[LIM_JOURNAL_WINDOW + 1], op = 0;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	for (uint32_t uid = 1; uid <= LIM_JOURNAL_WINDOW + 1; uid++)
		sized(uid, 100);
	turns();
	assert_int_equal(emails(ids, LIM_JOURNAL_WINDOW + 1), LIM_JOURNAL_WINDOW + 1);
	for (size_t i = 0; i <= LIM_JOURNAL_WINDOW; i++)
		seen(ids[i]);
	pass(1500);
	for (size_t i = 0; i < LIM_JOURNAL_WINDOW; i++)
		assert_int_not_equal(op = next_op(), 0);
	assert_int_equal(next_op(), 0);
	op_answer(op, OP_OK, 0, 0);
	pass(1500);
	assert_int_not_equal(next_op(), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_journal_waits), T(test_journal_gone), T(test_journal_window) };

	return cmocka_run_group_tests_name("store limits back", tests, NULL, NULL);
}

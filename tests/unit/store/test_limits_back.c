/* Limits of the write-back, on both sides of each. */
#include "limits_stage.h"
#include "mail_write.h"

static void
seen(uint64_t id)
{
	struct msg_email_update u = { .req = 1, .account = LINK, .id = id, .keywords_add = slice_str("$seen") };

	assert_int_equal(send_email_update(far_ats.c, &u), 0);
	assert_int_equal(answer_of(1).error.n, 0);
}

static uint64_t
op_now(void)
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
	assert_int_equal(op_now(), 0);
	pass(2500);
	op = op_now();
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
	op = op_now();
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
	op = op_now();
	for (int i = 1; i < LIM_JOURNAL_GONE_TRIES; i++) {
		op_answer(op, OP_GONE, 0, 0);
		assert_int_equal(pending_count(), 1);
		op = op_after(LIM_JOURNAL_GONE_SECONDS);
	}
	op_answer(op, OP_GONE, 0, 0);
	assert_int_equal(pending_count(), 0);
}

/* limit: LIM_EXPUNGE_ROUNDS: also across the life of a worker; then a person is told. */
static void
test_expunge_ignored(void **state)
{
	struct msg_op_done m = { .result = OP_RETRY, .code = slice_str("sync.expunge_ignored") };
	uint64_t id = one_header();

	(void)state;
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 1, .account = LINK, .id = id });
	assert_int_equal(answer_of(1).error.n, 0);
	m.op = op_now();
	for (unsigned int i = 1; i <= LIM_EXPUNGE_ROUNDS; i++) {
		assert_int_not_equal(m.op, 0);
		assert_int_equal(rows_in(T_review), 0);
		if (i == 2) {
			imap_lost();
			imap_connect();
			m.op = op_now();
		}
		assert_int_equal(send_op_done(far_imap.c, &m), 0);
		turns();
		if (i < LIM_EXPUNGE_ROUNDS)
			m.op = i == 1 ? op_after(2) : op_after(1u << (i - 1));
	}
	assert_int_equal(pending_count(), 0);
	assert_int_equal(rows_in(T_review), 1);
}

/* limit: LIM_JOURNAL_WINDOW */
static void
test_journal_window(void **state)
{
	uint64_t op = 0;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	for (uint32_t uid = 1; uid <= LIM_JOURNAL_WINDOW + 1; uid++)
		(void)journal_add(
		    &(struct rec_pending){ .kind = OP_EXPUNGE, .account = LINK, .mailbox = inbox, .uid = uid });
	db_turn_end();
	for (size_t i = 0; i < LIM_JOURNAL_WINDOW; i++)
		assert_int_not_equal(op = op_now(), 0);
	assert_int_equal(op_now(), 0);
	op_answer(op, OP_OK, 0, 0);
	assert_int_not_equal(op_now(), 0);
}

/* limit: LIM_JOURNAL_APPENDS */
static void
test_appends(void **state)
{
	uint64_t op = 0;

	(void)state;
	imap_connect();
	for (uint32_t i = 0; i <= LIM_JOURNAL_APPENDS; i++)
		(void)draft_in(i + 1, drafts, NULL, NULL, NULL);
	for (size_t i = 0; i < LIM_JOURNAL_APPENDS; i++)
		assert_int_not_equal(op = op_now(), 0);
	assert_int_equal(op_now(), 0);
	op_answer(op, OP_OK, 5, 77);
	assert_int_not_equal(op_now(), 0);
}

/* Two drafts, together so large. Do both go at once? */
static bool
both_go(size_t together)
{
	uint64_t small, large, op;
	struct email e;

	imap_connect();
	imap_lost();
	small = draft_in(1, drafts, NULL, NULL, NULL);
	large = draft_in(2, drafts, NULL, NULL, NULL);
	assert_true(email_load(&e, LINK, small));
	together -= e.rec.size;
	email_free(&e);
	assert_true(email_load(&e, LINK, large));
	by_hand = true;	/* the size is not that of its bytes */
	e.rec.size = (uint32_t)together;
	email_save(&e);
	email_free(&e);
	db_turn_end();
	imap_connect();
	op = op_now();
	assert_int_not_equal(op, 0);
	if (op_now() != 0)
		return true;
	op_answer(op, OP_OK, 5, 7);
	assert_int_not_equal(op_now(), 0);	/* alone it goes, whatever its size */
	return false;
}

/* limit: LIM_JOURNAL_APPEND_BYTES */
static void
test_append_bytes(void **state)
{
	(void)state;
	assert_true(both_go(LIM_JOURNAL_APPEND_BYTES));
}

static void
test_append_bytes_beyond(void **state)
{
	(void)state;
	assert_false(both_go(LIM_JOURNAL_APPEND_BYTES + 1));
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_journal_waits), T(test_journal_gone), T(test_expunge_ignored), T(test_journal_window),
		T(test_appends), T(test_append_bytes), T(test_append_bytes_beyond) };

	return cmocka_run_group_tests_name("store limits back", tests, NULL, NULL);
}

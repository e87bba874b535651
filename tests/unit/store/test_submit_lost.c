/* The way out: phases with a death at each, refusals, answers that never came. */
#include "out.h"

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

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_death_before_data),
		T(test_death_after_data),
		T(test_uncertain_found),
		T(test_store_dies),
		T(test_refusals),
		T(test_uncertain_refusal),
		T(test_temporary),
		T(test_permanent),
		T(test_disk_full_at_data),
	};

	return cmocka_run_group_tests_name("store submit lost", tests, NULL, NULL);
}

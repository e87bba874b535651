/* Limits of the way out, on both sides of each: the queue and its senders. */
#include "mail_time.h"

static size_t
smtp_asked_for(void)
{
	union msg m;
	size_t n = 0;

	turn();
	while (next_told(&far_master, MSG_worker_start, &m) != NULL)
		n += m.worker_start.role == ROLE_SMTP;
	return n;
}

static uint64_t
queued(uint32_t attempts, uint64_t age)
{
	static uint64_t next = 1000;
	struct wbuf w = { 0 }, list = { 0 };
	struct rec_submission r = { .created_at = store_past() - age, .send_at = store_past() - age,
		.state = SUB_SENDING, .attempts = attempts, .undo = UNDO_FINAL };

	rec_rcpt_encode(&w, &(struct rec_rcpt){ .email = slice_str("c@x.example"), .state = RCPT_PENDING });
	list_add(&list, wbuf_slice(&w));
	r.rcpts = wbuf_slice(&list);
	by_hand = true;
	row_submission_put(KEY(submission, .account = LINK, .id = ++next), &r);
	wbuf_free(&w);
	wbuf_free(&list);
	return next;
}

/* Seconds until the next try after this answer; the state into *state. */
static uint64_t
answered(uint64_t id, enum send_result result, uint16_t reply, uint8_t *state)
{
	struct send_answer a = { .result = result, .reply = reply };
	struct submission s;
	uint64_t wait;

	assert_true(submission_load(&s, LINK, id));
	submit_answered(&s, &a);
	wait = s.row.rec.next_try - store_now();
	*state = s.row.rec.state;
	submission_free(&s);
	return wait;
}

/* limit: LIM_SUBMIT_RETRY_FIRST LIM_SUBMIT_RETRY_MAX LIM_SUBMIT_RETRY_DEATH LIM_SUBMIT_SECONDS */
static void
test_tries(void **state)
{
	uint64_t want = LIM_SUBMIT_RETRY_FIRST, death = LIM_SUBMIT_RETRY_DEATH;
	uint8_t s;

	(void)state;
	for (uint32_t n = 1; n < 20; n++) {
		assert_int_equal(answered(queued(n, 0), SEND_TEMP, 451, &s), want);
		assert_int_equal(s, SUB_QUEUED);
		assert_int_equal(answered(queued(n, 0), SEND_TEMP, 0, &s), death);
		want = want * 2 < LIM_SUBMIT_RETRY_MAX ? want * 2 : LIM_SUBMIT_RETRY_MAX;
		death = death * 2 < LIM_SUBMIT_RETRY_MAX ? death * 2 : LIM_SUBMIT_RETRY_MAX;
	}
	assert_int_equal(want, LIM_SUBMIT_RETRY_MAX);
	(void)answered(queued(3, LIM_SUBMIT_SECONDS), SEND_TEMP, 451, &s);
	assert_int_equal(s, SUB_QUEUED);
	(void)answered(queued(3, LIM_SUBMIT_SECONDS + 1), SEND_TEMP, 451, &s);
	assert_int_equal(s, SUB_FAILED);
}

/* limit: LIM_SUBMIT_REVIEW_SECONDS */
static void
test_review(void **state)
{
	uint64_t id = queued(1, 0);
	uint8_t s;

	(void)state;
	assert_int_equal(answered(id, SEND_UNCERTAIN, 0, &s), LIM_SUBMIT_REVIEW_SECONDS);
	assert_int_equal(s, SUB_UNCERTAIN);
	submit_schedule();
	time_pass((LIM_SUBMIT_REVIEW_SECONDS - 1) * 1000);
	assert_int_equal(reviews(), 0);
	time_pass(2000);
	assert_int_equal(reviews(), 1);
}

/* limit: LIM_SENDER_START_SECONDS LIM_SENDER_WAIT_SECONDS */
static void
test_starts_of_senders(void **state)
{
	unsigned int wait = 0;

	(void)state;
	(void)smtp_asked_for();
	sender_want(LINK);
	assert_int_equal(smtp_asked_for(), 1);
	time_pass(LIM_SENDER_START_SECONDS * 1000 - 1000);
	sender_want(LINK);
	assert_int_equal(smtp_asked_for(), 0);
	time_pass(1000);
	sender_want(LINK);
	assert_int_equal(smtp_asked_for(), 1);
	for (int fails = 0; fails < 12; fails++) {
		sender_gone(LINK);
		if (wait > 0) {
			time_pass(wait * 1000 - 1000);
			sender_want(LINK);
			assert_int_equal(smtp_asked_for(), 0);
			time_pass(1000);
		}
		sender_want(LINK);
		assert_int_equal(smtp_asked_for(), 1);
		wait = wait == 0 ? 2 : wait * 2 < LIM_SENDER_WAIT_SECONDS ? wait * 2 : LIM_SENDER_WAIT_SECONDS;
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_tries), T(test_review), T(test_starts_of_senders) };

	return cmocka_run_group_tests_name("store limits out", tests, NULL, NULL);
}

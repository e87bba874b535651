/* What a person wants to know of a link now: phases, rate, time left, freshness. */
#include "ingest.h"
#include "mail_time.h"

static struct rec_link
now_of(void)
{
	static struct row_link row;

	if (row.rec.address.n > 0)
		row_link_free(&row);
	assert_true(row_link_get(&row, KEY(link, .no = LINK)));
	link_now(LINK, &row.rec);
	return row.rec;
}

static void
progress(enum sync_phase phase, uint32_t done, uint32_t total)
{
	send_sync_progress(far_imap.c, &(struct msg_sync_progress){ .phase = (uint8_t)phase, .done = done, .total = total });
	turns();
}

static void
runs(void)
{
	assert_non_null(link_run_of(LINK));
	imap_connect();
	link_set_state(LINK, LINK_SYNCING, "", SLICE_NONE);
	db_turn_end();
}

/* Headers, then bodies as a phase of their own, then live; in each the rate is
 * that of the phase. */
static void
test_phases(void **state)
{
	struct rec_link l;

	(void)state;
	runs();
	progress(PHASE_HEADERS, 0, 40);
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	header(inbox, 2, "", M2);
	turns();
	time_pass(1000);
	progress(PHASE_HEADERS, 2, 40);
	l = now_of();
	assert_int_equal(l.phase, PHASE_HEADERS);
	assert_in_range(l.rate, 1, 20);
	assert_int_equal(l.left, 38 * 10 / l.rate + 1);
	assert_int_equal(l.fresh, 0);
	synced(inbox, 7, 3);
	progress(PHASE_LIVE, 2, 2);
	l = now_of();
	assert_int_equal(l.state, LINK_LIVE);
	assert_int_equal(l.phase, PHASE_BODIES);
	assert_int_equal(l.done, 0);
	assert_int_equal(l.total, 2);
	answer_bodies();
	l = now_of();
	assert_int_equal(l.phase, PHASE_LIVE);
	assert_int_equal(l.done, 2);
	assert_int_equal(l.rate, 0);
}

/* limit: LIM_RATE_SECONDS */
static void
test_rate_is_forgotten(void **state)
{
	struct rec_link l;

	(void)state;
	runs();
	progress(PHASE_HEADERS, 0, 40);
	for (int i = 0; i < 30; i++)
		link_moved(LINK, PHASE_HEADERS);
	for (int i = 0; i < 30; i++)
		link_moved(LINK, PHASE_BODIES);	/* of another phase: not counted */
	time_pass((LIM_RATE_SECONDS - 1) * 1000);
	l = now_of();
	assert_int_equal(l.rate, 30 * 10 / LIM_RATE_SECONDS);
	time_pass(1000);
	l = now_of();
	assert_int_equal(l.rate, 0);
	assert_int_equal(l.left, 0);
}

/* Of the seconds that the phase has lasted, and of no more than the last ones. */
static void
test_rate_of_short_and_long(void **state)
{
	(void)state;
	runs();
	time_pass(1000 - clock_ms() % 1000);
	progress(PHASE_HEADERS, 0, 400);
	for (int i = 0; i < 30; i++)
		link_moved(LINK, PHASE_HEADERS);
	assert_int_equal(now_of().rate, 300);
	time_pass(1000);
	assert_int_equal(now_of().rate, 150);
	time_pass((LIM_RATE_SECONDS + 5) * 1000);
	for (int i = 0; i < 30; i++)
		link_moved(LINK, PHASE_HEADERS);
	assert_int_equal(now_of().rate, 30 * 10 / LIM_RATE_SECONDS);
}

static void
body(const char *text)
{
	union msg m;

	assert_non_null(next_told(&far_imap, MSG_body_want, &m));
	send_message_body(far_imap.c,
	    &(struct msg_message_body){ .mailbox = inbox, .uid = m.body_want.uid, .data = slice_str(text) }, -1);
	turns();
}

/* Mail that comes while bodies are fetched makes the whole larger, not the part too large. */
static void
test_more_meanwhile(void **state)
{
	struct rec_link l;

	(void)state;
	runs();
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	synced(inbox, 7, 2);
	progress(PHASE_LIVE, 1, 1);
	l = now_of();
	assert_true(l.phase == PHASE_BODIES && l.done == 0 && l.total == 1);
	header(inbox, 2, "", M2);
	turns();
	time_pass(2000);
	body(M1 "hello\r\n");
	l = now_of();
	assert_true(l.phase == PHASE_BODIES && l.done == 1 && l.total == 2);
	assert_true(l.rate > 0 && l.left == 10 / l.rate + 1);
	body(M2 "hello\r\n");
	assert_int_equal(now_of().phase, PHASE_LIVE);
}

/* Seconds since the server confirmed; nothing before it did, or off line. */
static void
test_freshness(void **state)
{
	(void)state;
	runs();
	progress(PHASE_LIVE, 0, 0);
	assert_int_equal(now_of().fresh, 0);
	send_sync_fresh(far_imap.c, &(struct msg_sync_fresh){ .seconds = 4 });
	turns();
	assert_int_equal(now_of().fresh, 5);
	time_pass(100000);
	assert_int_equal(now_of().fresh, 105);
	link_set_state(LINK, LINK_OFFLINE, "net.reset", SLICE_NONE);
	assert_int_equal(now_of().fresh, 0);
	link_set_state(LINK, LINK_LIVE, "", SLICE_NONE);
	link_now_reset(LINK);
	assert_int_equal(now_of().fresh, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_phases, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate_is_forgotten, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rate_of_short_and_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_freshness, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Somebody sets the clock, forward and back: what waits, what is kept, what is due. */
#include "mail.h"
#include "probe_rate.h"

#include <sys/syscall.h>

#define HOUR 3600
#define DAY (24 * HOUR)

/* ---- the wall clock is ours; the other one is real, or a little ahead ---- */
static int64_t wall_ahead, ticks_ahead;

time_t
time(time_t *out)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
	t.tv_sec += wall_ahead + ticks_ahead;
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

int
clock_gettime(clockid_t id, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, id, t);

	if (id == CLOCK_MONOTONIC)
		t->tv_sec += ticks_ahead;
	return r;
}

static int
clock_setup(void **state)
{
	wall_ahead = 0;
	return setup(state);
}

static void
test_the_past_is_never_ahead(void **state)
{
	uint64_t was = store_past();

	(void)state;
	wall_ahead = 30 * DAY;
	assert_in_range(store_past(), was, was + 2);
	ticks_ahead += HOUR;
	assert_in_range(store_past(), was + HOUR, was + HOUR + 2);
	wall_ahead = -DAY;
	assert_true(store_past() <= store_now());
	wall_ahead = 0;
	assert_true(store_past() <= store_now());
}

/* An upload of just now outlives a clock that is for a moment a month ahead. */
static void
test_kept_things_stay(void **state)
{
	struct blob_info info;
	uint64_t b = blob_put(LINK, slice_str("upload"), SLICE_NONE, 0, store_now() + LIM_UPLOAD_SECONDS);

	(void)state;
	(void)store_past();
	wall_ahead = 30 * DAY;
	blob_expire(store_past(), 100);
	assert_true(blob_stat(LINK, b, &info));
	wall_ahead = 0;
	ticks_ahead += LIM_UPLOAD_SECONDS - 2;	/* limit: LIM_UPLOAD_SECONDS */
	blob_expire(store_past(), 100);
	assert_true(blob_stat(LINK, b, &info));
	ticks_ahead += 3;
	blob_expire(store_past(), 100);
	assert_false(blob_stat(LINK, b, &info));
}

/* Tombstones whose times are out of order: what is forgotten stays forgotten. */
static void
test_floor_never_sinks(void **state)
{
	const struct dbkey floor = KEY(floor, .account = LINK, .type = OBJ_NOTE);
	uint64_t now = store_now(), at;

	(void)state;
	by_hand = true;
	for (uint64_t i = 1; i <= 4; i++)
		changes_record(LINK, OBJ_NOTE, i, CREATED);
	wall_ahead = 10 * DAY;
	changes_record(LINK, OBJ_NOTE, 2, DESTROYED);
	wall_ahead = 0;
	changes_record(LINK, OBJ_NOTE, 3, DESTROYED);
	for (int i = 0; i < 3; i++)
		changes_expire(now + LIM_CHANGES_SECONDS + 2, 1000);
	at = table_get_u64(T_floor, floor);
	assert_int_not_equal(at, 0);
	for (int i = 0; i < 3; i++)
		changes_expire(now + LIM_CHANGES_SECONDS + 10 * DAY + 2, 1000);
	assert_int_equal(table_get_u64(T_floor, floor), at);
	assert_int_equal(changes_state(LINK, OBJ_NOTE), table_get_u64(T_modseq, KEY(modseq, .account = LINK)));
}

/* A message that vanished is given up after its time by no wall clock. */
static void
test_vanished_are_held(void **state)
{
	uint64_t ids[4];
	struct email e;

	(void)state;
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", "From: a@home.example\r\nMessage-ID: <1@x>\r\n\r\n");
	synced(inbox, 7, 2);
	turns();
	assert_int_equal(emails(ids, 4), 1);
	assert_true(email_load(&e, LINK, ids[0]));
	wall_ahead = DAY;
	bind_hold(&e);
	email_free(&e);
	wall_ahead = 0;
	assert_int_equal(bind_release(LINK, 0, store_ticks(), 10), 0);	/* this very second */
	ticks_ahead += LIM_HOLD_SECONDS;
	assert_int_equal(bind_release(LINK, 0, store_ticks(), 10), 1);
	/* A row of the days before this machine started waits anew, not for ever. */
	table_put_u64(T_held, KEY(held, .account = LINK, .email = ids[0]), store_now());
	assert_int_equal(bind_release(LINK, 0, store_ticks(), 10), 0);
	ticks_ahead += LIM_HOLD_SECONDS;
	assert_int_equal(bind_release(LINK, 0, store_ticks(), 10), 1);
}

/* After so many seconds, how many are left? */
static size_t
left_after(int seconds)
{
	uint64_t ids[4];

	ticks_ahead += seconds;
	synced(archive, 9, 1);	/* only this one is looked at */
	turns();
	return emails(ids, 4);
}

/* Nor before the link is live again after a lost connection: where it went is in a
 * folder that could not be looked at. */
static void
test_held_until_seen(void **state)
{
	static const struct msg_sync_progress live = { .phase = PHASE_LIVE };

	(void)state;
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", "From: a@home.example\r\nMessage-ID: <1@x>\r\n\r\n");
	synced(inbox, 7, 2);
	send_sync_progress(far_imap.c, &live);
	vanish(inbox, 1);
	send_sync_error(far_imap.c, &(struct msg_sync_error){ .code = slice_str("net.reset") });
	turns();
	assert_int_equal(left_after(3 * LIM_HOLD_SECONDS), 1);
	send_sync_progress(far_imap.c, &live);
	assert_int_equal(left_after(1), 0);
}

static void
test_rates_do_not_mind(void **state)
{
	struct slice who = slice_str("a@clock.example");

	(void)state;
	for (unsigned int i = 0; i < LIM_PROBES_ADDRESS; i++)
		assert_true(probe_rate_allow(who, store_ticks()));
	wall_ahead = 30 * DAY;
	assert_false(probe_rate_allow(who, store_ticks()));
	wall_ahead = 0;
	ticks_ahead += LIM_PROBE_WINDOW;
	assert_true(probe_rate_allow(who, store_ticks()));
}

/* ---- after an undone turn ---- */
static bool
imap_asked_for(void)
{
	union msg m;

	turn();
	while (next_told(&far_master, MSG_worker_start, &m) != NULL)
		if (m.worker_start.role == ROLE_IMAP)
			return true;
	return false;
}

/* The turn fails; how many seconds pass before the worker is asked for. */
static unsigned int
rest_after_failure(void)
{
	union msg m;
	unsigned int seconds = 0;

	imap_connect();
	turns();
	(void)imap_asked_for();
	imap_touch(imap_session_of(LINK));
	db_fail("test");
	turn();
	assert_null(imap_session_of(LINK));
	assert_non_null(next_told(&far_master, MSG_worker_stop, &m));
	for (; !imap_asked_for(); seconds++) {
		assert_true(seconds < 1000);
		ticks_ahead++;
		imap_rest_over();
	}
	return seconds;
}

/* limit: LIM_REST_FIRST_SECONDS LIM_REST_MAX_SECONDS */
static void
test_rests(void **state)
{
	unsigned int want = LIM_REST_FIRST_SECONDS, rest, spread = 0;

	(void)state;
	for (int i = 0; i < 8; i++) {
		rest = rest_after_failure();
		assert_in_range(rest, want, want + want / 2 + 1);
		spread += rest > want + 1;
		want = want * 2 < LIM_REST_MAX_SECONDS ? want * 2 : LIM_REST_MAX_SECONDS;
	}
	assert_true(spread > 0);	/* many links do not come back in the same second */
	/* What went well for a while is forgiven. */
	ticks_ahead += LIM_REST_MAX_SECONDS + 1;
	assert_in_range(rest_after_failure(), LIM_REST_FIRST_SECONDS, LIM_REST_FIRST_SECONDS * 3 / 2 + 1);
}

/* ---- the queue ---- */
static uint64_t next_row = 1000;

static uint64_t
queued(uint64_t send_at, uint8_t state, uint8_t undo, uint64_t next_try)
{
	struct rec_submission r = { .send_at = send_at, .created_at = store_now(), .state = state, .undo = undo,
		.next_try = next_try };
	struct submission s = { .account = LINK, .id = ++next_row };

	if (r.send_at == 0)
		r.send_at = r.created_at;
	by_hand = true;
	row_submission_put(KEY(submission, .account = LINK, .id = s.id), &r);
	submission_due(&s, next_try);
	return s.id;
}

static uint64_t
due_at(uint64_t id)
{
	struct submission s;
	uint64_t at;

	assert_true(submission_load(&s, LINK, id));
	at = s.row.rec.next_try;
	submission_free(&s);
	assert_true(table_get(T_due, KEY(due, .at = at, .account = LINK, .id = id), NULL));
	return at;
}

static void
test_set_back(void **state)
{
	uint64_t now, later, at_once, retry, review, held;

	(void)state;
	wall_ahead = DAY;
	submit_look_at_clock();
	now = store_now();
	later = now + 5 * HOUR;
	at_once = queued(0, SUB_QUEUED, UNDO_PENDING, now);
	retry = queued(0, SUB_QUEUED, UNDO_FINAL, now + LIM_SUBMIT_RETRY_MAX);
	review = queued(0, SUB_UNCERTAIN, UNDO_FINAL, now + LIM_SUBMIT_REVIEW_SECONDS);
	held = queued(later, SUB_QUEUED, UNDO_PENDING, later);
	submit_look_at_clock();
	assert_int_equal(due_at(retry), now + LIM_SUBMIT_RETRY_MAX);
	wall_ahead = 0;
	submit_look_at_clock();
	assert_in_range(due_at(at_once), store_now() - 2, store_now());
	assert_in_range(due_at(retry), store_now() - 2, store_now());
	assert_in_range(due_at(review), store_now() + LIM_SUBMIT_REVIEW_SECONDS - 2,
	    store_now() + LIM_SUBMIT_REVIEW_SECONDS);
	/* What was asked for at a time waits for that time. */
	assert_int_equal(due_at(held), later);
	wall_ahead = -10 * DAY;
	submit_look_at_clock();
	assert_int_equal(due_at(held), later);
}

/* The store was down when it was set. */
static void
test_set_back_before_the_start(void **state)
{
	uint64_t at_once, soon;

	(void)state;
	at_once = queued(0, SUB_QUEUED, UNDO_PENDING, store_now() + 10 * DAY);
	soon = queued(0, SUB_QUEUED, UNDO_FINAL, store_now() + LIM_SUBMIT_RETRY_MAX);
	submit_redate(LIM_SUBMIT_RETRY_MAX);
	assert_in_range(due_at(at_once), store_now() - 2, store_now());
	assert_true(due_at(soon) > store_now() + LIM_SUBMIT_RETRY_MAX - 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept_things_stay, clock_setup, teardown),
		cmocka_unit_test_setup_teardown(test_floor_never_sinks, clock_setup, teardown),
		cmocka_unit_test_setup_teardown(test_vanished_are_held, clock_setup, teardown),
		cmocka_unit_test_setup_teardown(test_held_until_seen, clock_setup, teardown),
		cmocka_unit_test_setup_teardown(test_rates_do_not_mind, clock_setup, teardown),
		cmocka_unit_test_setup_teardown(test_rests, clock_setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_back, clock_setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_back_before_the_start, clock_setup, teardown),
		/* last: the lag stays until the next start */
		cmocka_unit_test_setup_teardown(test_the_past_is_never_ahead, clock_setup, teardown),
	};
	return cmocka_run_group_tests_name("store clock", tests, NULL, NULL);
}

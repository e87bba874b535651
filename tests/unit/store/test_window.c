/* Windows by the clock: what is too old goes, and only that; what a policy means. */
#include "window_stage.h"

#include "person.h"

static void
test_meaning(void **state)
{
	(void)state;
	store.period_days = 30;
	store.first = 100;
	set_policy(0, false, 0, false);
	expect_policy(30, 100);
	set_policy(0, true, 0, false);
	expect_policy(0, 100);
	set_policy(0, false, 0, true);
	expect_policy(30, 0);
	set_policy(7, true, 5, true);
	expect_policy(7, 5);
}

static void
before(uint32_t days, uint32_t first)
{
	set_policy(days, false, first, false);
	as_before(T_link, KEY(link, .no = LINK), 14);
	as_before(T_mailbox, KEY(mailbox, .account = LINK, .id = inbox), 16);
	table_put_u64(T_meta, KEY(meta, .what = META_SCHEMA), 1);
	db_turn_end();
	store_close();
	store_open();
}

static void
test_migration(void **state)
{
	(void)state;
	begin(CONTENT_HEADERS, 0, 100);
	dated(inbox, 20, 1);
	position(inbox, 21, 15, 0, true);
	before(0, 5);	/* the newest five, of any age */
	store.period_days = 30;
	expect_policy(0, 5);
	store.period_days = 0;
	assert_int_equal(counts(inbox).window_first, 5);
	assert_int_equal(counts(inbox).first_low, 15);
	assert_true(counts(inbox).complete);
	before(0, 0);	/* as the configuration says, then as now */
	expect_policy(0, 100);
	assert_int_equal(table_get_u64(T_meta, KEY(meta, .what = META_SCHEMA)), 4);
	assert_int_equal(count(), 1);
	imap_connect();
	assert_true(counts(inbox).complete);	/* nothing is measured again */
}

/* ---- by age ---- */

/* Of UID 1, 28 days old, and UID 2, ten. */
static void
two_bodies(void)
{
	union msg m;

	for (int i = 0; i < 2; i++) {
		assert_non_null(next_told(&far_imap, MSG_body_want, &m));
		send_message_body(far_imap.c, &(struct msg_message_body){ .mailbox = inbox, .uid = m.body_want.uid,
		    .data = slice_str(head_of(m.body_want.uid, m.body_want.uid == 1 ? 28 : 10)) }, -1);
		turns();
	}
}

static void
test_by_clock(void **state)
{
	struct changes c;
	uint64_t old, young, blob, since, state0;
	struct blob_info info;
	struct row_email row;

	(void)state;
	begin(CONTENT_ALL, 30, 0);
	dated(inbox, 1, 28);
	dated(inbox, 2, 10);
	position(inbox, 3, 1, 1, true);
	two_bodies();
	old = of(inbox, 1);
	young = of(inbox, 2);
	assert_true(row_email_get(&row, KEY(email, .account = LINK, .id = old)));
	assert_int_equal(row.rec.content_state, CONTENT_STATE_FULL);
	blob = row.rec.blob;
	row_email_free(&row);
	assert_true(blob_stat(LINK, blob, &info) && rows(T_email_text) == 2);
	state0 = changes_state(LINK, OBJ_EMAIL);
	days_pass(1);
	assert_int_equal(count(), 2);
	days_pass(2);
	assert_int_equal(only_email(), young);
	since = changes_state(LINK, OBJ_EMAIL);
	assert_true(since > state0);
	assert_int_equal(changes_since(LINK, OBJ_EMAIL, state0, 0, &c), 0);
	assert_int_equal(ids_count(wbuf_slice(&c.destroyed)), 1);
	assert_int_equal(ids_at(wbuf_slice(&c.destroyed), 0), old);
	changes_free(&c);
	assert_false(blob_stat(LINK, blob, &info));
	assert_int_equal(rows(T_email_text), 1);
	assert_int_equal(rows(T_email_parts), 1);
	assert_int_equal(rows(T_email_note), 1);
	assert_int_equal(rows(T_bydate), 1);
	assert_int_equal(rows(T_byaddress), 2);	/* its from and its to */
	assert_int_equal(rows(T_msgemail), 1);
	assert_int_equal(rows(T_fingerprint), 1);
	assert_int_equal(rows(T_uid), 1);
	assert_int_equal(rows(T_threademail), 1);
	assert_int_equal(rows(T_msgid), 1);
	assert_int_equal(rows(T_blob), 1);
	assert_int_equal(counts(inbox).total, 1);
	assert_int_equal(counts(inbox).sure_low, 2);
}

/* The window became narrower while the store was down: at its start, not an hour later. */
static void
test_narrower_while_down(void **state)
{
	(void)state;
	begin(CONTENT_HEADERS, 30, 0);
	dated(inbox, 1, 29);
	dated(inbox, 2, 10);
	position(inbox, 3, 1, 1, true);
	assert_int_equal(count(), 2);
	store_close();
	store.period_days = 20;
	store_open();
	assert_int_equal(count(), 2);
	mail_start();
	turns();
	assert_int_equal(count(), 1);
}

/* A message leaves; what was filed of it stays with its person. */
static void
test_notes_stay(void **state)
{
	struct wbuf addresses = { .max = 0 }, rec = { .max = 0 };
	union msg m = { .correspondent_set = { .req = 77, .action = SET_CREATE } };
	int fd = -1;

	(void)state;
	list_add(&addresses, slice_str("a@x.example"));
	rec_correspondent_encode(&rec, &(struct rec_correspondent){ .kind = PERSON_CANDIDATE, .name = slice_str("P"),
	    .emails = wbuf_slice(&addresses) });
	m.correspondent_set.record = wbuf_slice(&rec);
	assert_int_equal(person_on_set(near_ats, &m, &fd), 0);
	wbuf_free(&addresses);
	wbuf_free(&rec);
	begin(CONTENT_MATCHED, 30, 0);
	dated(inbox, 1, 28);
	dated(inbox, 2, 10);
	position(inbox, 3, 1, 1, true);
	two_bodies();
	assert_int_equal(rows_in(T_note), 2);
	days_pass(3);
	assert_int_equal(count(), 1);
	assert_int_equal(rows_in(T_note), 2);
	assert_int_equal(rows(T_email_note), 1);
}

/* What is too old is left out as it comes, and looked for again when more is wanted. */
static void
test_too_old_to_come(void **state)
{
	(void)state;
	begin(CONTENT_HEADERS, 30, 0);
	dated(inbox, 5, 31);
	dated(inbox, 6, 29);
	dated(inbox, 7, 400);	/* somebody copied an old message here */
	position(inbox, 8, 5, 1, true);
	assert_int_equal(count(), 1);
	assert_int_not_equal(of(inbox, 6), 0);
	assert_int_equal(counts(inbox).sure_low, 8);
	/* Twice as long: from behind the last one that was left out, all is looked at again. */
	store.period_days = 60;
	assert_int_equal(bound_again("INBOX", MBOX_INBOX, true).uid_low, 8);
	assert_false(counts(inbox).complete);
	assert_int_equal(counts(inbox).sure_low, 0);
	dated(inbox, 7, 400);
	dated(inbox, 6, 29);
	dated(inbox, 5, 31);
	position(inbox, 8, 5, 1, true);
	assert_int_equal(count(), 2);
}

/* To the second; what has no date is not old. */
static void
test_border(void **state)
{
	uint64_t since;

	(void)state;
	begin(CONTENT_HEADERS, 30, 0);
	since = window_since(LINK);
	assert_int_equal(since, store_past() - 30 * DAY);
	assert_true(window_takes(LINK, inbox, 5, since));
	assert_true(window_takes(LINK, inbox, 6, 0));
	assert_int_equal(counts(inbox).sure_low, 0);
	assert_false(window_takes(LINK, inbox, 5, since - 1));
	assert_int_equal(counts(inbox).sure_low, 6);
	assert_false(window_takes(LINK, inbox, 3, since - 1));
	assert_int_equal(counts(inbox).sure_low, 6);
}

/* A message that is known is bound, however old: it was moved, not found. */
static void
test_old_and_known(void **state)
{
	uint64_t id;

	(void)state;
	begin(CONTENT_HEADERS, 0, 0);
	dated(inbox, 5, 31);
	position(inbox, 6, 5, 1, true);
	id = of(inbox, 5);
	store.period_days = 30;
	dated(archive, 5, 31);
	turns();
	assert_int_equal(of(archive, 5), id);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, window_teardown)
	const struct CMUnitTest tests[] = { T(test_meaning), T(test_migration), T(test_by_clock),
		T(test_narrower_while_down), T(test_notes_stay), T(test_too_old_to_come), T(test_border), T(test_old_and_known) };

	return cmocka_run_group_tests_name("windows by the clock", tests, NULL, NULL);
}

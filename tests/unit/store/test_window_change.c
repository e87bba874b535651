/* Windows that change: by count, by policy, by the folders that are synced; in slices, and killed between them. */
#include "window_stage.h"

#include "mail_write.h"

/* ---- by count ---- */

#define MANY 600

static void
narrow(void)
{
	begin(CONTENT_HEADERS, 0, 0);
	for (uint32_t uid = 1; uid <= MANY; uid++) {
		dated(inbox, uid, 1);
		if (uid % 16 == 0)
			turns();
	}
	position(inbox, MANY + 1, 1, 1, true);
	assert_int_equal(count(), MANY);
	/* The policy's first is 10 now: measured, told. */
	store.first = 10;
	assert_false(bound_again("INBOX", MBOX_INBOX, true).complete);
	assert_int_equal(counts(inbox).first_low, 0);
}

static void
tell_narrow(void)
{
	assert_int_equal(send_mailbox_synced(far_imap.c,
	    &(struct msg_mailbox_synced){ .mailbox = inbox, .uidvalidity = 7, .uidnext = MANY + 1, .uid_low = 1,
		.first_low = MANY - 9, .complete = true }), 0);
	for (int i = 0; i < 10; i++)
		turn();	/* no time passes: no slice */
}

static void
test_slices(void **state)
{
	size_t was = MANY, now, slices = 0;

	(void)state;
	narrow();
	tell_narrow();
	for (int i = 0; i < 100 && was > 10; i++) {
		slice();
		now = count();
		assert_true(was - now <= LIM_DB_SLICE);
		slices += now < was;
		was = now;
	}
	assert_int_equal(was, 10);
	assert_true(slices >= MANY / LIM_DB_SLICE);
	assert_int_not_equal(of(inbox, MANY - 9), 0);
	assert_int_equal(counts(inbox).total, 10);
	/* The next list does not watch what is gone; a wider window asks for it again. */
	assert_int_equal(bound_again("INBOX", MBOX_INBOX, true).uid_low, MANY - 9);
	store.first = 50;
	assert_int_equal(bound_again("INBOX", MBOX_INBOX, true).uid_low, MANY - 9);
	assert_false(counts(inbox).complete);
	assert_int_equal(counts(inbox).first_low, 0);
}

/* A narrow window's first slice is gone: how many are left. */
static size_t
first_slice(void)
{
	narrow();
	tell_narrow();
	for (int i = 0; i < 100 && count() == MANY; i++)
		slice();
	return count();
}

/* Widened while what had to go was still going: what went is fetched again. */
static void
test_widened_meanwhile(void **state)
{
	struct msg_mailbox_bound b;
	size_t left;

	(void)state;
	left = first_slice();
	assert_in_range(left, MANY - LIM_DB_SLICE, MANY - 1);
	store.first = 0;
	b = bound_again("INBOX", MBOX_INBOX, true);
	assert_in_range(b.uid_low, MANY - left + 1, MANY - 9);
	assert_int_equal(of(inbox, b.uid_low - 1), 0);
	left = count();
	turns();
	assert_int_equal(count(), left);
}

/* The process dies between two slices: the next one goes on. */
static void
test_slices_killed(void **state)
{
	size_t left;

	(void)state;
	left = first_slice();
	assert_in_range(left, 11, MANY - 1);
	store_close();
	store_open();
	mail_start();
	turns();
	assert_int_equal(count(), 10);
}

/* By age too, while another sweep of the link goes: it begins again. */
static void
test_older_meanwhile(void **state)
{
	(void)state;
	narrow();
	dated(archive, 5, 20);
	position(archive, 6, 5, 1, true);
	assert_int_equal(count(), MANY + 1);
	tell_narrow();
	for (int i = 0; i < 100 && count() == MANY + 1; i++)
		slice();
	assert_in_range(count(), 12, MANY);
	store.period_days = 10;
	window_sweep(LINK);
	turns();
	assert_int_equal(count(), 10);
	assert_int_equal(of(archive, 5), 0);
}

/* ---- what stays ---- */

static void
test_needed(void **state)
{
	struct msg_email_update u = { .req = 1, .account = LINK, .keywords_add = slice_str("$seen") };
	uint64_t changed, asked, review, person = 4711;

	(void)state;
	begin(CONTENT_HEADERS, 30, 0);
	for (uint32_t uid = 1; uid <= 3; uid++)
		dated(inbox, uid, 29);
	position(inbox, 4, 1, 1, true);
	changed = u.id = of(inbox, 1);
	asked = of(inbox, 2);
	review = review_open(&(struct review_input){ .reason = REVIEW_AMBIGUOUS_ADDRESS, .account = LINK,
	    .email = asked, .correspondents = &person, .ncorrespondents = 1 });
	assert_int_equal(send_email_update(far_ats.c, &u), 0);
	assert_int_equal(answer_of(1).error.n, 0);
	days_pass(2);
	assert_int_equal(count(), 2);
	assert_int_equal(of(inbox, 3), 0);
	assert_int_equal(of(inbox, 1), changed);
	assert_int_equal(of(inbox, 2), asked);
	/* Told to the server, decided by the person: the next hour takes them. */
	for (union msg m; next_told(&far_imap, MSG_op, &m) != NULL;)
		op_answer(m.op.op, OP_OK, 0, 0);
	assert_int_equal(pending_count(), 0);
	(void)review;
	assert_true(review_destroy_account(LINK, 10) == 1);
	days_pass(1);
	assert_int_equal(count(), 0);
}

/* What is on its way out is not let go, nor what is nowhere else. */
static void
test_being_sent(void **state)
{
	struct rec_submission r = { .state = SUB_QUEUED };
	struct slice ids, id;
	struct rec_header h;
	struct email e;

	(void)state;
	by_hand = true;
	begin(CONTENT_HEADERS, 30, 0);
	dated(inbox, 1, 29);
	position(inbox, 2, 1, 1, true);
	r.email = of(inbox, 1);
	assert_true(email_load(&e, LINK, r.email) && email_header(&e, &h));
	ids = h.message_id;
	assert_true(list_next(&ids, &id));
	table_put_u64(T_submsgid, KEY(submsgid, .account = LINK, .msgid = HASH(db_hash16(id))), 5);
	row_submission_put(KEY(submission, .account = LINK, .id = 5), &r);
	email_free(&e);
	days_pass(2);
	assert_int_equal(only_email(), r.email);
	r.state = SUB_FAILED;
	row_submission_put(KEY(submission, .account = LINK, .id = 5), &r);
	days_pass(1);
	assert_int_equal(count(), 0);
}

static void
test_only_here(void **state)
{
	uint64_t id;

	(void)state;
	store.period_days = 30;
	link_put(MODE_SEND_ONLY, CONTENT_ALL);
	mail_link_changed(LINK);
	drafts = mailbox_by_role(LINK, MBOX_DRAFTS);
	id = draft_in(1, drafts, "candidate@home.example", NULL, NULL);
	days_pass(40);
	assert_int_equal(only_email(), id);
}

/* ---- folders ---- */

/* One message in two folders, outside of one window and inside of the other. */
static void
test_two_folders(void **state)
{
	uint64_t id;

	(void)state;
	begin(CONTENT_HEADERS, 0, 0);
	dated(inbox, 5, 3);
	dated(archive, 5, 3);
	dated(inbox, 9, 1);
	turns();
	id = of(inbox, 5);
	assert_true(id != 0 && of(archive, 5) == id && count() == 2);
	position(inbox, 10, 1, 6, true);
	turns();
	assert_int_equal(of(inbox, 5), 0);
	assert_int_equal(of(archive, 5), id);
	assert_true(is_in(id, archive) && !is_in(id, inbox));
	assert_int_equal(counts(inbox).sure_low, 6);	/* a wider window asks for it again */
	position(archive, 10, 1, 6, true);
	turns();
	assert_int_equal(count(), 1);
}

static void
test_folder_leaves(void **state)
{
	uint64_t both;
	union msg m;

	(void)state;
	begin(CONTENT_HEADERS, 0, 0);
	dated(inbox, 5, 3);
	dated(archive, 5, 3);
	dated(archive, 6, 1);
	position(inbox, 10, 1, 1, true);
	position(archive, 10, 1, 1, true);
	both = of(inbox, 5);
	assert_int_equal(count(), 2);
	/* The same session is told; nothing is started anew. */
	while (next_told(&far_imap, MSG_sync_config, &m) != NULL)
		;
	mail_link_changed(LINK);
	db_turn_end();
	turns();
	assert_non_null(next_told(&far_imap, MSG_sync_config, &m));
	assert_null(next_told(&far_master, MSG_worker_stop, &m));
	assert_false(far_imap.gone);
	list_again(false);
	turns();
	assert_int_equal(only_email(), both);
	assert_true(is_in(both, inbox) && !is_in(both, archive));
	assert_int_equal(counts(archive).uidnext, 0);
	/* Taken up again, it is read from its start. */
	assert_int_equal(bound_again("Archive", MBOX_ARCHIVE, true).uidnext, 0);
	dated(archive, 5, 3);
	dated(archive, 6, 1);
	position(archive, 10, 1, 1, true);
	turns();
	assert_int_equal(count(), 2);
	assert_true(is_in(both, archive));
}

/* A list that forgets a folder's role for a moment costs nothing. */
static void
test_list_flaps(void **state)
{
	(void)state;
	begin(CONTENT_HEADERS, 0, 0);
	dated(archive, 6, 1);
	position(archive, 10, 1, 1, true);
	list_again(false);
	list_again(true);
	assert_int_equal(count(), 1);
	assert_int_equal(counts(archive).uidnext, 10);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, window_teardown)
	const struct CMUnitTest tests[] = { T(test_slices), T(test_widened_meanwhile), T(test_slices_killed),
		T(test_older_meanwhile), T(test_needed), T(test_being_sent), T(test_only_here),
		T(test_two_folders), T(test_folder_leaves), T(test_list_flaps) };

	return cmocka_run_group_tests_name("windows that change", tests, NULL, NULL);
}

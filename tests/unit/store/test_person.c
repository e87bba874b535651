/*
 * Correspondents: the request, the index, and mail that was here before them.
 */
#include "front.h"

static union msg answer;

static struct slice
person_set(enum set_action action, uint64_t id, enum person_kind kind, const char *emails)
{
	struct wbuf list = { 0 }, rec = { 0 };

	add_ids(&list, emails);
	rec_correspondent_encode(&rec, &(struct rec_correspondent){ .kind = (uint8_t)kind,
					   .name = slice_str("P"), .emails = wbuf_slice(&list),
					   .external_id = slice_str("X-1") });
	send_correspondent_set(ats.far, &(struct msg_correspondent_set){ .id = id, .action = (uint8_t)action,
					    .record = wbuf_slice(&rec) });
	turn();
	told_next(&ats, MSG_set_done, &answer);
	wbuf_free(&list);
	wbuf_free(&rec);
	return answer.set_done.error;
}

static size_t
holders(const char *address)
{
	return rows_of(T_address, PREFIX(address, 1, .address = slice_str(address)));
}

static void
the_index_follows(void **state)
{
	uint64_t id;

	(void)state;
	assert_int_equal(person_set(SET_CREATE, 0, PERSON_CANDIDATE, " A@B.Example ,a@b.example,c@d.example").n, 0);
	id = answer.set_done.id;
	assert_int_equal(holders("a@b.example"), 1);
	assert_int_equal(holders("c@d.example"), 1);
	assert_int_equal(person_set(SET_UPDATE, id, PERSON_CONTACT, "e@f.example,c@d.example").n, 0);
	assert_int_equal(holders("a@b.example"), 0);
	assert_int_equal(holders("e@f.example"), 1);
	assert_int_equal(table_get_u64(T_address, KEY(address, .address = slice_str("c@d.example"), .id = id)),
	    PERSON_CONTACT);
	assert_int_equal(person_set(SET_DESTROY, id, PERSON_CONTACT, "").n, 0);
	assert_int_equal(holders("c@d.example") + holders("e@f.example"), 0);
	assert_true(slice_eq_str(person_set(SET_UPDATE, id, PERSON_CONTACT, ""), "notFound"));
}

static void
bad_people_are_refused(void **state)
{
	(void)state;
	assert_true(slice_eq_str(person_set(SET_CREATE, 0, PERSON_CONTACT, "no address"), "invalidProperties"));
	assert_true(slice_eq_str(answer.set_done.property, "emails"));
	assert_true(slice_eq_str(person_set(SET_CREATE, 0, 9, "a@b.example"), "invalidProperties"));
	assert_true(slice_eq_str(answer.set_done.property, "kind"));
	assert_int_equal(changes_state(ACCOUNT_ATS, OBJ_CORRESPONDENT), 0);
}

/* limit: LIM_EMAILS_PERSON */
static void
many_addresses(void **state)
{
	char emails[20 * (LIM_EMAILS_PERSON + 1) + 1] = "";
	size_t n;

	(void)state;
	for (int i = 1; i <= LIM_EMAILS_PERSON; i++) {
		n = strlen(emails);
		snprintf(emails + n, sizeof(emails) - n, "%sa%d@h.example", i > 1 ? "," : "", i);
	}
	assert_int_equal(person_set(SET_CREATE, 0, PERSON_CANDIDATE, emails).n, 0);
	snprintf(emails + n, sizeof(emails) - n, ",a64@h.example,a65@h.example");
	assert_int_equal(holders("a64@h.example"), 1);
	assert_true(slice_eq_str(person_set(SET_CREATE, 0, PERSON_CANDIDATE, emails), "invalidProperties"));
	assert_int_equal(holders("a65@h.example"), 0);
	assert_int_equal(holders("a64@h.example"), 1);
}

/* ---- backfill ---- */
static void
make_history(uint32_t account, int n)
{
	char id[32];

	for (int i = 0; i < n; i++) {
		snprintf(id, sizeof(id), "m%d@%u", i, account);
		make_email(account, &(struct mail){ .from = i % 2 ? "cand@home.example" : "who@else.example",
					.to = "rec@agency.example", .subject = "S", .message_id = id,
					.received_at = (uint64_t)(1000 + i / 3) });
	}
	db_turn_end();
}

static void
old_mail_is_filed(void **state)
{
	uint32_t one = make_link("rec@agency.example"), two = make_link("rec2@agency.example");
	struct row_note row;
	struct slice key;
	struct scan s;

	(void)state;
	make_history(one, 300);
	make_history(two, 101);
	make_person(PERSON_CANDIDATE, "Cand@Home.example");
	settle(30);
	assert_int_equal(rows_in(T_note), 200);
	assert_int_equal(rows_in(T_backfill), 0);
	scan_prefix(&s, T_note, PREFIX(note, 0, .id = 0), false);
	while (scan_next(&s, &key, NULL)) {
		struct key_note k;

		assert_int_equal(key_note_read(key, &k), 0);
		assert_true(row_note_get(&row, KEY(note, .id = k.id)));
		assert_true(row.rec.backfill);
		row_note_free(&row);
	}
}

/* Killed in the middle: the rest is filed after the start, nothing twice. */
static void
backfill_survives_a_kill(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t person = make_person(PERSON_CANDIDATE, "cand@home.example");

	(void)state;
	settle(30);
	make_history(no, 400);
	/* Not by its own timer: however slow the machine is, two slices are done. */
	person_backfill_add(person, slice_str("cand@home.example"));
	person_backfill_slice();
	db_turn_end();
	person_backfill_slice();	/* lost with the process */
	front_reopen();
	assert_in_range(rows_in(T_note), 1, 199);
	person_backfill_start();
	settle(30);
	assert_int_equal(rows_in(T_note), 200);
}

/* All slices, the last too, were of one turn, and its commit fails: they are done again, by themselves. */
static void
undone_slices_are_done_again(void **state)
{
	const struct timespec t = { 0, 2000000 };

	(void)state;
	make_history(make_link("rec@agency.example"), 300);
	make_person(PERSON_CANDIDATE, "cand@home.example");
	db_turn_end();
	for (int after = 0; after < 10; after += rows_in(T_backfill) == 0) {
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);	/* and the turn does not end */
		nanosleep(&t, NULL);
	}
	assert_int_equal(rows_in(T_note), 150);
	db_fail("test");
	db_turn_end();
	assert_int_equal(rows_in(T_note), 0);
	for (int i = 0; i < 5000 && rows_in(T_note) < 150; i++)
		settle(1);
	assert_int_equal(rows_in(T_note), 150);
}

static void
bodies_are_asked_for(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t email = make_email(no, &(struct mail){ .from = "cand@home.example", .subject = "S",
					    .message_id = "m@h", .header_only = true });

	(void)state;
	db_turn_end();
	store.content = CONTENT_MATCHED;
	make_person(PERSON_CANDIDATE, "cand@home.example");
	settle(5);
	assert_int_equal(mail_calls.wants, 1);
	assert_true(mail_calls.want_email == email);
	assert_int_equal(rows_in(T_note), 0);
	store.content = CONTENT_HEADERS;
	make_person(PERSON_CONTACT, "cand@home.example");
	settle(5);
	assert_int_equal(mail_calls.wants, 1);
	assert_int_equal(rows_in(T_note), 1);
}

static void
notes_leave_with_their_person(void **state)
{
	uint32_t no = make_link("rec@agency.example");
	uint64_t id;

	(void)state;
	make_history(no, 300);
	id = make_person(PERSON_CANDIDATE, "cand@home.example");
	settle(20);
	assert_int_equal(rows_in(T_note), 150);
	assert_int_equal(person_set(SET_DESTROY, id, 0, "").n, 0);
	settle(20);
	assert_int_equal(rows_in(T_note) + rows_in(T_noteperson) + rows_in(T_notedate) + rows_in(T_notemail), 0);
	make_person(PERSON_CANDIDATE, "cand@home.example");
	settle(20);
	assert_int_equal(rows_in(T_note), 150);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(the_index_follows),
		T(bad_people_are_refused),
		T(many_addresses),
		T(old_mail_is_filed),
		T(backfill_survives_a_kill),
		T(undone_slices_are_done_again),
		T(bodies_are_asked_for),
		T(notes_leave_with_their_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

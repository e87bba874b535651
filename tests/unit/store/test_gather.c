/*
 * What nobody waits for shares a commit: for how long, and what ends it.
 */
#include "front.h"
#include "../own_time.h"

static void
write_old_mail(size_t n)
{
	static const uint8_t row[60000];

	db_patient();
	table_put(T_email, KEY(email, .account = 1, .id = 1), slice_mem(row, n));
	db_patient_end();
}

/* How long the turn of this write goes on. */
static uint64_t
gathered_for(void)
{
	uint64_t turn_was = db_turn(), begin = own_ms;

	write_old_mail(10);
	for (;;) {
		db_iteration_end();
		if (db_turn() != turn_was)
			return own_ms - begin;
		assert_true(own_ms - begin <= LIM_GATHER_MS);
		write_old_mail(10);	/* more of it puts nothing off */
		time_pass(1);
	}
}

/* limit: LIM_GATHER_FIRST_MS, LIM_GATHER_MS */
static void
what_begins_is_seen_soon(void **state)
{
	uint64_t wait = LIM_GATHER_FIRST_MS;

	(void)state;
	db_turn_end();
	for (int round = 0; round < 2; round++) {
		time_pass(LIM_GATHER_MS);
		for (wait = LIM_GATHER_FIRST_MS; wait < LIM_GATHER_MS; wait *= 2)
			assert_int_equal(gathered_for(), wait);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(gathered_for(), LIM_GATHER_MS);
			time_pass(LIM_GATHER_MS - 1);
		}
	}
}

/* What is waited for takes all before it along; the wait goes on growing. */
static void
what_is_waited_for_ends_the_turn(void **state)
{
	uint64_t turn_was;

	(void)state;
	db_turn_end();
	time_pass(LIM_GATHER_MS);
	write_old_mail(10);
	db_iteration_end();
	turn_was = db_turn();
	table_put_u64(T_meta, KEY(meta, .what = 99), 7);
	db_iteration_end();
	assert_int_equal(db_turn(), turn_was + 1);
	assert_int_equal(time_to_next(), UINT64_MAX);
	assert_int_equal(gathered_for(), 2 * LIM_GATHER_FIRST_MS);
}

/* limit: LIM_GATHER_BYTES */
static void
much_ends_the_turn(void **state)
{
	uint64_t turn_was;

	(void)state;
	db_turn_end();
	turn_was = db_turn();
	for (size_t n = 0; n + 70000 < LIM_GATHER_BYTES; n += 60000)
		write_old_mail(60000);
	db_iteration_end();
	assert_int_equal(db_turn(), turn_was);
	write_old_mail(60000);
	write_old_mail(60000);
	db_iteration_end();
	assert_int_equal(db_turn(), turn_was + 1);
}

/* Each new person looks for old mail; many come at once. */
static void
looks_for_old_mail_share_a_turn(void **state)
{
	char address[LIM_ADDRESS + 1];
	uint64_t turn_was;

	(void)state;
	for (uint64_t i = 1; i <= 10; i++) {
		snprintf(address, sizeof(address), "a%d@home.example", (int)i);
		person_backfill_add(i, slice_str(address));
	}
	db_turn_end();
	turn_was = db_turn();
	for (int i = 0; i < 10; i++) {
		time_pass(1);	/* a slice */
		db_iteration_end();
	}
	assert_int_equal(rows_in(T_backfill), 0);
	assert_int_equal(db_turn(), turn_was);
	time_pass(LIM_GATHER_MS);
	db_iteration_end();
	assert_int_equal(db_turn(), turn_was + 1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(what_begins_is_seen_soon),
		T(what_is_waited_for_ends_the_turn),
		T(much_ends_the_turn),
		T(looks_for_old_mail_share_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Numbers that wait in memory until the commit, and what is kept of rows as
 * long as nobody writes them.
 */
#include "front.h"
#include "mailbox.h"
#include "rows.h"

static struct dbkey
state_key(uint32_t account)
{
	return KEY(state, .account = account, .type = OBJ_EMAIL);
}

static uint64_t
as_row(enum table t, struct dbkey k)
{
	struct slice v;
	struct rbuf r;

	if (!table_get(t, k, &v))
		return 0;
	rbuf_init(&r, v);
	return r_u64(&r);
}

/* More of them than are kept at a time. */
static void
a_number_is_a_row_to_all(void **state)
{
	(void)state;
	for (uint32_t a = 1; a <= 100; a++)
		table_put_u64(T_state, state_key(a), a);
	for (uint32_t a = 1; a <= 100; a++)
		assert_int_equal(table_get_u64(T_state, state_key(a)), a);
	assert_int_equal(as_row(T_state, state_key(100)), 100);
	table_put_u64(T_state, state_key(100), 200);
	assert_true(table_del(T_state, state_key(100)));
	assert_int_equal(table_get_u64(T_state, state_key(100)), 0);
	table_put_u64(T_state, state_key(99), 300);
	assert_int_equal(rows_in(T_state), 99);
	assert_int_equal(as_row(T_state, state_key(99)), 300);
}

static void
a_view_sees_the_committed_one(void **state)
{
	(void)state;
	table_put_u64(T_state, state_key(1), 1);
	db_turn_end();
	table_put_u64(T_state, state_key(1), 2);
	db_view();
	assert_int_equal(table_get_u64(T_state, state_key(1)), 1);
	db_view_end();
	assert_int_equal(table_get_u64(T_state, state_key(1)), 2);
	db_turn_end();
	db_view();
	assert_int_equal(table_get_u64(T_state, state_key(1)), 2);
	db_view_end();
}

/* Ids of a turn that was undone are given again, and its states never were. */
static void
an_undone_turn_leaves_no_number(void **state)
{
	uint64_t id = store_next_id();

	(void)state;
	table_put_u64(T_state, state_key(1), 5);
	db_turn_end();
	assert_int_equal(store_next_id(), id + 1);
	table_put_u64(T_state, state_key(1), 6);
	db_fail("as if the disk were full");
	db_turn_end();
	assert_int_equal(table_get_u64(T_state, state_key(1)), 5);
	assert_int_equal(store_next_id(), id + 1);
}

static void
what_is_there_is_not_added(void **state)
{
	struct dbkey k = KEY(msgid, .account = 1, .msgid = slice_str("0123456789abcdef"));
	uint64_t now = 0;

	(void)state;
	assert_true(table_add_u64(T_msgid, k, 4, &now));
	assert_false(table_add_u64(T_msgid, k, 5, &now));
	assert_int_equal(now, 4);
	assert_int_equal(table_get_u64(T_msgid, k), 4);
	assert_false(db_failed());
}

/* Written, deleted, undone: each time it is another. */
static void
a_version_ends_with_the_rows(void **state)
{
	struct dbkey k = KEY(held, .account = 1, .email = 1);
	uint64_t was = table_version(T_held);

	(void)state;
	assert_true(was != 0 && table_version(T_held) == was);
	table_put_u64(T_held, k, 1);
	assert_true(table_version(T_held) != was);
	was = table_version(T_held);
	db_turn_end();
	assert_true(table_version(T_held) == was);
	table_del(T_held, k);
	assert_true(table_version(T_held) != was);
	was = table_version(T_held);
	db_fail("as if the disk were full");
	assert_true(table_version(T_held) == 0);
	db_turn_end();
	assert_true(table_version(T_held) != was);
	db_view();
	assert_true(table_version(T_held) == 0);
	db_view_end();
}

static void
mailbox(enum mailbox_role role)
{
	row_mailbox_put(KEY(mailbox, .account = 1, .id = 9),
	    &(struct rec_mailbox){ .raw_name = slice_str("a"), .name = slice_str("a"), .role = (uint8_t)role });
}

static void
a_role_is_that_of_the_row(void **state)
{
	(void)state;
	mailbox(MBOX_SENT);
	db_turn_end();
	assert_int_equal(mailbox_role(1, 9), MBOX_SENT);
	mailbox(MBOX_TRASH);
	assert_int_equal(mailbox_role(1, 9), MBOX_TRASH);
	db_fail("as if the disk were full");
	db_turn_end();
	assert_int_equal(mailbox_role(1, 9), MBOX_SENT);
	assert_true(mailbox_exists(1, 9));
	table_del(T_mailbox, KEY(mailbox, .account = 1, .id = 9));
	assert_false(mailbox_exists(1, 9));
	assert_int_equal(mailbox_role(1, 9), MBOX_NONE);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = { T(a_number_is_a_row_to_all), T(a_view_sees_the_committed_one),
		T(an_undone_turn_leaves_no_number), T(what_is_there_is_not_added), T(a_version_ends_with_the_rows),
		T(a_role_is_that_of_the_row) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

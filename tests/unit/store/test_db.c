/*
 * The turn, the tables and the outbox.
 */
#include <signal.h>
#include <sys/resource.h>

#include "front.h"

static void
put_mail(uint32_t account, uint64_t at, uint64_t email)
{
	table_put_empty(T_bydate, KEY(bydate, .account = account, .received_at = at, .email = email));
}

static void
keys_come_back(void **state)
{
	struct key_byaddress k;
	struct dbkey key = KEY(byaddress, .account = 7, .address = slice_str("a@b.example"), .received_at = 1,
	    .email = UINT64_MAX);

	(void)state;
	assert_int_equal(key_byaddress_read(slice_mem(key.p, key.n), &k), 0);
	assert_int_equal(k.account, 7);
	assert_true(slice_eq_str(k.address, "a@b.example"));
	assert_true(k.email == UINT64_MAX);
	assert_int_equal(key_byaddress_read(slice_mem(key.p, key.n - 1u), &k), -1);
	assert_true(KEY(byaddress, .address = slice_mem("a\0b", 3)).bad);
}

static void
scans_in_both_directions(void **state)
{
	struct key_bydate k;
	struct slice key;
	struct scan s;

	(void)state;
	for (uint64_t i = 0; i < 1000; i++)
		put_mail((uint32_t)(i % 3), i * 300, i + 1);
	for (int reverse = 0; reverse < 2; reverse++) {
		uint64_t last = reverse ? UINT64_MAX : 0, n = 0;

		scan_prefix(&s, T_bydate, PREFIX(bydate, 1, .account = 1), reverse);
		for (; scan_next(&s, &key, NULL); n++) {
			assert_int_equal(key_bydate_read(key, &k), 0);
			assert_int_equal(k.account, 1);
			assert_true(n == 0 || (reverse ? k.received_at < last : k.received_at > last));
			last = k.received_at;
		}
		assert_int_equal(n, 333);
	}
}

/* Puts, looks, deletions and turns in any order, beside each other and far
 * apart: what is there is what was put, whatever page a cursor stood on. */
#define PLACED 6000

static uint32_t
drawn(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

static struct dbkey
placed_key(uint32_t i)
{
	return KEY(change, .account = i & 1, .type = (uint8_t)(i >> 1 & 7), .modseq = i >> 4);
}

static void
rows_are_where_they_were_put(void **state)
{
	static uint64_t is[PLACED];	/* 0: not there */
	uint32_t seed = 1, near = 0;
	uint64_t now;

	(void)state;
	for (uint32_t n = 1; n <= 60000; n++) {
		uint32_t i = near = drawn(&seed) % 4 == 0 ? drawn(&seed) % PLACED : (near + 16) % PLACED;

		assert_int_equal(table_get_u64(T_change, placed_key(i)), is[i]);
		if (drawn(&seed) % 3 == 0) {
			assert_int_equal(table_del(T_change, placed_key(i)), is[i] != 0);
			is[i] = 0;
		} else if (is[i] != 0 && drawn(&seed) % 2 == 0) {
			assert_false(table_add_u64(T_change, placed_key(i), n, &now));
			assert_int_equal(now, is[i]);
		} else {
			table_put_u64(T_change, placed_key(i), n);
			is[i] = n;
		}
		if (n % 5000 == 0)
			db_turn_end();
	}
	for (uint32_t i = 0; i < PLACED; i++)
		assert_int_equal(table_get_u64(T_change, placed_key(i)), is[i]);
}

/* Rows vanish under the scan, turns end in between: nothing is seen twice or missed. */
static void
scans_survive_writes_and_turns(void **state)
{
	struct key_bydate k;
	struct slice key;
	struct scan s;
	uint64_t n = 0;

	(void)state;
	for (uint64_t i = 0; i < 500; i++)
		put_mail(1, i, i + 1);
	db_turn_end();
	scan_prefix(&s, T_bydate, PREFIX(bydate, 1, .account = 1), false);
	for (; scan_next(&s, &key, NULL); n++) {
		assert_int_equal(key_bydate_read(key, &k), 0);
		assert_int_equal(k.received_at, n);
		table_del(T_bydate, KEY(bydate, .account = 1, .received_at = k.received_at, .email = k.email));
		if (n % 7 == 0)
			db_turn_end();
		put_mail(2, n, n + 1);
	}
	assert_int_equal(n, 500);
}

static void
a_range_has_its_bounds(void **state)
{
	struct slice key;
	struct scan s;
	size_t n;

	(void)state;
	for (uint64_t i = 0; i < 100; i++)
		put_mail(1, i, i + 1);
	for (int reverse = 0; reverse < 2; reverse++) {
		scan_range(&s, T_bydate, KEY(bydate, .account = 1, .received_at = 10),
		    KEY(bydate, .account = 1, .received_at = 20), reverse);
		for (n = 0; scan_next(&s, &key, NULL);)
			n++;
		assert_int_equal(n, 10);
	}
}

static void
a_turn_is_durable(void **state)
{
	uint64_t id, epoch = store.epoch;

	(void)state;
	id = store_next_id();
	put_mail(1, 5, id);
	db_turn_end();
	front_reopen();
	assert_true(table_get(T_bydate, KEY(bydate, .account = 1, .received_at = 5, .email = id), NULL));
	assert_true(store_next_id() > id);
	assert_true(store.epoch == epoch);
}

static void
a_failed_turn_never_was(void **state)
{
	struct asker a = { ats.near, 9 };
	union msg m;

	(void)state;
	push_add(ats.near);
	put_mail(1, 5, 5);
	changes_record(1, OBJ_EMAIL, 5, CREATED);
	out_set_done(a, 1, OBJ_EMAIL, 0, (struct msg_set_done){ .id = 5 });
	db_fail("test");
	put_mail(1, 6, 6);
	turn();
	told_next(&ats, MSG_set_done, &m);
	assert_true(slice_eq_str(m.set_done.error, "store.full"));
	assert_int_equal(m.set_done.req, 9);
	assert_false(table_get(T_bydate, KEY(bydate, .account = 1, .received_at = 5, .email = 5), NULL));
	assert_int_equal(changes_state(1, OBJ_EMAIL), 0);
	put_mail(1, 7, 7);
	turn();
	assert_true(table_get(T_bydate, KEY(bydate, .account = 1, .received_at = 7, .email = 7), NULL));
	push_remove(ats.near);
}

/* A real full disk: writing beyond the limit fails as ENOSPC would. */
static void
a_full_disk_loses_nothing(void **state)
{
	struct rlimit old, tight = { 400 * 1024, RLIM_INFINITY };
	uint8_t *noise = malloc(1 << 20);
	struct slice back;
	uint64_t first, second;
	union msg m;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	randombytes_buf(noise, 1 << 20);
	first = blob_put(1, slice_mem(noise, 1000), SLICE_NONE, 1, 0);
	db_turn_end();
	getrlimit(RLIMIT_FSIZE, &old);
	tight.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &tight);
	second = blob_put(1, slice_mem(noise, 1 << 20), SLICE_NONE, 1, 0);
	out_set_done((struct asker){ ats.near, 1 }, 1, OBJ_EMAIL, 0, (struct msg_set_done){ .id = second });
	turn();
	told_next(&ats, MSG_set_done, &m);
	assert_true(slice_eq_str(m.set_done.error, "store.full"));
	assert_int_equal(blob_get(1, second, &back), -1);
	assert_int_equal(blob_get(1, first, &back), 0);
	assert_memory_equal(back.p, noise, 1000);
	blob_release(&back);
	db_turn_end();
	setrlimit(RLIMIT_FSIZE, &old);
	second = blob_put(1, slice_mem(noise, 1 << 20), SLICE_NONE, 1, 0);
	db_turn_end();
	assert_int_equal(blob_get(1, second, &back), 0);
	assert_memory_equal(back.p, noise, 1 << 20);
	blob_release(&back);
	free(noise);
}

static void
a_damaged_row_is_absent(void **state)
{
	struct row_note row;
	struct row_link link;

	(void)state;
	table_put(T_note, KEY(note, .id = 4), slice_str("not a record"));
	table_put(T_link, KEY(link, .no = 4), SLICE_NONE);
	assert_false(row_note_get(&row, KEY(note, .id = 4)));
	assert_false(row_link_get(&link, KEY(link, .no = 4)));
	table_put(T_linkaddr, KEY(linkaddr, .address = slice_str("x@y")), slice_str("abc"));
	assert_int_equal(link_of_address(slice_str("x@y")), 0);
	assert_false(db_failed());
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, front_setup, front_teardown)
	const struct CMUnitTest tests[] = {
		T(keys_come_back),
		T(scans_in_both_directions),
		T(rows_are_where_they_were_put),
		T(scans_survive_writes_and_turns),
		T(a_range_has_its_bounds),
		T(a_turn_is_durable),
		T(a_failed_turn_never_was),
		T(a_full_disk_loses_nothing),
		T(a_damaged_row_is_absent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

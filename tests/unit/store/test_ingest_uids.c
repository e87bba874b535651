/* What a big folder has, and what is gone from it, in slices; what is told behind waits for all of them. */
#include "window_stage.h"

#define ROWS (2 * LIM_SLICE_MESSAGES)	/* read in one slice */
#define TURNS 1000	/* and no end: it does not come */

/* The inbox knows UIDs 1 to n, of nobody. */
static void
knows(uint32_t n)
{
	imap_connect();
	opened(inbox, 7);
	synced(inbox, 7, 1);
	turns();
	for (uint32_t uid = 1; uid <= n; uid++)
		uid_put(LINK, inbox, uid, &(struct uid_row){ .email = 0 });
	db_turn_end();
}

static size_t
left(void)
{
	return rows_of(T_uid, PREFIX(uid, 2, .account = LINK, .mailbox = inbox));
}

static uint32_t
reached(void)
{
	struct row_mailbox row;
	uint32_t next;

	assert_true(row_mailbox_get(&row, KEY(mailbox, .account = LINK, .id = inbox)));
	next = row.rec.uidnext;
	row_mailbox_free(&row);
	return next;
}

static void
add(struct wbuf *w, uint32_t first, uint32_t last)
{
	w_u32(w, first);
	w_u32(w, last);
}

/* Behind it the position, and rows that would each have it handled further. */
static void
behind(uint32_t next)
{
	struct msg_message_flags f = { .mailbox = inbox, .uid = UINT32_MAX, .flags = SLICE_NONE };

	synced(inbox, 7, next);
	for (int i = 0; i < 20; i++)
		assert_int_equal(send_message_flags(far_imap.c, &f), 0);
}

static void
vanished(struct wbuf *w)
{
	assert_int_equal(send_uids_vanished(far_imap.c,
	    &(struct msg_uids_vanished){ .mailbox = inbox, .ranges = wbuf_slice(w) }), 0);
	wbuf_free(w);
}

static void
present(struct wbuf *w)
{
	assert_int_equal(send_uids_present(far_imap.c,
	    &(struct msg_uids_present){ .mailbox = inbox, .low = 1, .high = UINT32_MAX, .ranges = wbuf_slice(w) }), 0);
	wbuf_free(w);
}

/* First what came is handled; then time passes for one slice more. */
static void
step(unsigned int i)
{
	if (i > 0)
		slice();
	else
		turn();
}

/* Turns until so many are left; in none of them more go than one slice may. Returns the turns in which some went. */
static unsigned int
slices(size_t end, uint32_t next)
{
	size_t was = left(), now;
	unsigned int n = 0;

	for (unsigned int i = 0; i < TURNS && was > end; i++) {
		step(i);
		now = left();
		assert_true(was - now <= LIM_DB_SLICE);
		/* The position is not reached before all rows in front of it are done. */
		assert_true(now == end || reached() < next);
		n += now < was;
		was = now;
	}
	assert_int_equal(was, end);
	slice();
	slice();
	turns();
	assert_int_equal(left(), end);
	assert_int_equal(reached(), next);
	return n;
}

static void
test_vanished(void **state)
{
	struct wbuf w = { .max = 0 };

	(void)state;
	knows(3 * LIM_DB_SLICE);
	/* In no order; the middle of what is known, and more than is known. */
	add(&w, 2 * LIM_DB_SLICE, 2 * LIM_DB_SLICE + 1);
	add(&w, 9, 8);
	add(&w, 10, 2 * LIM_DB_SLICE - 1);
	add(&w, 3 * LIM_DB_SLICE, UINT32_MAX);
	vanished(&w);
	behind(3 * LIM_DB_SLICE + 1);
	assert_true(slices(9 + LIM_DB_SLICE - 2, 3 * LIM_DB_SLICE + 1) >= 2);
}

static void
test_all_vanished(void **state)
{
	struct wbuf w = { .max = 0 };

	(void)state;
	knows(4 * LIM_DB_SLICE);
	add(&w, 1, UINT32_MAX);
	vanished(&w);
	behind(5000);
	assert_true(slices(0, 5000) >= 4);
}

static void
test_none_present(void **state)
{
	struct wbuf w = { .max = 0 };

	(void)state;
	knows(4 * LIM_DB_SLICE);
	present(&w);
	behind(5000);
	assert_true(slices(0, 5000) >= 4);
}

/* All but the last are there: nothing is written, and it is read in slices all the same. */
static void
test_present(void **state)
{
	const uint32_t n = 3 * ROWS;
	struct wbuf w = { .max = 0 };
	unsigned int i;

	(void)state;
	knows(n);
	add(&w, 1, 99);
	add(&w, 100, n - 1);
	present(&w);
	behind(n + 1);
	for (i = 0; i < TURNS && left() == n; i++) {
		assert_true(reached() < n + 1);
		step(i);
	}
	assert_true(i >= 3);
	assert_int_equal(left(), n - 1);
	slice();
	slice();
	turns();
	assert_int_equal(left(), n - 1);
	assert_int_equal(reached(), n + 1);
}

/* As many as one slice may: the next look finds the end. */
static void
test_exactly(void **state)
{
	struct wbuf w = { .max = 0 };

	(void)state;
	knows(ROWS);
	add(&w, 1, ROWS);
	present(&w);
	behind(ROWS + 1);
	slice();
	slice();
	turns();
	assert_int_equal(left(), ROWS);
	assert_int_equal(reached(), ROWS + 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = { T(test_vanished), T(test_all_vanished), T(test_none_present),
		T(test_present), T(test_exactly) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The checker that power cuts, full disks and storms are judged by: it sees
 * each row that is lost, whichever table it was in, and each that is changed.
 */
#include "check.h"
#include "ingest.h"
#include "out.h"
#include "person.h"

#define ROWS 2000

/* What nothing else tells of: a lost row is as if it had never been. */
static const enum table alone[] = { T_learned, T_email_text };

/* Whose rows this test must have lost to prove anything. */
static const enum table due[] = { T_meta, T_state, T_change, T_link, T_mailbox, T_email, T_email_parts, T_uid,
	T_fingerprint, T_msgemail, T_bydate, T_bymailbox, T_byaddress, T_threademail, T_submission, T_due, T_idempotency,
	T_correspondent, T_address, T_note, T_notemail, T_blob, T_blobrow };

static struct row {
	enum table table;
	struct dbkey key;
	uint8_t *value;
	size_t n;
} rows[ROWS];
static size_t nrows;

static void
gather(enum table t)
{
	struct slice key, v;
	struct scan s;

	scan_prefix(&s, t, (struct dbkey){ .n = 0 }, false);
	while (scan_next(&s, &key, &v)) {
		struct row *r = &rows[nrows++];

		assert_true(nrows < ROWS && key.n <= sizeof(r->key.p));
		*r = (struct row){ .table = t, .key.n = (uint16_t)key.n, .value = malloc(v.n + 1), .n = v.n };
		assert_non_null(r->value);
		memcpy(r->key.p, key.p, key.n);
		if (v.n > 0)
			memcpy(r->value, v.p, v.n);
	}
	scan_end(&s);
}

static void
quiet(void *ctx, const char *text)
{
	(void)ctx;
	(void)text;
}

static bool
is_alone(enum table t)
{
	for (size_t i = 0; i < sizeof(alone) / sizeof(alone[0]); i++)
		if (alone[i] == t)
			return true;
	return false;
}

static bool
has_rows(enum table t)
{
	for (size_t i = 0; i < nrows; i++)
		if (rows[i].table == t)
			return true;
	print_error("no row of %s\n", table_name(t));
	return false;
}

/* A candidate, mail of his that is filed, a draft and its submission. */
static void
some_of_all(void)
{
	struct wbuf list = { 0 }, rec = { 0 };
	union msg m;
	int fd = -1;

	list_add(&list, slice_str("a@x.example"));
	rec_correspondent_encode(&rec, &(struct rec_correspondent){ .kind = PERSON_CANDIDATE, .name = slice_str("P"),
					   .emails = wbuf_slice(&list), .external_id = slice_str("x-1") });
	m.correspondent_set =
	    (struct msg_correspondent_set){ .req = 9, .action = SET_CREATE, .record = wbuf_slice(&rec) };
	assert_int_equal(person_on_set(near_ats, &m, &fd), 0);
	assert_int_equal(answer_of(9).error.n, 0);
	wbuf_free(&list);
	wbuf_free(&rec);
	prepare(NULL);
	opened(inbox, 3);
	header(inbox, 1, "", M1);
	header(inbox, 2, "\\Seen", M2);
	synced(inbox, 3, 3);
	turns();
	answer_bodies();
}

static void
each_lost_row_is_seen(void **state)
{
	size_t unseen = 0;

	(void)state;
	some_of_all();
	assert_int_equal(store_check(quiet, NULL), 0);
	for (enum table t = 0; t < T__COUNT; t++)
		gather(t);
	for (size_t i = 0; i < nrows; i++) {
		struct row *r = &rows[i];
		bool seen;

		assert_true(table_del(r->table, r->key));
		seen = store_check(quiet, NULL) > 0;
		table_put(r->table, r->key, slice_mem(r->value, r->n));
		if (!seen && !is_alone(r->table)) {
			print_error("lost and not seen: a row of %s\n", table_name(r->table));
			unseen++;
		}
	}
	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++)
		assert_true(has_rows(due[i]));
	assert_int_equal(store_check(quiet, NULL), 0);
	assert_int_equal(unseen, 0);
	for (size_t i = 0; i < nrows; i++)
		free(rows[i].value);
	by_hand = true;
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(each_lost_row_is_seen) };

	return cmocka_run_group_tests_name("store check", tests, NULL, NULL);
}

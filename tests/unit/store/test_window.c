/* Windows: what is too old, too many or in a folder that is not synced any more goes, and only that. Time is our own. */
#include "mail.h"

#include "../own_time.h"

#include "note.h"
#include "review.h"
#include "window.h"

#define HOUR 3600
#define DAY (24 * HOUR)

time_t
time(time_t *out)
{
	time_t t = (time_t)(1800000000 + clock_ms() / 1000);

	if (out != NULL)
		*out = t;
	return t;
}

int
usleep(useconds_t us)
{
	(void)us;
	time_pass(1);
	return 0;
}

/* The next slice of long work, and its commit. */
static void
slice(void)
{
	time_pass(1);
	db_turn_end();
}

static void
days_pass(uint64_t days)
{
	own_ms += days * DAY * 1000 - LIM_WINDOW_SWEEP_SECONDS * 1000;
	time_pass(LIM_WINDOW_SWEEP_SECONDS * 1000);
	turns();
}

static uint64_t today;	/* when the test began */

static const char *
head_of(uint32_t uid, uint64_t days)
{
	static char text[160];

	snprintf(text, sizeof(text), "From: a@x.example\r\nTo: " OWN "\r\nMessage-ID: m%u.%llu@x.example\r\n\r\n", uid,
	    (unsigned long long)days);
	return text;
}

/* A message of so many days before the test. */
static void
dated(uint64_t mailbox, uint32_t uid, uint64_t days)
{
	struct msg_message_header h = { .mailbox = mailbox, .uid = uid, .backfill = true, .size = 100,
		.internaldate = today - days * DAY };

	h.header = slice_str(head_of(uid, days));
	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
}

static void
position(uint64_t mailbox, uint32_t next, uint32_t low, uint32_t first_low, bool complete)
{
	assert_int_equal(send_mailbox_synced(far_imap.c,
	    &(struct msg_mailbox_synced){ .mailbox = mailbox, .uidvalidity = 7, .uidnext = next, .uid_low = low,
		.first_low = first_low, .complete = complete }), 0);
	turns();
}

static size_t
count(void)
{
	uint64_t ids[2000];

	return emails(ids, 2000);
}

/* The email of a UID; 0: none. */
static uint64_t
of(uint64_t mailbox, uint32_t uid)
{
	struct uid_row u;

	return uid_get(LINK, mailbox, uid, &u) ? u.email : 0;
}

static size_t
rows(enum table t)
{
	struct dbkey prefix = PREFIX(email, 1, .account = LINK);	/* each begins with the account */
	struct slice key;
	struct scan s;
	size_t n = 0;

	scan_prefix(&s, t, prefix, false);
	while (scan_next(&s, &key, NULL))
		n++;
	scan_end(&s);
	return n;
}

static void
begin(enum content_policy content, uint32_t period_days, uint32_t first)
{
	store.period_days = period_days;
	store.first = first;
	today = store_now();
	link_put(MODE_TWO_WAY, content);
	imap_connect();
	opened(inbox, 7);
	opened(archive, 7);
	turns();
}

static int
window_teardown(void **state)
{
	int r = teardown(state);

	store.period_days = 0;
	store.first = 100;
	return r;
}

/* What the store sends with the folder when it is listed again. */
static struct msg_mailbox_bound
bound_again(const char *name, enum mailbox_role role, bool is_synced)
{
	struct msg_mailbox_found f = { .raw_name = slice_str(name), .name = slice_str(name), .separator = '/',
		.role = (uint8_t)role, .selectable = true, .synced = is_synced };
	union msg m;

	assert_int_equal(send_mailbox_found(far_imap.c, &f), 0);
	turns();
	assert_non_null(next_told(&far_imap, MSG_mailbox_bound, &m));
	return m.mailbox_bound;
}

static void
list_again(bool archive_synced)
{
	(void)bound_again("INBOX", MBOX_INBOX, true);
	(void)bound_again("Sent", MBOX_SENT, true);
	(void)bound_again("Drafts", MBOX_DRAFTS, false);
	(void)bound_again("Archive", MBOX_ARCHIVE, archive_synced);
	assert_int_equal(send_mailbox_list_end(far_imap.c, &(struct msg_mailbox_list_end){ .count = 4 }), 0);
	turns();
}

/* ---- meaning and migration ---- */

static void
set_policy(uint32_t days, bool own_days, uint32_t first, bool own_first)
{
	struct row_link row;

	assert_true(row_link_get(&row, KEY(link, .no = LINK)));
	row.rec.period_days = days;
	row.rec.own_period = own_days;
	row.rec.first = first;
	row.rec.own_first = own_first;
	link_write(LINK, &row.rec, false);
	row_link_free(&row);
	db_turn_end();
}

static void
expect_policy(uint32_t days, uint32_t first)
{
	struct link_policy p;

	assert_int_equal(link_policy(LINK, &p), 0);
	assert_int_equal(p.period_days, days);
	assert_int_equal(p.first, first);
}

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

/* A row as version 1 wrote it: without its last bytes. */
static void
as_before(enum table t, struct dbkey k, size_t fewer)
{
	static uint8_t copy[4096];
	struct slice v;

	assert_true(table_get(t, k, &v) && v.n < sizeof(copy));
	memcpy(copy, v.p, v.n);
	copy[0] = 1;
	table_put(t, k, slice_mem(copy, v.n - fewer));
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
	assert_int_equal(table_get_u64(T_meta, KEY(meta, .what = META_SCHEMA)), 2);
	assert_int_equal(count(), 1);
	imap_connect();
	assert_true(counts(inbox).complete);	/* nothing is measured again */
}

/* ---- by age ---- */

static void
test_by_clock(void **state)
{
	struct changes c;
	uint64_t old, young, blob, since, state0;
	struct blob_info info;
	struct row_email row;
	union msg m;

	(void)state;
	begin(CONTENT_ALL, 30, 0);
	dated(inbox, 1, 28);
	dated(inbox, 2, 10);
	position(inbox, 3, 1, 1, true);
	for (int i = 0; i < 2; i++) {
		assert_non_null(next_told(&far_imap, MSG_body_want, &m));
		send_message_body(far_imap.c, &(struct msg_message_body){ .mailbox = inbox, .uid = m.body_want.uid,
		    .data = slice_str(head_of(m.body_want.uid, m.body_want.uid == 1 ? 28 : 10)) }, -1);
		turns();
	}
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

/* Widened while what had to go was still going: what went is fetched again. */
static void
test_widened_meanwhile(void **state)
{
	struct msg_mailbox_bound b;
	size_t left;

	(void)state;
	narrow();
	tell_narrow();
	for (int i = 0; i < 100 && count() == MANY; i++)
		slice();
	left = count();
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
	narrow();
	tell_narrow();
	for (int i = 0; i < 100 && count() == MANY; i++)
		slice();
	left = count();
	assert_in_range(left, 11, MANY - 1);
	store_close();
	store_open();
	window_sweep_all();
	turns();
	assert_int_equal(count(), 10);
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
	const struct CMUnitTest tests[] = { T(test_meaning), T(test_migration), T(test_by_clock), T(test_too_old_to_come),
		T(test_old_and_known), T(test_slices), T(test_widened_meanwhile), T(test_slices_killed), T(test_needed),
		T(test_two_folders), T(test_folder_leaves), T(test_list_flaps) };

	return cmocka_run_group_tests_name("windows", tests, NULL, NULL);
}

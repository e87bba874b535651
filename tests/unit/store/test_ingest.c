/* The way in: headers, bodies, flags, vanishing, moves, rebuilt folders, the policy. */
#include "ingest.h"
#include "person.h"

static void
test_first_sync(void **state)
{
	uint64_t ids[4];
	struct email e;
	struct slice raw;

	(void)state;
	imap_connect();
	first_sync();
	assert_int_equal(emails(ids, 4), 2);
	assert_true(has_keyword(ids[0], "$seen"));
	assert_false(has_keyword(ids[1], "$seen"));
	assert_int_equal(counts(inbox).total, 2);
	assert_int_equal(counts(inbox).unread, 1);
	assert_int_equal(counts(inbox).total_threads, 2);
	assert_int_equal(counts(inbox).unread_threads, 1);
	assert_int_equal(counts(inbox).uidnext, 3);
	assert_true(email_load(&e, LINK, ids[0]));
	assert_int_equal(e.rec.content_state, CONTENT_STATE_FULL);
	assert_int_equal(blob_get(LINK, e.rec.blob, &raw), 0);
	assert_true(slice_eq_str(raw, M1 "hello\r\n"));
	blob_release(&raw);
	email_free(&e);
}

static void
test_flags(void **state)
{
	uint64_t ids[4], state0;

	(void)state;
	imap_connect();
	first_sync();
	emails(ids, 4);
	state0 = changes_state(LINK, OBJ_EMAIL);
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = inbox, .uid = 2, .flags = slice_str("\\Seen $Forwarded") });
	turns();
	assert_true(has_keyword(ids[1], "$seen"));
	assert_true(has_keyword(ids[1], "$forwarded"));
	assert_int_equal(counts(inbox).unread, 0);
	assert_true(changes_state(LINK, OBJ_EMAIL) > state0);
	/* The same again is no change. */
	state0 = changes_state(LINK, OBJ_EMAIL);
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = inbox, .uid = 2, .flags = slice_str("$Forwarded \\Seen") });
	turns();
	assert_int_equal(changes_state(LINK, OBJ_EMAIL), state0);
	/* \Deleted hides it (RFC 8621 s. 4.1.1), taking it back shows it. */
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = inbox, .uid = 2, .flags = slice_str("\\Deleted") });
	turns();
	assert_false(is_in(ids[1], inbox));
	assert_int_equal(counts(inbox).total, 1);
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = inbox, .uid = 2, .flags = slice_str("\\Seen") });
	turns();
	assert_true(is_in(ids[1], inbox));
	assert_int_equal(counts(inbox).total, 2);
}

static void
test_two_copies(void **state)
{
	uint64_t id;

	(void)state;
	imap_connect();
	opened(inbox, 7);
	opened(archive, 9);
	header(inbox, 1, "\\Seen", M1);
	header(archive, 5, "\\Flagged", M1);
	turns();
	id = only_email();
	assert_true(is_in(id, inbox) && is_in(id, archive));
	assert_false(has_keyword(id, "$seen"));
	assert_true(has_keyword(id, "$flagged"));
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = archive, .uid = 5, .flags = slice_str("\\Seen") });
	turns();
	assert_true(has_keyword(id, "$seen"));
	/* Two UIDs in one folder never merge. */
	header(inbox, 2, "", M1);
	turns();
	uint64_t ids[4];
	assert_int_equal(emails(ids, 4), 2);
}

static void
test_no_message_id(void **state)
{
	uint64_t ids[4];

	(void)state;
	imap_connect();
	opened(inbox, 7);
	opened(archive, 9);
	header(inbox, 1, "", "From: a@x.example\r\n\r\n");
	header(archive, 1, "", "From: a@x.example\r\n\r\n");
	turns();
	assert_int_equal(emails(ids, 4), 2);
}

static void
all_synced(void)
{
	imap_connect();
	first_sync();
	opened(archive, 9);
	synced(archive, 9, 1);
	synced(sent, 3, 1);
	turns();
}

static void
test_foreign_move(void **state)
{
	uint64_t ids[4], before;

	(void)state;
	all_synced();
	emails(ids, 4);
	before = ids[0];
	vanish(inbox, 1);
	synced(inbox, 7, 3);
	turns();
	assert_true(is_in(before, inbox));	/* held: perhaps it was moved */
	header(archive, 1, "\\Seen", M1);
	synced(archive, 9, 2);
	turns();
	assert_int_equal(emails(ids, 4), 2);
	assert_int_equal(ids[0], before);
	assert_true(is_in(before, archive) && !is_in(before, inbox));
	assert_int_equal(counts(inbox).total, 1);
	assert_int_equal(counts(archive).total, 1);
}

/* It was marked as deleted, moved, and is not marked there: it is the same. What
 * did not come back is forgotten like any other. */
static void
test_marked_and_moved(void **state)
{
	struct msg_message_flags marked = { .mailbox = inbox, .flags = slice_str("\\Deleted") };
	uint64_t ids[4], after[4];

	(void)state;
	all_synced();
	assert_int_equal(emails(ids, 4), 2);
	for (marked.uid = 1; marked.uid <= 2; marked.uid++) {
		send_message_flags(far_imap.c, &marked);
		vanish(inbox, marked.uid);
	}
	synced(inbox, 7, 3);
	turns();
	assert_int_equal(counts(inbox).total, 0);
	header(archive, 1, "\\Seen", M1);
	synced(archive, 9, 2);
	synced(sent, 3, 1);
	turns();
	assert_int_equal(emails(after, 4), 1);
	assert_int_equal(after[0], ids[0]);
	assert_true(is_in(ids[0], archive));
	assert_false(table_get(T_email, KEY(email, .account = LINK, .id = ids[1]), NULL));
	assert_int_equal(store_check(not_whole, NULL), 0);
}

/* Something vanishes from the folder to which a message was moved, before what
 * is new there has come; again is a connection that ends in between. */
static void
moved_before_vanish(bool again)
{
	uint64_t ids[4], before;

	imap_connect();
	first_sync();
	opened(archive, 9);
	synced(archive, 9, 1);
	turns();
	emails(ids, 4);
	before = ids[0];
	vanish(inbox, 1);
	if (!again)
		send_mailbox_open(far_imap.c,
		    &(struct msg_mailbox_open){ .mailbox = archive, .uidvalidity = 9, .uidnext = 2 });
	vanish(archive, 7);
	if (again) {
		(void)found("INBOX", MBOX_INBOX, true);
		(void)found("Sent", MBOX_SENT, true);
		(void)found("Archive", MBOX_ARCHIVE, true);
		send_mailbox_list_end(far_imap.c, &(struct msg_mailbox_list_end){ .count = 3 });
	}
	synced(inbox, 7, 3);
	synced(sent, 3, 1);
	turns();
	header(archive, 1, "\\Seen", M1);
	synced(archive, 9, 2);
	turns();
	assert_int_equal(emails(ids, 4), 2);
	assert_int_equal(ids[0], before);
	assert_true(is_in(before, archive) && !is_in(before, inbox));
}

static void
test_moved_before_vanish(void **state)
{
	(void)state;
	moved_before_vanish(false);
}

static void
test_moved_before_cut(void **state)
{
	(void)state;
	moved_before_vanish(true);
}

static void
test_foreign_delete(void **state)
{
	uint64_t ids[4];

	(void)state;
	imap_connect();
	first_sync();
	synced(archive, 9, 1);
	synced(sent, 3, 1);
	turns();
	vanish(inbox, 1);
	synced(inbox, 7, 3);
	turns();
	assert_int_equal(emails(ids, 4), 2);
	/* Looked at as far as UID 4 of 9: the rest may still bring it. */
	send_mailbox_open(far_imap.c, &(struct msg_mailbox_open){ .mailbox = archive, .uidvalidity = 9, .uidnext = 10 });
	synced(archive, 9, 5);
	synced(sent, 3, 1);
	turns();
	assert_int_equal(emails(ids, 4), 2);
	/* All folders were looked at since: at once, whatever the clock says. */
	synced(archive, 9, 10);
	turns();
	assert_int_equal(emails(ids, 4), 1);
	assert_int_equal(counts(inbox).total, 1);
}

static void
test_present(void **state)
{
	struct wbuf w = { 0 };
	uint64_t ids[4];

	(void)state;
	imap_connect();
	first_sync();
	w_u32(&w, 2);
	w_u32(&w, 9);
	send_uids_present(far_imap.c,
	    &(struct msg_uids_present){ .mailbox = inbox, .low = 1, .high = UINT32_MAX, .ranges = wbuf_slice(&w) });
	wbuf_free(&w);
	turns();
	age_held();
	synced(inbox, 7, 3);
	synced(archive, 9, 1);
	synced(sent, 3, 1);
	turns();
	assert_int_equal(emails(ids, 4), 1);
}

static void
test_uidvalidity(void **state)
{
	uint64_t ids[4], again[4], state0;

	(void)state;
	imap_connect();
	first_sync();
	assert_int_equal(emails(ids, 4), 2);
	state0 = changes_state(LINK, OBJ_EMAIL);
	opened(inbox, 8);
	header(inbox, 101, "\\Seen", M1);
	header(inbox, 102, "", M2);
	synced(inbox, 8, 103);
	turns();
	assert_int_equal(emails(again, 4), 2);
	assert_int_equal(again[0], ids[0]);
	assert_int_equal(again[1], ids[1]);
	assert_int_equal(changes_state(LINK, OBJ_EMAIL), state0);	/* nothing that an ATS would see */
	assert_int_equal(counts(inbox).uidvalidity, 8);
	/* And one that does not come back is gone in the end. */
	opened(inbox, 9);
	header(inbox, 201, "\\Seen", M1);
	synced(inbox, 9, 202);
	turns();
	age_held();
	synced(inbox, 9, 202);
	synced(archive, 9, 1);
	synced(sent, 3, 1);
	turns();
	assert_int_equal(emails(again, 4), 1);
	assert_int_equal(again[0], ids[0]);
}

/* A thread over two folders: counts of both follow it. */
static void
test_thread_counts(void **state)
{
	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	opened(archive, 9);
	header(archive, 1, "\\Seen", M1);
	header(inbox, 1, "", "From: b@x.example\r\nMessage-ID: r1@x.example\r\nIn-Reply-To: m1@x.example\r\n\r\n");
	turns();
	assert_int_equal(counts(archive).unread, 0);
	assert_int_equal(counts(archive).unread_threads, 1);	/* RFC 8621 s. 2: anywhere in the thread */
	assert_int_equal(counts(inbox).total_threads, 1);
	send_message_flags(far_imap.c,
	    &(struct msg_message_flags){ .mailbox = inbox, .uid = 1, .flags = slice_str("\\Seen") });
	turns();
	assert_int_equal(counts(archive).unread_threads, 0);
	assert_int_equal(counts(inbox).unread, 0);
}

static void
test_policy_matched(void **state)
{
	struct rec_correspondent r = { .kind = PERSON_CANDIDATE, .name = slice_str("A") };
	struct wbuf list = { 0 };
	uint64_t ids[4];
	union msg m;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_MATCHED);
	list_add(&list, slice_str("a@x.example"));
	r.emails = wbuf_slice(&list);
	by_hand = true;
	row_correspondent_put(KEY(correspondent, .id = 99), &r);
	table_put_u64(T_address, KEY(address, .address = slice_str("a@x.example"), .id = 99), PERSON_CANDIDATE);
	db_turn_end();
	wbuf_free(&list);
	imap_connect();
	first_sync();
	assert_int_equal(emails(ids, 4), 2);
	assert_null(next_told(&far_imap, MSG_body_want, &m));
	struct email e;
	assert_true(email_load(&e, LINK, ids[0]));
	assert_int_equal(e.rec.content_state, CONTENT_STATE_FULL);
	email_free(&e);
	assert_true(email_load(&e, LINK, ids[1]));
	assert_int_equal(e.rec.content_state, CONTENT_STATE_HEADER);
	email_free(&e);
}

/* A server that knows its folders by MAILBOXID tells that one has a name now. */
static uint64_t
found_as(const char *id, const char *name)
{
	struct msg_mailbox_found f = { .raw_name = slice_str(name), .name = slice_str(name), .separator = '/',
		.selectable = true, .synced = true, .objectid = slice_str(id) };
	union msg m;

	assert_int_equal(send_mailbox_found(far_imap.c, &f), 0);
	turns();
	assert_non_null(next_told(&far_imap, MSG_mailbox_bound, &m));
	return m.mailbox_bound.mailbox;
}

static void
listed(unsigned int n)
{
	assert_int_equal(send_mailbox_list_end(far_imap.c, &(struct msg_mailbox_list_end){ .count = n }), 0);
	turns();
}

static uint64_t
parent_in_store(uint64_t id)
{
	struct row_mailbox row;
	uint64_t parent;

	assert_true(row_mailbox_get(&row, KEY(mailbox, .account = LINK, .id = id)));
	parent = row.rec.parent;
	row_mailbox_free(&row);
	return parent;
}

/* Two folders change their names: each keeps its number, and what is below them is found. */
static void
test_names_swapped(void **state)
{
	uint64_t a, b, below;

	(void)state;
	imap_connect();
	a = found_as("A", "one");
	b = found_as("B", "two");
	below = found_as("C", "two/below");
	listed(3);
	assert_int_equal(parent_in_store(below), b);
	assert_int_equal(found_as("A", "two"), a);
	/* The list may break off here. */
	assert_int_equal(store_check(not_whole, NULL), 0);
	assert_int_equal(found_as("B", "one"), b);
	assert_int_equal(found_as("C", "two/below"), below);
	listed(3);
	assert_int_equal(parent_in_store(below), a);
	assert_int_equal(store_check(not_whole, NULL), 0);
	assert_int_equal(found("two", MBOX_NONE, true), a);
	assert_int_equal(found("one", MBOX_NONE, true), b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_first_sync, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flags, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_message_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_move, setup, teardown),
		cmocka_unit_test_setup_teardown(test_marked_and_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_before_vanish, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moved_before_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(test_foreign_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_present, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uidvalidity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_matched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names_swapped, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

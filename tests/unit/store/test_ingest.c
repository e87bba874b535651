/* The way in: headers, bodies, flags, vanishing, moves, rebuilt folders, restarts. */
#include "mail.h"
#include "person.h"

#define M1 "From: a@x.example\r\nTo: " OWN "\r\nMessage-ID: m1@x.example\r\n\r\n"
#define M2 "From: b@x.example\r\nTo: " OWN "\r\nMessage-ID: m2@x.example\r\n\r\n"

static void
answer_bodies(void)
{
	union msg m;

	turns();
	while (next_told(&far_imap, MSG_body_want, &m) != NULL) {
		struct msg_message_body b = { .mailbox = m.body_want.mailbox, .uid = m.body_want.uid,
			.data = m.body_want.uid == 1 ? slice_str(M1 "hello\r\n") : slice_str(M2 "hello\r\n") };

		assert_int_equal(send_message_body(far_imap.c, &b, -1), 0);
		turns();
	}
}

static void
first_sync(void)
{
	opened(inbox, 7);
	header(inbox, 1, "\\Seen", M1);
	header(inbox, 2, "", M2);
	synced(inbox, 7, 3);
	turns();
	answer_bodies();
}

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
vanish(uint64_t mailbox, uint32_t uid)
{
	struct wbuf w = { 0 };

	w_u32(&w, uid);
	w_u32(&w, uid);
	send_uids_vanished(far_imap.c, &(struct msg_uids_vanished){ .mailbox = mailbox, .ranges = wbuf_slice(&w) });
	wbuf_free(&w);
}

/* Pretend that what is held has been held for a while. */
static void
age_held(void)
{
	struct scan s;
	struct slice key;
	struct key_held k;

	scan_prefix(&s, T_held, PREFIX(held, 1, .account = LINK), false);
	while (scan_next(&s, &key, NULL))
		if (key_held_read(key, &k) == 0)
			table_put_u64(T_held, KEY(held, .account = k.account, .email = k.email), 1000);
	db_turn_end();
}

static void
test_foreign_move(void **state)
{
	uint64_t ids[4], before;

	(void)state;
	imap_connect();
	first_sync();
	opened(archive, 9);
	synced(archive, 9, 1);
	synced(sent, 3, 1);
	turns();
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
	turns();
	assert_int_equal(emails(ids, 4), 2);
	age_held();
	synced(inbox, 7, 3);
	synced(archive, 9, 1);
	synced(sent, 3, 1);
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

static void
test_restart_in_the_middle(void **state)
{
	uint64_t ids[4], again[4];
	union msg m;

	(void)state;
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	turns();
	assert_int_equal(emails(ids, 4), 1);
	store_close();	/* before the position and the body */
	store_open();
	imap_connect();
	assert_int_equal(counts(inbox).uidnext, 0);
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	header(inbox, 2, "", M2);
	synced(inbox, 7, 3);
	answer_bodies();
	assert_int_equal(emails(again, 4), 2);
	assert_int_equal(again[0], ids[0]);
	imap_lost();
	imap_connect();
	(void)m;
	assert_int_equal(counts(inbox).uidnext, 3);
	assert_false(table_get(T_want, KEY(want, .account = LINK, .email = ids[0]), NULL));
}

static void
test_poison(void **state)
{
	uint64_t ids[4];
	struct email e;

	(void)state;
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	header(inbox, 2, "", "From: a@x.example\r\nSubject: POISON\r\n\r\n");
	header(inbox, 3, "", M2);
	synced(inbox, 7, 4);
	turns();
	turns();
	assert_int_equal(mime_deaths, 3);
	assert_int_equal(emails(ids, 4), 3);
	assert_true(email_load(&e, LINK, ids[1]));
	assert_int_equal(e.rec.content_state, CONTENT_STATE_QUARANTINED);
	email_free(&e);
	assert_int_equal(counts(inbox).uidnext, 4);	/* the cursor moved on */
}

static void
test_parser_dies_once(void **state)
{
	uint64_t ids[4];

	(void)state;
	imap_connect();
	mime_die_next = true;
	first_sync();
	turns();
	assert_int_equal(mime_deaths, 1);
	assert_int_equal(emails(ids, 4), 2);
}

/* Three parsers died, then the store: the verdict stands. */
static void
test_poison_known(void **state)
{
	uint64_t ids[4];

	(void)state;
	imap_connect();
	opened(inbox, 7);
	turns();
	table_put_u64(T_tries, KEY(tries, .account = LINK, .mailbox = inbox, .uid = 1), 3);
	db_turn_end();
	header(inbox, 1, "", "From: a@x.example\r\nSubject: POISON\r\n\r\n");
	header(inbox, 2, "", M2);
	turns();
	assert_int_equal(mime_deaths, 0);
	assert_int_equal(emails(ids, 4), 2);
}

/* A turn that cannot be stored never happened: the worker starts over. */
static void
test_disk_full(void **state)
{
	uint64_t ids[4];
	union msg m;

	(void)state;
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	db_fail("test");
	db_turn_end();
	turns();
	assert_null(imap_session_of(LINK));
	assert_true(far_imap.gone);
	assert_non_null(next_told(&far_master, MSG_worker_stop, &m));
	assert_int_equal(m.worker_stop.role, ROLE_IMAP);
	assert_int_equal(emails(ids, 4), 0);
	imap_connect();
	first_sync();
	assert_int_equal(emails(ids, 4), 2);
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

/* Beyond max-storage headers come in; contents wait until there is room. */
static void
test_storage_full(void **state)
{
	uint8_t *noise = malloc(1 << 20);
	uint64_t ids[4], hog;
	struct email e;
	union msg m;

	(void)state;
	randombytes_buf(noise, 1 << 20);
	link_put(MODE_TWO_WAY, CONTENT_ALL);
	store.max_storage = 1;
	hog = blob_put(LINK, slice_mem(noise, 1 << 20), SLICE_NONE, 1, 0);
	db_turn_end();
	imap_connect();
	first_sync();
	assert_int_equal(emails(ids, 4), 2);
	assert_true(email_load(&e, LINK, ids[0]));
	assert_int_equal(e.rec.content_state, CONTENT_STATE_HEADER);
	email_free(&e);
	blob_unref(LINK, hog);
	imap_session_of(LINK)->pump_after = 0;	/* LIM_FULL_REST_SECONDS are over */
	imap_drain_later();
	turns();
	assert_non_null(next_told(&far_imap, MSG_body_want, &m));
	store.max_storage = 0;
	free(noise);
}

static void
test_folder_gone(void **state)
{
	uint64_t ids[4];

	(void)state;
	imap_connect();
	opened(archive, 9);
	header(archive, 1, "", M1);
	synced(archive, 9, 2);
	turns();
	assert_int_equal(emails(ids, 4), 1);
	imap_lost();
	static const struct chan_peer peer = { .role = ROLE_IMAP, .unit = LINK };
	imap_peer(&peer, far_open(&far_imap, ROLE_IMAP));
	turns();
	inbox = found("INBOX", MBOX_INBOX, true);
	send_mailbox_list_end(far_imap.c, &(struct msg_mailbox_list_end){ .count = 1 });
	turns();
	assert_false(mailbox_exists(LINK, archive));
	age_held();
	synced(inbox, 7, 1);
	turns();
	assert_int_equal(emails(ids, 4), 0);
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
		cmocka_unit_test_setup_teardown(test_foreign_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_present, setup, teardown),
		cmocka_unit_test_setup_teardown(test_uidvalidity, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restart_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poison, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parser_dies_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poison_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_thread_counts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_matched, setup, teardown),
		cmocka_unit_test_setup_teardown(test_storage_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_gone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

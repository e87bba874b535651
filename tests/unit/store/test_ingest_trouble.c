/* The way in when something fails: restarts, parsers that die, a full disk, a folder that is gone. */
#include "ingest.h"

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
	imap_drain_of(LINK);
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
		cmocka_unit_test_setup_teardown(test_restart_in_the_middle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poison, setup, teardown),
		cmocka_unit_test_setup_teardown(test_parser_dies_once, setup, teardown),
		cmocka_unit_test_setup_teardown(test_poison_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_disk_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_storage_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_folder_gone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Limits of the way in, on both sides of each: bodies, parsers, what vanished, addresses. */
#include "limits_stage.h"
#include "rows.h"

static void
refuse_body(uint32_t uid, const char *code)
{
	send_message_body(far_imap.c,
	    &(struct msg_message_body){ .mailbox = inbox, .uid = uid, .code = slice_str(code) }, -1);
	turns();
}

/* limit: LIM_BODIES_ASKED LIM_BODIES_BYTES */
static void
test_bodies(void **state)
{
	(void)state;
	imap_connect();
	opened(inbox, 7);
	for (uint32_t uid = 1; uid <= LIM_BODIES_ASKED + 1; uid++) {
		sized(uid, 100);
		turns();
	}
	assert_int_equal(count_told(&far_imap, MSG_body_want), LIM_BODIES_ASKED);
	for (uint32_t uid = 1; uid <= LIM_BODIES_ASKED + 1; uid++)
		refuse_body(uid, "sync.item_empty");
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
	refuse_body(LIM_BODIES_ASKED + 1, "sync.item_empty");
	/* Two that fill it, and two that are one byte more. */
	sized(1001, LIM_BODIES_BYTES / 2);
	sized(1002, LIM_BODIES_BYTES / 2);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 2);
	refuse_body(1001, "sync.item_empty");
	refuse_body(1002, "sync.item_empty");
	sized(1003, LIM_BODIES_BYTES / 2);
	sized(1004, LIM_BODIES_BYTES / 2 + 1);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
	refuse_body(1003, "sync.item_empty");
	refuse_body(1004, "sync.item_empty");
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
}

/* limit: LIM_FOLDER_REST_SECONDS LIM_PARSE_TRIES */
static void
test_refused_bodies(void **state)
{
	(void)state;
	imap_connect();
	opened(inbox, 7);
	sized(1, 100);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
	refuse_body(1, "sync.folder_denied");
	pass((LIM_FOLDER_REST_SECONDS - 3) * 1000);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 0);
	pass(5000);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
	/* Reasons that may pass: so many times and not once more. */
	for (int i = 1; i <= LIM_PARSE_TRIES; i++) {
		refuse_body(1, "sync.gone");
		pass(5000);
		assert_int_equal(count_told(&far_imap, MSG_body_want), i < LIM_PARSE_TRIES);
	}
}

/* limit: LIM_FULL_REST_SECONDS: when there is room again it goes on by itself. */
static void
test_full(void **state)
{
	static uint8_t noise[1 << 20];
	uint64_t hog;

	(void)state;
	randombytes_buf(noise, sizeof(noise));
	store.max_storage = 1;
	hog = blob_put(LINK, slice_mem(noise, sizeof(noise)), SLICE_NONE, 1, 0);
	db_turn_end();
	imap_connect();
	opened(inbox, 7);
	sized(1, 100);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 0);
	blob_unref(LINK, hog);
	db_turn_end();
	pass((LIM_FULL_REST_SECONDS - 3) * 1000);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 0);
	pass(5000);
	imap_drain_of(LINK);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
	store.max_storage = 0;
}

/* limit: LIM_MIME_TRIES LIM_MIME_SECONDS */
static void
test_parsers(void **state)
{
	uint64_t ids[4];
	struct email e;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	/* Two deaths are forgiven. */
	sized(1, 100);
	for (unsigned int i = 1; i < LIM_MIME_TRIES; i++) {
		mime_die_next = true;
		while (mime_deaths < i)
			turn();
	}
	turns();
	assert_int_equal(emails(ids, 4), 1);
	assert_true(email_load(&e, LINK, ids[0]));
	assert_int_equal(e.rec.content_state, CONTENT_STATE_HEADER);
	email_free(&e);
	header(inbox, 2, "", FROM "Subject: POISON\r\n\r\n");
	turns();
	assert_int_equal(mime_deaths, 2 * LIM_MIME_TRIES - 1);
	assert_int_equal(emails(ids, 4), 2);
	assert_true(email_load(&e, LINK, ids[1]));
	assert_int_equal(e.rec.content_state, CONTENT_STATE_QUARANTINED);
	email_free(&e);
	/* One that does not answer. */
	mime_hangs = true;
	sized(3, 100);
	turns();
	pass((LIM_MIME_SECONDS - 2) * 1000);
	assert_int_equal(count_told(&far_master, MSG_stuck), 0);
	mime_hangs = false;
	pass(4000);
	assert_int_equal(count_told(&far_master, MSG_stuck), 1);
	assert_int_equal(emails(ids, 4), 3);
}

/* Its answers to those before it are lost with a parser: only the last is to blame. */
static void
test_innocent(void **state)
{
	uint64_t ids[8];
	unsigned int quarantined = 0;
	struct email e;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	mime_deaths = 0;
	mime_gathers = true;
	for (uint32_t uid = 1; uid <= 4; uid++)
		sized(uid, 100);
	header(inbox, 5, "", FROM "Subject: POISON\r\n\r\n");
	sized(6, 100);
	turns();
	turns();
	mime_gathers = false;
	assert_int_equal(emails(ids, 8), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_true(email_load(&e, LINK, ids[i]));
		quarantined += e.rec.content_state == CONTENT_STATE_QUARANTINED;
		email_free(&e);
	}
	assert_int_equal(quarantined, 1);
	assert_in_range(mime_deaths, LIM_MIME_TRIES, LIM_MIME_TRIES + 4);
}

/* limit: LIM_MIME_BATCH: so many messages see one parser, and no more. */
static void
test_batch(void **state)
{
	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	for (uint32_t uid = 1; uid <= LIM_MIME_BATCH + 20; uid++) {
		sized(uid, 100);
		if (uid % 20 == 0)
			turns();
	}
	turns();
	assert_int_equal(mime_parses, LIM_MIME_BATCH + 20);
	assert_int_equal(mime_most, LIM_MIME_BATCH);
}

static void
whole(uint32_t uid, size_t n)
{
	struct msg_message_body m = { .mailbox = inbox, .uid = uid };
	uint8_t *p = calloc(1, n);
	int fd = body_put(slice_mem(p, n), &m.data);

	assert_int_not_equal(fd, -2);
	assert_int_equal(send_message_body(far_imap.c, &m, fd), 0);
	free(p);
	turns();
}

/* Four messages are known; the parser answers nothing any more. */
static void
hung_parser(void)
{
	imap_connect();
	opened(inbox, 7);
	for (uint32_t uid = 1; uid <= 4; uid++)
		sized(uid, 100);
	turns();
	mime_hangs = true;
	mime_parses = 0;
}

/* It is replaced, and what it had is parsed. */
static void
hung_over(void)
{
	mime_hangs = false;
	pass((LIM_MIME_SECONDS + 4) * 1000);
}

/* limit: LIM_MIME_WINDOW_BYTES: what a parser is given that answers nothing. */
static void
test_window(void **state)
{
	(void)state;
	hung_parser();
	whole(1, LIM_MIME_WINDOW_BYTES / 2);
	whole(2, LIM_MIME_WINDOW_BYTES / 2);
	assert_int_equal(mime_parses, 2);
	whole(3, 1);
	assert_int_equal(mime_parses, 2);
	hung_over();
}

/* One alone may be larger. */
static void
test_window_of_one(void **state)
{
	(void)state;
	hung_parser();
	whole(1, 2 * LIM_MIME_WINDOW_BYTES);
	whole(2, 1);
	assert_int_equal(mime_parses, 1);
	hung_over();
}

/* ---- what vanished ---- */

static void
one_vanishes(void)
{
	struct wbuf w = { 0 };
	uint64_t ids[2];

	header(inbox, 1, "", FROM "\r\n");
	synced(inbox, 7, 2);
	turns();
	assert_int_equal(emails(ids, 2), 1);
	w_u32(&w, 1);
	w_u32(&w, 1);
	send_uids_vanished(far_imap.c, &(struct msg_uids_vanished){ .mailbox = inbox, .ranges = wbuf_slice(&w) });
	wbuf_free(&w);
	synced(inbox, 7, 2);
	turns();
}

/* limit: LIM_HOLD_SECONDS: Archive and Sent are not looked at, so it may be there. */
static void
test_held(void **state)
{
	uint64_t ids[2];

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	send_sync_progress(far_imap.c, &(struct msg_sync_progress){ .phase = PHASE_LIVE });
	one_vanishes();
	time_pass(LIM_HOLD_SECONDS * 1000 - 500);
	turns();
	assert_int_equal(emails(ids, 2), 1);
	time_pass(4000);	/* whole seconds are counted, and a margin */
	turns();
	assert_int_equal(emails(ids, 2), 0);
	/* While the first sync runs, those folders may be hours away. */
	send_sync_progress(far_imap.c, &(struct msg_sync_progress){ .phase = PHASE_HEADERS });
	one_vanishes();
	time_pass(10 * LIM_HOLD_SECONDS * 1000);
	turns();
	assert_int_equal(emails(ids, 2), 1);
}

/* ---- addresses ---- */

static size_t
found_by_address(void)
{
	return rows_of(T_byaddress, PREFIX(byaddress, 1, .account = LINK));
}

/* A message of so many addresses: From has the first ones, To the rest. */
static void
of_many(uint32_t uid, unsigned int from, unsigned int to)
{
	struct wbuf w = { 0 };
	char line[64];

	for (unsigned int i = 0; i < from + to; i++) {
		int n = snprintf(line, sizeof(line), "%s: a%u.%u@x.example\r\n", i < from ? "From" : "To", uid, i);

		w_raw(&w, line, (size_t)n);
	}
	w_raw(&w, "\r\n", 3);
	header(inbox, uid, "", (const char *)w.p);
	wbuf_free(&w);
	turns();
}

/* limit: LIM_INDEXED_ADDRESSES: the database is whole (see teardown) on both sides. */
static void
test_addresses(void **state)
{
	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	of_many(1, 1, LIM_INDEXED_ADDRESSES - 1);
	assert_int_equal(found_by_address(), LIM_INDEXED_ADDRESSES);
	of_many(2, LIM_INDEXED_ADDRESSES - 10, 11);
	assert_int_equal(found_by_address(), 2 * LIM_INDEXED_ADDRESSES);
	synced(inbox, 7, 3);
	turns();
}

/* By every name but that of the server, the same. */
static void
alike(uint64_t mailbox, uint32_t uid)
{
	struct msg_message_header h = { .mailbox = mailbox, .uid = uid, .internaldate = 1700000000, .size = 100,
		.header = slice_str(FROM "Message-ID: same@x.example\r\n\r\n") };

	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
	if (uid % 16 == 0)
		turns();
}

/* limit: LIM_ALIKE: as many of one folder are found again in another; one more is an email of its own. */
static void
test_alike(void **state)
{
	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	for (uint32_t uid = 1; uid <= LIM_ALIKE + 1; uid++)
		alike(inbox, uid);
	synced(inbox, 7, LIM_ALIKE + 2);
	opened(archive, 9);
	for (uint32_t uid = 1; uid <= LIM_ALIKE; uid++)
		alike(archive, uid);
	turns();
	assert_int_equal(rows_in(T_email), LIM_ALIKE + 1);
	alike(archive, LIM_ALIKE + 1);
	turns();
	assert_int_equal(rows_in(T_email), LIM_ALIKE + 2);
	synced(archive, 9, LIM_ALIKE + 2);
	turns();
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_bodies), T(test_refused_bodies), T(test_full), T(test_parsers),
		T(test_innocent), T(test_batch), T(test_window), T(test_window_of_one), T(test_held), T(test_addresses),
		T(test_alike) };

	return cmocka_run_group_tests_name("store limits in", tests, NULL, NULL);
}

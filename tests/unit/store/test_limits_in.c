/* Limits of the way in, on both sides of each: bodies and parsers. */
#include "mail_time.h"

#define FROM "From: a@x.example\r\n"

static size_t
count_told(struct far *f, enum msg_type type)
{
	union msg m;
	size_t n = 0;

	turns();
	while (next_told(f, type, &m) != NULL)
		n++;
	return n;
}

static void
sized(uint32_t uid, uint32_t size)
{
	char text[100];
	struct msg_message_header h = { .mailbox = inbox, .uid = uid, .internaldate = 1700000000, .size = size };

	(void)snprintf(text, sizeof(text), FROM "Message-ID: s%u@x.example\r\n\r\n", uid);
	h.header = slice_str(text);
	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
}

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
	for (uint32_t uid = 1; uid <= LIM_BODIES_ASKED + 1; uid++)
		sized(uid, 100);
	assert_int_equal(count_told(&far_imap, MSG_body_want), LIM_BODIES_ASKED);
	for (uint32_t uid = 1; uid <= LIM_BODIES_ASKED + 1; uid++)
		refuse_body(uid, "sync.item_empty");
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
	refuse_body(LIM_BODIES_ASKED + 1, "sync.item_empty");
	/* Two that fill it, and two that are one byte more. */
	sized(101, LIM_BODIES_BYTES / 2);
	sized(102, LIM_BODIES_BYTES / 2);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 2);
	refuse_body(101, "sync.item_empty");
	refuse_body(102, "sync.item_empty");
	sized(103, LIM_BODIES_BYTES / 2);
	sized(104, LIM_BODIES_BYTES / 2 + 1);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 1);
	refuse_body(103, "sync.item_empty");
	refuse_body(104, "sync.item_empty");
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
	imap_drain_later();
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

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_bodies), T(test_refused_bodies), T(test_full), T(test_parsers),
		T(test_batch) };

	return cmocka_run_group_tests_name("store limits in", tests, NULL, NULL);
}

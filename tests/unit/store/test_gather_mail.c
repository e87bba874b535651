/*
 * Contents of old mail share commits; the last of them waits for no other.
 */
#include "limits_stage.h"

static void
old_header(uint32_t uid)
{
	char text[100];
	struct msg_message_header h = { .mailbox = inbox, .uid = uid, .internaldate = 1700000000, .size = 100,
		.backfill = true };

	(void)snprintf(text, sizeof(text), FROM "Message-ID: g%u@x.example\r\n\r\n", uid);
	h.header = slice_str(text);
	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
	turns();
}

/* Handled by the parser and the store, in no time. */
static void
old_body(uint32_t uid)
{
	struct msg_message_body b = { .mailbox = inbox, .uid = uid };
	char text[100];

	(void)snprintf(text, sizeof(text), FROM "Message-ID: g%u@x.example\r\n\r\ntext\r\n", uid);
	b.data = slice_str(text);
	assert_int_equal(send_message_body(far_imap.c, &b, -1), 0);
	for (int i = 0; i < 20; i++)
		turn();
}

/* As who reads sees it. */
static unsigned int
committed_bodies(void)
{
	unsigned int full = 0;
	uint64_t ids[4];
	struct email e;

	db_view();
	for (size_t i = emails(ids, 4); i-- > 0;) {
		assert_true(email_load(&e, LINK, ids[i]));
		full += e.rec.content_state == CONTENT_STATE_FULL;
		email_free(&e);
	}
	db_view_end();
	return full;
}

static void
the_last_body_is_committed_at_once(void **state)
{
	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_ALL);
	imap_connect();
	opened(inbox, 7);
	for (uint32_t uid = 1; uid <= 3; uid++)
		old_header(uid);
	assert_int_equal(count_told(&far_imap, MSG_body_want), 3);
	turn_end = db_iteration_end;
	old_body(1);
	old_body(2);
	assert_int_equal(committed_bodies(), 0);
	old_body(3);
	assert_int_equal(committed_bodies(), 3);
	turn_end = db_turn_end;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_last_body_is_committed_at_once, setup, teardown) };

	return cmocka_run_group_tests_name("store gathers mail", tests, NULL, NULL);
}

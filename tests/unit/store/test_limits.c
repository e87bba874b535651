/* Limits of what the ATS may ask of the mail half, on both sides of each. */
#include "limits_stage.h"

static void
answers(size_t *good, size_t *refused)
{
	union msg m;

	*good = *refused = 0;
	for (int i = 0; i < 20; i++)
		turns();
	while (next_told(&far_ats, MSG_set_done, &m) != NULL) {
		*good += m.set_done.error.n == 0;
		*refused += slice_eq_str(m.set_done.error, "serverUnavailable");
	}
}

static void
make_drafts(size_t n)
{
	struct wbuf from = { 0 }, a = { 0 }, boxes = { 0 }, d = { 0 };
	struct rec_draft r = { .sent_at = 1700000000 };
	union msg m;
	int fd = -1;

	rec_address_encode(&a, &(struct rec_address){ .email = slice_str(OWN) });
	list_add(&from, wbuf_slice(&a));
	r.from = r.to = wbuf_slice(&from);
	rec_draft_encode(&d, &r);
	ids_add(&boxes, drafts);
	for (uint32_t i = 0; i < n; i++) {
		m.email_create = (struct msg_email_create){ .req = i, .account = LINK, .keywords = slice_str("$draft"),
			.mailboxes = wbuf_slice(&boxes), .draft = wbuf_slice(&d) };
		assert_int_equal(email_on_create(near_ats, &m, &fd), 0);
	}
	wbuf_free(&from);
	wbuf_free(&a);
	wbuf_free(&boxes);
	wbuf_free(&d);
}

static void
submit(uint64_t email, const char *key)
{
	struct rec_submission r = { .email = email, .idempotency_key = slice_str(key) };
	struct wbuf w = { 0 };
	union msg m;
	int fd = -1;

	rec_submission_encode(&w, &r);
	m.submission_set = (struct msg_submission_set){ .req = 1, .account = LINK, .action = SET_CREATE,
		.record = wbuf_slice(&w) };
	assert_int_equal(submit_on_set(near_ats, &m, &fd), 0);
	wbuf_free(&w);
}

/* limit: LIM_DRAFTS_MAKING LIM_SNAPSHOTS LIM_SAME_KEY */
static void
test_at_once(void **state)
{
	size_t good, refused;
	uint64_t ids[LIM_DRAFTS_MAKING];
	char key[32];

	(void)state;
	imap_connect();
	make_drafts(LIM_DRAFTS_MAKING + 1);
	answers(&good, &refused);
	assert_int_equal(refused, 1);
	assert_int_equal(good, LIM_DRAFTS_MAKING);
	assert_int_equal(emails(ids, LIM_DRAFTS_MAKING), LIM_DRAFTS_MAKING);
	for (int i = 0; i <= LIM_SAME_KEY; i++)
		submit(ids[0], "the same");
	answers(&good, &refused);
	assert_int_equal(refused, 1);
	assert_int_equal(good, LIM_SAME_KEY);
	for (int i = 0; i <= LIM_SNAPSHOTS; i++) {
		(void)snprintf(key, sizeof(key), "key %d", i);
		submit(ids[1], key);
	}
	answers(&good, &refused);
	assert_int_equal(refused, 1);
	assert_int_equal(good, LIM_SNAPSHOTS);
}

/* limit: LIM_CONTENT_WAITING LIM_CONTENT_SECONDS */
static void
test_content(void **state)
{
	union msg m = { .email_content = { .account = LINK, .id = one_header() } };
	size_t good, refused;
	int fd = -1;

	(void)state;
	/* One that waits for a body that does not come. */
	assert_int_equal(email_on_content(near_ats, &m, &fd), 0);
	pass((LIM_CONTENT_SECONDS - 2) * 1000);
	assert_int_equal(count_told(&far_ats, MSG_set_done), 0);
	pass(3000);
	assert_int_equal(count_told(&far_ats, MSG_set_done), 1);
	for (m.email_content.req = 0; m.email_content.req < LIM_CONTENT_WAITING; m.email_content.req++)
		assert_int_equal(email_on_content(near_ats, &m, &fd), 0);
	answers(&good, &refused);
	assert_int_equal(good + refused, 0);
	assert_int_equal(email_on_content(near_ats, &m, &fd), 0);
	answers(&good, &refused);
	assert_int_equal(refused, 1);
	/* An ats-worker that is gone leaves its places to the next one, and hears no more. */
	email_forget(near_ats);
	for (m.email_content.req = 0; m.email_content.req < LIM_CONTENT_WAITING; m.email_content.req++)
		assert_int_equal(email_on_content(near_ats, &m, &fd), 0);
	answers(&good, &refused);
	assert_int_equal(good + refused, 0);
	email_forget(near_ats);
	pass((LIM_CONTENT_SECONDS + 2) * 1000);
	answers(&good, &refused);
	assert_int_equal(good + refused, 0);
}

/* limit: LIM_EMAIL_MAILBOXES */
static void
test_mailboxes(void **state)
{
	struct msg_email_update u = { .req = 1, .account = LINK, .id = one_header() };
	struct wbuf add = { 0 };
	uint64_t last = 0;
	char name[16];

	(void)state;
	for (int i = 0; i < LIM_EMAIL_MAILBOXES; i++) {
		(void)snprintf(name, sizeof(name), "Box%d", i);
		last = found(name, MBOX_NONE, false);
		if (i + 1 < LIM_EMAIL_MAILBOXES)
			ids_add(&add, last);
	}
	u.mailboxes_add = wbuf_slice(&add);
	assert_int_equal(send_email_update(far_ats.c, &u), 0);	/* with its inbox: so many */
	assert_int_equal(answer_of(1).error.n, 0);
	wbuf_reset(&add);
	ids_add(&add, last);
	u.req = 2;
	u.mailboxes_add = wbuf_slice(&add);
	assert_int_equal(send_email_update(far_ats.c, &u), 0);
	assert_true(slice_eq_str(answer_of(2).error, "invalidProperties"));
	wbuf_free(&add);
}

/* One of the longest domain fits, a longer one is none. */
static void
test_message_id(void **state)
{
	char address[LIM_ADDRESS + 1] = "a@", id[MSGID_SIZE];

	(void)state;
	memset(address + 2, 'd', LIM_HOST);
	assert_int_equal(submit_msgid_make(slice_str(address), id), 0);
	assert_int_equal(strlen(id), MSGID_SIZE - 1);
	address[2 + LIM_HOST] = 'd';
	assert_int_equal(submit_msgid_make(slice_str(address), id), -1);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_at_once), T(test_content), T(test_mailboxes), T(test_message_id) };

	return cmocka_run_group_tests_name("store limits", tests, NULL, NULL);
}

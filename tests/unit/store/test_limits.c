/* Limits of the mail half, on both sides of each. Time is our own. */
#include "mail.h"

#include "../own_time.h"

#define FROM "From: a@x.example\r\n"

/* The wall clock goes with it, and who waits moves both. */
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

static void
pass(uint64_t ms)
{
	if (ms > 2000)
		time_pass(ms - 2000);
	turns_for(ms > 2000 ? 2000 : (unsigned int)ms);
}

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

static size_t
smtp_asked_for(void)
{
	union msg m;
	size_t n = 0;

	turn();
	while (next_told(&far_master, MSG_worker_start, &m) != NULL)
		n += m.worker_start.role == ROLE_SMTP;
	return n;
}

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

/* ---- the queue ---- */

static uint64_t
queued(uint32_t attempts, uint64_t age)
{
	static uint64_t next = 1000;
	struct wbuf w = { 0 }, list = { 0 };
	struct rec_submission r = { .created_at = store_past() - age, .send_at = store_past() - age,
		.state = SUB_SENDING, .attempts = attempts, .undo = UNDO_FINAL };

	rec_rcpt_encode(&w, &(struct rec_rcpt){ .email = slice_str("c@x.example"), .state = RCPT_PENDING });
	list_add(&list, wbuf_slice(&w));
	r.rcpts = wbuf_slice(&list);
	by_hand = true;
	row_submission_put(KEY(submission, .account = LINK, .id = ++next), &r);
	wbuf_free(&w);
	wbuf_free(&list);
	return next;
}

/* Seconds until the next try after this answer; the state into *state. */
static uint64_t
answered(uint64_t id, enum send_result result, uint16_t reply, uint8_t *state)
{
	struct send_answer a = { .result = result, .reply = reply };
	struct submission s;
	uint64_t wait;

	assert_true(submission_load(&s, LINK, id));
	submit_answered(&s, &a);
	wait = s.row.rec.next_try - store_now();
	*state = s.row.rec.state;
	submission_free(&s);
	return wait;
}

/* limit: LIM_SUBMIT_RETRY_FIRST LIM_SUBMIT_RETRY_MAX LIM_SUBMIT_RETRY_DEATH LIM_SUBMIT_SECONDS */
static void
test_tries(void **state)
{
	uint64_t want = LIM_SUBMIT_RETRY_FIRST, death = LIM_SUBMIT_RETRY_DEATH;
	uint8_t s;

	(void)state;
	for (uint32_t n = 1; n < 20; n++) {
		assert_int_equal(answered(queued(n, 0), SEND_TEMP, 451, &s), want);
		assert_int_equal(s, SUB_QUEUED);
		assert_int_equal(answered(queued(n, 0), SEND_TEMP, 0, &s), death);
		want = want * 2 < LIM_SUBMIT_RETRY_MAX ? want * 2 : LIM_SUBMIT_RETRY_MAX;
		death = death * 2 < LIM_SUBMIT_RETRY_MAX ? death * 2 : LIM_SUBMIT_RETRY_MAX;
	}
	assert_int_equal(want, LIM_SUBMIT_RETRY_MAX);
	(void)answered(queued(3, LIM_SUBMIT_SECONDS), SEND_TEMP, 451, &s);
	assert_int_equal(s, SUB_QUEUED);
	(void)answered(queued(3, LIM_SUBMIT_SECONDS + 1), SEND_TEMP, 451, &s);
	assert_int_equal(s, SUB_FAILED);
}

static size_t
reviews(void)
{
	struct scan s;
	struct slice key;
	size_t n = 0;

	scan_prefix(&s, T_review, PREFIX(review, 0, .id = 0), false);
	while (scan_next(&s, &key, NULL))
		n++;
	scan_end(&s);
	return n;
}

/* limit: LIM_SUBMIT_REVIEW_SECONDS */
static void
test_review(void **state)
{
	uint64_t id = queued(1, 0);
	uint8_t s;

	(void)state;
	assert_int_equal(answered(id, SEND_UNCERTAIN, 0, &s), LIM_SUBMIT_REVIEW_SECONDS);
	assert_int_equal(s, SUB_UNCERTAIN);
	submit_schedule();
	time_pass((LIM_SUBMIT_REVIEW_SECONDS - 1) * 1000);
	assert_int_equal(reviews(), 0);
	time_pass(2000);
	assert_int_equal(reviews(), 1);
}

/* limit: LIM_SENDER_START_SECONDS LIM_SENDER_WAIT_SECONDS */
static void
test_starts_of_senders(void **state)
{
	unsigned int wait = 0;

	(void)state;
	(void)smtp_asked_for();
	sender_want(LINK);
	assert_int_equal(smtp_asked_for(), 1);
	time_pass(LIM_SENDER_START_SECONDS * 1000 - 1000);
	sender_want(LINK);
	assert_int_equal(smtp_asked_for(), 0);
	time_pass(1000);
	sender_want(LINK);
	assert_int_equal(smtp_asked_for(), 1);
	for (int fails = 0; fails < 12; fails++) {
		sender_gone(LINK);
		if (wait > 0) {
			time_pass(wait * 1000 - 1000);
			sender_want(LINK);
			assert_int_equal(smtp_asked_for(), 0);
			time_pass(1000);
		}
		sender_want(LINK);
		assert_int_equal(smtp_asked_for(), 1);
		wait = wait == 0 ? 2 : wait * 2 < LIM_SENDER_WAIT_SECONDS ? wait * 2 : LIM_SENDER_WAIT_SECONDS;
	}
}

/* ---- what the ATS asks for ---- */

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

/* An email with its header only. */
static uint64_t
one_header(void)
{
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", FROM "Message-ID: m1@x.example\r\n\r\n");
	synced(inbox, 7, 2);
	turns();
	link_put(MODE_TWO_WAY, CONTENT_ALL);
	turns();
	return only_email();
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
	email_forget(near_ats);	/* 4096 more answers: not into our list */
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

/* limit: LIM_OUR_MESSAGE_ID: one of the longest domain fits, a longer one is none. */
static void
test_message_id(void **state)
{
	char address[LIM_ADDRESS + 1] = "a@", id[LIM_OUR_MESSAGE_ID];

	(void)state;
	memset(address + 2, 'd', LIM_HOST);
	assert_int_equal(submit_msgid_make(slice_str(address), id), 0);
	assert_true(strlen(id) < LIM_OUR_MESSAGE_ID);
	address[2 + LIM_HOST] = 'd';
	assert_int_equal(submit_msgid_make(slice_str(address), id), -1);
}

/* ---- bodies ---- */

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

/* ---- write-back ---- */

static void
seen(uint64_t id)
{
	struct msg_email_update u = { .req = 1, .account = LINK, .id = id, .keywords_add = slice_str("$seen") };

	assert_int_equal(send_email_update(far_ats.c, &u), 0);
	assert_int_equal(answer_of(1).error.n, 0);
}

static uint64_t
next_op(void)
{
	union msg m;

	turns();
	return next_told(&far_imap, MSG_op, &m) != NULL ? m.op.op : 0;
}

/* It comes again after so long, and not before. */
static uint64_t
op_after(unsigned int seconds)
{
	uint64_t op;

	pass((seconds - 1) * 1000 - 200);	/* whole seconds are counted */
	assert_int_equal(next_op(), 0);
	pass(2500);
	op = next_op();
	assert_int_not_equal(op, 0);
	return op;
}

/* limit: LIM_JOURNAL_WAIT_SECONDS LIM_JOURNAL_GONE_SECONDS LIM_JOURNAL_GONE_TRIES */
static void
test_journal_waits(void **state)
{
	uint64_t op, id = one_header();

	(void)state;
	seen(id);
	pass(1500);
	op = next_op();
	assert_int_not_equal(op, 0);
	for (unsigned int i = 1; i < 11; i++) {
		op_answer(op, OP_RETRY, 0, 0);
		op = op_after(i < 8 ? 1u << i : LIM_JOURNAL_WAIT_SECONDS);
	}
	op_answer(op, OP_OK, 0, 0);
	assert_int_equal(pending_count(), 0);
}

static void
test_journal_gone(void **state)
{
	uint64_t op, id = one_header();

	(void)state;
	seen(id);
	pass(1500);
	op = next_op();
	for (int i = 1; i < LIM_JOURNAL_GONE_TRIES; i++) {
		op_answer(op, OP_GONE, 0, 0);
		assert_int_equal(pending_count(), 1);
		op = op_after(LIM_JOURNAL_GONE_SECONDS);
	}
	op_answer(op, OP_GONE, 0, 0);
	assert_int_equal(pending_count(), 0);
}

/* limit: LIM_JOURNAL_WINDOW */
static void
test_journal_window(void **state)
{
	uint64_t ids[LIM_JOURNAL_WINDOW + 1], op = 0;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	for (uint32_t uid = 1; uid <= LIM_JOURNAL_WINDOW + 1; uid++)
		sized(uid, 100);
	turns();
	assert_int_equal(emails(ids, LIM_JOURNAL_WINDOW + 1), LIM_JOURNAL_WINDOW + 1);
	for (size_t i = 0; i <= LIM_JOURNAL_WINDOW; i++)
		seen(ids[i]);
	pass(1500);
	for (size_t i = 0; i < LIM_JOURNAL_WINDOW; i++)
		assert_int_not_equal(op = next_op(), 0);
	assert_int_equal(next_op(), 0);
	op_answer(op, OP_OK, 0, 0);
	pass(1500);
	assert_int_not_equal(next_op(), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_tries), T(test_review), T(test_starts_of_senders), T(test_at_once),
		T(test_content), T(test_mailboxes), T(test_message_id), T(test_bodies), T(test_refused_bodies),
		T(test_full), T(test_parsers), T(test_batch), T(test_journal_waits), T(test_journal_gone), T(test_journal_window) };

	return cmocka_run_group_tests_name("store limits", tests, NULL, NULL);
}

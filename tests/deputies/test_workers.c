/*
 * Workers that were taken over, at the real store: an imapd-worker that names
 * another link's mailbox or pending operation, a smtp-worker another's message,
 * a mime-worker another's request, an ats-worker ids of another account. Each
 * is refused, both sides are in the log, and the other link goes on.
 * limit: LIM_STRAYS
 */
#include "store_stage.h"

static struct session one, two;

static int
setup(void **state)
{
	uint32_t a, b;

	store_setup(state);
	a = link_made("rec@agency.example");
	b = link_made("other@agency.example");
	session_open(&one, a);
	session_open(&two, b);
	header(&one.imap, one.inbox, 1, CANDIDATE, "rec@agency.example");
	header(&two.imap, two.inbox, 1, CANDIDATE, "other@agency.example");
	wait_emails(a, 1);
	wait_emails(b, 1);
	return 0;
}

static int
teardown(void **state)
{
	player_leave(&one.imap);
	player_leave(&two.imap);
	return store_teardown(state);
}

/* ---- an imapd-worker ---- */

static void
send_about(struct player *imap, int which, uint64_t mailbox)
{
	static const uint8_t range[8] = { 1, 0, 0, 0, 9, 0, 0, 0 };
	struct slice ranges = slice_mem(range, 8);

	switch (which) {
	case 0:
		(void)send_mailbox_open(imap->chan, &(struct msg_mailbox_open){ .mailbox = mailbox, .uidvalidity = 77 });
		break;
	case 1:
		header(imap, mailbox, 5, "evil@x.example", "rec@agency.example");
		break;
	case 2:
		(void)send_message_flags(imap->chan, &(struct msg_message_flags){ .mailbox = mailbox, .uid = 1,
			.flags = slice_str("\\Deleted") });
		break;
	case 3:
		(void)send_uids_present(imap->chan, &(struct msg_uids_present){ .mailbox = mailbox, .low = 1,
			.high = UINT32_MAX });
		break;
	case 4:
		(void)send_uids_vanished(imap->chan, &(struct msg_uids_vanished){ .mailbox = mailbox, .ranges = ranges });
		break;
	case 5:
		(void)send_mailbox_synced(imap->chan, &(struct msg_mailbox_synced){ .mailbox = mailbox, .uidvalidity = 9,
			.uidnext = 4000000, .complete = true });
		break;
	case 6:
		(void)send_message_body(imap->chan, &(struct msg_message_body){ .mailbox = mailbox, .uid = 1,
			.data = slice_str("From: x\r\n\r\nforged") }, -1);
		break;
	default:
		(void)send_sync_error(imap->chan, &(struct msg_sync_error){ .mailbox = mailbox,
			.code = slice_str("sync.folder_missing") });
	}
}
#define ABOUTS 8

/* The first link's mail is as it was, and it goes on. */
static void
first_is_well(size_t mails, uint32_t uid)
{
	assert_int_equal(emails(one.link), mails);
	header(&one.imap, one.inbox, uid, CANDIDATE, "rec@agency.example");
	wait_emails(one.link, mails + 1);
	player_trusted(&one.imap);
}

static void
anothers_mailbox(void **state)
{
	char line[128];

	(void)state;
	for (int i = 0; i < ABOUTS; i++) {
		stage_log_forget(&store);
		send_about(&two.imap, i, one.inbox);
		player_broken(&store, &two.imap);
		snprintf(line, sizeof(line), "unit=%u mailbox=%llu link=%u", two.link, (unsigned long long)one.inbox, one.link);
		stage_logged(&store, "a worker names what is not its link's role=imapd-worker", line);
		player_leave(&two.imap);
		session_open(&two, two.link);	/* the master starts a fresh one */
	}
	assert_int_equal(emails(two.link), 1);
	first_is_well(1, 2);
}

/* What no link has may have been deleted: it is passed over, but not for ever. */
static void
mailboxes_of_nobody(void **state)
{
	uint64_t nobody = 1u << 20;

	(void)state;
	stage_log_forget(&store);
	for (unsigned int i = 0; i < LIM_STRAYS; i++) {
		(void)send_mailbox_open(two.imap.chan, &(struct msg_mailbox_open){ .mailbox = nobody + i, .uidvalidity = 1 });
		if (i % 32 == 0)
			turn();
	}
	assert_int_equal(emails(two.link), 1);
	player_trusted(&two.imap);
	assert_in_range(stage_log_count(&store, "a worker names what is not its link's"), 1, 10);
	header(&two.imap, two.inbox, 2, CANDIDATE, "other@agency.example");
	wait_emails(two.link, 2);
	send_about(&two.imap, 0, nobody);
	player_broken(&store, &two.imap);
	stage_logged(&store, "a worker names what is not its link's role=imapd-worker", "reason=of no link");
	first_is_well(1, 2);
}

static uint64_t
pending_of_one(void)
{
	uint64_t id[16];
	union msg m;

	assert_int_equal(ids_of(one.link, OBJ_EMAIL, id), 1);
	assert_int_equal(send_email_update(ats.chan, &(struct msg_email_update){ .req = ++last_req, .account = one.link,
		.id = id[0], .keywords_add = slice_str("$flagged") }), 0);
	assert_string_equal(set_answer(last_req, NULL), "");
	do
		told(&one.imap, MSG_op, &m);
	while (m.op.kind != OP_FLAGS);
	return m.op.op;
}

static void
anothers_operation(void **state)
{
	uint64_t op;

	(void)state;
	(void)send_message_flags(one.imap.chan, &(struct msg_message_flags){ .mailbox = one.inbox, .uid = 1 });
	op = pending_of_one();
	(void)send_op_done(two.imap.chan, &(struct msg_op_done){ .op = op, .result = OP_OK });
	player_broken(&store, &two.imap);
	stage_logged(&store, "a worker names what is not its link's role=imapd-worker", "reason=of another link");
	/* It is still pending, and its own worker's answer counts. */
	player_leave(&one.imap);
	session_open(&one, one.link);
	{
		union msg m;

		told(&one.imap, MSG_op, &m);
		assert_true(m.op.op == op);
		(void)send_op_done(one.imap.chan, &(struct msg_op_done){ .op = op, .result = OP_OK });
	}
	first_is_well(1, 2);
}

/* ---- a smtp-worker ---- */

static void
smtp_says(struct player *p, int which, uint64_t sub)
{
	if (which == 0)
		(void)send_send_rcpt(p->chan, &(struct msg_send_rcpt){ .submission = sub, .reply = 550 });
	else if (which == 1)
		(void)send_data_sent(p->chan, &(struct msg_data_sent){ .submission = sub });
	else
		(void)send_send_done(p->chan, &(struct msg_send_done){ .submission = sub, .result = SEND_PERM, .reply = 550 });
}

static void
anothers_message(void **state)
{
	struct player mine, thief;
	uint64_t sub = submitted(&one, "rec@agency.example", 0);
	char line[128];
	union msg m;

	(void)state;
	do
		told(&store.master, MSG_worker_start, &m);
	while (m.worker_start.role != ROLE_SMTP);
	assert_int_equal(m.worker_start.unit, one.link);
	stage_wire(&store, &mine, ROLE_SMTP, "agency", one.link, "");
	told(&mine, MSG_send_item, &m);
	assert_true(m.send_item.submission == sub);
	snprintf(line, sizeof(line), "unit=%u submission=%llu link=%u", two.link, (unsigned long long)sub, one.link);
	for (int i = 0; i < 3; i++) {
		stage_log_forget(&store);
		stage_wire(&store, &thief, ROLE_SMTP, "agency", two.link, "");
		told(&thief, MSG_send_config, &m);
		smtp_says(&thief, i, sub);
		player_broken(&store, &thief);
		stage_logged(&store, "a worker names what is not its link's role=smtp-worker", line);
		player_leave(&thief);
	}
	/* The message is where it was: its own worker sends it. */
	smtp_says(&mine, 1, sub);
	told(&mine, MSG_data_go, &m);
	assert_true(m.data_go.submission == sub);
	(void)send_send_done(mine.chan, &(struct msg_send_done){ .submission = sub, .result = SEND_OK, .reply = 250 });
	told(&mine, MSG_send_quit, &m);
	player_leave(&mine);
}

/* ---- a mime-worker ---- */

static void
anothers_request(void **state)
{
	struct player *first = NULL, *second = NULL;
	struct msg_parse q[2] = { { .req = 0 }, { .req = 0 } };
	union msg m;

	(void)state;
	for (size_t i = 0; i < MIMES; i++) {	/* fresh ones, bound to no link */
		player_leave(&mimes[i]);
		stage_wire(&store, &mimes[i], ROLE_MIME, "agency", 0, "");
	}
	mimes_work = false;
	header(&one.imap, one.inbox, 2, CANDIDATE, "rec@agency.example");
	header(&two.imap, two.inbox, 2, CANDIDATE, "other@agency.example");
	for (int i = 0; first == NULL || second == NULL; i++) {
		assert_true(i < 1000);
		stage_turn(10);
		for (size_t k = 0; k < MIMES; k++)
			if (player_has(&mimes[k], MSG_parse, &m)) {
				if (memmem(m.parse.data.p, m.parse.data.n, "rec@agency", 10) != NULL) {
					first = &mimes[k];
					q[0] = m.parse;
				} else {
					second = &mimes[k];
					q[1] = m.parse;
				}
			}
	}
	assert_ptr_not_equal(first, second);
	stage_log_forget(&store);
	q[1].req = q[0].req;
	mime_parse_answer(second, &q[1]);
	player_broken(&store, second);
	stage_logged(&store, "a mime-worker answers what it was not asked", "link=");
	assert_int_equal(emails(one.link), 1);
	mime_parse_answer(first, &q[0]);	/* the honest answer still counts */
	mimes_work = true;
	wait_emails(one.link, 2);
	wait_emails(two.link, 2);	/* by a fresh worker */
}

/* ---- an ats-worker ---- */

static void
refused_get(uint32_t account, enum obj_type type, uint64_t id)
{
	struct wbuf ids = { .max = 0 };
	union msg m;

	ids_add(&ids, id);
	assert_int_equal(send_get(ats.chan, &(struct msg_get){ .req = ++last_req, .account = account, .type = (uint8_t)type,
		.ids = wbuf_slice(&ids) }), 0);
	wbuf_free(&ids);
	told(&ats, MSG_get_done, &m);
	assert_true(m.get_done.error.n > 0 || ids_count(m.get_done.not_found) == 1);
	assert_false(player_has(&ats, MSG_row, &m));
}

static void
blob_is_absent(uint32_t account, enum blob_kind kind, uint64_t id)
{
	union msg m;

	assert_int_equal(send_blob_get(ats.chan, &(struct msg_blob_get){ .req = ++last_req, .account = account,
		.kind = (uint8_t)kind, .id = id }), 0);
	told(&ats, MSG_blob_data, &m);
	assert_true(m.blob_data.error.n > 0 && m.blob_data.data.n == 0);
}

/* By raw messages, past everything that its own code checks. */
static void
anothers_ids(void **state)
{
	const uint32_t accounts[] = { two.link, 4711, UINT32_MAX, UNIT_PROBE | 1 };
	uint64_t email[16], sub = submitted(&one, "rec@agency.example", 0), blob;
	union msg m;

	(void)state;
	assert_int_equal(send_blob_put(ats.chan, &(struct msg_blob_put){ .req = ++last_req, .account = one.link,
		.type = slice_str("text/plain"), .data = slice_str("only for one") }, -1), 0);
	assert_string_equal(set_answer(last_req, &blob), "");
	assert_true(ids_of(one.link, OBJ_EMAIL, email) >= 1);
	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
		uint32_t a = accounts[i];

		refused_get(a, OBJ_EMAIL, email[0]);
		refused_get(a, OBJ_MAILBOX, one.inbox);
		refused_get(a, OBJ_SUBMISSION, sub);
		blob_is_absent(a, BLOB_RAW, blob);
		blob_is_absent(a, BLOB_PART, email[0]);
		blob_is_absent(a, BLOB_TEXT, email[0]);
		(void)send_email_update(ats.chan, &(struct msg_email_update){ .req = ++last_req, .account = a, .id = email[0],
			.keywords_add = slice_str("$stolen") });
		assert_string_not_equal(set_answer(last_req, NULL), "");
		(void)send_email_destroy(ats.chan, &(struct msg_email_destroy){ .req = ++last_req, .account = a,
			.id = email[0] });
		assert_string_not_equal(set_answer(last_req, NULL), "");
		(void)send_email_content(ats.chan, &(struct msg_email_content){ .req = ++last_req, .account = a,
			.id = email[0] });
		assert_string_not_equal(set_answer(last_req, NULL), "");
		(void)send_submission_set(ats.chan, &(struct msg_submission_set){ .req = ++last_req, .account = a, .id = sub,
			.action = SET_DESTROY });
		assert_string_not_equal(set_answer(last_req, NULL), "");
	}
	/* One link's mail into another's folder, and the other way round. */
	{
		struct wbuf boxes = { .max = 0 };

		ids_add(&boxes, two.inbox);
		(void)send_email_update(ats.chan, &(struct msg_email_update){ .req = ++last_req, .account = one.link,
			.id = email[0], .set_mailboxes = true, .mailboxes = wbuf_slice(&boxes) });
		assert_string_not_equal(set_answer(last_req, NULL), "");
		wbuf_free(&boxes);
	}
	refused_get(ACCOUNT_ATS, OBJ_LINK, 4711);
	(void)send_link_set(ats.chan, &(struct msg_link_set){ .req = ++last_req, .id = 4711, .action = SET_DESTROY });
	assert_string_equal(set_answer(last_req, NULL), "notFound");
	refused_get(one.link, OBJ_CORRESPONDENT, email[0]);
	assert_int_equal(send_blob_get(ats.chan, &(struct msg_blob_get){ .req = ++last_req, .account = one.link,
		.kind = BLOB_RAW, .id = blob }), 0);
	told(&ats, MSG_blob_data, &m);
	assert_true(slice_eq_str(m.blob_data.data, "only for one"));
	player_trusted(&ats);
}

int
main(int argc, char **argv)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(anothers_mailbox), T(mailboxes_of_nobody), T(anothers_operation),
		T(anothers_message), T(anothers_request), T(anothers_ids) };

	(void)argc;
	stage_init(argv[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

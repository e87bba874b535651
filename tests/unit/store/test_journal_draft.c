/* Write-back of drafts: appended, cut off, refused. */
#include "journal_stage.h"

static void
test_draft(void **state)
{
	union msg m;
	uint64_t op;
	struct told *t;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	assert_true(is_in(id, drafts) && has_keyword(id, "$draft"));
	turns();
	t = next_told(&far_imap, MSG_op, &m);
	assert_non_null(t);
	op = m.op.op;
	assert_int_equal(m.op.kind, OP_APPEND);
	assert_true(slice_eq_str(m.op.flags_add, "\\Draft \\Seen"));
	assert_true(t->body.data.n > 0);
	op_answer(op, OP_OK, 5, 77);
	assert_int_equal(pending_count(), 0);
	assert_true(is_in(id, drafts));
	/* Deleted, it is expunged by the UID that the append told. */
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 2, .account = LINK, .id = id });
	assert_int_equal(answer_of(2).error.n, 0);
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.uid, 77);
}

static void
test_append_cut_off(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	next_op(OP_APPEND, &m);
	imap_lost();
	store_close();
	store_open();
	imap_connect();
	op = next_op(OP_FIND, &m);	/* never appended blindly again */
	op_answer(op, OP_OK, 5, 0);
	op = next_op(OP_APPEND, &m);
	op_answer(op, OP_OK, 5, 78);
	assert_int_equal(pending_count(), 0);
	assert_int_equal(only_email(), id);
}

static void
test_append_refused(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	op = next_op(OP_APPEND, &m);
	op_answer(op, OP_REFUSED, 0, 0);
	assert_int_equal(pending_count(), 1);	/* it waits */
	assert_true(is_in(id, drafts));	/* nothing that was written is lost */
}

static void
named(uint64_t mailbox, uint32_t uid, const char *emailid, uint64_t gm_msgid, const char *text)
{
	assert_int_equal(send_message_header(far_imap.c, &(struct msg_message_header){ .mailbox = mailbox, .uid = uid,
	    .internaldate = 1700000000 + uid, .size = 100 + uid, .header = slice_str(text),
	    .emailid = slice_str(emailid), .gm_msgid = gm_msgid }, -1), 0);
	turns();
}

/* What the server calls a draft is told after its UID: by that name it is known in other folders, whatever else is
 * told of it there. */
static void
names_learned(const char *emailid, uint64_t gm_msgid)
{
	union msg m;

	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	op_answer(next_op(OP_APPEND, &m), OP_OK, 5, 77);
	opened(drafts, 5);
	named(drafts, 77, emailid, gm_msgid, "Subject: draft\r\n\r\n");
	opened(archive, 9);
	named(archive, 3, emailid, gm_msgid, "Subject: another\r\n\r\n");
	assert_int_equal(only_email(), id);
	assert_true(is_in(id, drafts) && is_in(id, archive));
}

static void
test_emailid_learned(void **state)
{
	(void)state;
	names_learned("M77", 0);
}

static void
test_gm_msgid_learned(void **state)
{
	(void)state;
	names_learned("", 1278455344230334865);
}

/* A copy that was known by what it is tells its name: by that the next one is known. */
static void
test_learned_with_copy(void **state)
{
	(void)state;
	one_message();
	opened(archive, 9);
	assert_int_equal(send_message_header(far_imap.c, &(struct msg_message_header){ .mailbox = archive, .uid = 3,
	    .internaldate = 1700000000, .size = sizeof(M1) - 1 + 7, .header = slice_str(M1),
	    .emailid = slice_str("M1") }, -1), 0);
	turns();
	assert_int_equal(only_email(), id);
	opened(drafts, 5);
	named(drafts, 4, "M1", 0, "Subject: another\r\n\r\n");
	assert_int_equal(only_email(), id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_draft, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_emailid_learned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gm_msgid_learned, setup, teardown),
		cmocka_unit_test_setup_teardown(test_learned_with_copy, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

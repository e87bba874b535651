/* Write-back of drafts: appended, cut off, refused. */
#include "journal_stage.h"

/* ---- drafts ---- */
static uint64_t
draft(uint32_t req, uint64_t mailbox)
{
	struct wbuf from = { 0 }, a = { 0 }, boxes = { 0 }, d = { 0 };
	struct rec_draft r = { .sent_at = 1700000000 };
	struct msg_set_done done;

	rec_address_encode(&a, &(struct rec_address){ .email = slice_str(OWN) });
	list_add(&from, wbuf_slice(&a));
	r.from = wbuf_slice(&from);
	rec_draft_encode(&d, &r);
	ids_add(&boxes, mailbox);
	send_email_create(far_ats.c,
	    &(struct msg_email_create){ .req = req, .account = LINK, .keywords = slice_str("$draft $seen"),
		.mailboxes = wbuf_slice(&boxes), .draft = wbuf_slice(&d) },
	    -1);
	wbuf_free(&from);
	wbuf_free(&a);
	wbuf_free(&boxes);
	wbuf_free(&d);
	done = answer_of(req);
	assert_int_equal(done.error.n, 0);
	assert_true(done.blob != 0 && done.thread != 0 && done.size > 0);
	return done.id;
}

static void
test_draft(void **state)
{
	union msg m;
	uint64_t op;
	struct told *t;

	(void)state;
	imap_connect();
	id = draft(1, drafts);
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
	id = draft(1, drafts);
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
	id = draft(1, drafts);
	op = next_op(OP_APPEND, &m);
	op_answer(op, OP_REFUSED, 0, 0);
	assert_int_equal(pending_count(), 0);
	assert_true(is_in(id, drafts));	/* nothing that was written is lost */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_draft, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_cut_off, setup, teardown),
		cmocka_unit_test_setup_teardown(test_append_refused, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Write-back that the server refuses: a person is told, nothing that was written is lost. */
#include "journal_stage.h"

#include "review.h"

static void
refuse(uint64_t op, const char *code)
{
	assert_int_equal(send_op_done(far_imap.c,
			     &(struct msg_op_done){ .op = op, .result = OP_REFUSED, .code = slice_str(code),
				 .detail = slice_str("as the server says") }),
	    0);
	turns();
}

/* The only review; of this email. */
static struct rec_review
review_of(uint64_t email)
{
	static struct row_review row;
	struct key_review k;
	struct slice key;
	struct scan s;

	row_review_free(&row);
	scan_prefix(&s, T_review, PREFIX(review, 0, .id = 0), false);
	assert_true(scan_next(&s, &key, NULL) && key_review_read(key, &k) == 0);
	assert_true(row_review_get(&row, KEY(review, .id = k.id)));
	assert_false(scan_next(&s, &key, NULL));
	scan_end(&s);
	assert_int_equal(row.rec.email, email);
	return row.rec;
}

static void
test_told(void **state)
{
	struct rec_review r;
	uint64_t state0;
	union msg m;

	(void)state;
	one_message();
	assert_int_equal(move(1, inbox, archive).error.n, 0);
	refuse(next_op(OP_MOVE, &m), "sync.mailbox_full");
	assert_true(is_in(id, inbox) && !is_in(id, archive));
	r = review_of(id);
	assert_int_equal(r.reason, REVIEW_CHANGE_REFUSED);
	assert_int_equal(r.change, OP_MOVE);
	assert_int_equal(r.mailbox, archive);
	assert_true(slice_eq_str(r.code, "sync.mailbox_full") && slice_eq_str(r.detail, "as the server says"));
	assert_int_equal(r.resolution, RESOLVE_NONE);
	assert_false(review_waits(LINK, id));	/* it keeps nothing in the window */
	/* Refused again for another reason: the same review says so. */
	state0 = changes_state(ACCOUNT_ATS, OBJ_REVIEW);
	assert_int_equal(move(2, inbox, archive).error.n, 0);
	refuse(next_op(OP_MOVE, &m), "sync.folder_denied");
	assert_true(slice_eq_str(review_of(id).code, "sync.folder_denied"));
	assert_true(changes_state(ACCOUNT_ATS, OBJ_REVIEW) > state0);
	/* Done after all: it closes by itself. */
	assert_int_equal(move(3, inbox, archive).error.n, 0);
	op_answer(next_op(OP_MOVE, &m), OP_OK, 9, 4);
	assert_int_equal(review_of(id).resolution, RESOLVE_DISCARD);
}

/* The email is gone: nobody needs to know any more. */
static void
test_closed_with_email(void **state)
{
	union msg m;

	(void)state;
	one_message();
	update(1, "$work", "");
	refuse(next_op(OP_FLAGS, &m), "sync.keyword_refused");
	assert_int_equal(review_of(id).resolution, RESOLVE_NONE);
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 2, .account = LINK, .id = id });
	assert_int_equal(answer_of(2).error.n, 0);
	op_answer(next_op(OP_EXPUNGE, &m), OP_OK, 0, 0);
	assert_int_equal(review_of(id).resolution, RESOLVE_DISCARD);
}

/* ---- drafts ---- */

/* A draft that the server does not take stays here, can be changed and is taken later. */
static void
test_kept_here(void **state)
{
	union msg m;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	update(2, "$work", "");	/* goes nowhere before the append ends */
	refuse(next_op(OP_APPEND, &m), "sync.mailbox_full");
	assert_int_equal(review_of(id).change, OP_APPEND);
	no_op();
	assert_int_equal(pending_count(), 1);	/* it waits */
	assert_true(is_in(id, drafts) && has_keyword(id, "$work"));
	update(3, "$flagged", "");
	assert_true(has_keyword(id, "$flagged"));
	refuse(next_op(OP_APPEND, &m), "sync.mailbox_full");	/* changed, so tried; nothing to search there */
	no_op();
	for (int i = 0; i < 3; i++) {
		synced(drafts, 5, 1);
		turns();
	}
	assert_true(is_in(id, drafts));
	assert_int_equal(move(4, drafts, archive).error.n, 0);
	(void)next_op(OP_APPEND, &m);
	assert_int_equal(m.op.mailbox, archive);
	op_answer(m.op.op, OP_OK, 9, 4);
	assert_true(is_in(id, archive) && !is_in(id, drafts));
	assert_int_equal(review_of(id).resolution, RESOLVE_DISCARD);
}

/* It was to be moved before its append was refused: then it is to be appended there. */
static void
test_kept_and_moved(void **state)
{
	union msg m;
	uint64_t op;

	(void)state;
	imap_connect();
	id = draft_in(1, drafts, NULL, NULL, NULL);
	op = next_op(OP_APPEND, &m);
	assert_int_equal(move(2, drafts, archive).error.n, 0);
	refuse(op, "sync.folder_missing");
	(void)next_op(OP_APPEND, &m);
	assert_int_equal(m.op.mailbox, archive);
	refuse(m.op.op, "sync.folder_missing");
	no_op();
	assert_true(is_in(id, archive));
	/* Destroyed, it is gone: the server has nothing of it. */
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 3, .account = LINK, .id = id });
	assert_int_equal(answer_of(3).error.n, 0);
	no_op();
	assert_false(is_in(id, archive));
	assert_int_equal(pending_count(), 0);
}

/* The folder it is kept in goes: it goes to another. */
static void
test_kept_elsewhere(void **state)
{
	union msg m;

	(void)state;
	imap_connect();
	id = draft_in(1, archive, NULL, NULL, NULL);
	refuse(next_op(OP_APPEND, &m), "sync.mailbox_full");
	assert_true(is_in(id, archive));
	bind_lost(LINK, archive, id);
	db_turn_end();
	assert_true(is_in(id, drafts) && !is_in(id, archive));
	op_answer(next_op(OP_APPEND, &m), OP_OK, 5, 4);
	assert_int_equal(m.op.mailbox, drafts);
	assert_int_equal(pending_count(), 0);
	assert_int_equal(review_of(id).resolution, RESOLVE_DISCARD);
}

/* Another draft takes the place of one that is at the server. */
static uint64_t
replaced(uint64_t *old)
{
	union msg m;

	imap_connect();
	*old = draft_in(1, drafts, NULL, NULL, NULL);
	op_answer(next_op(OP_APPEND, &m), OP_OK, 5, 77);
	id = draft_in(2, drafts, NULL, NULL, NULL);
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 3, .account = LINK, .id = *old });
	assert_int_equal(answer_of(3).error.n, 0);
	assert_false(is_in(*old, drafts));
	return next_op(OP_APPEND, &m);
}

/* The old one goes when the new one is there, whatever dies meanwhile. */
static void
test_replaced(void **state)
{
	uint64_t old, op;
	union msg m;

	(void)state;
	op = replaced(&old);
	no_op();
	imap_lost();
	store_close();
	store_open();
	imap_connect();
	assert_int_equal(next_op(OP_FIND, &m), op);	/* the new one; the old one waits */
	no_op();
	op_answer(op, OP_OK, 5, 0);
	assert_int_equal(next_op(OP_APPEND, &m), op);
	no_op();
	op_answer(op, OP_OK, 5, 78);
	op = next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.uid, 77);
	op_answer(op, OP_OK, 0, 0);
	assert_int_equal(only_email(), id);
	assert_int_equal(pending_count(), 0);
}

/* The new one can never be taken: the old one stays. */
static void
test_not_replaced(void **state)
{
	uint64_t old;

	(void)state;
	refuse(replaced(&old), "sync.append_too_large");
	no_op();
	assert_int_equal(pending_count(), 0);
	assert_int_equal(reviews(), 2);	/* neither is as the ATS wants it */
	assert_true(is_in(old, drafts) && is_in(id, drafts));
}

/* It is refused for now: the old one stays at the server until it is taken. */
static void
test_replaced_later(void **state)
{
	uint64_t old;
	union msg m;

	(void)state;
	refuse(replaced(&old), "sync.mailbox_full");
	no_op();
	assert_true(is_in(id, drafts) && !is_in(old, drafts));
	update(4, "$flagged", "");
	op_answer(next_op(OP_APPEND, &m), OP_OK, 5, 78);
	op_answer(next_op(OP_EXPUNGE, &m), OP_OK, 0, 0);
	assert_int_equal(m.op.uid, 77);
	assert_int_equal(pending_count(), 0);
	assert_int_equal(only_email(), id);
}

/* ---- folders that are read-only ---- */

static void
test_read_only(void **state)
{
	(void)state;
	one_message();
	send_mailbox_open(far_imap.c,
	    &(struct msg_mailbox_open){ .mailbox = archive, .uidvalidity = 9, .keywords_any = true, .read_only = true });
	turns();
	assert_true(slice_eq_str(move(1, inbox, archive).error, "forbidden"));
	send_mailbox_open(far_imap.c,
	    &(struct msg_mailbox_open){ .mailbox = inbox, .uidvalidity = 7, .keywords_any = true, .read_only = true });
	turns();
	assert_true(slice_eq_str(move(2, inbox, drafts).error, "forbidden"));
	send_email_update(far_ats.c,
	    &(struct msg_email_update){ .req = 3, .account = LINK, .id = id, .keywords_add = slice_str("$seen") });
	assert_true(slice_eq_str(answer_of(3).error, "forbidden"));
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 4, .account = LINK, .id = id });
	assert_true(slice_eq_str(answer_of(4).error, "forbidden"));
	assert_int_equal(pending_count(), 0);
}

/* What is said again and is so already changes nothing in such a folder. */
static void
test_read_only_unchanged(void **state)
{
	struct wbuf boxes = { .max = 0 };
	union msg m;

	(void)state;
	one_message();
	send_mailbox_open(far_imap.c,
	    &(struct msg_mailbox_open){ .mailbox = inbox, .uidvalidity = 7, .keywords_any = true, .read_only = true });
	turns();
	ids_add(&boxes, inbox);
	send_email_update(far_ats.c, &(struct msg_email_update){ .req = 1, .account = LINK, .id = id,
					 .set_mailboxes = true, .mailboxes = wbuf_slice(&boxes),
					 .keywords_del = slice_str("$flagged") });
	assert_int_equal(answer_of(1).error.n, 0);
	assert_int_equal(pending_count(), 0);
	ids_add(&boxes, archive);
	send_email_update(far_ats.c, &(struct msg_email_update){ .req = 2, .account = LINK, .id = id,
					 .set_mailboxes = true, .mailboxes = wbuf_slice(&boxes) });
	assert_int_equal(answer_of(2).error.n, 0);
	(void)next_op(OP_COPY, &m);
	wbuf_free(&boxes);
}

/* ---- deletions ---- */

/* A server without UIDPLUS may only mark it: it is gone for the ATS, and comes
 * back when somebody takes the mark off. */
static void
test_marked(void **state)
{
	struct msg_message_flags deleted = { .mailbox = inbox, .uid = 1, .flags = slice_str("\\Deleted") };
	union msg m;
	uint64_t op;

	(void)state;
	one_message();
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 1, .account = LINK, .id = id });
	assert_int_equal(answer_of(1).error.n, 0);
	op = next_op(OP_EXPUNGE, &m);
	send_message_flags(far_imap.c, &deleted);
	send_op_done(far_imap.c, &(struct msg_op_done){ .op = op, .result = OP_OK,
	    .code = slice_str("sync.expunge_unsupported") });
	turns();
	assert_int_equal(pending_count(), 0);
	assert_false(is_in(id, inbox));
	deleted.flags = slice_str("\\Seen");
	send_message_flags(far_imap.c, &deleted);
	turns();
	assert_true(is_in(id, inbox));
}

/* A deletion names the trash, for servers where only that deletes. */
static void
test_trash(void **state)
{
	uint64_t trash;
	union msg m;

	(void)state;
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	trash = found("Trash", MBOX_TRASH, true);
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	synced(inbox, 7, 2);
	turns();
	id = only_email();
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 1, .account = LINK, .id = id });
	assert_int_equal(answer_of(1).error.n, 0);
	op_answer(next_op(OP_EXPUNGE, &m), OP_OK, 0, 0);
	assert_int_equal(m.op.target, trash);
	opened(trash, 9);
	header(trash, 5, "", M1);
	turns();
	assert_int_not_equal(only_email(), id);
	send_email_destroy(far_ats.c, &(struct msg_email_destroy){ .req = 2, .account = LINK, .id = only_email() });
	assert_int_equal(answer_of(2).error.n, 0);
	(void)next_op(OP_EXPUNGE, &m);
	assert_int_equal(m.op.target, 0);
}

/* ---- a database of before ---- */

/* All rows of a table go; how many there were. */
static size_t
emptied(enum table t)
{
	struct slice key;
	struct scan s;
	size_t n = 0;

	scan_prefix(&s, t, (struct dbkey){ .n = 0 }, false);
	for (; scan_next(&s, &key, NULL); n++)
		(void)table_del(t, s.last);
	scan_end(&s);
	return n;
}

static void
test_migration(void **state)
{
	uint64_t review, first;
	struct key_pending k;
	struct slice key;
	struct scan s;
	union msg m;

	(void)state;
	one_message();
	imap_lost();
	update(1, "$seen", "");
	scan_prefix(&s, T_pending, PREFIX(pending, 1, .account = LINK), false);
	assert_true(scan_next(&s, &key, NULL) && key_pending_read(key, &k) == 0);
	first = k.op;
	scan_end(&s);
	review = review_open(&(struct review_input){ .reason = REVIEW_QUARANTINED, .account = LINK, .email = id });
	as_before(T_pending, KEY(pending, .account = LINK, .op = first), 8);
	as_before(T_review, KEY(review, .id = review), 17);
	table_put_u64(T_meta, KEY(meta, .what = META_SCHEMA), 2);
	db_turn_end();
	store_close();
	store_open();
	assert_int_equal(review_of(id).reason, REVIEW_QUARANTINED);
	assert_int_equal(review_of(id).code.n, 0);
	imap_connect();
	assert_int_equal(next_op(OP_FLAGS, &m), first);
}

/* What waits for an entry was looked for in all of the journal. */
static void
test_migration_of_followers(void **state)
{
	uint64_t old, op;
	union msg m;

	(void)state;
	op = replaced(&old);
	imap_lost();
	db_turn_end();
	assert_int_equal(emptied(T_pendafter), 1);
	table_put_u64(T_meta, KEY(meta, .what = META_SCHEMA), 3);
	db_turn_end();
	store_close();
	store_open();
	imap_connect();
	assert_int_equal(next_op(OP_FIND, &m), op);
	op_answer(op, OP_OK, 5, 0);
	refuse(next_op(OP_APPEND, &m), "sync.append_too_large");
	no_op();
	assert_int_equal(pending_count(), 0);
	assert_true(is_in(old, drafts) && is_in(id, drafts));
	assert_int_equal(rows_in(T_pendafter), 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(test_told), T(test_closed_with_email), T(test_kept_here),
		T(test_kept_and_moved), T(test_kept_elsewhere), T(test_replaced), T(test_not_replaced),
		T(test_replaced_later), T(test_read_only), T(test_read_only_unchanged), T(test_marked), T(test_trash),
		T(test_migration), T(test_migration_of_followers) };

	return cmocka_run_group_tests_name("refused write-back", tests, NULL, NULL);
}

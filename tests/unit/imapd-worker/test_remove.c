/*
 * Write-back that removes: moves by hand, deletions with UIDPLUS and without,
 * and Gmail, where only the trash deletes.
 */
#include "write_stage.h"

/* A move by hand, as far as COPY, which is not answered yet; its tag. */
static unsigned int
copying(void)
{
	unsigned int tag;

	do_op(&(struct msg_op){
	    .op = 8, .kind = OP_MOVE, .mailbox = 10, .uidvalidity = 7, .uid = 15, .target = 12 });
	tag = expect("UID FETCH 15 (UID FLAGS)");
	(void)expect("UID COPY 15 \"Trash\"");
	say("* 1 FETCH (UID 15 FLAGS ())");
	ok(tag);
	return tag + 1;
}

static void
move_by_hand(void **state)
{
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	tag = copying();
	silent();
	say("P%u OK [COPYUID 9 15 33] copied", tag);
	tag = expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	(void)expect("UID EXPUNGE 15");
	(void)expect("UID FETCH 15 (UID FLAGS)");
	ok(tag);
	ok(tag + 1);
	/* OK, and still there: once more */
	say("* 1 FETCH (UID 15 FLAGS (\\Deleted))");
	ok(tag + 2);
	tag = expect("UID EXPUNGE 15");
	(void)expect("UID FETCH 15 (UID FLAGS)");
	ok(tag);
	ok(tag + 1);
	told("flags 10 uid=15 \nflags 10 uid=15 \\Deleted\nop 8 result=1 uid=33 code=\n");
	idle();
	/* the copy is refused: nothing is deleted */
	say("P%u NO [OVERQUOTA] full", copying());
	told("flags 10 uid=15 \nop 8 result=3 uid=0 code=sync.mailbox_full\n");
	(void)expect("IDLE");
	stop();
}

/* Lost between COPY and EXPUNGE: only the rest is done on the next connection. */
static void
move_resumed(void **state)
{
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	say("P%u OK [COPYUID 9 15 33] copied", copying());
	(void)expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	lose();
	told("flags 10 uid=15 \nerror 0 net.reset\n");
	begin_write("IDLE UIDPLUS", 21);
	forget();
	tag = expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	(void)expect("UID EXPUNGE 15");
	(void)expect("UID FETCH 15 (UID FLAGS)");
	ok(tag);
	ok(tag + 1);
	ok(tag + 2);
	forget();
	assert_non_null(strstr(t.told, "op 8 result=1 uid=33 code=\n"));
	stop();
}

/* And the folder has other numbers there: the store looks for the copy before it
 * moves the message again, or it would be doubled. */
static void
copied_and_renumbered(void **state)
{
	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	say("P%u OK [COPYUID 9 15 33] copied", copying());
	(void)expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	lose();
	forget();
	capable("IDLE UIDPLUS");
	listed(INBOX_ROW SENT_ROW TRASH_ROW);
	opened(expect("SELECT \"INBOX\""), 2, 70, 21);
	assert_non_null(strstr(t.told, "op 8 result=4 uid=33 code=sync.uidvalidity_changed\n"));
	stop();
}

/* Two of one Message-ID, and messages without: the one of this size and date. */
static void
find_alike(void **state)
{
	struct msg_op m = { .op = 9, .kind = OP_FIND, .mailbox = 10, .message_id = slice_str("a@b"), .size = 100,
		.internaldate = 837596665 };
	unsigned int tag;

	(void)state;
	settle_at("IDLE", 21);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(send_op(t.store, &m, -1), 0);
		idle_ends();
		tag = expect("NOOP");
		(void)expect(i == 0 ? "UID SEARCH HEADER Message-ID \"a@b\"" : "UID SEARCH LARGER 99 SMALLER 101");
		ok(tag);
		say("* SEARCH 15 17 20");
		ok(tag + 1);
		tag = expect("UID FETCH 15,17,20 (UID RFC822.SIZE INTERNALDATE)");
		say("* 1 FETCH (UID 15 RFC822.SIZE 100 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")");
		say("* 2 FETCH (UID 17 RFC822.SIZE 101 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\")");
		say("* 3 FETCH (UID 20 RFC822.SIZE 100 INTERNALDATE \"17-Jul-1996 02:44:26 -0700\")");
		ok(tag);
		told("op 9 result=1 uid=15 code=\n");
		idle();
		m.message_id = SLICE_NONE;
	}
	stop();
}

static const struct msg_op gone = { .op = 6, .kind = OP_EXPUNGE, .mailbox = 10, .uidvalidity = 7, .uid = 15,
	.target = 12 };

/* It is marked; the server says what else is. */
static void
marked(const char *set, const char *deleted)
{
	char command[64];
	unsigned int tag;

	(void)snprintf(command, sizeof(command), "UID STORE %s +FLAGS.SILENT (\\Deleted)", set);
	tag = expect(command);
	(void)expect("UID SEARCH DELETED");
	silent();
	ok(tag);
	say("* SEARCH %s", deleted);
	ok(tag + 1);
}

static void
expunged(void)
{
	unsigned int tag = expect("EXPUNGE");

	(void)expect("UID FETCH 15 (UID FLAGS)");
	say("* 1 EXPUNGE");
	ok(tag);
	ok(tag + 1);
}

/* Still there, and marked. */
static void
still_marked(void)
{
	unsigned int tag = expect("UID FETCH 15 (UID FLAGS)");

	silent();
	say("* 1 FETCH (UID 15 FLAGS (\\Deleted))");
	ok(tag);
	told("flags 10 uid=15 \\Deleted\nop 6 result=1 uid=0 code=sync.expunge_unsupported\n");
	idle();
}

/* Without UIDPLUS: nothing else is marked, so EXPUNGE takes no more than ours. */
static void
plain_expunge(void **state)
{
	(void)state;
	settle_at("IDLE MOVE", 21);
	do_op(&gone);
	marked("15", "15");
	expunged();
	told("op 6 result=1 uid=0 code=\n");
	stop();
}

/* Another one is marked, by whomever: ours stays marked beside it. */
static void
only_marked(void **state)
{
	unsigned int tag;

	(void)state;
	settle_at("IDLE MOVE", 21);
	do_op(&gone);
	marked("15", "15 20");
	still_marked();
	/* a server that does not answer the question has not proven anything */
	do_op(&gone);
	tag = expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	(void)expect("UID SEARCH DELETED");
	ok(tag);
	say("P%u NO cannot", tag + 1);
	still_marked();
	do_op(&gone);
	tag = expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	(void)expect("UID SEARCH DELETED");
	ok(tag);
	ok(tag + 1);	/* OK without a SEARCH */
	(void)expect("UID FETCH 15 (UID FLAGS)");
	silent();
	stop();
}

/* Marked, and then it may not be expunged: the mark goes. */
static void
unmarked(void **state)
{
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS MOVE", 21);
	do_op(&gone);
	tag = expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	(void)expect("UID EXPUNGE 15");
	(void)expect("UID FETCH 15 (UID FLAGS)");
	ok(tag);
	say("P%u NO [NOPERM] not you", tag + 1);
	say("* 1 FETCH (UID 15 FLAGS (\\Deleted))");
	ok(tag + 2);
	tag = expect("UID STORE 15 -FLAGS.SILENT (\\Deleted)");
	(void)expect("UID FETCH 15 (UID FLAGS)");
	ok(tag);
	say("* 1 FETCH (UID 15 FLAGS ())");
	ok(tag + 1);
	told("flags 10 uid=15 \\Deleted\nflags 10 uid=15 \nop 6 result=3 uid=0 code=sync.folder_denied\n");
	(void)expect("IDLE");
	stop();
}

/* A move by hand without UIDPLUS: copied, seen in its place, marked, expunged. */
static void
plain_move(void **state)
{
	(void)state;
	settle_at("IDLE", 21);
	ok(copying());
	marked("15", "15");
	expunged();
	told("flags 10 uid=15 \nop 8 result=1 uid=0 code=\n");
	stop();
}

/* Gmail: a deletion is a move to the trash; one in the trash is real. */
static void
gmail(void **state)
{
	struct msg_op m = gone;
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS MOVE X-GM-EXT-1", 21);
	do_op(&m);
	tag = expect("UID MOVE 15 \"Trash\"");
	silent();
	ok(tag);
	told("op 6 result=1 uid=0 code=\n");
	ok(expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY)"));	/* it may have been there too */
	idle();
	m.target = 0;
	do_op(&m);
	(void)expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
	(void)expect("UID EXPUNGE 15");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(move_by_hand),
		cmocka_unit_test(move_resumed),
		cmocka_unit_test(copied_and_renumbered),
		cmocka_unit_test(find_alike),
		cmocka_unit_test(plain_expunge),
		cmocka_unit_test(only_marked),
		cmocka_unit_test(unmarked),
		cmocka_unit_test(plain_move),
		cmocka_unit_test(gmail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

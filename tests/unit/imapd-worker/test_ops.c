/*
 * Write-back operations (removals: test_remove.c), bodies and link tests against a scripted server.
 */
#include "write_stage.h"

static const struct msg_sync_config probe = { .probe = true, .first = 1 };

static void
flags(void **state)
{
	const struct msg_op m = { .op = 5, .kind = OP_FLAGS, .mailbox = 10, .uidvalidity = 7, .uid = 15,
		.flags_add = slice_str("\\Seen $Forwarded"), .flags_del = slice_str("\\Flagged") };
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS MOVE", 21);
	do_op(&m);
	tag = expect("UID STORE 15 +FLAGS.SILENT (\\Seen $Forwarded)");
	(void)expect("UID STORE 15 -FLAGS.SILENT (\\Flagged)");
	(void)expect("UID FETCH 15 (UID FLAGS)");
	ok(tag);
	ok(tag + 1);
	say("* 1 FETCH (UID 15 FLAGS (\\Seen $Forwarded))");
	ok(tag + 2);
	told("flags 10 uid=15 \\Seen $Forwarded\nop 5 result=1 uid=0 code=\n");
	idle();
	/* the message is gone: the server says OK and nothing else */
	do_op(&m);
	tag = expect("UID STORE 15 +FLAGS.SILENT (\\Seen $Forwarded)");
	(void)expect("UID STORE 15 -FLAGS.SILENT (\\Flagged)");
	(void)expect("UID FETCH 15 (UID FLAGS)");
	ok(tag);
	ok(tag + 1);
	ok(tag + 2);
	told("op 5 result=2 uid=0 code=\n");
	stop();
}

static void
refusals(void **state)
{
	struct msg_op m = { .op = 6, .kind = OP_FLAGS, .mailbox = 10, .uidvalidity = 6, .uid = 15,
		.flags_add = slice_str("\\Seen") };

	(void)state;
	settle_at("IDLE", 21);
	do_op(&m);
	told("op 6 result=2 uid=0 code=sync.uidvalidity_changed\n");
	idle();
	/* what is no flag never reaches the wire */
	m.uidvalidity = 7;
	m.flags_add = slice_str("\\Seen) X");
	do_op(&m);
	told("op 6 result=3 uid=0 code=api.invalid\n");
	idle();
	m.mailbox = 99;
	do_op(&m);
	told("op 6 result=3 uid=0 code=sync.folder_missing\n");
	(void)expect("IDLE");
	stop();
}

static void
move(void **state)
{
	const struct msg_op m = { .op = 7, .kind = OP_MOVE, .mailbox = 10, .uidvalidity = 7, .uid = 15, .target = 12 };
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS MOVE", 21);
	do_op(&m);
	tag = expect("UID FETCH 15 (UID FLAGS)");
	(void)expect("UID MOVE 15 \"Trash\"");
	say("* 1 FETCH (UID 15 FLAGS ())");
	ok(tag);
	say("* OK [COPYUID 9 15 33] moved");
	say("* 1 EXPUNGE");
	ok(tag + 1);
	/* the new place is told first, then that it is gone here */
	told("flags 10 uid=15 \nop 7 result=1 uid=33 code=\n");
	tag = expect("UID SEARCH UID 1:20");
	say("* SEARCH 20");
	ok(tag);
	told("present 10 1:20 20-20\nsynced 10 next=21 modseq=0 low=1 complete=1\n");
	stop();
}

static void
append(void **state)
{
	const struct msg_op m = { .op = 9, .kind = OP_APPEND, .mailbox = 11, .flags_add = slice_str("\\Seen"),
		.internaldate = 837596665, .message_id = slice_str("a@b"), .data = slice_str("Subject: x\r\n\r\nhi\r\n") };
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	do_op(&m);
	tag = expect("APPEND \"Sent\" (\\Seen) \"17-Jul-1996 09:44:25 +0000\" {18}");
	silent();
	say("+ go ahead");
	expect_raw("Subject: x");
	expect_raw("");
	expect_raw("hi");
	expect_raw("");
	say("P%u OK [APPENDUID 8 44] done", tag);
	told("op 9 result=1 uid=44 code=\n");
	/* the folder is looked at at once */
	(void)expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY)");
	stop();
	/* without APPENDUID it is looked for; literals may go at once */
	settle_at("IDLE LITERAL+", 21);
	do_op(&m);
	tag = expect("APPEND \"Sent\" (\\Seen) \"17-Jul-1996 09:44:25 +0000\" {18+}");
	expect_raw("Subject: x");
	expect_raw("");
	expect_raw("hi");
	expect_raw("");
	ok(tag);
	tag = expect("SELECT \"Sent\"");
	say("* 1 EXISTS\r\n* OK [UIDVALIDITY 8] .\r\n* OK [UIDNEXT 3] .");
	ok(tag);
	tag = expect("NOOP");
	(void)expect("UID SEARCH HEADER Message-ID \"a@b\"");
	ok(tag);
	say("* SEARCH 1 2");
	ok(tag + 1);
	forget();
	assert_non_null(strstr(t.told, "op 9 result=1 uid=2 code="));
	stop();
	/* refused before the literal: it is never sent */
	settle_at("IDLE", 21);
	do_op(&m);
	tag = expect("APPEND \"Sent\" (\\Seen) \"17-Jul-1996 09:44:25 +0000\" {18}");
	say("P%u NO [TRYCREATE] no such folder", tag);
	told("op 9 result=3 uid=0 code=sync.folder_missing\n");
	ok(expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY)"));
	idle();
	/* so large it is never taken, however often it is tried */
	do_op(&m);
	tag = expect("APPEND \"Sent\" (\\Seen) \"17-Jul-1996 09:44:25 +0000\" {18}");
	say("P%u NO [LIMIT] too large", tag);
	told("op 9 result=3 uid=0 code=sync.append_too_large\n");
	(void)expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY)");
	stop();
}

/* RFC 6855 s. 4 */
static void
append_utf8(void **state)
{
	struct msg_op m = { .op = 9, .kind = OP_APPEND, .mailbox = 11,
		.data = slice_str("To: jörg@a\r\n\r\nhi\r\n") };
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS LITERAL+", 21);
	do_op(&m);	/* nobody was asked for UTF-8 */
	say("P%u OK [APPENDUID 8 1] done", expect("APPEND \"Sent\" () {19+}"));
	stop();
	settle_at("IDLE UIDPLUS LITERAL+", 21);
	t.e.caps |= CAP_UTF8;
	t.e.writer.utf8 = true;
	do_op(&m);
	tag = expect("APPEND \"Sent\" () UTF8 (~{19+}");
	expect_raw("To: jörg@a");
	expect_raw("");
	expect_raw("hi");
	expect_raw(")");
	say("P%u OK [APPENDUID 8 44] done", tag);
	told("op 9 result=1 uid=44 code=\n");
	stop();
	settle_at("IDLE UIDPLUS LITERAL+", 21);
	t.e.caps |= CAP_UTF8;
	t.e.writer.utf8 = true;
	m.data = slice_str("To: a\r\n\r\njörg\r\n");	/* only the body */
	do_op(&m);
	(void)expect("APPEND \"Sent\" () {16+}");
	stop();
	settle_at("IDLE UIDPLUS LITERAL+", 21);
	t.e.caps |= CAP_UTF8;
	t.e.writer.utf8 = true;
	m.data = slice_str("To: j\xf6rg\r\n\r\nhi\r\n");	/* no UTF-8 at all */
	do_op(&m);
	(void)expect("APPEND \"Sent\" () {16+}");
	stop();
}

static void
big_append(void **state)
{
	static uint8_t data[3 * 1024 * 1024];
	struct msg_op m = { .op = 10, .kind = OP_APPEND, .mailbox = 11 };
	size_t n = 0;
	ssize_t r;
	int fd;

	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	memset(data, 'y', sizeof(data));
	fd = body_put(slice_mem(data, sizeof(data)), &m.data);
	assert_true(fd >= 0);
	assert_int_equal(send_op(t.store, &m, fd), 0);
	pump();
	quiet();
	idle_ends();
	(void)expect("APPEND \"Sent\" () {3145728}");
	say("+ ok");
	while (n < sizeof(data) + 2) {
		pump();
		if ((r = read(t.peer, data, sizeof(data))) > 0)
			n += (size_t)r;
	}
	stop();
}

static void
lost_connection(void **state)
{
	struct msg_op m = { .op = 11, .kind = OP_MOVE, .mailbox = 10, .uidvalidity = 7, .uid = 15, .target = 12 };

	(void)state;
	settle_at("IDLE UIDPLUS MOVE", 21);
	do_op(&m);
	m.op = 12;
	assert_int_equal(send_op(t.store, &m, -1), 0);
	pump();
	close(t.peer);
	t.peer = -1;
	told("error 0 net.reset\nop 11 result=4 uid=0 code=net.reset\n");
	/* the one behind it was never begun: it waits for the next connection */
	assert_int_equal(t.e.nops, 1);
	assert_int_equal(t.e.state, ENGINE_BACKOFF);
	stop();
}

static void
bodies(void **state)
{
	struct msg_body_want w = { .mailbox = 10, .uidvalidity = 7, .uid = 15 };
	static char bytes[100000];
	unsigned int tag;

	(void)state;
	settle_at("IDLE", 21);
	assert_int_equal(send_body_want(t.store, &w), 0);
	for (w.uid = 16; w.uid <= 20; w.uid++)
		assert_int_equal(send_body_want(t.store, &w), 0);
	for (w.uid = 22; w.uid <= 23; w.uid++)
		assert_int_equal(send_body_want(t.store, &w), 0);
	w.uid = 21;
	w.uidvalidity = 6;
	assert_int_equal(send_body_want(t.store, &w), 0);
	pump();
	idle_ends();
	tag = expect("UID FETCH 15,16,17,18,19,20,22,23 (UID RFC822.SIZE)");
	say("* 1 FETCH (UID 15 RFC822.SIZE 100000)\r\n* 2 FETCH (UID 16 RFC822.SIZE 5)");
	say("* 4 FETCH (UID 18 RFC822.SIZE 99999999)\r\n* 5 FETCH (UID 19 RFC822.SIZE 7)");
	say("* 6 FETCH (UID 20 RFC822.SIZE 0)\r\n* 7 FETCH (UID 22 RFC822.SIZE 9)\r\n* 8 FETCH (UID 23 RFC822.SIZE 9)");
	told("body uid=21 code=sync.uidvalidity_changed bytes=0\n");
	ok(tag);
	told("body uid=17 code=sync.gone bytes=0\nbody uid=18 code=sync.item_too_large bytes=0\n");
	tag = expect("UID FETCH 15,16,19,20,22,23 (UID BODY.PEEK[])");
	silent();
	memset(bytes, 'z', sizeof(bytes));
	say("* 1 FETCH (UID 15 BODY[] {100000}");
	say_bytes(bytes, sizeof(bytes));
	say(" FLAGS ())");
	say("* 2 FETCH (UID 16 BODY[] \"hello\")");
	say("* 5 FETCH (UID 19 BODY[] NIL)");
	say("* 6 FETCH (UID 20 BODY[] \"\")");
	say("* 8 FETCH (UID 23 BODY[] NIL)");
	ok(tag);
	/* Those without content are asked for once more, each alone. */
	tag = expect("UID FETCH 19 (UID BODY.PEEK[])");
	(void)expect("UID FETCH 22 (UID BODY.PEEK[])");
	(void)expect("UID FETCH 23 (UID BODY.PEEK[])");
	say("* 5 FETCH (UID 19 BODY[] NIL)");
	ok(tag);
	ok(tag + 1);	/* it went while it was asked for: no word about its content, or as Dovecot says it */
	say("* 8 FETCH (UID 23 BODY[] NIL)\r\nP%u NO [EXPUNGEISSUED] gone", tag + 2);
	told("body uid=15 code= bytes=100000\nbody uid=16 code= bytes=5\nbody uid=20 code= bytes=0\n"
	     "body uid=19 code=sync.item_empty bytes=0\nbody uid=22 code=sync.gone bytes=0\n"
	     "body uid=23 code=sync.gone bytes=0\n");
	(void)expect("IDLE");
	assert_null(t.e.wants);
	stop();
}

static void
body_that_lies(void **state)
{
	struct msg_body_want w = { .mailbox = 10, .uidvalidity = 7, .uid = 15 };
	unsigned int tag;

	(void)state;
	settle_at("IDLE", 21);
	assert_int_equal(send_body_want(t.store, &w), 0);
	pump();
	idle_ends();
	tag = expect("UID FETCH 15 (UID RFC822.SIZE)");
	say("* 1 FETCH (UID 15 RFC822.SIZE 10)");
	ok(tag);
	(void)expect("UID FETCH 15 (UID BODY.PEEK[])");
	say("* 1 FETCH (UID 15 BODY[] {99999999}");
	told("error 0 sync.protocol_error\nbody uid=15 code=sync.item_too_large bytes=0\n");
	stop();
}

static unsigned int
probe_to_list(const char *listing)
{
	unsigned int tag;

	start(&probe);
	capable("SPECIAL-USE LIST-EXTENDED QRESYNC");
	tag = expect("LIST \"\" \"*\" RETURN (SPECIAL-USE)");
	say_bytes(listing, strlen(listing));
	ok(tag);
	return tag;
}

static void
probes(void **state)
{
	unsigned int tag;

	(void)state;
	(void)probe_to_list("* LIST () \".\" INBOX\r\n* LIST () \".\" \"INBOX.Gesendete Objekte\"\r\n");
	tag = expect("SELECT \"INBOX\" (CONDSTORE)");
	say("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] .");
	ok(tag);
	told("step 6 ok=1 last=0 code=\n");
	tag = expect("SELECT \"INBOX.Gesendete Objekte\" (CONDSTORE)");
	say("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] .");
	ok(tag);
	told("step 7 ok=1 last=1 code=\n");
	tag = expect("LOGOUT");
	say("* BYE");
	assert_true(t.left > 0);
	stop();
	(void)probe_to_list("* LIST () \".\" INBOX\r\n");
	tag = expect("SELECT \"INBOX\" (CONDSTORE)");
	say("P%u NO [NOPERM] not for you", tag);
	told("step 6 ok=0 last=1 code=sync.folder_denied\n");
	(void)expect("LOGOUT");
	close(t.peer);
	t.peer = -1;
	told("");
	assert_true(t.left > 0);
	stop();
	(void)probe_to_list("* LIST () \".\" INBOX\r\n");
	tag = expect("SELECT \"INBOX\" (CONDSTORE)");
	say("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] .");
	ok(tag);
	told("step 6 ok=1 last=0 code=\nstep 7 ok=1 last=1 code=sync.sent_folder_unknown\n");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags),
		cmocka_unit_test(refusals),
		cmocka_unit_test(move),
		cmocka_unit_test(append),
		cmocka_unit_test(append_utf8),
		cmocka_unit_test(big_append),
		cmocka_unit_test(lost_connection),
		cmocka_unit_test(bodies),
		cmocka_unit_test(body_that_lies),
		cmocka_unit_test(probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

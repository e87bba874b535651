/* SELECT that is answered strangely, and folders that change while they are selected. */
#include "write_stage.h"

/* Live, and Sent is looked at anew; the tag of its SELECT. */
static unsigned int
until_sent(const char *caps)
{
	settle_at(caps, 21);
	t.e.folders.v[1].dirty = true;
	engine_turn(&t.e);
	idle_ends();
	return expect("SELECT \"Sent\"");
}

/* RFC 3501 s. 2.3.1.1: what the store knows by UIDs of another numbering is void. */
static void
renumbered_under_way(void **state)
{
	(void)state;
	settle_at("IDLE", 21);
	say("* OK [UIDVALIDITY 7] as ever");
	told("");
	assert_int_equal(t.e.state, ENGINE_RUN);
	say("* OK [UIDVALIDITY 8] renumbered");
	told("error 0 sync.uidvalidity_changed\n");
	assert_int_equal(t.e.state, ENGINE_BACKOFF);
	stop();
}

/* RFC 7162 s. 3.2.11: until CLOSED it is the folder of before that is spoken of. */
static void
closed(void **state)
{
	unsigned int tag;

	(void)state;
	tag = until_sent("IDLE");
	say("* 9 EXISTS\r\n* OK [HIGHESTMODSEQ 999] of INBOX\r\n* OK [READ-ONLY] INBOX\r\n* OK [CLOSED] .");
	say("* OK [UIDVALIDITY 8] .\r\n* OK [UIDNEXT 1] .");
	assert_int_equal(t.e.sel.uidvalidity, 8);
	assert_int_equal(t.e.sel.modseq, 0);
	assert_int_equal(t.e.sel.exists, 0);
	assert_false(t.e.sel.read_only);
	ok(tag);
	stop();
}

static void
no_modseq(void **state)
{
	unsigned int tag;

	(void)state;
	tag = until_sent("IDLE");
	say("* 0 EXISTS\r\n* OK [HIGHESTMODSEQ 999] .\r\n* OK [NOMODSEQ] none\r\n* OK [UIDVALIDITY 8] .\r\n* OK [UIDNEXT 1] .");
	assert_int_equal(t.e.sel.uidvalidity, 8);
	assert_int_equal(t.e.sel.modseq, 0);
	ok(tag);
	stop();
}

/* A folder without unique identifiers is left out; the link goes on. */
static void
no_uidvalidity(void **state)
{
	unsigned int tag;

	(void)state;
	tag = until_sent("IDLE");
	forget();
	say("* 3 EXISTS\r\n* OK [UIDNEXT 4] .");
	ok(tag);
	told("error 11 sync.protocol_error\n");
	opened(expect("SELECT \"INBOX\""), 2, 7, 21);
	idle();
	assert_int_equal(t.wanted, 1);
	stop();
}

/* It was renamed or deleted: it is asked at once whether there is a new one. */
static void
not_there(void **state)
{
	unsigned int tag;

	(void)state;
	tag = until_sent("IDLE");
	forget();
	say("P%u NO [NONEXISTENT] no such mailbox", tag);
	told("error 11 sync.folder_missing\n");
	tag = expect("LIST \"\" \"*\"");
	say(INBOX_ROW "* LIST () \"/\" \"Sent 2\"");
	ok(tag);
	(void)expect("LIST \"\" \"*\"");	/* there is: all are listed, with what they are */
	stop();
}

/* BYE where an answer is awaited, also behind a literal; the rest of the line is nobody's. */
static void
bye(void **state)
{
	(void)state;
	(void)until_sent("IDLE");
	forget();
	say("* 1 EXISTS\r\n* BYE {5}\r\nhello and goodbye");
	told("error 0 net.bye\n");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(renumbered_under_way), cmocka_unit_test(closed),
		cmocka_unit_test(no_modseq), cmocka_unit_test(no_uidvalidity), cmocka_unit_test(not_there),
		cmocka_unit_test(bye) };

	return cmocka_run_group_tests_name("SELECT", tests, NULL, NULL);
}

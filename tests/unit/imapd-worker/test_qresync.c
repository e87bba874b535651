/* Resync and news with QRESYNC: what vanished is told, and looked for elsewhere. */
#include "sync_stage.h"

static void
settle_qresync(void)
{
	static const struct position known = { 7, 21, 100, 10, true };
	unsigned int tag;

	start(&newest3);
	t.bound[0] = (struct bound){ strdup("INBOX"), known };
	t.bound[1] = (struct bound){ strdup("Sent"), { 7, 5, 50, 1, true } };
	hello("IDLE UIDPLUS MOVE CONDSTORE QRESYNC ENABLE ESEARCH", TWO);
	selected("SELECT \"INBOX\"", 4, 23, "* OK [HIGHESTMODSEQ 120] ok");
	forget();
	/* Sent is asked whether it changed at all; what changed in the inbox is asked beside what is new */
	tag = expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
	say("* STATUS Sent (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7 HIGHESTMODSEQ 50)");
	ok(tag);
	tag = expect("UID FETCH 10:20 (UID FLAGS) (CHANGEDSINCE 100 VANISHED)");
	say("* VANISHED (EARLIER) 11:12,14");
	say("* 2 FETCH (UID 15 FLAGS (\\Answered) MODSEQ (119))");
	ok(tag);
	tag = expect("UID FETCH 21:22" HEADERS_M);
	say_header(4, 22, "");
	ok(tag);
	told("vanished 10 11-12 14-14\nflags 10 uid=15 \\Answered\n"
	     "header 10 uid=22 flags= date=837596665 size=100 backfill=0 bytes=14\n"
	     "synced 10 next=23 modseq=119 low=10 complete=1\n"
	     "synced 10 next=23 modseq=120 low=10 complete=1\n");
	/* something vanished: was it moved there? */
	tag = expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
	say("* STATUS Sent (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7 HIGHESTMODSEQ 50)");
	ok(tag);
	told("synced 11 next=5 modseq=50 low=1 complete=1\nlive\n");
}

/* What vanished may lie in a folder that was made meanwhile: all are listed, and
 * no position is confirmed before, so that the store keeps it. */
static void
moved_to_a_new_folder(void **state)
{
	unsigned int tag;

	(void)state;
	settle_qresync();
	(void)expect("IDLE");
	say("+ idling");
	say("* VANISHED 15");
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	tag = expect("LIST \"\" \"*\"");
	(void)expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
	forget();
	say(TWO "* LIST () \"/\" Made\r\n* LIST (\\Noselect) \"/\" Above");
	ok(tag);
	say("* STATUS Sent (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7 HIGHESTMODSEQ 50)");
	ok(tag + 1);
	told("");
	(void)expect("LIST \"\" \"*\"");
	stop();
}

static void
qresync(void **state)
{
	unsigned int tag;

	(void)state;
	settle_qresync();
	(void)expect("IDLE");
	say("+ idling");
	forget();
	say("* VANISHED 15");
	told("vanished 10 15-15\n");
	/* was it moved? The other folder is asked at once, whatever the timer says */
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	ok(expect("LIST \"\" \"*\""));
	tag = expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
	say("* STATUS Sent (MESSAGES 3 UIDNEXT 6 UIDVALIDITY 7 HIGHESTMODSEQ 51)");
	ok(tag);
	selected("SELECT \"Sent\"", 3, 6, "* OK [HIGHESTMODSEQ 51] ok");
	(void)expect("UID FETCH 1:4 (UID FLAGS) (CHANGEDSINCE 50 VANISHED)");
	(void)expect("UID FETCH 5:5" HEADERS_M);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(qresync),
		cmocka_unit_test(moved_to_a_new_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

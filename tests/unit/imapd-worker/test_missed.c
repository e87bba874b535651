/*
 * What others do at a moment when nobody is told, or when what is told is easily
 * lost: it is found out all the same, and soon.
 */
#include "write_stage.h"

#define PLAIN "IDLE UIDPLUS"

/* The next connection, as far as the SELECT of INBOX, which is as it was. */
static void
return_to(unsigned int exists, unsigned int next)
{
	lose();
	capable(PLAIN);
	listed(INBOX_ROW TRASH_ROW);
	opened(expect("SELECT \"INBOX\""), exists, 7, next);
}

/* Neither SELECT nor IDLE tells of flags that changed between two connections. */
static void
flags_between_connections(void **state)
{
	unsigned int tag;

	(void)state;
	settle_at(PLAIN, 21);
	return_to(2, 21);
	idle();
	forget();
	time_pass(LIM_SENT_POLL_SECONDS * 1000 - 2000);
	silent();
	time_pass(2000);
	idle_ends();
	tag = expect("UID FETCH 1:20 (UID FLAGS)");
	say("* 1 FETCH (UID 15 FLAGS (\\Deleted))\r\n* 2 FETCH (UID 20 FLAGS ())");
	ok(tag);
	told("flags 10 uid=15 \\Deleted\nflags 10 uid=20 \npresent 10 1:20 15-15 20-20\n"
	     "synced 10 next=21 modseq=0 low=1 complete=1\n");
	idle();
	time_pass(LIM_SENT_POLL_SECONDS * 1000);
	silent();
	stop();
}

/* Or while another folder was selected, as Sent was in the beginning. */
static void
flags_while_elsewhere(void **state)
{
	(void)state;
	settle_at(PLAIN, 21);
	t.e.folders.v[1].poll_at = UINT64_MAX;
	time_pass(LIM_SENT_POLL_SECONDS * 1000);
	idle_ends();
	(void)expect("UID FETCH 1:20 (UID FLAGS)");
	stop();
}

/* An EXPUNGE that comes at the end of a round, and then the connection is lost: as
 * many came as went, so the numbers say nothing. */
static void
expunged_and_lost(void **state)
{
	unsigned int tag;

	(void)state;
	settle_at(PLAIN, 21);
	say("* 3 EXISTS");
	idle_ends();
	tag = expect("UID FETCH 21:*" HEADERS);
	say_header(3, 21, "");
	say("* 1 EXPUNGE");
	ok(tag);
	(void)expect("UID SEARCH UID 1:21");
	return_to(2, 22);
	tag = expect("UID FETCH 1:21 (UID FLAGS)");
	forget();
	say("* 1 FETCH (UID 20 FLAGS ())\r\n* 2 FETCH (UID 21 FLAGS ())");
	ok(tag);
	told("flags 10 uid=20 \nflags 10 uid=21 \npresent 10 1:21 20-21\n"
	     "synced 10 next=22 modseq=0 low=1 complete=1\nlive\n");
	stop();
}

static unsigned int
asked_for(unsigned int seq)
{
	char text[64];

	(void)snprintf(text, sizeof(text), "FETCH %u:%u (UID FLAGS)", seq, seq);
	return expect(text);
}

/* Its flags changed, and no UID was told. */
static unsigned int
asked_for_the_first(void)
{
	settle_at(PLAIN, 21);
	say("* 1 FETCH (FLAGS (\\Seen))");
	idle_ends();
	return asked_for(1);
}

/* Flags of one message are asked for; meanwhile those of another change, or its own once more. */
static void
flags_while_asked(void **state)
{
	unsigned int tag;

	(void)state;
	tag = asked_for_the_first();
	say("* 2 FETCH (FLAGS (\\Deleted))");
	say("* 1 FETCH (UID 15 FLAGS (\\Seen))");
	ok(tag);
	tag = asked_for(2);
	say("* 2 FETCH (UID 20 FLAGS (\\Deleted))");
	say("* 2 FETCH (FLAGS ())");
	ok(tag);
	tag = asked_for(2);
	say("* 2 FETCH (UID 20 FLAGS ())");
	ok(tag);
	told("flags 10 uid=15 \\Seen\nflags 10 uid=20 \\Deleted\nflags 10 uid=20 \n");
	idle();
	stop();
}

/* It answers without UIDs: asked again it would do so again. */
static void
never_a_uid(void **state)
{
	unsigned int tag;

	(void)state;
	tag = asked_for_the_first();
	say("* 1 FETCH (FLAGS (\\Seen))");
	ok(tag);
	idle();
	stop();
}

/* A new process finds INBOX empty, at a server whose MODSEQ stays as it is when
 * something is expunged (RFC 7162 wants more only with QRESYNC): all may be gone. */
static void
emptied_meanwhile(void **state)
{
	static const struct msg_sync_config some = { .first = 3 };
	unsigned int tag;

	(void)state;
	start(&some);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 21, 5, 1, true } };
	capable("CONDSTORE");
	listed(INBOX_ROW TRASH_ROW);
	tag = expect("SELECT \"INBOX\" (CONDSTORE)");
	say("* OK [HIGHESTMODSEQ 5] .");
	opened(tag, 0, 7, 21);
	ok(expect("UID FETCH 1:20 (UID FLAGS) (CHANGEDSINCE 5)"));
	(void)expect("UID SEARCH UID 1:20");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(flags_between_connections),
		cmocka_unit_test(flags_while_elsewhere), cmocka_unit_test(expunged_and_lost),
		cmocka_unit_test(flags_while_asked), cmocka_unit_test(never_a_uid), cmocka_unit_test(emptied_meanwhile) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

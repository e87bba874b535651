/*
 * What outlives a connection: errors told once, and messages on which the
 * server dies again and again.
 */
#include "plain_server.h"

static const struct msg_sync_config all = { .first = 0 };

/* Up to the list: an INBOX alone. */
static void
hello(void)
{
	greet("IDLE", INBOX_ROW);
}

static void
start_over(void)
{
	lose();
	hello();
}

static void
no_sent_folder(void **state)
{
	(void)state;
	start(&all);
	hello();
	(void)expect("SELECT \"INBOX\"");
	told("found INBOX role=1 synced=1\nlisted 1\nerror 0 sync.sent_folder_unknown\n");
	start_over();
	(void)expect("SELECT \"INBOX\"");
	told("error 0 net.reset\nfound INBOX role=1 synced=1\nlisted 1\n");
	stop();
}

static void
inbox(unsigned int next)
{
	opened(expect("SELECT \"INBOX\""), 3, 7, next);
}

/* UID 2 of 3 is deadly: found alone, it is left out; 3 and 1 come. */
static void
poison(void **state)
{
	unsigned int tag, i;

	(void)state;
	start(&all);
	hello();
	for (i = 0; i < 2; i++) {
		inbox(4);
		(void)expect("UID FETCH 1:3" HEADERS);
		start_over();
	}
	inbox(4);
	tag = expect("UID FETCH 3:3" HEADERS);
	silent();
	say_header(3, 3, "");
	ok(tag);
	(void)expect("UID FETCH 2:2" HEADERS);
	for (i = 0; i < 2; i++) {
		start_over();
		inbox(4);
		tag = expect("UID FETCH 3:3 (UID FLAGS)");
		say("* 3 FETCH (UID 3 FLAGS ())");
		ok(tag);
		if (i == 0)
			(void)expect("UID FETCH 2:2" HEADERS);
	}
	forget();
	assert_non_null(strstr(t.told, "error 10 sync.item_poison\nsynced 10 next=4 modseq=0 low=2 complete=0\n"));
	tag = expect("UID FETCH 1:1" HEADERS);
	say_header(1, 1, "");
	ok(tag);
	told("header 10 uid=1 flags= date=837596665 size=100 backfill=1 bytes=14\n"
	     "synced 10 next=4 modseq=0 low=1 complete=1\nsynced 10 next=4 modseq=0 low=1 complete=1\nlive\n");
	stop();
}

/* The same among new messages. */
static void
poison_news(void **state)
{
	unsigned int tag, i;

	(void)state;
	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 3, 0, 1, true } };
	hello();
	for (i = 0; i < 5; i++) {
		inbox(5);
		tag = expect("UID FETCH 1:2 (UID FLAGS)");
		say("* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())");
		ok(tag);
		if (i == 4)
			break;
		(void)expect(i < 2 ? "UID FETCH 3:4" HEADERS : "UID FETCH 3:3" HEADERS);
		start_over();
	}
	tag = expect("UID FETCH 4:4" HEADERS);
	say_header(3, 4, "");
	ok(tag);
	forget();
	assert_non_null(strstr(t.told, "error 10 sync.item_poison\nsynced 10 next=4 "));
	stop();
}

#define HOLLOW "* 4 FETCH (UID 4 FLAGS (\\Deleted) INTERNALDATE \"01-Jan-1970 00:00:00 +0000\" RFC822.SIZE 0 BODY[HEADER] NIL)"

/* Two new messages; of UID 4 nothing is there when they are asked for. To the second question for it. */
static unsigned int
until_hollow(void)
{
	unsigned int tag;

	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 3, 0, 1, true } };
	hello();
	inbox(5);
	tag = expect("UID FETCH 1:2 (UID FLAGS)");
	say("* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())");
	ok(tag);
	tag = expect("UID FETCH 3:4" HEADERS);
	say_header(3, 3, "");
	say(HOLLOW);
	ok(tag);
	tag = expect("UID FETCH 3:3" HEADERS);
	say_header(3, 3, "");
	ok(tag);
	tag = expect("UID FETCH 4:4" HEADERS);
	assert_null(strstr(t.told, "header 10 uid=4"));
	return tag;
}

/* Dovecot tells so of what somebody has expunged just now: it never was new mail. */
static void
hollow_is_gone(void **state)
{
	unsigned int tag = until_hollow();

	(void)state;
	say("* 4 EXPUNGE");
	ok(tag);
	assert_null(strstr(t.told, "header 10 uid=4"));
	assert_non_null(strstr(t.told, "synced 10 next=5"));
	stop();
}

/* A message of no bytes is a message. */
static void
hollow_is_empty(void **state)
{
	unsigned int tag = until_hollow();

	(void)state;
	say(HOLLOW);
	ok(tag);
	assert_non_null(strstr(t.told, "header 10 uid=4"));
	assert_non_null(strstr(t.told, "synced 10 next=5"));
	stop();
}

/* While IDLE tells of news: the folder is selected anew and read in slices. */
static void
hollow_news(void **state)
{
	unsigned int tag;

	(void)state;
	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 4, 0, 1, true } };
	hello();
	inbox(4);
	tag = expect("UID FETCH 1:3 (UID FLAGS)");
	say("* 1 FETCH (UID 1 FLAGS ())\r\n* 2 FETCH (UID 2 FLAGS ())\r\n* 3 FETCH (UID 3 FLAGS ())");
	ok(tag);
	idle();
	forget();
	say("* 4 EXISTS");
	idle_ends();
	tag = expect("UID FETCH 4:*" HEADERS);
	say(HOLLOW);
	ok(tag);
	told("");
	(void)expect("SELECT \"INBOX\"");
	stop();
}

/*
 * limit: LIM_SLICE_REFUSALS
 * A server that refuses all is not believed to have one broken message.
 */
static void
all_refused(void **state)
{
	unsigned int tag, i;

	(void)state;
	start(&all);
	hello();
	for (i = 1; i <= LIM_SLICE_REFUSALS; i++) {
		opened(expect("SELECT \"INBOX\""), 1, 7, 2);
		tag = expect("UID FETCH 1:1" HEADERS);
		forget();
		say("P%u BAD not today", tag);
		pump();
		if (i == LIM_SLICE_REFUSALS)
			break;
		assert_null(strstr(t.told + t.told_at, "synced"));
		assert_int_equal(t.e.state, ENGINE_BACKOFF);
		t.e.state = ENGINE_WANTED;
		connect_stream();
		hello();
	}
	told("error 10 sync.item_empty\nsynced 10 next=2 modseq=0 low=1 complete=1\n"
	     "synced 10 next=2 modseq=0 low=1 complete=1\nlive\n");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_sent_folder),
		cmocka_unit_test(poison),
		cmocka_unit_test(poison_news),
		cmocka_unit_test(hollow_is_gone),
		cmocka_unit_test(hollow_is_empty),
		cmocka_unit_test(hollow_news),
		cmocka_unit_test(all_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

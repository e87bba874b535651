/*
 * First sync and resync against a scripted server.
 */
#include "clock.h"
#include "sync_stage.h"

static void
empty_sent(void)
{
	selected("SELECT \"Sent\"", 0, 1, "");
}

static void
plain_first_sync(void **state)
{
	unsigned int tag;

	(void)state;
	start(&newest3);
	hello("IDLE UIDPLUS MOVE", TWO);
	told("found INBOX role=1 synced=1\nfound Sent role=2 synced=1\nlisted 2\n");
	selected("SELECT \"INBOX\"", 5, 21, "");
	told("open 10 validity=7 next=21 exists=5 ro=0 any=1\n");
	tag = expect("FETCH 3 (UID)");
	say("* 3 FETCH (UID 12)");
	ok(tag);
	tag = expect("UID FETCH 12:20" HEADERS);
	say_header(3, 12, "\\Seen");
	say_header(4, 15, "\\Seen \\Recent $Forwarded");
	say_header(5, 20, "");
	ok(tag);
	told("header 10 uid=12 flags=\\Seen date=837596665 size=100 backfill=1 bytes=14\n"
	     "header 10 uid=15 flags=\\Seen $Forwarded date=837596665 size=100 backfill=1 bytes=14\n"
	     "header 10 uid=20 flags= date=837596665 size=100 backfill=1 bytes=14\n"
	     "synced 10 next=21 modseq=0 low=12 complete=1\n"
	     "synced 10 next=21 modseq=0 low=12 complete=1\n");
	empty_sent();
	told("open 11 validity=7 next=1 exists=0 ro=0 any=1\nsynced 11 next=1 modseq=0 low=1 complete=1\nlive\n");
	stop();
}

static void
settle_plain(void)
{
	unsigned int tag;

	start(&newest3);
	hello("IDLE UIDPLUS MOVE", TWO);
	selected("SELECT \"INBOX\"", 2, 21, "");
	tag = expect("UID FETCH 1:20" HEADERS);
	say_header(1, 15, "\\Seen");
	say_header(2, 20, "");
	ok(tag);
	empty_sent();
	selected("SELECT \"INBOX\"", 2, 21, "");
	(void)expect("IDLE");
	say("+ idling");
	forget();
	assert_int_equal(t.e.idle, IDLE_ON);
}

static void
plain_events(void **state)
{
	unsigned int tag;

	(void)state;
	settle_plain();
	/* new mail: at once, without a timer */
	say("* 3 EXISTS");
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	tag = expect("UID FETCH 21:*" HEADERS);
	say_header(3, 21, "\\Recent");
	ok(tag);
	told("header 10 uid=21 flags= date=837596665 size=100 backfill=0 bytes=14\n"
	     "synced 10 next=22 modseq=0 low=1 complete=1\n");
	(void)expect("IDLE");
	say("+ idling");
	/* flags with a UID: no command needed; without: by sequence number */
	say("* 1 FETCH (UID 15 FLAGS (\\Seen \\Flagged))");
	told("flags 10 uid=15 \\Seen \\Flagged\n");
	say("* 2 FETCH (FLAGS (\\Seen))");
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	tag = expect("FETCH 2:2 (UID FLAGS)");
	say("* 2 FETCH (UID 20 FLAGS (\\Seen))");
	ok(tag);
	told("flags 10 uid=20 \\Seen\n");
	(void)expect("IDLE");
	say("+ idling");
	/* an expunge: what is left is listed; then the other folders are asked */
	say("* 1 EXPUNGE");
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	tag = expect("UID SEARCH UID 1:21");
	say("* SEARCH 20 21");
	ok(tag);
	told("present 10 1:21 20-21\nsynced 10 next=22 modseq=0 low=1 complete=1\n");
	tag = expect("LIST \"\" \"*\"");
	(void)expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY)");
	ok(tag++);
	say("* STATUS \"Sent\" (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 7)");
	ok(tag);
	told("synced 11 next=1 modseq=0 low=1 complete=1\n");
	(void)expect("IDLE");
	stop();
}

/* New mail while a full round of the selected folder is due: it comes right after. */
static void
news_before_full_round(void **state)
{
	unsigned int tag;

	(void)state;
	settle_plain();
	t.e.folders.v[0].dirty = true;
	say("* 3 EXISTS");
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	tag = expect("UID FETCH 1:20 (UID FLAGS)");
	say("* 1 FETCH (UID 15 FLAGS ())");
	say("* 2 FETCH (UID 20 FLAGS ())");
	ok(tag);
	(void)expect("UID FETCH 21:*" HEADERS);
	stop();
}

static void
search_refused(void **state)
{
	unsigned int tag;

	(void)state;
	settle_plain();
	say("* 1 EXPUNGE");
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	tag = expect("UID SEARCH UID 1:20");
	say("P%u BAD no SEARCH here", tag);
	tag = expect("UID FETCH 1:20 (UID FLAGS)");
	say("* 1 FETCH (UID 20 FLAGS ())");
	ok(tag);
	told("flags 10 uid=20 \npresent 10 1:20 20-20\nsynced 10 next=21 modseq=0 low=1 complete=1\n");
	stop();
}

/* The look at the inbox is overdue and the inbox unusable: IDLE lasts all the same. */
static void
no_inbox_to_prove(void **state)
{
	(void)state;
	settle_plain();
	t.e.folders.v[0].retry_at = clock_ms() + 60000;
	t.e.proof_at = 0;
	engine_turn(&t.e);
	expect_raw("DONE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	(void)expect("IDLE");
	say("+ idling");
	engine_turn(&t.e);
	silent();
	stop();
}

static void
last_of_star_is_not_new(void **state)
{
	unsigned int tag;

	(void)state;
	settle_plain();
	say("* 3 EXISTS");
	expect_raw("DONE");
	say("* 3 EXPUNGE");
	say("P%u OK idle done", t.e.writer.pending[0].tag);
	tag = expect("UID SEARCH UID 1:20");
	say("* SEARCH 15 20");
	ok(tag);
	tag = expect("UID FETCH 21:*" HEADERS);
	/* the message is gone again: "21:*" means the last one then */
	say_header(2, 20, "");
	ok(tag);
	told("present 10 1:20 15-15 20-20\nflags 10 uid=20 \nsynced 10 next=21 modseq=0 low=1 complete=1\n");
	stop();
}

static void
validity_changes(void **state)
{
	unsigned int tag;

	(void)state;
	start(&newest3);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 3, 400, 0, 300, true } };
	hello("IDLE", TWO);
	selected("SELECT \"INBOX\"", 1, 2, "");
	tag = expect("UID FETCH 1:1" HEADERS);
	say_header(1, 1, "");
	ok(tag);
	forget();
	assert_non_null(strstr(t.told, "open 10 validity=7"));
	assert_non_null(strstr(t.told, "error 10 sync.uidvalidity_changed"));
	assert_non_null(strstr(t.told, "uid=1 flags= date=837596665 size=100 backfill=1"));
	assert_non_null(strstr(t.told, "synced 10 next=2 modseq=0 low=1 complete=1"));
	stop();
}

/* Too many changes in a day: nothing is told of a position that is not this folder's. */
static void
validity_loops(void **state)
{
	(void)state;
	start(&newest3);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 3, 400, 0, 300, true } };
	hello("IDLE", TWO);
	t.e.folders.v[0].rebuilt = 3;
	t.e.folders.v[0].rebuilt_since = clock_ms();
	forget();
	selected("SELECT \"INBOX\"", 1, 2, "");
	told("open 10 validity=7 next=2 exists=1 ro=0 any=1\nerror 10 sync.uidvalidity_loop\n");
	(void)expect("SELECT \"Sent\"");
	stop();
}

static void
resume_backfill(void **state)
{
	static const struct msg_sync_config all = { .first = 0 };
	unsigned int tag, more;

	(void)state;
	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 901, 0, 601, false } };
	hello("IDLE", TWO);
	selected("SELECT \"INBOX\"", 900, 902, "");
	tag = expect("UID FETCH 601:900 (UID FLAGS)");
	for (unsigned int i = 601; i <= 900; i++)
		say("* %u FETCH (UID %u FLAGS ())", i, i);
	ok(tag);
	tag = expect("UID FETCH 901:901" HEADERS);
	say_header(900, 901, "");
	ok(tag);
	forget();
	assert_non_null(strstr(t.told, "uid=901 flags= date=837596665 size=100 backfill=0"));
	assert_non_null(strstr(t.told, "present 10 601:900 601-900"));
	/* three slices at once, newest first; answered out of order the position waits */
	tag = expect("UID FETCH 401:600" HEADERS);
	more = expect("UID FETCH 201:400" HEADERS);
	(void)expect("UID FETCH 1:200" HEADERS);
	silent();
	ok(more);
	told("");
	ok(tag);
	told("synced 10 next=902 modseq=0 low=201 complete=0\n");
	ok(tag + 2);
	told("synced 10 next=902 modseq=0 low=1 complete=1\nsynced 10 next=902 modseq=0 low=1 complete=1\n");
	stop();
}

static void
refused_slice(void **state)
{
	static const struct msg_sync_config all = { .first = 0 };
	unsigned int tag;

	(void)state;
	start(&all);
	hello("IDLE", TWO);
	selected("SELECT \"INBOX\"", 2, 3, "");
	tag = expect("UID FETCH 1:2" HEADERS);
	say_header(2, 2, "");
	say("P%u NO Some messages could not be read", tag);
	tag = expect("UID FETCH 2:2" HEADERS);
	(void)expect("UID FETCH 1:1" HEADERS);
	say_header(2, 2, "");
	ok(tag);
	say("P%u NO still not", tag + 1);
	forget();
	assert_non_null(strstr(t.told, "low=1 complete=1"));
	(void)expect("SELECT \"Sent\"");
	stop();
}

static void
no_credits_no_reading(void **state)
{
	static const struct msg_sync_config all = { .first = 0 };
	unsigned int tag;

	(void)state;
	start(&all);
	hello("IDLE", TWO);
	selected("SELECT \"INBOX\"", 100, 101, "");
	tag = expect("UID FETCH 1:100" HEADERS);
	t.hold = true;
	for (unsigned int i = 1; i <= 100; i++)
		say_header(i, i, "");
	pump();
	assert_int_equal(t.held, LIM_CHAN_CREDITS);
	t.hold = false;
	chan_release(t.store, t.held);
	pump();
	ok(tag);
	forget();
	assert_non_null(strstr(t.told, "uid=100 "));
	assert_non_null(strstr(t.told, "low=1 complete=1"));
	stop();
}

static void
big_header(void **state)
{
	static const struct msg_sync_config all = { .first = 0 };
	static char bytes[200000];
	unsigned int tag;

	(void)state;
	start(&all);
	hello("IDLE", TWO);
	selected("SELECT \"INBOX\"", 2, 3, "");
	tag = expect("UID FETCH 1:2" HEADERS);
	memset(bytes, 'x', sizeof(bytes));
	say_bytes("* 1 FETCH (UID 1 FLAGS () RFC822.SIZE 9 BODY[HEADER] {200000}\r\n", 63);
	say_bytes(bytes, sizeof(bytes));
	say(")");
	/* the header left out: a stub, not a stop */
	say("* 2 FETCH (UID 2 FLAGS () RFC822.SIZE 9)");
	ok(tag);
	forget();
	assert_non_null(strstr(t.told, "uid=1 flags= date=0 size=9 backfill=1 bytes=200000"));
	assert_non_null(strstr(t.told, "uid=2 flags= date=0 size=9 backfill=1 bytes=0"));
	stop();
}

static void
lies(void **state)
{
	static const char *const lines[] = { "P99 OK what\r\n", "+ go on\r\n", "* 1 FETCH (UID 1 FLAGS (\r\n",
		"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n", "nonsense\r\n", "* VANISHED x\r\n" };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		settle_plain();
		say_bytes(lines[i], strlen(lines[i]));
		told("error 0 sync.protocol_error\n");
		assert_int_equal(t.e.state, ENGINE_BACKOFF);
		stop();
	}
	settle_plain();
	say("* BYE Too many connections from your address");
	told("error 0 sync.too_many_connections\n");
	stop();
	settle_plain();
	close(t.peer);
	t.peer = -1;
	told("error 0 net.reset\n");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_first_sync),
		cmocka_unit_test(plain_events),
		cmocka_unit_test(news_before_full_round),
		cmocka_unit_test(search_refused),
		cmocka_unit_test(no_inbox_to_prove),
		cmocka_unit_test(last_of_star_is_not_new),
		cmocka_unit_test(validity_changes),
		cmocka_unit_test(validity_loops),
		cmocka_unit_test(resume_backfill),
		cmocka_unit_test(refused_slice),
		cmocka_unit_test(no_credits_no_reading),
		cmocka_unit_test(big_header),
		cmocka_unit_test(lies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

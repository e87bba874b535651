/* The second connection, in the Sent folder: what it hears, how it ends, and that the first never suffers from it. */
#include "../own_time.h"
#include "engine_test.h"

#include "watch.h"

#define STATUS_SENT "STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"

static const struct msg_sync_config all = { .first = 0 };
static int peer = -1;	/* the server's end of it */

static void
inbox(void)
{
	unsigned int tag = expect("SELECT \"INBOX\" (CONDSTORE)");

	say("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT 21] .\r\n* OK [HIGHESTMODSEQ 50] .\r\n"
	    "* OK [PERMANENTFLAGS (\\*)] .");
	ok(tag);
}

static void
round_of_sent(void)
{
	unsigned int tag = expect("SELECT \"Sent\" (CONDSTORE)");

	say("* 1 EXISTS\r\n* OK [UIDVALIDITY 8] .\r\n* OK [UIDNEXT 11] .\r\n* OK [HIGHESTMODSEQ 60] .\r\n"
	    "* OK [PERMANENTFLAGS (\\*)] .");
	ok(tag);
	ok(expect("UID FETCH 1:10 (UID FLAGS) (CHANGEDSINCE 60)"));
	tag = expect("UID SEARCH UID 1:10");
	say("* SEARCH 10");
	ok(tag);
}

static void
idle_ends(void)
{
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
}

static void
idles(void)
{
	(void)expect("IDLE");
	say("+ idling");
}

static void
listed(const char *caps)
{
	unsigned int tag = expect("CAPABILITY");

	say("* CAPABILITY IMAP4rev1 UIDPLUS CONDSTORE %s", caps);
	ok(tag);
	tag = expect("LIST \"\" \"*\"");
	say("* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" Sent");
	ok(tag);
	inbox();
}

/* Live: the first connection idles in the inbox. */
static void
until_live(const char *caps)
{
	unsigned int tag;

	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 21, 50, 1, true } };
	t.bound[1] = (struct bound){ strdup("Sent"), { 8, 11, 60, 1, true } };
	listed(caps);
	ok(expect("UID FETCH 1:20 (UID FLAGS) (CHANGEDSINCE 50)"));
	tag = expect("UID SEARCH UID 1:20");
	say("* SEARCH 20");
	ok(tag);
	round_of_sent();
	inbox();
}

/* After a reconnection: its positions are those of the listing. */
static void
again(void)
{
	listed("IDLE");
	ok(expect(STATUS_SENT));
}

/* ---- the second one ---- */

static void
watch_says(const char *text)
{
	assert_int_equal(write(peer, text, strlen(text)), (ssize_t)strlen(text));
	pump();
}

static void
watch_hears(const char *text)
{
	char got[256];
	ssize_t n;

	pump();
	n = read(peer, got, sizeof(got) - 1);
	got[n > 0 ? n : 0] = '\0';
	assert_string_equal(got, text);
}

static bool
watch_is_closed(void)
{
	char byte;
	ssize_t n;

	pump();
	while ((n = read(peer, &byte, 1)) == 1)
		;
	return n == 0;
}

static void
watch_comes(void)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	if (peer != -1)
		close(peer);
	peer = sv[0];
	watch_stream_up(&t.e, sv[1]);
}

static void
until_watched(void)
{
	until_live("IDLE");
	assert_int_equal(t.watch_wanted, 1);
	idles();
	watch_comes();
	watch_hears("P1 EXAMINE \"Sent\"\r\n");
	watch_says("* 1 EXISTS\r\nP1 OK [READ-ONLY] .\r\n");
	watch_hears("P2 IDLE\r\n");
	watch_says("+ idling\r\n");
	/* What came before it listened. */
	idle_ends();
	ok(expect(STATUS_SENT));
	idles();
	time_pass(LIM_WATCH_BLAME_MS);
}

static int
teardown(void **state)
{
	(void)state;
	stop();
	if (peer != -1)
		close(peer);
	peer = -1;
	return 0;
}

/* What is saved in Sent is looked at when it is told, and by the clock no more than any other folder. */
static void
hears(void **state)
{
	(void)state;
	until_watched();
	time_pass(LIM_SENT_POLL_SECONDS * 1000 + LIM_IMAP_TICK_MS);
	silent();
	watch_says("* OK Still here\r\n");
	silent();
	watch_says("* 2 EXISTS\r\n* 1 RECENT\r\n");
	idle_ends();
	round_of_sent();
	inbox();
	idles();
	watch_says("* 2 EXPUNGE\r\n");
	idle_ends();
}

#define ALL_MAIL "\"[Gmail]/All Mail\""

static void
round_of_all_mail(void)
{
	unsigned int tag = expect("SELECT " ALL_MAIL " (CONDSTORE)");

	say("* 1 EXISTS\r\n* OK [UIDVALIDITY 9] .\r\n* OK [UIDNEXT 31] .\r\n* OK [HIGHESTMODSEQ 70] .\r\n"
	    "* OK [PERMANENTFLAGS (\\*)] .");
	ok(tag);
	ok(expect("UID FETCH 1:30 (UID FLAGS) (CHANGEDSINCE 70)"));
	tag = expect("UID SEARCH UID 1:30");
	say("* SEARCH 30");
	ok(tag);
}

/* Where folders are labels it waits in All Mail; what happens there may have happened in Sent, and in others. */
static void
all_mail(void **state)
{
	static const struct msg_sync_config every = { .all_folders = true };
	unsigned int tag;

	(void)state;
	start(&every);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 21, 50, 1, true } };
	t.bound[1] = (struct bound){ strdup("Sent"), { 8, 11, 60, 1, true } };
	t.bound[2] = (struct bound){ strdup("[Gmail]/All Mail"), { 9, 31, 70, 1, true } };
	tag = expect("CAPABILITY");
	say("* CAPABILITY IMAP4rev1 UIDPLUS CONDSTORE X-GM-EXT-1 IDLE");
	ok(tag);
	tag = expect("LIST \"\" \"*\"");
	say("* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" Sent\r\n* LIST (\\All) \"/\" " ALL_MAIL);
	ok(tag);
	inbox();
	ok(expect("UID FETCH 1:20 (UID FLAGS) (CHANGEDSINCE 50)"));
	tag = expect("UID SEARCH UID 1:20");
	say("* SEARCH 20");
	ok(tag);
	round_of_sent();
	round_of_all_mail();
	inbox();
	assert_int_equal(t.watch_wanted, 1);
	idles();
	watch_comes();
	watch_hears("P1 EXAMINE " ALL_MAIL "\r\n");
	watch_says("* 1 EXISTS\r\nP1 OK [READ-ONLY] .\r\n");
	watch_hears("P2 IDLE\r\n");
	watch_says("+ idling\r\n");
	idle_ends();
	ok(expect(STATUS_SENT));
	ok(expect("STATUS " ALL_MAIL " (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"));
	idles();
	time_pass(LIM_SENT_POLL_SECONDS * 1000 + LIM_IMAP_TICK_MS);
	silent();	/* it tells of Sent too */
	watch_says("* 1 FETCH (FLAGS (\\Seen) MODSEQ (71))\r\n");
	idle_ends();
	ok(expect(STATUS_SENT));
	round_of_all_mail();
}

/* The first connection has nothing to do by itself. */
static void
no_clock(void)
{
	t.e.proof_at = t.e.list_at = UINT64_MAX;
	t.e.folders.v[0].poll_at = t.e.folders.v[1].poll_at = UINT64_MAX;
}

/* Its IDLE is renewed; an answer that does not come is a dead peer: the folder is asked, and all begins anew. */
static void
silence(void **state)
{
	(void)state;
	until_watched();
	no_clock();
	time_pass(LIM_PROOF_SECONDS * 1000 - LIM_WATCH_BLAME_MS);
	watch_hears("DONE\r\n");
	watch_says("P2 OK .\r\n");
	watch_hears("P3 IDLE\r\n");
	watch_says("+ idling\r\n");
	time_pass(LIM_PROOF_SECONDS * 1000);
	watch_hears("DONE\r\n");
	time_pass(LIM_COMMAND_SECONDS * 1000 - 1);
	silent();
	time_pass(1);
	assert_true(watch_is_closed());
	idle_ends();
	ok(expect(STATUS_SENT));
}

static void
lost(void **state)
{
	(void)state;
	until_watched();
	close(peer);
	peer = -1;
	idle_ends();
	ok(expect(STATUS_SENT));	/* what may have come since */
	idles();
	assert_int_equal(t.watch_wanted, 1);
	time_pass(LIM_BACKOFF_FIRST_MS);
	assert_int_equal(t.watch_wanted, 2);
	watch_comes();
	watch_hears("P1 EXAMINE \"Sent\"\r\n");
}

/* Refused, it stays away for long; the folder is asked by the clock. limit: LIM_WATCH_REFUSED_MS */
static void
refused(void **state)
{
	(void)state;
	until_live("IDLE");
	idles();
	watch_stream_failed(&t.e, slice_str("sync.too_many_connections"));
	time_pass(LIM_SENT_POLL_SECONDS * 1000 + LIM_IMAP_TICK_MS);
	idle_ends();
	ok(expect(STATUS_SENT));
	idles();
	no_clock();
	time_pass(LIM_WATCH_REFUSED_MS - LIM_SENT_POLL_SECONDS * 1000 - LIM_IMAP_TICK_MS - 1);
	assert_int_equal(t.watch_wanted, 1);
	time_pass(1);
	assert_int_equal(t.watch_wanted, 2);
}

/* The server ends the first connection when the second comes: one is enough then. limit: LIM_WATCH_BLAME_MS LIM_WATCH_BLAMES */
static void
blamed(void **state)
{
	(void)state;
	until_live("IDLE");
	idles();
	for (unsigned int i = 1; i <= LIM_WATCH_BLAMES; i++) {
		watch_comes();
		say("* BYE another session");
		assert_true(watch_is_closed());
		time_pass(2 * LIM_BACKOFF_FIRST_MS);
		assert_int_equal(t.wanted, i + 1);
		watch_comes();	/* nobody wants it now */
		assert_true(watch_is_closed());
		close(t.peer);
		connect_stream();
		again();
		idles();
		assert_int_equal(t.watch_wanted, i < LIM_WATCH_BLAMES ? i + 1 : i);
	}
	no_clock();
	time_pass(LIM_WATCH_REFUSED_MS);
	assert_int_equal(t.watch_wanted, LIM_WATCH_BLAMES + 1);
}

/* Later than that it is not to blame: both are gone, and both come back. */
static void
both(void **state)
{
	(void)state;
	until_watched();
	say("* BYE restarting");
	assert_true(watch_is_closed());
	time_pass(2 * LIM_BACKOFF_FIRST_MS);
	assert_int_equal(t.wanted, 2);
	assert_int_equal(t.watch_wanted, 1);	/* the first one is first */
}

static void
call_sent(const char *raw_name)
{
	struct folder *f;

	until_live("IDLE");
	idles();
	f = folders_role(&t.e.folders, MBOX_SENT);
	free(f->raw_name);
	f->raw_name = strdup(raw_name);
	assert_non_null(f->raw_name);
}

/* As the first connection would write it, without having listed here. */
static void
names(void **state)
{
	(void)state;
	call_sent("Envoy&AOk-");
	watch_comes();
	watch_hears("P1 EXAMINE \"Envoy&AOk-\"\r\n");
}

static void
names_in_utf8(void **state)
{
	(void)state;
	call_sent("Envoy&AOk-");
	t.e.caps = (t.e.caps & ~CAP_IMAP4REV1) | CAP_IMAP4REV2;
	watch_comes();
	watch_hears("P1 EXAMINE \"Envoy\xc3\xa9\"\r\n");
}

static void
names_as_literals(void **state)
{
	(void)state;
	call_sent("Sent\x01");
	watch_comes();
	watch_hears("P1 EXAMINE {5}\r\n");
	watch_says("+ go on\r\n");
	watch_hears("Sent\x01\r\n");
	watch_says("P1 OK [READ-ONLY] .\r\n");
	watch_hears("P2 IDLE\r\n");
}

static void
without_idle(void **state)
{
	(void)state;
	until_live("UNSELECT");
	assert_int_equal(t.watch_wanted, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(hears, teardown),
		cmocka_unit_test_teardown(all_mail, teardown),
		cmocka_unit_test_teardown(silence, teardown),
		cmocka_unit_test_teardown(lost, teardown),
		cmocka_unit_test_teardown(refused, teardown),
		cmocka_unit_test_teardown(blamed, teardown),
		cmocka_unit_test_teardown(both, teardown),
		cmocka_unit_test_teardown(names, teardown),
		cmocka_unit_test_teardown(names_in_utf8, teardown),
		cmocka_unit_test_teardown(names_as_literals, teardown),
		cmocka_unit_test_teardown(without_idle, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

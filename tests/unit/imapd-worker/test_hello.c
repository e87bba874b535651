/*
 * The beginning of a connection against a scripted server: what is asked with
 * which capabilities, how many round trips an unchanged mailbox costs, and
 * that all of it can be done without.
 */
#include "../own_time.h"
#include "plain_server.h"

#define ID "ID (\"name\" \"Postern\" \"version\" \"" POSTERN_VERSION "\")"
#define ALL                                                                                                            \
	"IDLE UIDPLUS MOVE ENABLE CONDSTORE QRESYNC ESEARCH SPECIAL-USE LIST-EXTENDED LIST-STATUS NAMESPACE ID UNSELECT "  \
	"LITERAL+"
#define ITEMS "(MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"

static const struct msg_sync_config plain = { .first = 3 };

static void
known(void)
{
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 21, 100, 10, true } };
	t.bound[1] = (struct bound){ strdup("Sent"), { 7, 5, 50, 1, true } };
}

static void
select_tells(unsigned int tag, unsigned int exists, unsigned int next, unsigned int modseq)
{
	if (modseq != 0)
		say("* OK [HIGHESTMODSEQ %u] .", modseq);
	opened(tag, exists, 7, next);
}

static void
list_status_tells(unsigned int tag, unsigned int sent_modseq)
{
	say("* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 4 UIDNEXT 21 UIDVALIDITY 7 HIGHESTMODSEQ 100)\r\n"
	    "* LIST (\\Sent) \"/\" Sent\r\n* STATUS Sent (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7 HIGHESTMODSEQ %u)",
	    sent_modseq);
	ok(tag);
}

/* One round trip for CAPABILITY, one for all the rest; or, told at the login, one for all.
 * INBOX is selected in front of LIST, and the two are answered in one order or the other. */
static void
two_round_trips(unsigned int sent_modseq, bool at_login)
{
	unsigned int list, tag;

	start_told(&plain, at_login);
	known();
	capable(ALL);
	ok(expect(ID));
	tag = expect("ENABLE QRESYNC");
	say("* ENABLED QRESYNC");
	ok(tag);
	t.in_order = at_login;
	if (at_login)
		select_tells(expect("SELECT \"INBOX\""), 4, 21, 100);
	tag = expect("NAMESPACE");
	list = expect("LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS " ITEMS ")");
	say("* NAMESPACE ((\"\" \"/\")) NIL NIL");
	ok(tag);
	if (!at_login)
		tag = expect("SELECT \"INBOX\"");
	list_status_tells(list, sent_modseq);
	if (!at_login)
		select_tells(tag, 4, 21, 100);
}

static void
unchanged(void **state)
{
	(void)state;
	two_round_trips(50, false);
	(void)expect("IDLE");
	told("found INBOX role=1 synced=1\nfound Sent role=2 synced=1\nlisted 2\n"
	     "open 10 validity=7 next=21 exists=4 ro=0 any=1\nlive\n");
	stop();
}

/* Told with the login: one round trip for all. */
static void
unchanged_and_told(void **state)
{
	(void)state;
	two_round_trips(50, true);
	(void)expect("IDLE");
	told("found INBOX role=1 synced=1\nfound Sent role=2 synced=1\nlisted 2\n"
	     "open 10 validity=7 next=21 exists=4 ro=0 any=1\nlive\n");
	stop();
}

/* An OK without them, or no OK: they are asked for. A BYE is one. */
static void
told_something_else(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		start_told(&plain, true);
		silent();
		say(i == 0 ? "* OK in" : "* NO [CAPABILITY IMAP4rev1 IDLE] so so");
		t.at_login = false;
		capable("IDLE");
		(void)expect("LIST \"\" \"*\"");
		stop();
	}
	start_told(&plain, true);
	say("* BYE not now");
	assert_int_equal(t.e.state, ENGINE_BACKOFF);
	stop();
}

/* The line in front never comes: that is a stall as any other. */
static void
told_nothing(void **state)
{
	(void)state;
	start_told(&plain, true);
	time_pass(LIM_COMMAND_SECONDS * 1000);
	assert_int_equal(t.e.state, ENGINE_CAPABILITY);
	time_pass(2 * LIM_IMAP_TICK_MS + 1);
	told("error 0 sync.stalled\n");
	stop();
}

static void
one_folder_changed(void **state)
{
	unsigned int tag;

	(void)state;
	two_round_trips(51, false);
	tag = expect("SELECT \"Sent\"");
	silent();
	select_tells(tag, 2, 5, 51);
	ok(expect("UID FETCH 1:4 (UID FLAGS) (CHANGEDSINCE 50 VANISHED)"));
	select_tells(expect("SELECT \"INBOX\""), 4, 21, 100);
	(void)expect("IDLE");
	stop();
}

/* Without LIST-STATUS the folders beside INBOX are asked, all at once. */
static void
without_list_status(void **state)
{
	unsigned int list, tag;

	(void)state;
	start(&plain);
	known();
	capable("IDLE ENABLE CONDSTORE QRESYNC ESEARCH");
	tag = expect("ENABLE QRESYNC");
	say("* ENABLED QRESYNC");
	ok(tag);
	list = expect("LIST \"\" \"*\"");
	tag = expect("SELECT \"INBOX\"");
	say("* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" Sent");
	ok(list);
	select_tells(tag, 4, 21, 100);
	tag = expect("STATUS \"Sent\" " ITEMS);
	say("* STATUS Sent (MESSAGES 2 UIDNEXT 5 UIDVALIDITY 7 HIGHESTMODSEQ 50)");
	ok(tag);
	(void)expect("IDLE");
	stop();
}

/* Nothing but IMAP4rev1: two commands, then a look at each folder. */
static void
nothing_offered(void **state)
{
	unsigned int list, tag;

	(void)state;
	start(&plain);
	known();
	capable("");
	list = expect("LIST \"\" \"*\"");
	tag = expect("SELECT \"INBOX\"");
	silent();
	say("* LIST () \"/\" INBOX\r\n* LIST () \"/\" \"Gesendete Elemente\"");
	ok(list);
	select_tells(tag, 1, 21, 0);
	tag = expect("UID FETCH 10:20 (UID FLAGS)");
	say("* 1 FETCH (UID 20 FLAGS ())");
	ok(tag);
	(void)expect("SELECT \"Gesendete Elemente\"");
	stop();
}

/* Deletions are not counted by MODSEQ there: the number of messages must be known. */
static void
condstore_alone(void **state)
{
	unsigned int list, tag;

	(void)state;
	start(&plain);
	known();
	capable("IDLE CONDSTORE LIST-EXTENDED LIST-STATUS");
	list = expect("LIST \"\" \"*\" RETURN (STATUS " ITEMS ")");
	tag = expect("SELECT \"INBOX\" (CONDSTORE)");
	list_status_tells(list, 50);
	select_tells(tag, 4, 21, 100);
	ok(expect("UID FETCH 10:20 (UID FLAGS) (CHANGEDSINCE 100)"));
	tag = expect("UID SEARCH UID 10:20");
	say("* SEARCH 10 11 12 20");
	ok(tag);
	select_tells(expect("SELECT \"Sent\" (CONDSTORE)"), 2, 5, 50);
	ok(expect("UID FETCH 1:4 (UID FLAGS) (CHANGEDSINCE 50)"));
	tag = expect("UID SEARCH UID 1:4");
	say("* SEARCH 1 4");
	ok(tag);
	/* a second connection of the same process knows them */
	lose();
	capable("IDLE CONDSTORE LIST-EXTENDED LIST-STATUS");
	list = expect("LIST \"\" \"*\" RETURN (STATUS " ITEMS ")");
	tag = expect("SELECT \"INBOX\" (CONDSTORE)");
	list_status_tells(list, 50);
	select_tells(tag, 4, 21, 100);
	(void)expect("IDLE");
	stop();
}

static void
return_options_refused(void **state)
{
	unsigned int tag;

	(void)state;
	start(&plain);
	capable("LIST-EXTENDED LIST-STATUS SPECIAL-USE");
	tag = expect("LIST \"\" \"*\" RETURN (SPECIAL-USE STATUS (MESSAGES UIDNEXT UIDVALIDITY))");
	(void)expect("SELECT \"INBOX\"");
	say("P%u BAD what?", tag);
	ok(expect("LIST \"\" \"*\""));
	assert_int_equal(t.e.state, ENGINE_BACKOFF);	/* nothing listed */
	stop();
}

/* SELECT is answered, then says is said, then the list comes. Rows: what LIST tells. */
static void
selected_first(const char *answer, const char *says, const char *rows)
{
	unsigned int list, tag;

	start(&plain);
	t.in_order = true;
	capable("");
	tag = expect("SELECT \"INBOX\"");
	list = expect("LIST \"\" \"*\"");
	if (answer == NULL)
		select_tells(tag, 0, 1, 0);
	else
		say("P%u %s", tag, answer);
	if (says != NULL)
		say("%s", says);
	if (t.e.state == ENGINE_LIST) {
		say("%s", rows);
		ok(list);
	}
}

/* What it told holds when the list comes. */
static void
select_answered_first(void **state)
{
	(void)state;
	selected_first(NULL, NULL, "* LIST () \"/\" INBOX");
	(void)expect("NOOP");
	forget();
	assert_non_null(strstr(t.told, "open 10 validity=7 next=1 exists=0 ro=0 any=1\n"));
	assert_non_null(strstr(t.told, "live\n"));
	stop();
}

/* But not when something has happened in between: done again in its turn. */
static void
missed_before_the_list(void **state)
{
	static const char *const news[] = { "* 1 EXISTS", "* 1 EXPUNGE", "* 1 FETCH (UID 9 FLAGS ())", "* 1 FETCH (FLAGS ())",
		"* VANISHED 1:4" };

	(void)state;
	for (size_t i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		selected_first(NULL, news[i], "* LIST () \"/\" INBOX");
		select_tells(expect("SELECT \"INBOX\""), 0, 1, 0);
		forget();
		assert_non_null(strstr(t.told, "live\n"));
		stop();
	}
	selected_first(NULL, "* 0 EXISTS", "* LIST () \"/\" INBOX");	/* no news */
	(void)expect("NOOP");
	stop();
}

/* Refused before it is known which folder that is; and a list without it. */
static void
refused_before_the_list(void **state)
{
	(void)state;
	selected_first("NO [NOPERM] not yours", NULL, "* LIST () \"/\" INBOX");
	say("P%u NO [NOPERM] not yours", expect("SELECT \"INBOX\""));
	forget();
	assert_non_null(strstr(t.told, "error 10 sync.folder_denied\n"));
	stop();
	selected_first("NO [UNAVAILABLE] later", NULL, "");
	assert_int_equal(t.e.state, ENGINE_BACKOFF);
	stop();
	selected_first(NULL, NULL, "* LIST () \"/\" Other");	/* left out, and there all the same */
	forget();
	assert_non_null(strstr(t.told, "open 11 validity=7 next=1 exists=0 ro=0 any=1\n"));
	stop();
}

static void
inbox_refused(void **state)
{
	unsigned int list, tag;

	(void)state;
	start(&plain);
	capable("");
	list = expect("LIST \"\" \"*\"");
	tag = expect("SELECT \"INBOX\"");
	say("* LIST () \"/\" INBOX");
	ok(list);
	say("P%u NO [NOPERM] not yours", tag);
	forget();
	assert_non_null(strstr(t.told, "error 10 sync.folder_denied\n"));
	assert_true(t.e.folders.v[0].dirty);	/* later */
	stop();
}

/* The inbox has another name: nothing is selected before it is known. */
static void
inbox_by_name(void **state)
{
	static struct msg_sync_config c = { .first = 3 };
	unsigned int tag;

	(void)state;
	c.inbox = slice_str("Eingang");
	start(&c);
	capable("");
	tag = expect("LIST \"\" \"*\"");
	silent();
	say("* LIST () \"/\" INBOX\r\n* LIST () \"/\" Eingang");
	ok(tag);
	(void)expect("SELECT \"Eingang\"");
	stop();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(unchanged),
		cmocka_unit_test(unchanged_and_told),
		cmocka_unit_test(told_something_else),
		cmocka_unit_test(told_nothing),
		cmocka_unit_test(one_folder_changed),
		cmocka_unit_test(without_list_status),
		cmocka_unit_test(nothing_offered),
		cmocka_unit_test(condstore_alone),
		cmocka_unit_test(return_options_refused),
		cmocka_unit_test(select_answered_first),
		cmocka_unit_test(missed_before_the_list),
		cmocka_unit_test(refused_before_the_list),
		cmocka_unit_test(inbox_refused),
		cmocka_unit_test(inbox_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

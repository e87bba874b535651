/* NOTIFY (RFC 5465): folders that are not selected tell by themselves, and are asked where they do not. */
#include "../own_time.h"
#include "plain_server.h"

#include <event2/buffer.h>

#define EVENTS "(MessageNew MessageExpunge FlagChange)"
#define OTHERS " (mailboxes (\"INBOX\" \"Sent\") " EVENTS ")"
#define ITEMS "(UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ BODY.PEEK[HEADER])"
#define NEWS "UID FETCH 21:* " ITEMS
#define SET "NOTIFY SET STATUS (selected-delayed (MessageNew " ITEMS " MessageExpunge FlagChange))" OTHERS
#define SET_PLAIN "NOTIFY SET STATUS (selected-delayed " EVENTS ")" OTHERS
#define STATUS_SENT "STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)"

static const struct msg_sync_config all = { .first = 0 };

static void
inbox(void)
{
	unsigned int tag = expect("SELECT \"INBOX\" (CONDSTORE)");

	say("* OK [HIGHESTMODSEQ 50] .");
	opened(tag, 2, 7, 21);
}

static void
sent(unsigned int exists, unsigned int next, unsigned int modseq)
{
	unsigned int tag = expect("SELECT \"Sent\" (CONDSTORE)");

	say("* OK [HIGHESTMODSEQ %u] .", modseq);
	opened(tag, exists, 8, next);
}

/* Nothing changed in either folder since the position: both rounds find that. */
static void
round_of(const char *range, unsigned int modseq, unsigned int uid)
{
	char text[100];
	unsigned int tag;

	(void)snprintf(text, sizeof(text), "UID FETCH %s (UID FLAGS) (CHANGEDSINCE %u)", range, modseq);
	ok(expect(text));
	(void)snprintf(text, sizeof(text), "UID SEARCH UID %s", range);
	tag = expect(text);
	say("* SEARCH %u", uid);
	ok(tag);
}

/* Up to the NOTIFY command; its tag. */
static unsigned int
until_notify(void)
{
	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 21, 50, 1, true } };
	t.bound[1] = (struct bound){ strdup("Sent"), { 8, 11, 60, 1, true } };
	greet("IDLE UIDPLUS CONDSTORE NOTIFY", INBOX_ROW SENT_ROW);
	inbox();
	round_of("1:20", 50, 20);
	sent(1, 11, 60);
	round_of("1:10", 60, 10);
	return expect(SET);
}

/* NOTIFY is answered; the inbox idles. */
static void
until_idle(bool accepted)
{
	unsigned int tag = until_notify();

	if (accepted) {
		say("* STATUS INBOX (MESSAGES 2 UIDNEXT 21 UIDVALIDITY 7 HIGHESTMODSEQ 50)");
		ok(tag);
	} else {
		say("P%u BAD no headers by themselves", tag);
		say("P%u NO [BADEVENT (MessageNew)] .", expect(SET_PLAIN));
	}
	inbox();
	idle();
	forget();
}

/* A mail that another client saved in Sent is fetched at once, by no clock. */
static void
told_of_sent(void **state)
{
	unsigned int tag;

	(void)state;
	until_idle(true);
	say("* STATUS Sent (MESSAGES 2 UIDNEXT 12 UIDVALIDITY 8 HIGHESTMODSEQ 61)");
	idle_ends();
	sent(2, 12, 61);
	tag = expect("UID FETCH 1:10 (UID FLAGS) (CHANGEDSINCE 60)");
	(void)expect("UID SEARCH UID 1:10");
	ok(tag);
	say("* SEARCH 1");
	ok(tag + 1);
	tag = expect("UID FETCH 11:11 " ITEMS);
	say("* 2 FETCH (UID 11 FLAGS () MODSEQ (61) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	ok(tag);
	assert_non_null(strstr(t.told, "header 11 uid=11"));
	inbox();
	stop();
}

/* One came to Sent and one went, which may have been moved: no EXPUNGE told of it. */
static void
moved_from_sent(void **state)
{
	unsigned int tag;

	(void)state;
	until_idle(true);
	say("* STATUS Sent (MESSAGES 1 UIDNEXT 12 UIDVALIDITY 8 HIGHESTMODSEQ 61)");
	idle_ends();
	sent(1, 12, 61);
	tag = expect("UID FETCH 1:10 (UID FLAGS) (CHANGEDSINCE 60)");
	(void)expect("UID SEARCH UID 1:10");
	ok(tag);
	say("* SEARCH");
	ok(tag + 1);
	tag = expect("UID FETCH 11:11 " ITEMS);
	say("* 1 FETCH (UID 11 FLAGS () MODSEQ (61) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	ok(tag);
	(void)expect("LIST \"\" \"*\"");
	(void)expect("STATUS \"INBOX\" (MESSAGES UIDNEXT UIDVALIDITY HIGHESTMODSEQ)");
	stop();
}

/* The second look at Sent is a rare doubt now, not the way news come. */
static void
polled_seldom(void **state)
{
	(void)state;
	until_idle(true);
	time_pass(LIM_SENT_POLL_SECONDS * 1000 + LIM_IMAP_TICK_MS);
	silent();
	time_pass((LIM_FOLDER_POLL_SECONDS - LIM_SENT_POLL_SECONDS) * 1000);
	idle_ends();
	stop();
}

/* Only the flags changed: MODSEQ alone says so. Old news wake nobody. */
static void
told_of_flags(void **state)
{
	(void)state;
	until_idle(true);
	say("* STATUS Sent (HIGHESTMODSEQ 60 UIDVALIDITY 8)");
	say("* STATUS Elsewhere (MESSAGES 9 UIDNEXT 12 UIDVALIDITY 8)");
	silent();
	say("* STATUS Sent (HIGHESTMODSEQ 61 UIDVALIDITY 8)");
	idle_ends();
	sent(1, 11, 61);
	stop();
}

/* What changed between the look at Sent and NOTIFY stands in NOTIFY's own answer. */
static void
changed_before(void **state)
{
	unsigned int tag = until_notify();

	(void)state;
	say("* STATUS Sent (MESSAGES 2 UIDNEXT 12 UIDVALIDITY 8 HIGHESTMODSEQ 61)");
	ok(tag);
	/* It is the selected one: EXISTS tells of it, STATUS does not count. */
	inbox();
	stop();
}

/* Dovecot 2.3 knows no folder with "&" in its name: what the answer leaves out
 * is asked on the clock, and so is what was selected then. */
static void
left_out(void **state)
{
	(void)state;
	ok(until_notify());
	inbox();
	idle();
	time_pass(LIM_SENT_POLL_SECONDS * 1000 + LIM_IMAP_TICK_MS);
	idle_ends();
	(void)expect(STATUS_SENT);
	stop();
}

static void
refused(void **state)
{
	(void)state;
	until_idle(false);
	say("* STATUS Sent (MESSAGES 2 UIDNEXT 12 UIDVALIDITY 8 HIGHESTMODSEQ 61)");
	silent();
	time_pass(LIM_SENT_POLL_SECONDS * 1000 + LIM_IMAP_TICK_MS);
	idle_ends();
	(void)expect(STATUS_SENT);
	stop();
}

/* The server gives up: all is looked at, the selected folder asked for anew, the clock goes on. */
static void
overflow(void **state)
{
	unsigned int tag;

	(void)state;
	until_idle(true);
	say("* OK [NOTIFICATIONOVERFLOW] too much");
	idle_ends();
	tag = expect("UID SEARCH UID 1:20");
	say("* SEARCH 20");
	ok(tag);
	ok(expect(NEWS));
	/* The inbox stays selected and is no second look. */
	ok(expect("LIST \"\" \"*\""));
	tag = expect(STATUS_SENT);
	say("* STATUS Sent (MESSAGES 1 UIDNEXT 11 UIDVALIDITY 8 HIGHESTMODSEQ 60)");
	ok(tag);
	ok(expect("NOTIFY SET (selected-delayed " EVENTS ")"));
	idle();
	say("* OK [NOTIFICATIONOVERFLOW] again");
	silent();
	time_pass(LIM_SENT_POLL_SECONDS * 1000 + LIM_IMAP_TICK_MS);
	idle_ends();
	(void)expect(STATUS_SENT);
	stop();
}

/* The header comes with EXISTS, nothing is asked, the position follows. */
static void
header_by_itself(void **state)
{
	(void)state;
	until_idle(true);
	say("* 3 EXISTS");
	silent();
	say("* 3 FETCH (UID 22 FLAGS () MODSEQ (51) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	silent();
	assert_non_null(strstr(t.told, "header 10 uid=22"));
	assert_non_null(strstr(t.told, "synced 10 next=23"));
	say("* 5 EXISTS");
	say("* 4 FETCH (UID 23 FLAGS () MODSEQ (52) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	say("* 5 FETCH (UID 30 FLAGS () MODSEQ (53) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	assert_non_null(strstr(t.told, "synced 10 next=31"));
	time_pass(LIM_NEWS_MS + LIM_IMAP_TICK_MS);
	silent();
	stop();
}

/* limit: LIM_NEWS_MS */
static void
header_that_does_not_come(void **state)
{
	(void)state;
	until_idle(true);
	say("* 3 EXISTS");
	time_pass(LIM_NEWS_MS - 1);
	silent();
	time_pass(1);
	idle_ends();
	(void)expect(NEWS);
	stop();
}

/* Not the message right behind the position: what lies between is fetched, the position waits. */
static void
header_with_a_gap(void **state)
{
	(void)state;
	until_idle(true);
	say("* 4 EXISTS");
	say("* 4 FETCH (UID 23 FLAGS () MODSEQ (52) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	idle_ends();
	(void)expect(NEWS);
	assert_null(strstr(t.told, "header"));
	stop();
}

/* Messages that go shift the numbers of those that come. */
static void
header_after_expunge(void **state)
{
	unsigned int tag;

	(void)state;
	until_idle(true);
	say("* 1 EXPUNGE\r\n* 2 EXISTS");
	idle_ends();
	tag = expect("UID SEARCH UID 1:20");
	say("* SEARCH 20");
	ok(tag);
	tag = expect(NEWS);
	say("* 2 FETCH (UID 22 FLAGS () MODSEQ (51) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	ok(tag);
	tag = expect("LIST \"\" \"*\"");
	(void)expect(STATUS_SENT);
	ok(tag);
	ok(tag + 1);
	idle();
	say("* 3 EXISTS\r\n* 3 FETCH (UID 23 FLAGS () MODSEQ (53) RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)");
	assert_non_null(strstr(t.told, "synced 10 next=24"));
	silent();
	stop();
}

static size_t
names_for(size_t folders)
{
	static struct engine e;
	struct folder *v = calloc(folders, sizeof(*v));
	char name[] = "x", *text;
	size_t i, n = 0;

	assert_non_null(v);
	e = (struct engine){ .caps = CAP_NOTIFY, .folders = { .v = v, .n = folders } };
	for (i = 0; i < folders; i++)
		v[i] = (struct folder){ .raw_name = name, .synced = true, .id = i + 1 };
	e.stream.out = evbuffer_new();
	imap_writer_init(&e.writer, e.stream.out);
	assert_true(notify_due(&e));
	notify_set(&e);
	while ((text = evbuffer_readln(e.stream.out, NULL, EVBUFFER_EOL_CRLF)) != NULL) {
		for (char *p = text; (p = strstr(p, "\"x\"")) != NULL; p++)
			n++;
		free(text);
	}
	evbuffer_free(e.stream.out);
	for (i = 0; i < folders; i++)
		assert_int_equal(notify_watches(&e, &v[i]), i < LIM_NOTIFY_FOLDERS);
	free(v);
	return n;
}

/* limit: LIM_NOTIFY_FOLDERS */
static void
many_folders(void **state)
{
	(void)state;
	assert_int_equal(names_for(LIM_NOTIFY_FOLDERS), LIM_NOTIFY_FOLDERS);
	assert_int_equal(names_for(LIM_NOTIFY_FOLDERS + 1), LIM_NOTIFY_FOLDERS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_of_sent),
		cmocka_unit_test(moved_from_sent),
		cmocka_unit_test(polled_seldom),
		cmocka_unit_test(told_of_flags),
		cmocka_unit_test(changed_before),
		cmocka_unit_test(left_out),
		cmocka_unit_test(refused),
		cmocka_unit_test(overflow),
		cmocka_unit_test(header_by_itself),
		cmocka_unit_test(header_that_does_not_come),
		cmocka_unit_test(header_with_a_gap),
		cmocka_unit_test(header_after_expunge),
		cmocka_unit_test(many_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

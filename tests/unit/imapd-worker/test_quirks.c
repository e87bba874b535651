/*
 * Providers that do things differently: the rows of quirks.def by what they
 * change, and what is done for all because of one.
 */
#include "../own_time.h"
#include "plain_server.h"

static char asked[LINES];	/* all the engine wrote in this test */

static unsigned int
expects(const char *command)
{
	(void)snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), "%s\n", command);
	return expect(command);
}

/* A mailbox of that host, whose inbox has been synced with UIDs 15 and 20. */
static void
at(const char *host, const char *caps, const char *id, unsigned int exists)
{
	struct msg_sync_config c = { .first = 0, .host = slice_str(host) };
	unsigned int tag, list;

	asked[0] = '\0';
	start(&c);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 21, 0, 1, true } };
	tag = expects("CAPABILITY");
	say("* CAPABILITY IMAP4rev1 UIDPLUS %s", caps);
	ok(tag);
	if (id != NULL) {
		tag = expects("ID (\"name\" \"Postern\" \"version\" \"" POSTERN_VERSION "\")");
		say("* ID %s", id);
		ok(tag);
	}
	list = expects("LIST \"\" \"*\"");
	tag = expects("SELECT \"INBOX\"");
	say_bytes(INBOX_ROW TRASH_ROW, strlen(INBOX_ROW TRASH_ROW));
	ok(list);
	opened(tag, exists, 7, 21);
}

static void
settle(void)
{
	unsigned int tag = expects("UID FETCH 1:20 (UID FLAGS)");

	say("* 1 FETCH (UID 15 FLAGS ())\r\n* 2 FETCH (UID 20 FLAGS ())");
	ok(tag);
}

/* ---- rows ---- */

static void
matching(void **state)
{
	static const struct {
		const char *host, *id;
		uint32_t caps, flags, plateau;
		unsigned int idle;
	} rows[] = {
		{ "mail.agency.example", "", 0, 0, 0, LIM_PROOF_SECONDS },
		{ "imap.mail.yahoo.com", "", 0, 0, 10000, 180 },
		{ "IMAP.Mail.Yahoo.com", "", 0, 0, 10000, 180 },
		{ "imap.aol.com", "", 0, 0, 10000, 180 },
		{ "imap.notaol.com", "", 0, 0, 0, LIM_PROOF_SECONDS },
		{ "mail.yahoo.com.evil.example", "", 0, 0, 0, LIM_PROOF_SECONDS },
		{ "com", "", 0, 0, 0, LIM_PROOF_SECONDS },
		{ "", "", 0, 0, 0, LIM_PROOF_SECONDS },
		{ "imap.163.com", "", 0, QUIRK_NOOP_IDLE, 0, LIM_PROOF_SECONDS },
		{ "imap.exmail.qq.com", "", 0, QUIRK_NOOP_IDLE, 0, LIM_PROOF_SECONDS },
		{ "imap.rambler.ru", "", 0, 0, 0, 55 },
		{ "imap.gmail.com", "", CAP_GMAIL, 0, 0, LIM_PROOF_SECONDS },
		{ "imap.gmail.com", "GImap", 0, 0, 0, LIM_PROOF_SECONDS },
		{ "imap.agency.example", "dovecot 2.4", 0, 0, 0, LIM_PROOF_SECONDS },
	};
	struct quirks q;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		quirks_init(&q);
		quirks_host(&q, slice_str(rows[i].host));
		quirks_id(&q, slice_str(rows[i].id));
		quirks_caps(&q, rows[i].caps);
		if (q.flags != rows[i].flags || q.plateau != rows[i].plateau || q.idle_seconds != rows[i].idle)
			fail_msg("%s: flags %u plateau %u idle %u", rows[i].host, q.flags, q.plateau, q.idle_seconds);
	}
}

static void
idle_renewed(void **state)
{
	static const struct {
		const char *host;
		unsigned int seconds;
	} hosts[] = { { "imap.mail.yahoo.com", 180 }, { "imap.rambler.ru", 55 } };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		at(hosts[i].host, "IDLE", NULL, 2);
		settle();
		(void)expects("IDLE");
		say("+ idling");
		time_pass(hosts[i].seconds * 1000 - 1);
		silent();
		time_pass(20);
		expect_raw("DONE");
		ok(t.e.writer.pending[0].tag);
		settle();
		(void)expects("IDLE");
		stop();
	}
}

static void
alive_by_status(void **state)
{
	(void)state;
	at("imap.163.com", "ID", "NIL", 2);
	settle();
	ok(expects("STATUS \"INBOX\" (UIDNEXT)"));
	ok(expects("NOOP"));
	time_pass(LIM_NOOP_MS + 1);
	(void)expects("STATUS \"INBOX\" (UIDNEXT)");
	stop();
	at("imap.agency.example", "ID", "NIL", 2);
	settle();
	(void)expects("NOOP");
	stop();
}

static void
plateau_told_once(void **state)
{
	(void)state;
	at("imap.mail.yahoo.com", "", NULL, 9999);
	forget();
	assert_null(strstr(t.told, "sync.count_plateau"));
	stop();
	at("imap.mail.yahoo.com", "", NULL, 10000);
	forget();
	assert_non_null(strstr(t.told, "error 10 sync.count_plateau\n"));
	lose();
	(void)expect("CAPABILITY");
	stop();
}

/* ---- what is done for all because of one ---- */

/* Yahoo: any order of FETCH and of SEARCH. */
static void
any_order(void **state)
{
	unsigned int tag;

	(void)state;
	at("imap.mail.yahoo.com", "IDLE", NULL, 2);
	settle();
	(void)expects("IDLE");
	say("+ idling");
	forget();
	say("* 4 EXISTS");
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
	tag = expects("UID FETCH 21:*" HEADERS);
	say_header(4, 23, "");
	say_header(3, 21, "");
	ok(tag);
	assert_int_equal(t.e.folders.v[0].pos.uidnext, 24);
	(void)expects("IDLE");
	say("+ idling");
	forget();
	say("* 1 EXPUNGE");
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
	tag = expects("UID SEARCH UID 1:23");
	say("* SEARCH 23 20 21");
	ok(tag);
	told("present 10 1:23 20-21 23-23\nsynced 10 next=24 modseq=0 low=1 complete=1\n");
	stop();
}

/* Zoho refuses UID 0, Yahoo NOT, iCloud RFC822: none of them is ever written. */
static void
never_asked(void **state)
{
	static const char *const bad[] = { " 0:", " NOT ", "RFC822 ", "RFC822)", "RFC822.HEADER", "ID ()", "ID NIL", "EXAMINE",
		"CLOSE\n", "BODY[" };
	unsigned int tag;

	(void)state;
	at("imap.zoho.com", "IDLE ID", "NIL", 0);
	tag = expects("UID FETCH 1:20 (UID FLAGS)");
	ok(tag);
	(void)expects("IDLE");
	say("+ idling");
	say("* 1 EXISTS");
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
	tag = expects("UID FETCH 21:*" HEADERS);
	say_header(1, 21, "");
	ok(tag);
	(void)expects("IDLE");
	say("+ idling");
	assert_int_equal(send_body_want(t.store, &(struct msg_body_want){ .mailbox = 10, .uidvalidity = 7, .uid = 21 }), 0);
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
	for (char *line = heard(); line != NULL; line = heard()) {
		(void)snprintf(asked + strlen(asked), sizeof(asked) - strlen(asked), "%s\n", line);
		if (strstr(line, "RFC822.SIZE)") != NULL)
			say("* 1 FETCH (UID 21 RFC822.SIZE 5)");
		ok((unsigned int)strtoul(line + 1, NULL, 10));
	}
	assert_non_null(strstr(asked, "BODY.PEEK[]"));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (strstr(asked, bad[i]) != NULL)
			fail_msg("'%s' in:\n%s", bad[i], asked);
	}
	stop();
}

/* Exchange: OK and no message; a stub, and the others go on. */
static void
ok_without_message(void **state)
{
	unsigned int tag = 0;

	(void)state;
	at("mail.agency.example", "IDLE", NULL, 2);
	settle();
	(void)expects("IDLE");
	say("+ idling");
	forget();
	assert_int_equal(send_body_want(t.store, &(struct msg_body_want){ .mailbox = 10, .uidvalidity = 7, .uid = 15 }), 0);
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
	for (char *line = heard(); line != NULL; line = heard()) {
		tag = (unsigned int)strtoul(line + 1, NULL, 10);
		if (strstr(line, "RFC822.SIZE)") != NULL)
			say("* 1 FETCH (UID 15 RFC822.SIZE 500)");
		if (strstr(line, "BODY.PEEK[]") != NULL)
			say("* 1 FETCH (UID 15 BODY[] NIL)");
		if (strstr(line, "IDLE") != NULL)
			break;
		ok(tag);
	}
	told("body uid=15 code=sync.item_empty bytes=0\n");
	stop();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(matching),
		cmocka_unit_test(idle_renewed),
		cmocka_unit_test(alive_by_status),
		cmocka_unit_test(plateau_told_once),
		cmocka_unit_test(any_order),
		cmocka_unit_test(never_asked),
		cmocka_unit_test(ok_without_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

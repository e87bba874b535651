/*
 * The list of folders against a scripted server: names in UTF-8, roots of
 * others' folders, many of them, and the list asked for again.
 */
#include "plain_server.h"

static const struct msg_sync_config plain = { .first = 3 };

/* ---- UTF8=ACCEPT ---- */

static void
utf8_accept(void **state)
{
	unsigned int list, tag;

	(void)state;
	start(&(struct msg_sync_config){ .first = 3, .all_folders = true });
	capable("IDLE ENABLE UTF8=ACCEPT LIST-EXTENDED LIST-STATUS");
	tag = expect("ENABLE UTF8=ACCEPT");
	say("* ENABLED UTF8=ACCEPT");
	ok(tag);
	list = expect("LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))");
	tag = expect("SELECT \"INBOX\"");
	say("* LIST () \"/\" INBOX\r\n* LIST () \"/\" \"Entwürfe\"\r\n* LIST () \"/\" \"A & B\"\r\n"
	    "* STATUS \"A & B\" (MESSAGES 7 UIDNEXT 1 UIDVALIDITY 7)");
	ok(list);
	/* the store knows folders by one name, whatever the server speaks */
	told("found INBOX role=1 synced=1\nfound Entw&APw-rfe role=3 synced=1\nfound A &- B role=0 synced=1\nlisted 3\n"
	     "error 0 sync.sent_folder_unknown\n");
	assert_int_equal(t.e.folders.v[2].status.messages, 7);
	assert_string_equal(t.e.folders.v[1].name, "Entwürfe");
	opened(tag, 0, 7, 1);
	opened(expect("SELECT \"Entwürfe\""), 0, 7, 1);
	(void)expect("SELECT \"A & B\"");
	stop();
}

/* OBJECTID: asked for alone, and what else is known of the folder stays. */
static void
mailbox_ids(void **state)
{
	unsigned int list, tag, status;

	(void)state;
	start(&plain);
	capable("IDLE OBJECTID LIST-EXTENDED LIST-STATUS");
	list = expect("LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))");
	tag = expect("SELECT \"INBOX\"");
	say("* LIST () \"/\" INBOX\r\n* STATUS INBOX (MESSAGES 7 UIDNEXT 9 UIDVALIDITY 7)\r\n* LIST (\\Sent) \"/\" Sent");
	ok(list);
	opened(tag, 7, 7, 9);
	status = expect("STATUS \"INBOX\" (MAILBOXID)");
	assert_int_equal(expect("STATUS \"Sent\" (MAILBOXID)"), status + 1);
	say("* STATUS INBOX (MAILBOXID (F1))\r\n* STATUS Sent (MAILBOXID (NIL))");
	ok(status);
	told("");
	ok(status + 1);
	assert_string_equal(t.e.folders.v[0].objectid, "F1");
	assert_string_equal(t.e.folders.v[1].objectid, "");
	assert_int_equal(t.e.folders.v[0].status.messages, 7);
	assert_non_null(strstr(t.told, "found INBOX role=1 synced=1\nfound Sent role=2 synced=1\nlisted 2\n"));
	stop();
}

/* Offered, and not given: names are modified UTF-7 as ever. */
static void
utf8_refused(void **state)
{
	unsigned int list, tag;

	(void)state;
	start(&(struct msg_sync_config){ .first = 3, .all_folders = true });
	capable("IDLE ENABLE UTF8=ACCEPT");
	tag = expect("ENABLE UTF8=ACCEPT");
	say("P%u NO no", tag);
	list = expect("LIST \"\" \"*\"");
	tag = expect("SELECT \"INBOX\"");
	say("* LIST () \"/\" INBOX\r\n* LIST () \"/\" Entw&APw-rfe");
	ok(list);
	opened(tag, 0, 7, 1);
	(void)expect("SELECT \"Entw&APw-rfe\"");
	stop();
}

/* ---- roots of folders ---- */

static void
namespaces(void **state)
{
	static struct msg_sync_config c = { .first = 3, .all_folders = true };
	static const char also[] = "Shared/Jobs";
	unsigned int space, list, tag;
	struct wbuf w;

	(void)state;
	wbuf_init(&w, 100);
	list_add(&w, slice_str(also));
	c.also = wbuf_slice(&w);
	start(&c);
	capable("NAMESPACE");
	space = expect("NAMESPACE");
	list = expect("LIST \"\" \"*\"");
	tag = expect("SELECT \"INBOX\"");
	say("* NAMESPACE ((\"INBOX/\" \"/\" \"X-PARAM\" (\"a\" \"b\"))) ((\"Users/\" \"/\")) ((\"Shared/\" \"/\"))");
	ok(space);
	say("* LIST () \"/\" INBOX\r\n* LIST () \"/\" INBOX/Sent\r\n* LIST () \"/\" Users\r\n"
	    "* LIST (\\Drafts) \"/\" Users/Drafts");
	ok(list);
	/* not in the long list, and wanted: asked by its root */
	list = expect("LIST \"\" \"Shared/*\"");
	silent();
	say("* LIST () \"/\" Shared/Jobs\r\n* LIST (\\Trash) \"/\" Shared/Trash");
	ok(list);
	/* others' folders have no role here, and only those named are synced */
	told("found INBOX role=1 synced=1\nfound INBOX/Sent role=2 synced=1\nfound Users role=0 synced=0\n"
	     "found Users/Drafts role=0 synced=0\nfound Shared/Jobs role=0 synced=1\nfound Shared/Trash role=0 synced=0\n"
	     "listed 6\n");
	assert_false(folders_by_name(&t.e.folders, slice_str("Users"))->selectable);
	opened(tag, 0, 7, 1);
	stop();
	wbuf_free(&w);
}

/* limit: LIM_FOREIGN_LISTS */
static void
many_foreign_roots(void **state)
{
	static struct msg_sync_config c = { .first = 3 };
	unsigned int space, list, n = 0;
	char text[1000] = "* NAMESPACE ((\"\" \"/\")) NIL (";
	struct wbuf w;
	char *line;

	(void)state;
	wbuf_init(&w, 100);
	list_add(&w, slice_str("r3/Jobs"));
	c.also = wbuf_slice(&w);
	start(&c);
	capable("NAMESPACE");
	space = expect("NAMESPACE");
	list = expect("LIST \"\" \"*\"");
	opened(expect("SELECT \"INBOX\""), 0, 7, 1);
	for (int i = 0; i <= LIM_FOREIGN_LISTS; i++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "(\"r%d/\" \"/\")", i);
	say("%s)", text);
	ok(space);
	say("* LIST () \"/\" INBOX");
	ok(list);
	for (; (line = heard()) != NULL; n++)
		assert_non_null(strstr(line, "LIST"));
	assert_int_equal(n, LIM_FOREIGN_LISTS);
	assert_int_equal(t.e.writer.npending, LIM_FOREIGN_LISTS);
	stop();
	wbuf_free(&w);
}

/* ---- listing again ---- */

/* limit: LIM_LIST_STATUS */
static void
many_folders(void **state)
{
	unsigned int list, tag;

	(void)state;
	for (unsigned int more = 0; more <= 1; more++) {
		start(&plain);
		capable("IDLE LIST-EXTENDED LIST-STATUS");
		list = expect("LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))");
		tag = expect("SELECT \"INBOX\"");
		say("* LIST () \"/\" INBOX");
		for (unsigned int i = 1; i < LIM_LIST_STATUS + more; i++) {
			say("* LIST (\\Noselect) \"/\" f%u", i);
			forget();
		}
		ok(list);
		opened(tag, 0, 7, 1);
		idle();
		t.e.relist = true;
		engine_turn(&t.e);
		idle_ends();
		(void)expect(more ? "LIST \"\" \"*\"" : "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))");
		stop();
	}
}

static void
unselected_for_a_new_list(void **state)
{
	static const char *const caps[] = { "IDLE UNSELECT", "IDLE" };
	unsigned int i, list, tag;

	(void)state;
	for (i = 0; i < 2; i++) {
		start(&plain);
		capable(caps[i]);
		list = expect("LIST \"\" \"*\"");
		tag = expect("SELECT \"INBOX\"");
		say("* LIST () \"/\" INBOX");
		ok(list);
		opened(tag, 0, 7, 1);
		idle();
		t.e.relist = true;
		engine_turn(&t.e);
		idle_ends();
		if (i == 0)
			ok(expect("UNSELECT"));
		(void)expect("LIST \"\" \"*\"");
		silent();
		stop();
	}
}

static void
gmail_without_all_mail(void **state)
{
	unsigned int list, tag;

	(void)state;
	start(&plain);
	capable("IDLE X-GM-EXT-1");
	list = expect("LIST \"\" \"*\"");
	tag = expect("SELECT \"INBOX\"");
	say("* LIST () \"/\" INBOX\r\n* LIST (\\Sent) \"/\" \"[Gmail]/Gesendet\"");
	ok(list);
	told("found INBOX role=1 synced=1\nfound [Gmail]/Gesendet role=2 synced=1\nlisted 2\nerror 0 sync.allmail_hidden\n");
	opened(tag, 0, 7, 1);
	stop();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_accept),
		cmocka_unit_test(mailbox_ids),
		cmocka_unit_test(utf8_refused),
		cmocka_unit_test(namespaces),
		cmocka_unit_test(many_foreign_roots),
		cmocka_unit_test(many_folders),
		cmocka_unit_test(unselected_for_a_new_list),
		cmocka_unit_test(gmail_without_all_mail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

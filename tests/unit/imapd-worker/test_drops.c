/*
 * What outlives a connection: errors told once, and messages on which the
 * server dies again and again.
 */
#include "engine_test.h"

static const struct msg_sync_config all = { .first = 0 };

/* Up to the list: an INBOX alone. */
static void
hello(void)
{
	unsigned int tag = expect("CAPABILITY");

	say("* CAPABILITY IMAP4rev1 IDLE");
	ok(tag);
	tag = expect("LIST \"\" \"*\"");
	say("* LIST () \"/\" INBOX");
	ok(tag);
}

static void
lose(void)
{
	close(t.peer);
	pump();
	assert_int_equal(t.e.state, ENGINE_BACKOFF);
	t.e.state = ENGINE_WANTED;
	connect_stream();
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
	lose();
	(void)expect("SELECT \"INBOX\"");
	told("error 0 net.reset\nfound INBOX role=1 synced=1\nlisted 1\n");
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_sent_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * plain_server.h - what a scripted server without extensions says again and again.
 */
#ifndef TEST_IMAPD_PLAIN_SERVER_H
#define TEST_IMAPD_PLAIN_SERVER_H

#include "engine_test.h"

#define INBOX_ROW "* LIST () \"/\" INBOX\r\n"
#define SENT_ROW "* LIST (\\Sent) \"/\" Sent\r\n"
#define TRASH_ROW "* LIST (\\Trash) \"/\" Trash\r\n"	/* is not synced */

/* What is asked of a header. */
#define HEADERS " (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])"
#define HEADERS_M " (UID FLAGS INTERNALDATE RFC822.SIZE MODSEQ BODY.PEEK[HEADER])"

static inline void
capable(const char *caps)
{
	unsigned int tag;

	if (t.at_login) {
		silent();
		say("* OK [CAPABILITY IMAP4rev1 %s] in", caps);
		return;
	}
	tag = expect("CAPABILITY");
	silent();
	say("* CAPABILITY IMAP4rev1 %s", caps);
	ok(tag);
}

static inline void
listed(const char *rows)
{
	unsigned int tag = expect("LIST \"\" \"*\"");

	say_bytes(rows, strlen(rows));
	ok(tag);
}

static inline void
greet(const char *caps, const char *rows)
{
	capable(caps);
	listed(rows);
}

/* A SELECT is answered; next 0: without UIDNEXT. */
static inline void
opened(unsigned int tag, unsigned int exists, unsigned int validity, unsigned int next)
{
	say("* %u EXISTS\r\n* OK [UIDVALIDITY %u] .\r\n* OK [PERMANENTFLAGS (\\*)] .", exists, validity);
	if (next != 0)
		say("* OK [UIDNEXT %u] .", next);
	ok(tag);
}

/* The flags of an inbox that has UIDs 15 and 20 are asked for and told. */
static inline void
tell_15_and_20(const char *command)
{
	unsigned int tag = expect(command);

	say("* 1 FETCH (UID 15 FLAGS ())\r\n* 2 FETCH (UID 20 FLAGS ())");
	ok(tag);
}

static inline void
idle(void)
{
	(void)expect("IDLE");
	say("+ idling");
}

static inline void
idle_ends(void)
{
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
}

/* The connection is lost; the next one is there at once. */
static inline void
lose(void)
{
	close(t.peer);
	pump();
	assert_int_equal(t.e.state, ENGINE_BACKOFF);
	t.e.state = ENGINE_WANTED;
	connect_stream();
}

#endif

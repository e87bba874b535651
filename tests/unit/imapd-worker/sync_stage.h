/*
 * sync_stage.h - an inbox and a Sent folder at a scripted server, up to their SELECT.
 */
#ifndef TEST_IMAPD_SYNC_STAGE_H
#define TEST_IMAPD_SYNC_STAGE_H

#include "plain_server.h"

static const struct msg_sync_config newest3 = { .first = 3 };

static inline void
hello(const char *caps, const char *listing)
{
	unsigned int tag;

	capable(caps);
	if (strstr(caps, "QRESYNC") != NULL) {
		tag = expect("ENABLE QRESYNC");
		say("* ENABLED QRESYNC");
		ok(tag);
	}
	listed(listing);
}

#define TWO "* LIST (\\HasNoChildren) \"/\" INBOX\r\n* LIST (\\HasNoChildren \\Sent) \"/\" Sent\r\n"

static inline void
selected(const char *command, unsigned int exists, unsigned int next, const char *more)
{
	unsigned int tag = expect(command);

	say("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)");
	say("* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft \\*)] Limited");
	say("* %u EXISTS", exists);
	say("* 0 RECENT");
	say("* OK [UIDVALIDITY 7] ok");
	if (next != 0)
		say("* OK [UIDNEXT %u] ok", next);
	if (more[0] != '\0')
		say("%s", more);
	say("P%u OK [READ-WRITE] done", tag);
}

#endif

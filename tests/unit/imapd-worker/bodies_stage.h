/*
 * bodies_stage.h - an inbox that is known, and bodies of it that are wanted.
 */
#ifndef TEST_IMAPD_BODIES_STAGE_H
#define TEST_IMAPD_BODIES_STAGE_H

#include "plain_server.h"

static const struct msg_sync_config all = { .first = 0 };

static inline void
hello(void)
{
	greet("IDLE UIDPLUS", INBOX_ROW TRASH_ROW);
	opened(expect("SELECT \"INBOX\""), 2, 7, 2001);
}

/* The inbox is known from low on; the past below it is not, if low is above 1. */
static inline void
known_after(uint32_t low, uint64_t rtt)
{
	unsigned int tag;
	char text[100];

	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 2001, 0, low, low == 1 } };
	time_pass(rtt);
	hello();
	(void)snprintf(text, sizeof(text), "UID FETCH %u:2000 (UID FLAGS)", low);
	tag = expect(text);
	say("* 1 FETCH (UID 1500 FLAGS ())\r\n* 2 FETCH (UID 2000 FLAGS ())");
	ok(tag);
}

static inline void
known(uint32_t low)
{
	known_after(low, 0);
}

static inline void
want(uint32_t uid, uint32_t size, bool backfill)
{
	struct msg_body_want w = { .mailbox = 10, .uidvalidity = 7, .uid = uid, .size = size, .backfill = backfill };

	assert_int_equal(send_body_want(t.store, &w), 0);
}

/* n wants of a size from UID first on, while the connection idles. */
static inline void
wants(uint32_t first, unsigned int n, uint32_t size)
{
	idle();
	for (uint32_t uid = first; uid < first + n; uid++)
		want(uid, size, false);
	pump();
	idle_ends();
}

/* How many messages one FETCH of bodies asks for; its tag. */
static inline unsigned int
fetched(unsigned int *n)
{
	char *line = heard(), *p;
	unsigned int tag;

	assert_non_null(line);
	assert_non_null(strstr(line, " (UID BODY.PEEK[])"));
	assert_int_equal(sscanf(line, "P%u UID FETCH", &tag), 1);
	for (*n = 1, p = line; (p = strchr(p, ',')) != NULL; p++)
		++*n;
	return tag;
}

#endif

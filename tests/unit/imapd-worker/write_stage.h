/*
 * write_stage.h - a live mailbox for write-back: INBOX (10) with UIDs 15 and 20,
 * Sent (11) empty, Trash (12) not synced. Time is the test's own.
 */
#ifndef TEST_IMAPD_WRITE_STAGE_H
#define TEST_IMAPD_WRITE_STAGE_H

#include "../own_time.h"
#include "plain_server.h"

/* No more write-back comes for a moment. */
static inline void
quiet(void)
{
	time_pass(LIM_OPS_GATHER_MS);
}

/* As far as the SELECT of INBOX. */
static inline void
begin_write(const char *caps, unsigned int next)
{
	capable(caps);
	listed(INBOX_ROW SENT_ROW TRASH_ROW);
	opened(expect("SELECT \"INBOX\""), 2, 7, next);
}

/* One operation is given, and its moment has come. */
static inline void
do_op(const struct msg_op *m)
{
	assert_int_equal(send_op(t.store, m, -1), 0);
	pump();
	quiet();
	idle_ends();
}

static inline void
settle_at(const char *caps, unsigned int next)
{
	static const struct msg_sync_config some = { .first = 3 };
	char text[64];

	start(&some);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, next, 0, 1, true } };
	t.bound[1] = (struct bound){ strdup("Sent"), { 8, 1, 0, 1, true } };
	begin_write(caps, next);
	(void)snprintf(text, sizeof(text), "UID FETCH 1:%u (UID FLAGS)", next - 1);
	tell_15_and_20(text);
	opened(expect("SELECT \"Sent\""), 0, 8, 1);
	opened(expect("SELECT \"INBOX\""), 2, 7, next);
	idle();
	forget();
}

#endif

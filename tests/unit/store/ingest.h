/* ingest.h - a first sync of two messages, and what is held. */
#ifndef TEST_STORE_INGEST_H
#define TEST_STORE_INGEST_H

#include "mail.h"

#define M1 "From: a@x.example\r\nTo: " OWN "\r\nMessage-ID: m1@x.example\r\n\r\n"
#define M2 "From: b@x.example\r\nTo: " OWN "\r\nMessage-ID: m2@x.example\r\n\r\n"

static inline void
answer_bodies(void)
{
	union msg m;

	turns();
	while (next_told(&far_imap, MSG_body_want, &m) != NULL) {
		struct msg_message_body b = { .mailbox = m.body_want.mailbox, .uid = m.body_want.uid,
			.data = m.body_want.uid == 1 ? slice_str(M1 "hello\r\n") : slice_str(M2 "hello\r\n") };

		assert_int_equal(send_message_body(far_imap.c, &b, -1), 0);
		turns();
	}
}

static inline void
first_sync(void)
{
	opened(inbox, 7);
	header(inbox, 1, "\\Seen", M1);
	header(inbox, 2, "", M2);
	synced(inbox, 7, 3);
	turns();
	answer_bodies();
}

/* Pretend that what is held has been held for a while. */
static inline void
age_held(void)
{
	struct scan s;
	struct slice key;
	struct key_held k;

	scan_prefix(&s, T_held, PREFIX(held, 1, .account = LINK), false);
	while (scan_next(&s, &key, NULL))
		if (key_held_read(key, &k) == 0)
			table_put_u64(T_held, KEY(held, .account = k.account, .email = k.email), 1000);
	db_turn_end();
}

#endif

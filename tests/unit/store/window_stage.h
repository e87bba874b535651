/*
 * window_stage.h - a link with old and new mail, and days that pass. Time is our own.
 */
#ifndef TEST_STORE_WINDOW_STAGE_H
#define TEST_STORE_WINDOW_STAGE_H

#include "mail_time.h"

#include "note.h"
#include "review.h"
#include "window.h"

#define HOUR 3600
#define DAY (24 * HOUR)

/* The next slice of long work, and its commit. */
static inline void
slice(void)
{
	time_pass(1);
	db_turn_end();
}

static inline void
days_pass(uint64_t days)
{
	own_ms += days * DAY * 1000 - LIM_WINDOW_SWEEP_SECONDS * 1000;
	time_pass(LIM_WINDOW_SWEEP_SECONDS * 1000);
	turns();
}

static uint64_t today;	/* when the test began */

static inline const char *
head_of(uint32_t uid, uint64_t days)
{
	static char text[160];

	snprintf(text, sizeof(text), "From: a@x.example\r\nTo: " OWN "\r\nMessage-ID: m%u.%llu@x.example\r\n\r\n", uid,
	    (unsigned long long)days);
	return text;
}

/* A message of so many days before the test. */
static inline void
dated(uint64_t mailbox, uint32_t uid, uint64_t days)
{
	struct msg_message_header h = { .mailbox = mailbox, .uid = uid, .backfill = true, .size = 100,
		.internaldate = today - days * DAY };

	h.header = slice_str(head_of(uid, days));
	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
}

static inline void
position(uint64_t mailbox, uint32_t next, uint32_t low, uint32_t first_low, bool complete)
{
	assert_int_equal(send_mailbox_synced(far_imap.c,
	    &(struct msg_mailbox_synced){ .mailbox = mailbox, .uidvalidity = 7, .uidnext = next, .uid_low = low,
		.first_low = first_low, .complete = complete }), 0);
	turns();
}

static inline size_t
count(void)
{
	uint64_t ids[2000];

	return emails(ids, 2000);
}

/* The email of a UID; 0: none. */
static inline uint64_t
of(uint64_t mailbox, uint32_t uid)
{
	struct uid_row u;

	return uid_get(LINK, mailbox, uid, &u) ? u.email : 0;
}

static inline size_t
rows(enum table t)
{
	return rows_of(t, PREFIX(email, 1, .account = LINK));	/* each begins with the account */
}

static inline void
begin(enum content_policy content, uint32_t period_days, uint32_t first)
{
	store.period_days = period_days;
	store.first = first;
	today = store_now();
	link_put(MODE_TWO_WAY, content);
	imap_connect();
	opened(inbox, 7);
	opened(archive, 7);
	turns();
}

static inline int
window_teardown(void **state)
{
	int r = teardown(state);

	store.period_days = 0;
	store.first = 100;
	return r;
}

/* What the store sends with the folder when it is listed again. */
static inline struct msg_mailbox_bound
bound_again(const char *name, enum mailbox_role role, bool is_synced)
{
	struct msg_mailbox_found f = { .raw_name = slice_str(name), .name = slice_str(name), .separator = '/',
		.role = (uint8_t)role, .selectable = true, .synced = is_synced };
	union msg m;

	assert_int_equal(send_mailbox_found(far_imap.c, &f), 0);
	turns();
	assert_non_null(next_told(&far_imap, MSG_mailbox_bound, &m));
	return m.mailbox_bound;
}

static inline void
list_again(bool archive_synced)
{
	(void)bound_again("INBOX", MBOX_INBOX, true);
	(void)bound_again("Sent", MBOX_SENT, true);
	(void)bound_again("Drafts", MBOX_DRAFTS, false);
	(void)bound_again("Archive", MBOX_ARCHIVE, archive_synced);
	assert_int_equal(send_mailbox_list_end(far_imap.c, &(struct msg_mailbox_list_end){ .count = 4 }), 0);
	turns();
}

/* ---- meaning and migration ---- */

static inline void
set_policy(uint32_t days, bool own_days, uint32_t first, bool own_first)
{
	struct row_link row;

	assert_true(row_link_get(&row, KEY(link, .no = LINK)));
	row.rec.period_days = days;
	row.rec.own_period = own_days;
	row.rec.first = first;
	row.rec.own_first = own_first;
	link_write(LINK, &row.rec, false);
	row_link_free(&row);
	db_turn_end();
}

static inline void
expect_policy(uint32_t days, uint32_t first)
{
	struct link_policy p;

	assert_int_equal(link_policy(LINK, &p), 0);
	assert_int_equal(p.period_days, days);
	assert_int_equal(p.first, first);
}

#endif

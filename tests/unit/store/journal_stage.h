/*
 * journal_stage.h - one message, changed by the ATS, and what the worker is told to do about it.
 */
#ifndef TEST_STORE_JOURNAL_STAGE_H
#define TEST_STORE_JOURNAL_STAGE_H

#include "mail_write.h"

#include "bind.h"
#include "ingest.h"
#include "journal_flight.h"

#define M1 "From: a@x.example\r\nTo: " OWN "\r\nMessage-ID: m1@x.example\r\n\r\n"

static uint64_t id;

static inline void
one_message(void)
{
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", M1);
	synced(inbox, 7, 2);
	turns();
	id = only_email();
}

static inline void
update(uint32_t req, const char *add, const char *del)
{
	struct msg_email_update u = { .req = req, .account = LINK, .id = id, .keywords_add = slice_str(add),
		.keywords_del = slice_str(del) };

	assert_int_equal(send_email_update(far_ats.c, &u), 0);
	assert_int_equal(answer_of(req).error.n, 0);
}

static inline struct msg_set_done
move(uint32_t req, uint64_t from, uint64_t to)
{
	struct wbuf add = { 0 }, del = { 0 };
	struct msg_email_update u = { .req = req, .account = LINK, .id = id };

	if (to != 0)
		ids_add(&add, to);
	if (from != 0)
		ids_add(&del, from);
	u.mailboxes_add = wbuf_slice(&add);
	u.mailboxes_del = wbuf_slice(&del);
	assert_int_equal(send_email_update(far_ats.c, &u), 0);
	wbuf_free(&add);
	wbuf_free(&del);
	return answer_of(req);
}

#endif

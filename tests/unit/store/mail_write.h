/*
 * mail_write.h - what the ATS writes, and what the worker is told to do about it.
 */
#ifndef TEST_STORE_MAIL_WRITE_H
#define TEST_STORE_MAIL_WRITE_H

#include "mail.h"

static inline struct slice
one_address(struct wbuf *list, const char *address)
{
	struct wbuf a = { .max = 0 };

	if (address == NULL)
		return SLICE_NONE;
	rec_address_encode(&a, &(struct rec_address){ .email = slice_str(address) });
	list_add(list, wbuf_slice(&a));
	wbuf_free(&a);
	return wbuf_slice(list);
}

/* A draft of ours is created; to, bcc and reply_to may be NULL. */
static inline uint64_t
draft_in(uint32_t req, uint64_t mailbox, const char *to, const char *bcc, const char *reply_to)
{
	struct wbuf from_list = { 0 }, to_list = { 0 }, bcc_list = { 0 }, irt = { 0 }, boxes = { 0 }, d = { 0 };
	struct rec_draft r = { .sent_at = 1700000000, .from = one_address(&from_list, OWN),
		.to = one_address(&to_list, to), .bcc = one_address(&bcc_list, bcc) };
	struct msg_set_done done;

	if (reply_to != NULL)
		list_add(&irt, slice_str(reply_to));
	r.in_reply_to = wbuf_slice(&irt);
	rec_draft_encode(&d, &r);
	ids_add(&boxes, mailbox);
	send_email_create(far_ats.c,
	    &(struct msg_email_create){ .req = req, .account = LINK, .keywords = slice_str("$draft $seen"),
		.mailboxes = wbuf_slice(&boxes), .draft = wbuf_slice(&d) },
	    -1);
	wbuf_free(&from_list);
	wbuf_free(&to_list);
	wbuf_free(&bcc_list);
	wbuf_free(&irt);
	wbuf_free(&boxes);
	wbuf_free(&d);
	done = answer_of(req);
	assert_int_equal(done.error.n, 0);
	assert_true(done.blob != 0 && done.thread != 0 && done.size > 0);
	return done.id;
}

static inline uint64_t
next_op(enum op_kind kind, union msg *m)
{
	turns();
	assert_non_null(next_told(&far_imap, MSG_op, m));
	assert_int_equal(m->op.kind, kind);
	return m->op.op;
}

static inline void
no_op(void)
{
	union msg m;

	turns();
	assert_null(next_told(&far_imap, MSG_op, &m));
}

#endif

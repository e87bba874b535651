/*
 * limits_stage.h - mail for the limits of the mail half.
 */
#ifndef TEST_STORE_LIMITS_STAGE_H
#define TEST_STORE_LIMITS_STAGE_H

#include "mail_time.h"

#define FROM "From: a@x.example\r\n"

/* An email with its header only; from now on bodies are wanted. */
static inline uint64_t
one_header(void)
{
	link_put(MODE_TWO_WAY, CONTENT_HEADERS);
	imap_connect();
	opened(inbox, 7);
	header(inbox, 1, "", FROM "Message-ID: m1@x.example\r\n\r\n");
	synced(inbox, 7, 2);
	turns();
	link_put(MODE_TWO_WAY, CONTENT_ALL);
	turns();
	return only_email();
}

/* A message of a size. */
static inline void
sized(uint32_t uid, uint32_t size)
{
	char text[100];
	struct msg_message_header h = { .mailbox = inbox, .uid = uid, .internaldate = 1700000000, .size = size };

	(void)snprintf(text, sizeof(text), FROM "Message-ID: s%u@x.example\r\n\r\n", uid);
	h.header = slice_str(text);
	assert_int_equal(send_message_header(far_imap.c, &h, -1), 0);
}

#endif

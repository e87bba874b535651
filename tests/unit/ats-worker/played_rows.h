/*
 * played_rows.h - the records that the played store has: of each type the
 * objects 1 and 2, or fewer.
 */
#ifndef TEST_ATS_PLAYED_ROWS_H
#define TEST_ATS_PLAYED_ROWS_H

#include "messages.h"

static inline struct slice
encoded(struct wbuf *w)
{
	assert_false(w->failed);
	return wbuf_slice(w);
}

static inline void
list_address(struct wbuf *list, const char *name, const char *email)
{
	struct wbuf one = { .max = 600 };

	rec_address_encode(&one, &(struct rec_address){ slice_str(name), slice_str(email) });
	list_add(list, encoded(&one));
	wbuf_free(&one);
}

static inline void
list_part(struct wbuf *list, struct rec_part p)
{
	struct wbuf one = { .max = 4096 };

	rec_part_encode(&one, &p);
	list_add(list, encoded(&one));
	wbuf_free(&one);
}

static inline void
make_link(struct wbuf *w, uint64_t id)
{
	struct rec_link r = { .address = slice_str(id == 1 ? "anna@example.org" : "desk@example.org"),
		.name = slice_str("Anna"), .mode = id == 1 ? MODE_TWO_WAY : MODE_RECEIVE_ONLY,
		.imap_host = slice_str("imap.example.org"), .imap_port = 993, .imap_security = SECURITY_TLS,
		.imap_user = slice_str("anna"), .smtp_host = slice_str("smtp.example.org"), .smtp_port = 465,
		.smtp_security = SECURITY_TLS, .smtp_user = slice_str("anna"), .state = LINK_OFFLINE,
		.error_code = slice_str("net.refused"), .error_detail = slice_str("refused"), .error_since = 1000,
		.linked_at = 500 };

	rec_link_encode(w, &r);
}

static inline void
make_email(struct wbuf *w, uint64_t id, bool parts)
{
	struct wbuf from = { .max = 0 }, to = { .max = 0 }, list = { .max = 0 }, header = { .max = 0 }, ids = { .max = 0 };
	struct wbuf mids = { .max = 0 };
	struct rec_header h = { .subject = slice_str("Hello \xc3\xa4"), .sent_at = 1414649520, .sent_zone = 720 + 480 };
	struct rec_email e = { .thread = 3, .blob = id == 1 ? 11 : 0, .size = 4321, .received_at = 1414649530,
		.keywords = slice_str("$seen work"), .has_attachment = true, .preview = slice_str("Hello"),
		.content_state = id == 1 ? CONTENT_STATE_FULL : CONTENT_STATE_HEADER };

	list_address(&from, "Anna", "anna@example.org");
	list_address(&to, "", "carl@example.com");
	list_address(&to, "", "CARL@example.com");
	list_add(&mids, slice_str("abc@example.org"));
	h.from = encoded(&from);
	h.to = encoded(&to);
	h.message_id = encoded(&mids);
	rec_header_encode(&header, &h);
	e.header = encoded(&header);
	ids_add(&ids, 1);
	e.mailboxes = encoded(&ids);
	if (parts && id == 1) {
		list_part(&list, (struct rec_part){ .multipart = true, .type = slice_str("multipart/mixed") });
		list_part(&list, (struct rec_part){ .depth = 1, .multipart = true, .type = slice_str("multipart/alternative") });
		list_part(&list, (struct rec_part){ .part_id = slice_str("1"), .depth = 2, .type = slice_str("text/plain"),
		    .size = 20, .flags = PART_TEXT_BODY });
		list_part(&list, (struct rec_part){ .part_id = slice_str("2"), .depth = 2, .type = slice_str("text/html"),
		    .charset = slice_str("utf-8"), .size = 40, .flags = PART_HTML_BODY });
		list_part(&list, (struct rec_part){ .part_id = slice_str("3"), .depth = 1, .type = slice_str("application/pdf"),
		    .name = slice_str("cv.pdf"), .disposition = slice_str("attachment"), .size = 99,
		    .flags = PART_ATTACHMENT | PART_DOCUMENT });
	}
	e.parts = wbuf_slice(&list);
	rec_email_encode(w, &e);
	wbuf_free(&from);
	wbuf_free(&to);
	wbuf_free(&list);
	wbuf_free(&header);
	wbuf_free(&ids);
	wbuf_free(&mids);
}

static inline void
make_submission(struct wbuf *w)
{
	struct wbuf list = { .max = 0 }, one = { .max = 0 };
	struct rec_rcpt to = { .email = slice_str("carl@example.com"), .state = RCPT_PENDING };
	struct rec_submission r = { .email = 1, .thread = 3, .identity = 1, .from = slice_str("anna@example.org"),
		.state = SUB_QUEUED, .undo = UNDO_PENDING, .send_at = 2000, .sequence_id = slice_str("q") };

	rec_rcpt_encode(&one, &to);
	list_add(&list, wbuf_slice(&one));
	r.rcpts = wbuf_slice(&list);
	rec_submission_encode(w, &r);
	wbuf_free(&list);
	wbuf_free(&one);
}

/* False: no such object. */
static inline bool
make_row(struct wbuf *w, const struct msg_get *m, uint64_t id)
{
	if (id == 0 || id > 2)
		return false;
	switch ((enum obj_type)m->type) {
	case OBJ_LINK:
		make_link(w, id);
		return true;
	case OBJ_EMAIL:
		make_email(w, id, m->parts != 0);
		return true;
	case OBJ_MAILBOX:
		rec_mailbox_encode(w, &(struct rec_mailbox){ .name = slice_str(id == 1 ? "Inbox" : "Alpha"),
		    .role = id == 1 ? MBOX_INBOX : MBOX_NONE, .selectable = true, .total = 4, .unread = 1 });
		return true;
	case OBJ_IDENTITY:
		rec_identity_encode(w, &(struct rec_identity){ slice_str("Anna"), slice_str("anna@example.org"),
		    SLICE_NONE, SLICE_NONE });
		return true;
	case OBJ_SUBMISSION:
		make_submission(w);
		return true;
	case OBJ_CORRESPONDENT:
		rec_correspondent_encode(w, &(struct rec_correspondent){ .kind = PERSON_CANDIDATE,
		    .name = slice_str("Carl") });
		return true;
	case OBJ_REVIEW:
		rec_review_encode(w, &(struct rec_review){ .reason = id == 1 ? REVIEW_UNCERTAIN_SEND
									   : REVIEW_AMBIGUOUS_ADDRESS });
		return true;
	case OBJ_NOTE:
	case OBJ_THREAD:
	case OBJ__COUNT:
		break;
	}
	return false;
}

#endif

/*
 * ats_row.c - one object as the record that a row message carries.
 */
#include "ats_request.h"
#include "identity.h"
#include "link.h"
#include "thread.h"

bool
ats_account_serves(uint32_t account, enum obj_type type)
{
	switch (type) {
	case OBJ_LINK:
	case OBJ_CORRESPONDENT:
	case OBJ_NOTE:
	case OBJ_REVIEW:
		return account == ACCOUNT_ATS;
	case OBJ_MAILBOX:
	case OBJ_EMAIL:
	case OBJ_THREAD:
	case OBJ_IDENTITY:
	case OBJ_SUBMISSION:
		return account != ACCOUNT_ATS && link_exists(account);
	case OBJ__COUNT:
		break;
	}
	return false;
}

/* Stored rows go out as they are: a record travels as it is stored. They are
 * decoded first, so that a damaged one is skipped here and not called a broken
 * store by the ats-worker. */
#define ROW_PLAIN(name)                                                                                                \
	static bool row_##name(struct dbkey k, struct wbuf *w)                                                         \
	{                                                                                                              \
		struct row_##name row;                                                                                 \
		if (!row_##name##_get(&row, k))                                                                        \
			return false;                                                                                  \
		rec_##name##_encode(w, &row.rec);                                                                      \
		row_##name##_free(&row);                                                                               \
		return !w->failed;                                                                                     \
	}
ROW_PLAIN(correspondent)
ROW_PLAIN(note)
ROW_PLAIN(review)
ROW_PLAIN(mailbox)
ROW_PLAIN(submission)

static bool
row_link(struct dbkey k, uint32_t no, struct wbuf *w)
{
	struct row_link row;

	if (!row_link_get(&row, k))
		return false;
	link_now(no, &row.rec);
	rec_link_encode(w, &row.rec);
	row_link_free(&row);
	return !w->failed;
}

static bool
row_email(uint32_t account, uint64_t id, uint32_t parts, struct wbuf *w)
{
	struct row_email row;

	if (!row_email_get(&row, KEY(email, .account = account, .id = id)))
		return false;
	if (row.rec.mailboxes.n == 0) {	/* hidden: waits for the server to let it go */
		row_email_free(&row);
		return false;
	}
	row.rec.parts = SLICE_NONE;
	if ((parts & GET_EMAIL_PARTS) != 0) {
		struct dbkey k = KEY(email_parts, .account = account, .id = id);

		table_get(T_email_parts, k, &row.rec.parts);
		if (!list_valid(row.rec.parts, LIM_PARTS, LIM_PART_RECORD)) {
			table_log_damaged(T_email_parts, slice_mem(k.p, k.n));
			row.rec.parts = SLICE_NONE;
		}
	}
	rec_email_encode(w, &row.rec);
	row_email_free(&row);
	return !w->failed;
}

static bool
row_thread(uint32_t account, uint64_t id, struct wbuf *w)
{
	struct wbuf ids = { .max = 8 * LIM_IDS };
	bool found = thread_emails(account, id, &ids) > 0;

	if (found)
		rec_thread_encode(w, &(struct rec_thread){ .emails = wbuf_slice(&ids) });
	wbuf_free(&ids);
	return found && !w->failed;
}

bool
ats_row(uint32_t account, enum obj_type type, uint64_t id, uint32_t parts, struct wbuf *w)
{
	switch (type) {
	case OBJ_LINK:
		return id <= UINT32_MAX && row_link(KEY(link, .no = (uint32_t)id), (uint32_t)id, w);
	case OBJ_CORRESPONDENT:
		return row_correspondent(KEY(correspondent, .id = id), w);
	case OBJ_NOTE:
		return row_note(KEY(note, .id = id), w);
	case OBJ_REVIEW:
		return row_review(KEY(review, .id = id), w);
	case OBJ_MAILBOX:
		return row_mailbox(KEY(mailbox, .account = account, .id = id), w);
	case OBJ_EMAIL:
		return row_email(account, id, parts, w);
	case OBJ_THREAD:
		return row_thread(account, id, w);
	case OBJ_IDENTITY:
		return identity_encode(account, id, w);
	case OBJ_SUBMISSION:
		return row_submission(KEY(submission, .account = account, .id = id), w);
	case OBJ__COUNT:
		break;
	}
	return false;
}

/*
 * review.c - reviews: opened by the mail half and by note.c, settled by the ATS.
 */
#include "review.h"

#include "changes.h"
#include "note.h"
#include "seam.h"

static struct dbkey
review_key(uint64_t id)
{
	return KEY(review, .id = id);
}

/* Reviews of one email or submission: the open or settled one with this reason. */
static uint64_t
find_in(enum table t, struct dbkey prefix, enum review_reason reason)
{
	struct row_review row;
	struct key_reviewmail k;	/* reviewsub has the same parts */
	struct slice key;
	struct scan s;
	uint64_t found = 0;

	scan_prefix(&s, t, prefix, false);
	while (found == 0 && scan_next(&s, &key, NULL)) {
		if (key_reviewmail_read(key, &k) == -1 || !row_review_get(&row, review_key(k.id)))
			continue;
		if (row.rec.reason == reason)
			found = k.id;
		row_review_free(&row);
	}
	scan_end(&s);
	return found;
}

static uint64_t
find(const struct review_input *in)
{
	if (in->submission != 0)
		return find_in(T_reviewsub,
		    PREFIX(reviewsub, 2, .account = in->account, .submission = in->submission), in->reason);
	return find_in(T_reviewmail, PREFIX(reviewmail, 2, .account = in->account, .email = in->email), in->reason);
}

uint64_t
review_open(const struct review_input *in)
{
	struct wbuf ids = { .max = 8 * LIM_EMAILS_PERSON };
	struct rec_review r = { .reason = (uint8_t)in->reason, .account = in->account, .email = in->email,
		.submission = in->submission, .created_at = store_now() };
	uint64_t id = find(in);

	if (id != 0)
		return id;
	id = store_next_id();
	for (size_t i = 0; i < in->ncorrespondents && i < LIM_EMAILS_PERSON; i++)
		ids_add(&ids, in->correspondents[i]);
	r.correspondents = wbuf_slice(&ids);
	row_review_put(review_key(id), &r);
	wbuf_free(&ids);
	if (in->email != 0)
		table_put_empty(T_reviewmail,
		    KEY(reviewmail, .account = in->account, .email = in->email, .id = id));
	if (in->submission != 0)
		table_put_empty(T_reviewsub,
		    KEY(reviewsub, .account = in->account, .submission = in->submission, .id = id));
	changes_record(ACCOUNT_ATS, OBJ_REVIEW, id, CREATED);
	return id;
}

static void
settle(uint64_t id, struct row_review *row, enum review_resolution how, uint64_t correspondent)
{
	row->rec.resolution = (uint8_t)how;
	row->rec.correspondent = correspondent;
	row_review_put(review_key(id), &row->rec);
	changes_record(ACCOUNT_ATS, OBJ_REVIEW, id, UPDATED);
}

void
review_settle_submission(uint32_t account, uint64_t submission, enum review_resolution how)
{
	uint64_t id = find_in(T_reviewsub, PREFIX(reviewsub, 2, .account = account, .submission = submission),
	    REVIEW_UNCERTAIN_SEND);
	struct row_review row;

	if (id == 0 || !row_review_get(&row, review_key(id)))
		return;
	if (row.rec.resolution == RESOLVE_NONE)
		settle(id, &row, how, 0);
	row_review_free(&row);
}

/* The open review of a refused change; kind 0: any. */
static uint64_t
open_change(uint32_t account, uint64_t email, uint8_t kind, struct row_review *row)
{
	struct key_reviewmail k;
	struct slice key;
	struct scan s;
	uint64_t found = 0;

	scan_prefix(&s, T_reviewmail, PREFIX(reviewmail, 2, .account = account, .email = email), false);
	while (found == 0 && scan_next(&s, &key, NULL)) {
		if (key_reviewmail_read(key, &k) == -1 || !row_review_get(row, review_key(k.id)))
			continue;
		if (row->rec.reason == REVIEW_CHANGE_REFUSED && row->rec.resolution == RESOLVE_NONE &&
		    (kind == 0 || row->rec.change == kind))
			found = k.id;
		else
			row_review_free(row);
	}
	scan_end(&s);
	return found;
}

static void
put_change(uint64_t id, struct rec_review *r, uint64_t mailbox, struct slice code, struct slice detail)
{
	r->created_at = store_now();
	r->mailbox = mailbox;
	r->code = code;
	r->detail = detail;
	row_review_put(review_key(id), r);
}

void
review_refused(uint32_t account, uint64_t email, uint8_t kind, uint64_t mailbox, struct slice code,
    struct slice detail, bool again)
{
	struct rec_review r = { .reason = REVIEW_CHANGE_REFUSED, .account = account, .email = email, .change = kind };
	struct row_review row;
	uint64_t id = open_change(account, email, kind, &row);
	bool same = id != 0 && row.rec.mailbox == mailbox && slice_eq(row.rec.code, code);

	if (again && (id == 0 || same)) {
		if (id != 0)
			row_review_free(&row);
		return;
	}
	if (id != 0) {
		put_change(id, &row.rec, mailbox, code, detail);
		row_review_free(&row);
		changes_record(ACCOUNT_ATS, OBJ_REVIEW, id, UPDATED);
		return;
	}
	id = store_next_id();
	put_change(id, &r, mailbox, code, detail);
	table_put_empty(T_reviewmail, KEY(reviewmail, .account = account, .email = email, .id = id));
	changes_record(ACCOUNT_ATS, OBJ_REVIEW, id, CREATED);
}

void
review_settle_change(uint32_t account, uint64_t email, uint8_t kind)
{
	struct row_review row;
	uint64_t id;

	while (email != 0 && (id = open_change(account, email, kind, &row)) != 0) {
		settle(id, &row, RESOLVE_DISCARD, 0);
		row_review_free(&row);
	}
}

bool
review_waits(uint32_t account, uint64_t email)
{
	struct key_reviewmail k;
	struct row_review row;
	struct slice key;
	struct scan s;
	bool waits = false;

	scan_prefix(&s, T_reviewmail, PREFIX(reviewmail, 2, .account = account, .email = email), false);
	while (!waits && scan_next(&s, &key, NULL)) {
		if (key_reviewmail_read(key, &k) == -1 || !row_review_get(&row, review_key(k.id)))
			continue;
		waits = row.rec.resolution == RESOLVE_NONE && row.rec.reason != REVIEW_CHANGE_REFUSED;
		row_review_free(&row);
	}
	scan_end(&s);
	return waits;
}

static void
destroy(uint64_t id, const struct rec_review *r)
{
	table_del(T_review, review_key(id));
	table_del(T_reviewmail, KEY(reviewmail, .account = r->account, .email = r->email, .id = id));
	table_del(T_reviewsub, KEY(reviewsub, .account = r->account, .submission = r->submission, .id = id));
	changes_record(ACCOUNT_ATS, OBJ_REVIEW, id, DESTROYED);
}

static size_t
destroy_in(enum table t, struct dbkey prefix, size_t max)
{
	struct row_review row;
	struct key_reviewmail k;
	struct slice key;
	struct scan s;
	size_t n = 0;

	scan_prefix(&s, t, prefix, false);
	while (n < max && scan_next(&s, &key, NULL)) {
		n++;
		if (key_reviewmail_read(key, &k) == -1 || !row_review_get(&row, review_key(k.id)))
			continue;
		destroy(k.id, &row.rec);
		row_review_free(&row);
	}
	scan_end(&s);
	return n;
}

size_t
review_destroy_account(uint32_t account, size_t max)
{
	size_t n = destroy_in(T_reviewmail, PREFIX(reviewmail, 1, .account = account), max);

	return n + destroy_in(T_reviewsub, PREFIX(reviewsub, 1, .account = account), max - n);
}

/* ---- the ATS's decision ---- */

/* NULL, or what is wrong with it. */
static const char *
resolve(const struct rec_review *r, enum review_resolution how, uint64_t correspondent)
{
	if (r->resolution != RESOLVE_NONE)
		return "it is resolved already";
	if (r->reason == REVIEW_CHANGE_REFUSED && how != RESOLVE_DISCARD)
		return "it can only be closed";
	switch (how) {
	case RESOLVE_DISCARD:
		return r->reason == REVIEW_UNCERTAIN_SEND ? "say whether it was sent" : NULL;
	case RESOLVE_FILE:
		if (r->email == 0 || !table_get(T_correspondent, KEY(correspondent, .id = correspondent), NULL))
			return "there is no such correspondent, or nothing to file";
		return note_file_stored(r->account, r->email, correspondent, false) == 0
		    ? NULL
		    : "the email is no longer here";
	case RESOLVE_SEND_AGAIN:
	case RESOLVE_WAS_SENT:
		if (r->reason != REVIEW_UNCERTAIN_SEND ||
		    submit_resolve(r->account, r->submission, how == RESOLVE_SEND_AGAIN) == -1)
			return "it is not an uncertain send";
		return NULL;
	case RESOLVE_NONE:
		break;
	}
	return "unknown resolution";
}

int
review_on_set(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_review_set *q = &m->review_set;
	struct asker a = { c, q->req };
	uint64_t old = changes_state(ACCOUNT_ATS, OBJ_REVIEW);
	struct row_review row;
	const char *wrong;

	(void)fd;
	if (!row_review_get(&row, review_key(q->id))) {
		out_set_error(a, "notFound", "", "");
		return 0;
	}
	if ((wrong = resolve(&row.rec, q->resolution, q->correspondent)) != NULL)
		out_set_error(a, "invalidProperties", "resolution", wrong);
	else {
		/* submit_resolve may have settled it itself */
		row_review_free(&row);
		if (row_review_get(&row, review_key(q->id)) && row.rec.resolution == RESOLVE_NONE)
			settle(q->id, &row, q->resolution, q->correspondent);
		out_set_done(a, ACCOUNT_ATS, OBJ_REVIEW, old, (struct msg_set_done){ .id = q->id });
	}
	row_review_free(&row);
	return 0;
}

/*
 * submit.c - EmailSubmission/set. The queue itself is submit_queue.c.
 */
#include "submit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "blob.h"
#include "changes.h"
#include "email.h"
#include "identity.h"
#include "imap_session.h"
#include "link.h"
#include "log.h"
#include "mime_job.h"
#include "mime_pool.h"
#include "quota.h"
#include "review.h"
#include "seam.h"
#include "submit_copy.h"
#include "table_index.h"

/* A submission that waits for its bytes without Bcc. */
struct snapshot {
	LIST_ENTRY(snapshot) entry;
	struct asker askers[LIM_SAME_KEY];
	size_t naskers;
	uint32_t account;
	struct wbuf record;	/* rec submission, complete but for the snapshot */
	struct hash16 key;
	bool keyed;
	struct mime_job *job;
};

static LIST_HEAD(, snapshot) snapshots = LIST_HEAD_INITIALIZER(snapshots);
static unsigned int nsnapshots;

void
submit_forget(const struct chan *c)
{
	struct snapshot *s;

	LIST_FOREACH(s, &snapshots, entry)
		for (size_t i = 0; i < s->naskers; i++)
			if (s->askers[i].chan == c)
				s->askers[i].chan = NULL;
}

static void
snapshot_free(struct snapshot *s)
{
	LIST_REMOVE(s, entry);
	nsnapshots--;
	mime_cancel(s->job);
	wbuf_free(&s->record);
	free(s);
}

/* ---- storing ---- */

static void
put(struct snapshot *s, uint64_t id, const struct rec_submission *rec)
{
	struct submission sub = { .account = s->account, .id = id };
	struct hash16 msgid = db_hash16(rec->message_id);

	row_submission_put(KEY(submission, .account = s->account, .id = id), rec);
	if (s->keyed)
		table_put_u64(T_idempotency, KEY(idempotency, .account = s->account, .key = HASH(s->key)), id);
	if (rec->message_id.n > 0)
		table_put_u64(T_submsgid, KEY(submsgid, .account = s->account, .msgid = HASH(msgid)), id);
	changes_record(s->account, OBJ_SUBMISSION, id, CREATED);
	submission_due(&sub, rec->next_try);
}

static void
store_snapshot(struct snapshot *s, struct slice raw)
{
	uint64_t old = changes_state(s->account, OBJ_SUBMISSION), id = store_next_id();
	struct rec_submission rec;

	if (rec_submission_decode(wbuf_slice(&s->record), &rec) == -1)
		return;
	rec.snapshot = blob_put(s->account, raw, slice_str("message/rfc822"), 1, 0);
	put(s, id, &rec);
	for (size_t i = 0; i < s->naskers; i++)
		out_set_done(s->askers[i], s->account, OBJ_SUBMISSION, old,
		    (struct msg_set_done){ .id = id, .thread = rec.thread });
}

static void
on_stripped(void *ctx, const struct mime_result *res)
{
	struct snapshot *s = ctx;

	s->job = NULL;
	if (res->error == NULL && link_exists(s->account))
		store_snapshot(s, res->data);
	else
		for (size_t i = 0; i < s->naskers; i++)
			out_set_error(s->askers[i], "invalidEmail", "", res->error != NULL ? res->error : "");
	snapshot_free(s);
}

/* ---- checks ---- */

/* What may stand between < and > in SMTP; the rest is the server's to judge. */
static bool
address_sendable(struct slice a)
{
	char canonical[LIM_ADDRESS + 1];
	struct slice c;

	for (size_t i = 0; i < a.n; i++)
		if (a.p[i] <= 0x20 || a.p[i] == 0x7f || a.p[i] == '<' || a.p[i] == '>')
			return false;
	c = slice_mem(canonical, address_canonical(a, canonical));
	return c.n > 0 && address_domain(c).n > 0 && address_domain(c).n + 1 < c.n;
}

static bool
rcpt_known(struct slice list, struct slice email)
{
	struct slice item;
	struct rec_rcpt r;

	while (list_next(&list, &item))
		if (rec_rcpt_decode(item, &r) == 0 && slice_eq(r.email, email))
			return true;
	return false;
}

static bool
rcpt_add(struct wbuf *out, struct slice email)
{
	struct wbuf w = { .max = 0 };
	struct rec_rcpt r = { .email = email, .state = RCPT_PENDING };

	if (!address_sendable(email))
		return false;
	if (!rcpt_known(wbuf_slice(out), email)) {
		rec_rcpt_encode(&w, &r);
		list_add(out, wbuf_slice(&w));
	}
	wbuf_free(&w);
	return true;
}

static bool
rcpts_from_header(struct wbuf *out, struct slice list)
{
	struct slice item;
	struct rec_address a;
	bool ok = true;

	while (list_next(&list, &item))
		if (rec_address_decode(item, &a) == 0 && a.email.n > 0)
			ok &= rcpt_add(out, a.email);
	return ok;
}

/* The envelope's recipients, or those of the message when none are given
 * (RFC 8621 s. 7). NULL: fine. */
static const char *
take_rcpts(const struct rec_submission *in, const struct rec_header *h, struct wbuf *out)
{
	struct slice list = in->rcpts, item;
	struct rec_rcpt r;
	bool ok = true;

	while (list_next(&list, &item))
		ok &= rec_rcpt_decode(item, &r) == 0 && rcpt_add(out, r.email);
	if (in->rcpts.n == 0) {
		ok &= rcpts_from_header(out, h->to);
		ok &= rcpts_from_header(out, h->cc);
		ok &= rcpts_from_header(out, h->bcc);
	}
	if (!ok)
		return "invalidRecipients";
	if (out->n == 0)
		return "noRecipients";
	return list_count(wbuf_slice(out)) > LIM_RCPTS ? "tooManyRecipients" : NULL;
}

static bool
is_address_of(struct slice address, struct slice canonical)
{
	char a[LIM_ADDRESS + 1];

	return address_canonical(address, a) > 0 && slice_eq_str(canonical, a);
}

/* From and MAIL FROM are the link's own address. */
static const char *
check_from(uint32_t account, const struct rec_submission *in, const struct rec_header *h)
{
	char own[LIM_ADDRESS + 1];
	struct wbuf identity = { .max = 0 };
	struct slice from = h->from, item;
	struct rec_address a;
	bool known;

	if (link_address(account, own) == -1)
		return "forbiddenToSend";
	known = in->identity == 0 || identity_encode(account, in->identity, &identity);
	wbuf_free(&identity);
	if (!known)
		return "invalidProperties";
	if (in->from.n > 0 && !is_address_of(in->from, slice_str(own)))
		return "forbiddenMailFrom";
	while (list_next(&from, &item))
		if (rec_address_decode(item, &a) == -1 || !is_address_of(a.email, slice_str(own)))
			return "forbiddenFrom";
	return h->from.n > 0 ? NULL : "invalidEmail";
}

/* ---- create ---- */

static bool
key_of(const struct rec_submission *in, struct hash16 *key)
{
	if (in->idempotency_key.n == 0)
		return false;
	*key = db_hash16(in->idempotency_key);
	return true;
}

/* Same key, same submission: also while the first is still being made. */
static bool
answered_by_key(struct asker a, uint32_t account, const struct rec_submission *in)
{
	uint64_t state = changes_state(account, OBJ_SUBMISSION), id;
	struct hash16 key;
	struct snapshot *s;

	if (!key_of(in, &key))
		return false;
	id = table_get_u64(T_idempotency, KEY(idempotency, .account = account, .key = HASH(key)));
	if (id != 0) {
		out_set_done(a, account, OBJ_SUBMISSION, state, (struct msg_set_done){ .id = id });
		return true;
	}
	LIST_FOREACH(s, &snapshots, entry) {
		if (s->account != account || !s->keyed || memcmp(s->key.b, key.b, sizeof(key.b)) != 0)
			continue;
		if (s->naskers < LIM_SAME_KEY)
			s->askers[s->naskers++] = a;
		else
			out_set_error(a, "serverUnavailable", "", "");
		return true;
	}
	return false;
}

static void
complete_record(struct snapshot *s, const struct rec_submission *in, const struct email *e,
    const struct rec_header *h, struct slice rcpts, struct slice from)
{
	struct rec_submission rec = *in;
	struct slice ids = h->message_id, id = SLICE_NONE;

	(void)list_next(&ids, &id);
	rec.thread = e->rec.thread;
	rec.from = from;
	rec.rcpts = rcpts;
	rec.created_at = store_now();
	rec.send_at = rec.send_at > rec.created_at ? rec.send_at : rec.created_at;
	rec.next_try = rec.send_at;
	rec.state = SUB_QUEUED;
	rec.phase = SUBP_NONE;
	rec.undo = UNDO_PENDING;
	rec.attempts = 0;
	rec.snapshot = 0;
	rec.code = rec.text = SLICE_NONE;
	rec.reply = 0;
	rec.message_id = id;
	rec.copy_done = false;
	rec_submission_encode(&s->record, &rec);
}

static void
start(struct asker a, struct email *e, const struct rec_submission *in, const struct rec_header *h,
    struct slice rcpts)
{
	struct snapshot *s = nsnapshots < LIM_SNAPSHOTS ? calloc(1, sizeof(*s)) : NULL;
	char own[LIM_ADDRESS + 1] = "";
	struct slice raw;
	struct body b;

	if (s == NULL) {
		out_set_error(a, "serverUnavailable", "", "too many submissions at once");
		return;
	}
	s->askers[s->naskers++] = a;
	s->account = e->account;
	s->keyed = key_of(in, &s->key);
	LIST_INSERT_HEAD(&snapshots, s, entry);
	nsnapshots++;
	(void)link_address(e->account, own);
	complete_record(s, in, e, h, rcpts, slice_str(own));
	if (!s->record.failed && blob_get(e->account, e->rec.blob, &raw) == 0) {
		if (mime_copy(&b, raw) == 0)
			s->job = mime_strip(e->account, &b, on_stripped, s);
		blob_release(&raw);
	}
	if (s->job == NULL) {
		out_set_error(a, "serverFail", "", "");
		snapshot_free(s);
	}
}

static void
check_and_start(struct asker a, struct email *e, const struct rec_submission *in)
{
	struct wbuf rcpts = { .max = 0 };
	struct rec_header h;
	const char *wrong;

	if (e->rec.blob == 0 || e->rec.content_state == CONTENT_STATE_HEADER || !email_header(e, &h))
		out_set_error(a, "invalidEmail", "emailId", "its content is not here");
	else if ((wrong = check_from(e->account, in, &h)) != NULL)
		out_set_error(a, wrong, strcmp(wrong, "invalidProperties") == 0 ? "identityId" : "", "");
	else if ((wrong = take_rcpts(in, &h, &rcpts)) != NULL)
		out_set_error(a, wrong, "", "");
	else if (!quota_room(e->rec.size))
		out_set_error(a, "overQuota", "", "max-storage of the configuration is reached");
	else if (!quota_submission(store_ticks()))
		out_set_error(a, "rateLimit", "", "max-submissions of the configuration are made for this hour");
	else
		start(a, e, in, &h, wbuf_slice(&rcpts));
	wbuf_free(&rcpts);
}

static void
create(struct asker a, uint32_t account, const struct rec_submission *in)
{
	struct row_link link;
	struct email e;
	bool may;

	if (!row_link_get(&link, KEY(link, .no = account))) {
		out_set_error(a, "accountNotFound", "", "");
		return;
	}
	may = link.rec.mode != MODE_RECEIVE_ONLY;
	row_link_free(&link);
	if (!may)
		out_set_error(a, "forbiddenToSend", "", "this link only receives");
	else if (answered_by_key(a, account, in))
		return;
	else if (!email_load(&e, account, in->email))
		out_set_error(a, "invalidProperties", "emailId", "no such email");
	else {
		if (email_visible(&e.rec))
			check_and_start(a, &e, in);
		else
			out_set_error(a, "invalidProperties", "emailId", "no such email");
		email_free(&e);
	}
}

/* ---- update, destroy ---- */

static void
cancel(struct asker a, struct submission *s)
{
	uint64_t old = changes_state(s->account, OBJ_SUBMISSION);
	struct rec_submission *rec = &s->row.rec;

	if (rec->undo != UNDO_CANCELED) {
		if (rec->state != SUB_QUEUED || rec->undo != UNDO_PENDING) {
			out_set_error(a, "cannotUnsend", "", "it is being sent or was sent");
			return;
		}
		submission_undue(s);
		rec->undo = UNDO_CANCELED;
		rec->state = SUB_STOPPED;
		if (rec->snapshot != 0)
			blob_unref(s->account, rec->snapshot);
		rec->snapshot = 0;
		submission_save(s);
	}
	out_set_done(a, s->account, OBJ_SUBMISSION, old, (struct msg_set_done){ .id = s->id });
}

static void
update(struct asker a, struct submission *s, const struct rec_submission *in)
{
	uint64_t state = changes_state(s->account, OBJ_SUBMISSION);

	if (in->undo == UNDO_CANCELED)
		cancel(a, s);
	else if (in->undo == 0 || in->undo == s->row.rec.undo)
		out_set_done(a, s->account, OBJ_SUBMISSION, state, (struct msg_set_done){ .id = s->id });
	else
		out_set_error(a, "invalidProperties", "undoStatus", "only canceled can be set");
}

/* What is not over yet goes on being sent (RFC 8621 s. 7.5), so it stays. */
static void
destroy(struct asker a, struct submission *s)
{
	uint64_t old = changes_state(s->account, OBJ_SUBMISSION);
	struct rec_submission *rec = &s->row.rec;
	struct hash16 h;

	if (rec->state == SUB_QUEUED || rec->state == SUB_SENDING || rec->state == SUB_UNCERTAIN) {
		out_set_error(a, "forbidden", "", "it is not final yet");
		return;
	}
	h = db_hash16(rec->message_id);
	if (table_get_u64(T_submsgid, KEY(submsgid, .account = s->account, .msgid = HASH(h))) == s->id)
		(void)table_del(T_submsgid, KEY(submsgid, .account = s->account, .msgid = HASH(h)));
	h = db_hash16(rec->idempotency_key);
	if (rec->idempotency_key.n > 0)
		(void)table_del(T_idempotency, KEY(idempotency, .account = s->account, .key = HASH(h)));
	if (rec->snapshot != 0)
		blob_unref(s->account, rec->snapshot);
	(void)table_del(T_submission, KEY(submission, .account = s->account, .id = s->id));
	changes_record(s->account, OBJ_SUBMISSION, s->id, DESTROYED);
	out_set_done(a, s->account, OBJ_SUBMISSION, old, (struct msg_set_done){ .id = s->id });
}

int
submit_on_set(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_submission_set *r = &m->submission_set;
	struct asker a = { c, r->req };
	struct rec_submission in = { .email = 0 };
	struct submission s;

	(void)fd;
	if (r->action != SET_DESTROY && rec_submission_decode(r->record, &in) == -1)
		return -1;
	if (r->action == SET_CREATE) {
		create(a, r->account, &in);
		return 0;
	}
	if (!submission_load(&s, r->account, r->id)) {
		out_set_error(a, "notFound", "", "");
		return 0;
	}
	if (r->action == SET_UPDATE)
		update(a, &s, &in);
	else
		destroy(a, &s);
	submission_free(&s);
	return 0;
}

/* ---- a person decided ---- */

int
submit_resolve(uint32_t account, uint64_t submission, bool send_again)
{
	struct submission s;

	if (!submission_load(&s, account, submission))
		return -1;
	if (s.row.rec.state != SUB_UNCERTAIN || (send_again && s.row.rec.snapshot == 0)) {
		submission_free(&s);
		return -1;
	}
	if (send_again) {
		submission_undue(&s);
		s.row.rec.state = SUB_QUEUED;
		s.row.rec.phase = SUBP_NONE;
		s.row.rec.attempts = 0;
		s.row.rec.code = s.row.rec.text = SLICE_NONE;
		s.row.rec.send_at = s.row.rec.next_try = store_now();
		submission_save(&s);
		submission_due(&s, s.row.rec.next_try);
	} else
		submit_was_sent(&s);
	submission_free(&s);
	return 0;
}

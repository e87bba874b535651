/*
 * journal_send.c - the next message to the imapd-worker for one entry. See
 * journal.h and journal_flight.h.
 */
#include <string.h>
#include <unistd.h>

#include "blob.h"
#include "journal_flight.h"
#include "log.h"
#include "submit_copy.h"

static uint32_t
validity_of(uint32_t account, uint64_t mailbox)
{
	struct row_mailbox row;
	uint32_t v = 0;

	if (row_mailbox_get(&row, KEY(mailbox, .account = account, .id = mailbox))) {
		v = row.rec.uidvalidity;
		row_mailbox_free(&row);
	}
	return v;
}

static enum journal_next
step_send(struct imap_session *s, struct journal_flight *f, struct msg_op *m, int fd)
{
	if (imap_folder_of(s, m->mailbox) == NULL ||
	    ((m->kind == OP_MOVE || m->kind == OP_COPY) && imap_folder_of(s, m->target) == NULL)) {
		if (fd >= 0)
			close(fd);
		return NEXT_REFUSED;
	}
	m->op = f->op;
	m->uidvalidity = validity_of(s->link, m->mailbox);
	flight_sent(s, f, m->kind == OP_APPEND ? f->bytes : 0);
	if (m->kind != OP_FIND) {
		f->mailbox = m->mailbox;
		f->uid = m->uid;
	}
	out_send(s->chan, MSG_op, m, fd);
	return NEXT_SENT;
}

/* ---- looking for a message by its Message-ID ---- */

static enum journal_next
send_find(struct imap_session *s, struct journal_flight *f, uint64_t mailbox, struct slice message_id,
    const struct email *like)
{
	struct msg_op m = { .kind = OP_FIND, .mailbox = mailbox, .message_id = message_id };

	if (like != NULL) {
		m.size = like->rec.size;
		m.internaldate = like->rec.received_at;
	}
	if (message_id.n == 0 && m.size == 0)
		return NEXT_GONE;
	return step_send(s, f, &m, OUT_NOFD);
}

/* By its Message-ID. Some have none, and in the target of a copy may lie another
 * with the same: then also by size and date, which copies keep. */
static enum journal_next
find_email(struct imap_session *s, struct journal_flight *f, const struct email *e)
{
	struct rec_header h;
	struct slice ids, id = SLICE_NONE;
	bool ours;

	if (email_header(e, &h)) {
		ids = h.message_id;
		(void)list_next(&ids, &id);
	}
	ours = submit_msgid_check(id) == MSGID_OURS || keywords_has(keywords_slice(&e->keywords), "$draft");
	return send_find(s, f, f->find_in, id, id.n == 0 || (f->step == STEP_LANDED && !ours) ? e : NULL);
}

static enum journal_next
find_in(struct imap_session *s, struct journal_flight *f, const struct email *e, uint64_t mailbox,
    enum journal_step step)
{
	f->step = step;
	f->find_in = mailbox;
	return find_email(s, f, e);
}

static enum journal_next
find_submission(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p)
{
	struct row_submission row;
	enum journal_next r;

	if (!row_submission_get(&row, KEY(submission, .account = s->link, .id = p->submission)))
		return NEXT_GONE;
	r = send_find(s, f, p->mailbox, row.rec.message_id, NULL);
	row_submission_free(&row);
	return r;
}

/* ---- operations ---- */

/* Once at the server it may have been done, whatever we heard of it. */
static void
count_attempt(const struct journal_flight *f, const struct rec_pending *p)
{
	struct rec_pending next = *p;

	next.attempts++;
	row_pending_put(KEY(pending, .account = p->account, .op = f->op), &next);
}

static enum journal_next
step_append(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct email *e)
{
	struct msg_op m = { .kind = OP_APPEND, .mailbox = p->mailbox, .internaldate = e->rec.received_at };
	struct keywords flags;
	struct slice raw;
	enum journal_next r = NEXT_REFUSED;
	int fd;

	if (p->attempts > 0 && !f->looked)
		return find_in(s, f, e, p->mailbox, STEP_LANDED);
	if (s->nappends >= LIM_JOURNAL_APPENDS ||
	    (s->nappends > 0 && s->append_bytes + e->rec.size > LIM_JOURNAL_APPEND_BYTES))
		return NEXT_LATER;
	if (e->rec.blob == 0 || blob_get(s->link, e->rec.blob, &raw) == -1)
		return NEXT_REFUSED;
	keywords_to_flags(keywords_slice(&e->keywords), &flags);
	m.flags_add = keywords_slice(&flags);
	count_attempt(f, p);
	f->looked = false;
	f->bytes = raw.n;
	if ((fd = body_put(raw, &m.data)) != -2)
		r = step_send(s, f, &m, fd);
	blob_release(&raw);
	return r;
}

static bool
has_change(const struct rec_pending *p, struct copy c)
{
	struct keywords after;
	struct uid_row u;

	if (c.uid == 0 || !uid_get(p->account, c.mailbox, c.uid, &u))
		return false;
	after = u.keywords;
	(void)keywords_patch(&after, p->flags_add, p->flags_del);
	return slice_eq(keywords_slice(&after), keywords_slice(&u.keywords));
}

/* By folder: copies that are bound anew meanwhile change places. */
static bool
copy_after(const struct journal_flight *f, const struct rec_pending *p, struct slice copies, struct copy *out)
{
	out->mailbox = UINT64_MAX;
	for (size_t i = 0; i < copies_count(copies); i++) {
		struct copy c = copies_at(copies, i);

		if (c.mailbox > f->done && c.mailbox < out->mailbox && (!f->again || !has_change(p, c)))
			*out = c;
	}
	return out->mailbox != UINT64_MAX;
}

/* Each copy, and then those that others moved to a folder that was done. */
static bool
next_copy(struct journal_flight *f, const struct rec_pending *p, struct slice copies, struct copy *out)
{
	if (copy_after(f, p, copies, out))
		return true;
	if (f->again)
		return false;
	f->again = true;
	f->done = 0;
	return copy_after(f, p, copies, out);
}

static enum journal_next
step_flags(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct email *e)
{
	struct slice copies = wbuf_slice(&e->copies);
	struct keywords add, del;
	struct copy c;

	if (copies_count(copies) == 0)
		return NEXT_GONE;
	if (!next_copy(f, p, copies, &c))
		return NEXT_DONE;
	if (c.uid == 0)
		return find_in(s, f, e, c.mailbox, STEP_FIND);
	keywords_to_flags(p->flags_add, &add);
	keywords_to_flags(p->flags_del, &del);
	return step_send(s, f,
	    &(struct msg_op){ .kind = OP_FLAGS, .mailbox = c.mailbox, .uid = c.uid, .flags_add = keywords_slice(&add),
		.flags_del = keywords_slice(&del) },
	    OUT_NOFD);
}

/* Without MOVE it is a COPY and an EXPUNGE: one that was cut off may have
 * copied already, and a second copy would double the message. */
static enum journal_next
step_move(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct email *e)
{
	uint32_t uid;

	if (!email_copy_in(e, p->mailbox, &uid))
		return email_copy_in(e, p->target, NULL) ? NEXT_DONE : NEXT_GONE;
	if (uid == 0)
		return find_in(s, f, e, p->mailbox, STEP_FIND);
	if (p->attempts > 0 && !f->looked)
		return find_in(s, f, e, p->target, STEP_LANDED);
	count_attempt(f, p);
	f->looked = false;
	return step_send(s, f,
	    &(struct msg_op){ .kind = OP_MOVE, .mailbox = p->mailbox, .uid = uid, .target = p->target }, OUT_NOFD);
}

static enum journal_next
step_copy(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct email *e)
{
	struct slice copies = wbuf_slice(&e->copies);
	struct copy c = { .uid = 0 };

	if (email_copy_in(e, p->target, NULL))
		return NEXT_DONE;
	if (copies_count(copies) == 0)
		return NEXT_GONE;
	if (p->attempts > 0 && !f->looked)
		return find_in(s, f, e, p->target, STEP_LANDED);
	for (size_t i = 0; i < copies_count(copies) && c.uid == 0; i++)
		c = copies_at(copies, i);
	if (c.uid == 0)
		return find_in(s, f, e, c.mailbox, STEP_FIND);
	count_attempt(f, p);
	f->looked = false;
	return step_send(s, f,
	    &(struct msg_op){ .kind = OP_COPY, .mailbox = c.mailbox, .uid = c.uid, .target = p->target }, OUT_NOFD);
}

static enum journal_next
step_expunge(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct email *e)
{
	uint32_t uid = p->uid;

	if (uid == 0 && !email_copy_in(e, p->mailbox, &uid))
		return NEXT_DONE;
	if (uid == 0)
		return find_in(s, f, e, p->mailbox, STEP_FIND);
	return step_send(s, f,
	    &(struct msg_op){ .kind = OP_EXPUNGE, .mailbox = p->mailbox, .uid = uid,
		.target = imap_folder_of(s, p->target) != NULL ? p->target : 0 },
	    OUT_NOFD);
}

static enum journal_next
step_email(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct email *e)
{
	switch (p->kind) {
	case OP_FLAGS:
		return step_flags(s, f, p, e);
	case OP_MOVE:
		return step_move(s, f, p, e);
	case OP_COPY:
		return step_copy(s, f, p, e);
	case OP_EXPUNGE:
		return step_expunge(s, f, p, e);
	case OP_APPEND:
		return step_append(s, f, p, e);
	}
	return NEXT_REFUSED;
}

enum journal_next
journal_step(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p)
{
	static const struct email nobody;
	struct email e;
	enum journal_next r;

	if (p->kind == OP_FIND)
		return find_submission(s, f, p);
	if (p->kind == OP_EXPUNGE && p->uid != 0)
		return step_expunge(s, f, p, &nobody);
	if (!email_load(&e, s->link, p->email))
		return NEXT_REFUSED;
	if (f->step != STEP_RUN)
		r = find_email(s, f, &e);
	else
		r = step_email(s, f, p, &e);
	email_free(&e);
	return r;
}

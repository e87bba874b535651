/*
 * ingest_mail.c - headers and contents become emails and notes. See ingest.h.
 */
#include "ingest.h"

#include <string.h>

#include "bind.h"
#include "blob.h"
#include "email_note.h"
#include "link.h"
#include "log.h"
#include "mailbox.h"
#include "match.h"
#include "note.h"
#include "review.h"
#include "submit_copy.h"
#include "thread.h"
#include "watch.h"
#include "window.h"

static const struct rec_header no_header;

/* ---- notes ---- */

static uint64_t
submission_of(uint32_t account, const struct rec_header *h)
{
	struct slice ids = h->message_id, id;
	struct hash16 hash;

	if (!list_next(&ids, &id))
		return 0;
	hash = db_hash16(id);
	return table_get_u64(T_submsgid, KEY(submsgid, .account = account, .msgid = HASH(hash)));
}

/* Drafts are nobody's correspondence yet. */
static bool
is_correspondence(const struct email *e)
{
	for (size_t i = 0; i < ids_count(wbuf_slice(&e->mailboxes)); i++)
		if (mailbox_role(e->account, ids_at(wbuf_slice(&e->mailboxes), i)) == MBOX_DRAFTS)
			return false;
	return email_visible(&e->rec) && !keywords_has(keywords_slice(&e->keywords), "$draft");
}

void
ingest_note(struct email *e, struct slice text, struct slice parts, bool backfill)
{
	struct rec_header h;
	struct note_input in = { .account = e->account, .email = e->id, .thread = e->rec.thread,
		.received_at = e->rec.received_at, .header = &h, .text = text, .parts = parts, .backfill = backfill };

	if (!is_correspondence(e) || !email_header(e, &h))
		return;
	in.submission = submission_of(e->account, &h);
	if (note_file(&in) != NOTE_NONE)
		return;
	/* It claims to answer a message of ours that we never made. */
	if (submit_msgid_refs(&h) == MSGID_FORGED)
		(void)review_open(&(struct review_input){ .reason = REVIEW_UNTRUSTED_THREAD, .account = e->account,
		    .email = e->id });
}

void
ingest_note_sent(const struct email *e, uint64_t submission)
{
	struct wbuf text = { .max = 0 }, parts = { .max = 0 };
	struct rec_header h;
	struct note_input in = { .account = e->account, .email = e->id, .thread = e->rec.thread,
		.received_at = e->rec.received_at, .header = &h, .submission = submission };

	email_note_get(e->account, e->id, &text);
	email_parts_get(e->account, e->id, &parts);
	in.text = wbuf_slice(&text);
	in.parts = wbuf_slice(&parts);
	if (email_header(e, &h))
		(void)note_file(&in);
	wbuf_free(&text);
	wbuf_free(&parts);
}

/* ---- content policy ---- */

static bool
wants_body(uint32_t account, const struct rec_header *h)
{
	struct link_policy p;
	struct match m;

	if (link_policy(account, &p) == -1 || p.content == CONTENT_HEADERS)
		return false;
	if (p.content == CONTENT_ALL)
		return true;
	match_header(account, h, &m);
	return m.result == MATCH_ONE || m.result == MATCH_AMBIGUOUS;
}

/* ---- a new email ---- */

static void
decide_content(struct email *e, const struct rec_header *h)
{
	uint64_t flags = WANT_NOTE | (e->rec.backfill ? WANT_BACKFILL : 0);

	if (e->rec.size <= LIM_BODY && wants_body(e->account, h))
		ingest_wanted(e->account, e->id, flags);
	else
		ingest_note(e, SLICE_NONE, SLICE_NONE, e->rec.backfill);
}

static void
quarantine_header(struct email *e, struct slice raw)
{
	struct link_policy p;

	ingest_quarantine(e, raw);
	/* What we have is only the header; the whole belongs to it if policy lets. */
	if (link_policy(e->account, &p) == 0 && p.content == CONTENT_ALL && e->rec.size <= LIM_BODY)
		ingest_wanted(e->account, e->id, WANT_RAW);
}

static void
fill(struct email *e, const struct imap_row *r, const struct rec_header *h, struct slice header)
{
	const struct msg_message_header *m = &r->m.message_header;

	e->rec.thread = thread_find(e->account, h, m->threadid, m->gm_thrid);
	e->alone = e->rec.thread > e->id;
	e->rec.size = m->size;
	e->rec.received_at = m->internaldate;
	e->rec.content_state = CONTENT_STATE_HEADER;
	e->rec.backfill = m->backfill;
	e->rec.emailid = m->emailid;
	e->rec.gm_msgid = m->gm_msgid;
	e->rec.header = header;
	e->head = h;
}

static void
create(struct imap_row *r, const struct rec_header *h, struct slice header)
{
	const struct msg_message_header *m = &r->m.message_header;
	struct uid_row u = { .deleted = false };
	struct email e;

	if (!m->backfill)
		watch_mail(r->session->link);
	email_new(&e, r->session->link);
	fill(&e, r, h, header);
	keywords_from_flags(&u.keywords, m->flags, &u.deleted);
	u.email = e.id;
	email_born(&e, m->mailbox, m->uid, &u);
	if (r->error[0] == '\0') {
		email_save(&e);
		decide_content(&e, h);
	} else
		quarantine_header(&e, wbuf_slice(&r->result));
	email_free(&e);
}

static void
rebind(struct imap_row *r, uint64_t id)
{
	const struct msg_message_header *m = &r->m.message_header;
	struct keywords k;
	struct email e;
	bool deleted;

	if (!email_load(&e, r->session->link, id))
		return;
	keywords_from_flags(&k, m->flags, &deleted);
	bind_learn(&e, m->emailid, m->gm_msgid);
	bind_share(&e, &k);
	bind_copy(&e, m->mailbox, m->uid, &k, deleted);
	email_free(&e);
	submit_copy_bound(r->session->link, m->mailbox, id);
}

void
ingest_header(struct imap_row *r)
{
	const struct msg_message_header *m = &r->m.message_header;
	static struct wbuf empty;
	struct rec_parsed p = { .header = SLICE_NONE };
	struct rec_header h = no_header;
	uint64_t id;

	if (!mailbox_exists(r->session->link, m->mailbox))
		return;
	if (r->error[0] != '\0' || rec_parsed_decode(wbuf_slice(&r->result), &p) == -1 ||
	    rec_header_decode(p.header, &h) == -1) {
		h = no_header;
		wbuf_reset(&empty);
		rec_header_encode(&empty, &h);
		p.header = wbuf_slice(&empty);
	}
	id = bind_find(&(struct bind_input){ .account = r->session->link, .mailbox = m->mailbox, .uid = m->uid,
	    .size = m->size, .internaldate = m->internaldate, .emailid = m->emailid, .gm_msgid = m->gm_msgid,
	    .header = r->error[0] == '\0' ? &h : NULL });
	if (id != 0)
		rebind(r, id);
	else if (submit_copy_leftover(r->session->link, m->mailbox, m->gm_msgid, &h))
		uid_put(r->session->link, m->mailbox, m->uid, &(struct uid_row){ .email = 0 });
	else if (window_takes(r->session->link, m->mailbox, m->uid, m->internaldate))
		create(r, &h, p.header);
	if (r->tried)
		(void)table_del(T_tries, KEY(tries, .account = r->session->link, .mailbox = m->mailbox, .uid = m->uid));
}

/* ---- content ---- */

/* The blob in place of the one before. */
static void
take_blob(struct email *e, uint64_t blob)
{
	uint64_t old = e->rec.blob;

	e->rec.blob = blob;
	if (old != 0)
		blob_unref(e->account, old);
}

static void
put_raw(struct email *e, struct slice raw)
{
	text_erase(e->account, e->id);
	take_blob(e, blob_put(e->account, raw, slice_str("message/rfc822"), 1, 0));
}

/* The texts of a message that is not large are packed with it. */
static bool
put_together(struct email *e, struct slice raw, struct slice texts)
{
	static struct wbuf all = { .max = BLOB_BEHIND };
	struct slice rest = texts;
	struct rec_text t;
	uint32_t at = 0;

	wbuf_reset(&all);
	while (raw.n <= BLOB_CHUNK && !all.failed && mime_text_next(&rest, &t))
		w_raw(&all, t.data.p, t.data.n);
	if (all.failed || all.n == 0)
		return false;
	text_erase(e->account, e->id);
	take_blob(e, blob_put_with(e->account, raw, slice_str("message/rfc822"), wbuf_slice(&all)));
	for (; mime_text_next(&texts, &t); at += (uint32_t)t.data.n)
		text_put_behind(e->account, e->id, t.part, t.flags, (uint32_t)t.data.n, e->rec.blob, at);
	return true;
}

static void
put_content(struct email *e, struct slice raw, struct slice texts)
{
	struct rec_text t;

	if (put_together(e, raw, texts))
		return;
	put_raw(e, raw);
	while (mime_text_next(&texts, &t))
		text_put(e->account, e->id, t.part, t.flags, t.data);
}

/* Most often it is what was read when only the header was here. */
static void
put_header(struct email *e, struct slice header)
{
	bool indexed = e->stored && !slice_eq(e->rec.header, header);

	if (indexed)
		email_index_ids(e, false);
	e->rec.header = header;
	e->head = NULL;
	if (indexed)
		email_index_ids(e, true);
}

void
ingest_content(struct email *e, struct slice raw, const struct rec_parsed *p)
{
	put_content(e, raw, p->texts);
	put_header(e, p->header);
	e->rec.preview = p->preview;
	e->rec.has_attachment = p->has_attachment;
	e->rec.content_state = CONTENT_STATE_FULL;
	table_put(T_email_parts, KEY(email_parts, .account = e->account, .id = e->id), p->parts);
	email_note_put(e->account, e->id, p);
}

void
ingest_quarantine(struct email *e, struct slice raw)
{
	log_warn("message quarantined link=%u code=sync.item_poison size=%zu", e->account, raw.n);
	put_raw(e, raw);
	e->rec.content_state = CONTENT_STATE_QUARANTINED;
	email_save(e);
	(void)review_open(&(struct review_input){ .reason = REVIEW_QUARANTINED, .account = e->account,
	    .email = e->id });
}

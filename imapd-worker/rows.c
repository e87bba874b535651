/*
 * rows.c - untagged data of the selected folder. Each FETCH is matched with
 * the command that asked for it; what nobody asked for is news about flags,
 * or nothing.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"

/* Flags are of interest for messages the store may know. */
static void
tell_flags(struct engine *e, const struct imap_fetch *f)
{
	const struct folder *folder = e->sel.folder;
	struct msg_message_flags m = { .mailbox = folder->id, .uid = f->uid, .modseq = f->modseq,
		.flags = slice_str(f->flags) };

	if (!folder->synced || folder->id == 0 || !f->has_flags || folder->pos.uid_low == 0)
		return;
	if (f->uid < folder->pos.uid_low && f->uid < e->round.next)
		return;
	report_send(&e->report, MSG_message_flags, &m, -1);
}

/* The bytes of a small literal, or the memfd of a big one in *fd. */
static bool
content(struct engine *e, struct slice s, bool big, struct slice *field, int *fd)
{
	*fd = -1;
	*field = s;
	if (!big)
		return true;
	*field = SLICE_NONE;
	return (*fd = imap_frame_take(&e->stream.frame)) != -1;
}

/* A header, or a stub for a message whose header the server left out. */
void
rows_header(struct engine *e, const struct imap_fetch *f, bool backfill)
{
	struct msg_message_header m = { .mailbox = e->sel.folder->id, .uid = f->uid, .modseq = f->modseq,
		.flags = slice_str(f->flags), .internaldate = f->internaldate, .size = f->size, .emailid = f->emailid,
		.threadid = f->threadid, .gm_msgid = f->gm_msgid, .gm_thrid = f->gm_thrid,
		.backfill = backfill };
	int fd;

	if (!content(e, f->header, f->header_big, &m.header, &fd)) {
		engine_protocol_error(e, "a header literal that is not there");
		return;
	}
	e->round.changed = true;
	e->progress_done++;
	report_send(&e->report, MSG_message_header, &m, fd);
}

/* What somebody has just expunged Dovecot tells like this: RFC822.SIZE 0, and
 * NIL for the header. It would be a message from nobody, so it is asked for
 * once more, after the EXPUNGE; what is still so then is a message. */
bool
rows_hollow(const struct imap_fetch *f)
{
	return f->has_header && !f->header_big && f->header.n == 0 && f->size == 0;
}

static bool
hollow_first(struct engine *e, const struct imap_fetch *f)
{
	struct slice_hollow *h = &e->hollow;

	if (!rows_hollow(f) || (h->mailbox == e->sel.folder->id && h->uid == f->uid))
		return false;
	*h = (struct slice_hollow){ .mailbox = e->sel.folder->id, .uid = f->uid };
	return true;
}

static struct pending *
header_command(struct engine *e, uint32_t uid)
{
	struct pending *p = imap_pending_uid(&e->writer, CMD_NEW, uid);

	return p != NULL ? p : imap_pending_uid(&e->writer, CMD_BACKFILL, uid);
}

/* Answers to commands about flags; also when the flags came unasked. */
static void
count_flags(struct engine *e, const struct imap_fetch *f)
{
	static const enum command commands[] = { CMD_FLAGS, CMD_CHANGES, CMD_OP_LOOK };
	struct pending *p;
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if ((p = imap_pending_uid(&e->writer, commands[i], f->uid)) == NULL)
			continue;
		p->rows++;
		if (p->command == CMD_FLAGS)
			uidset_add(&e->round.set, f->uid, f->uid);
		if (p->command == CMD_CHANGES && f->modseq > e->round.top_modseq)
			e->round.top_modseq = f->modseq;
	}
}

/* Flags of a message known by its sequence number only: ask for the UID later.
 * Not when that is what is being asked, at a server that tells no UID at all. */
static void
note_sequence(struct engine *e, uint32_t seq)
{
	const struct pending *p = imap_pending(&e->writer, CMD_FLAGS_SEQ);
	struct selected *s = &e->sel;

	if (p != NULL && p->rows == 0 && seq >= p->low && seq <= p->high)
		return;
	if (!s->flags_unknown) {
		s->seq_low = s->seq_high = seq;
		s->flags_unknown = true;
	} else {
		s->seq_low = seq < s->seq_low ? seq : s->seq_low;
		s->seq_high = seq > s->seq_high ? seq : s->seq_high;
	}
}

static void
sequence_answer(struct engine *e, uint32_t seq, uint32_t uid)
{
	struct pending *p;

	if ((p = imap_pending(&e->writer, CMD_WINDOW)) != NULL && p->low == seq) {
		p->rows++;
		if (uid > e->sel.folder->first_low)
			e->sel.folder->first_low = uid;
	}
	if ((p = imap_pending(&e->writer, CMD_TOP)) != NULL && p->low == seq) {
		p->rows++;
		e->sel.uidnext = uid < UINT32_MAX ? uid + 1 : uid;
	}
	if ((p = imap_pending(&e->writer, CMD_FLAGS_SEQ)) != NULL && seq >= p->low && seq <= p->high)
		p->rows++;
}

void
rows_fetch(struct engine *e, const struct imap_response *r)
{
	const struct imap_fetch *f = &r->fetch;
	struct pending *p;

	if (e->sel.folder == NULL) {
		select_missed(e);
		return;
	}
	if (f->uid == 0) {
		if (f->has_flags)
			note_sequence(e, (uint32_t)r->number);
		return;
	}
	sequence_answer(e, (uint32_t)r->number, f->uid);
	window_row(e, f);
	if (f->has_size)
		bodies_size(e, f->uid, f->size);
	if (f->has_body) {
		(void)bodies_row(e, f);
		return;
	}
	if ((f->has_header || f->has_size || f->has_date) && (p = header_command(e, f->uid)) != NULL) {
		p->rows++;
		if (f->uid > e->round.top_uid)
			e->round.top_uid = f->uid;
		if (hollow_first(e, f))
			p->hollow = true;
		else
			rows_header(e, f, p->command == CMD_BACKFILL);
		return;
	}
	if (f->has_header && notify_news(e, f, (uint32_t)r->number))
		return;
	ops_row(e, f);
	count_flags(e, f);
	tell_flags(e, f);
}

void
rows_exists(struct engine *e, uint32_t n)
{
	struct selected *s = &e->sel;

	if (n != s->exists)
		select_missed(e);
	/* Fewer without EXPUNGE is against RFC 3501 s. 7.3.1; a listing puts it right. */
	if (s->folder != NULL && n > s->exists) {
		s->arrived_at = s->arrived ? s->arrived_at : clock_ms();
		s->arrived = true;
	}
	else if (s->folder != NULL && n < s->exists)
		s->expunged = true;
	s->exists = n;
}

void
rows_expunge(struct engine *e, uint32_t seq)
{
	struct selected *s = &e->sel;

	if (s->folder == NULL) {
		select_missed(e);
		return;
	}
	s->expunged = true;
	s->known -= seq <= s->known && s->known > 0;
	if (s->exists > 0)
		s->exists--;
}

static void
vanish(struct engine *e, const struct uidrange *r)
{
	struct selected *s = &e->sel;
	uint32_t n = r->last - r->first < s->exists ? r->last - r->first + 1 : s->exists;

	s->exists -= n;
	if (r->last < s->folder->pos.uidnext)
		s->known -= n < s->known ? n : s->known;
	else
		s->by_round = true;
}

/* VANISHED instead of EXPUNGE (RFC 7162 s. 3.2.10). */
void
rows_vanished(struct engine *e, struct slice set, bool earlier)
{
	struct folder *f = e->sel.folder;
	struct msg_uids_vanished m = { 0 };
	struct uidrange r;
	struct wbuf w;
	bool bad;

	if (f == NULL)
		select_missed(e);
	if (f == NULL || !f->synced)
		return;
	if (f->id == 0) {	/* selected before the store has numbered it */
		e->sel.expunged = true;
		return;
	}
	wbuf_init(&w, LIM_INLINE);
	while (uidset_next(&set, &r, &bad)) {
		if (!earlier)
			vanish(e, &r);
		if (w.n + 8 > LIM_INLINE) {
			e->sel.expunged = true;	/* more than fits: a listing says it all */
			continue;
		}
		w_u32(&w, r.first);
		w_u32(&w, r.last);
	}
	/* Our own move: its answer is told before the message is told to be gone. */
	if (e->task == TASK_OP)
		e->sel.expunged = true;
	else if (w.n > 0) {
		m = (struct msg_uids_vanished){ .mailbox = f->id, .ranges = wbuf_slice(&w) };
		report_send(&e->report, MSG_uids_vanished, &m, -1);
		e->round.changed = e->look_around = true;
	}
	wbuf_free(&w);
	if (bad)
		engine_protocol_error(e, "VANISHED without a set");
}

/* SEARCH and ESEARCH, for whichever command is pending. */
static void
search_number(struct engine *e, struct pending *p, uint32_t first, uint32_t last)
{
	p->rows++;
	if (p->command == CMD_UIDS)
		uidset_add(&e->round.set, first, last);
	else if (p->command == CMD_SINCE && (e->round.top_uid == 0 || first < e->round.top_uid))
		e->round.top_uid = first;
	else if (p->command == CMD_OP_MARKED)
		ops_marked(e, first, last);
	else if (p->command == CMD_OP_FIND) {
		uidset_add_newest(&e->doing.set, first, last);
		p->high = last > p->high ? last : p->high;
	}
}

void
rows_search(struct engine *e, struct imap_response *r)
{
	struct pending *p = imap_pending(&e->writer, CMD_UIDS);
	struct uidrange range;
	struct slice all;
	uint32_t uid;
	bool bad = false;

	if (p == NULL && (p = imap_pending(&e->writer, CMD_SINCE)) == NULL &&
	    (p = imap_pending(&e->writer, CMD_OP_FIND)) == NULL &&
	    (p = imap_pending(&e->writer, CMD_OP_MARKED)) == NULL)
		return;
	if (r->kind == IMAP_SEARCH) {
		p->answered = true;
		while (imap_search_next(r, &uid))
			search_number(e, p, uid, uid);
		if (r->lex.bad)
			engine_protocol_error(e, "SEARCH answer without numbers");
		return;
	}
	/* RFC 4731 s. 3.1: the answer names the command it belongs to. */
	if (!r->search.uid || (r->search.tag != 0 && r->search.tag != p->tag))
		return;
	p->answered = true;
	if (r->search.has_min)
		search_number(e, p, r->search.min, r->search.min);
	all = r->search.all;
	while (uidset_next(&all, &range, &bad))
		search_number(e, p, range.first, range.last);
	if (bad)
		engine_protocol_error(e, "ESEARCH answer without a set");
}

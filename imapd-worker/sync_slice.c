/*
 * sync_slice.c - headers in slices of UIDs: new ones upwards, old ones
 * downwards. UIDs may lie far apart, so the width of a slice follows what the
 * slices before it brought; some are in flight at once.
 *
 * A server may die on one message. After NARROW_AFTER lost connections the
 * folder is asked for one UID at a time; the UID that goes on to lose them is
 * left out and told.
 */
#include "engine.h"
#include "log.h"

#include <string.h>

#define WIDTH_MAX (1u << 30)
#define NARROW_AFTER 2
#define ALONE_MAX 2

static bool
narrow(const struct engine *e, enum command command)
{
	const struct slice_drops *d = &e->drops;

	return d->count >= NARROW_AFTER && d->command == command && d->mailbox == e->sel.folder->id;
}

/* The position goes past a message that lost too many connections. */
static void
skip_poison(struct engine *e, enum command command)
{
	struct folder *f = e->sel.folder;
	struct slice_drops *d = &e->drops;

	if (!narrow(e, command) || d->alone < ALONE_MAX ||
	    d->uid != (command == CMD_NEW ? f->pos.uidnext : f->pos.uid_low - 1))
		return;
	if (command == CMD_NEW)
		f->pos.uidnext = d->uid + 1;
	else
		f->pos.uid_low = d->uid;
	log_warn("message left out code=sync.item_poison uid=%u", d->uid);
	*d = (struct slice_drops){ 0 };
	engine_sync_error(e, f->id, "sync.item_poison", SLICE_NONE);
	sync_position(e, f);
}

/* Did the position pass all that was under way when connections were lost? */
static void
forget_drops(struct engine *e, const struct pending *p)
{
	const struct position *pos = &e->sel.folder->pos;
	struct slice_drops *d = &e->drops;

	if (d->command != p->command || d->mailbox != e->sel.folder->id)
		return;
	if (p->command == CMD_NEW ? pos->uidnext > d->far : pos->uid_low <= d->far)
		*d = (struct slice_drops){ 0 };
}

static void
note_far(struct slice_drops *d, const struct pending *p)
{
	uint32_t high = p->high != UINT32_MAX ? p->high : p->low;

	if (p->command == CMD_NEW)
		d->far = high > d->far ? high : d->far;
	else
		d->far = p->low < d->far ? p->low : d->far;
}

void
sync_slice_dropped(struct engine *e)
{
	struct slice_drops *d = &e->drops;
	const struct pending *first = NULL;
	unsigned int i;

	for (i = 0; i < e->writer.npending; i++) {
		const struct pending *p = &e->writer.pending[i];

		if (p->command != CMD_NEW && p->command != CMD_BACKFILL)
			continue;
		if (first == NULL && (d->mailbox != p->folder->id || d->command != p->command))
			*d = (struct slice_drops){ .mailbox = p->folder->id, .command = p->command, .far = p->low };
		first = first != NULL ? first : p;
		note_far(d, p);
	}
	if (first == NULL)
		return;
	if (d->count >= NARROW_AFTER && first->low == first->high) {
		d->alone = d->uid == first->low ? d->alone + 1 : 1;
		d->uid = first->low;
	}
	d->count++;
}

void
sync_header_items(struct engine *e, bool modseq)
{
	imap_text(&e->writer, "(UID FLAGS INTERNALDATE RFC822.SIZE%s%s%s BODY.PEEK[HEADER])", modseq ? " MODSEQ" : "",
	    (e->caps & CAP_OBJECTID) != 0 ? " EMAILID THREADID" : "",
	    (e->caps & CAP_GMAIL) != 0 ? " X-GM-MSGID X-GM-THRID" : "");
}

static void
ask_headers(struct engine *e, enum command command, uint32_t low, uint32_t high)
{
	struct pending *p = imap_begin(&e->writer, command);
	struct imap_writer *w = &e->writer;

	p->folder = e->sel.folder;
	p->low = low;
	p->high = high;
	if (high == UINT32_MAX)
		imap_text(w, "UID FETCH %u:* ", low);
	else
		imap_text(w, "UID FETCH %u:%u ", low, high);
	sync_header_items(e, e->condstore && e->sel.modseq != 0);
	(void)imap_end(w);
}

static bool
may_ask(const struct engine *e, enum command command)
{
	return !e->round.hole &&
	    imap_in_flight(&e->writer, command) < (narrow(e, command) ? 1 : reach_of(e, LIM_SLICES_IN_FLIGHT));
}

static void
begin_phase(struct engine *e, enum command command, uint32_t next)
{
	e->round.asked = true;
	e->round.next = next;
	e->round.edge = next;
	if (e->round.width == 0)
		e->round.width = narrow(e, command) ? 1 : LIM_IMAP_BATCH;
}

/* The messages above the position; what has just arrived has no upper end. */
bool
sync_new(struct engine *e)
{
	struct position *pos = &e->sel.folder->pos;
	struct round *r = &e->round;
	uint32_t last = e->sel.uidnext - 1, high;

	if (!r->arrived)
		return true;
	if (r->kind == ROUND_QUICK) {
		if (!r->asked && pos->uidnext != UINT32_MAX)
			ask_headers(e, CMD_NEW, pos->uidnext, UINT32_MAX);
		r->asked = true;
		return e->writer.npending == 0;
	}
	if (!r->asked) {
		skip_poison(e, CMD_NEW);
		begin_phase(e, CMD_NEW, pos->uidnext);
	}
	while (r->next <= last && may_ask(e, CMD_NEW)) {
		high = last - r->next >= r->width ? r->next + r->width - 1 : last;
		ask_headers(e, CMD_NEW, r->next, high);
		if (high == UINT32_MAX - 1)
			break;
		r->next = high + 1;
	}
	return e->writer.npending == 0 && !r->hole;
}

bool
sync_more_urgent(struct engine *e)
{
	return live_event(e) || !STAILQ_EMPTY(&e->ops) || bodies_due(e) || live_poll_due(e) || e->relist || compress_due(e);
}

bool
sync_backfill(struct engine *e)
{
	struct folder *f = e->sel.folder;
	struct round *r = &e->round;
	uint32_t low;

	r->window = f->window;
	if (!r->asked && !f->pos.complete)
		skip_poison(e, CMD_BACKFILL);
	if (!f->pos.complete && f->pos.uid_low <= r->window && e->writer.npending == 0) {
		if (!window_below(e))
			return false;
		f->pos.complete = window_reached(e);
		r->changed = true;
	}
	if (f->pos.complete)
		return e->writer.npending == 0;
	if (!r->asked)
		begin_phase(e, CMD_BACKFILL, f->pos.uid_low);
	if (sync_more_urgent(e))
		return e->writer.npending == 0;
	/* next is the lower edge of what was asked for. */
	while (r->next > r->window && may_ask(e, CMD_BACKFILL)) {
		low = r->next - r->window > r->width ? r->next - r->width : r->window;
		ask_headers(e, CMD_BACKFILL, low, r->next - 1);
		r->next = low;
	}
	return false;
}

/* As many messages as one slice should bring, whatever the gaps. */
static void
adapt(struct engine *e, const struct pending *p)
{
	struct round *r = &e->round;

	/* One at a time, but through a gap with growing steps. */
	if (narrow(e, p->command))
		r->width = p->rows > 0 ? 1 : r->width < WIDTH_MAX ? r->width * 2 : r->width;
	else if (p->rows < LIM_IMAP_BATCH / 4 && r->width < WIDTH_MAX)
		r->width *= 4;
	else if (p->rows > LIM_IMAP_BATCH * 2 && r->width > 1)
		r->width /= 2;
}

/* Is a slice still under way that lies between the position and the edge? */
static bool
gap(const struct engine *e, const struct pending *done)
{
	unsigned int i;

	for (i = 0; i < e->writer.npending; i++) {
		const struct pending *p = &e->writer.pending[i];

		if (p->command != done->command)
			continue;
		if (p->command == CMD_NEW ? p->low < e->round.edge : p->high >= e->round.edge)
			return true;
	}
	return false;
}

/* The position follows when all slices up to the edge are finished. */
static void
advance(struct engine *e, const struct pending *p)
{
	struct folder *f = e->sel.folder;
	struct round *r = &e->round;

	if (p->command == CMD_NEW && p->high == UINT32_MAX) {
		if (r->top_uid >= f->pos.uidnext && r->top_uid != UINT32_MAX)
			f->pos.uidnext = r->top_uid + 1;
		if (e->sel.uidnext < f->pos.uidnext)
			e->sel.uidnext = f->pos.uidnext;
		return;
	}
	if (p->command == CMD_NEW && p->high + 1 > r->edge)
		r->edge = p->high + 1;
	if (p->command == CMD_BACKFILL && p->low < r->edge)
		r->edge = p->low;
	if (gap(e, p))
		return;
	if (p->command == CMD_NEW)
		f->pos.uidnext = r->edge;
	else
		f->pos.uid_low = r->edge;
	if (p->command == CMD_BACKFILL && window_reached(e))
		f->pos.complete = true;
	sync_position(e, f);
	r->changed = false;
}

/* Everything in flight is in: start again from the position, in small steps. */
static void
close_hole(struct engine *e, const struct pending *p)
{
	struct round *r = &e->round;
	const struct position *pos = &e->sel.folder->pos;

	if (imap_in_flight(&e->writer, p->command) > 0)
		return;
	r->hole = false;
	begin_phase(e, p->command, p->command == CMD_NEW ? pos->uidnext : pos->uid_low);
}

/* The server refuses the slice: one message in it may be what it cannot read,
 * or is gone by now. */
static void
refused(struct engine *e, const struct pending *p)
{
	struct round *r = &e->round;

	if (p->high == UINT32_MAX) {
		/* News without an upper end: select again, and look in slices. */
		e->sel.folder->dirty = true;
		select_leave(e);
		return;
	}
	r->hole = true;
	r->width = (p->high - p->low) / 4 + 1;
	close_hole(e, p);
}

/*
 * One message is refused. Where others can be read it is the message: it is
 * left out and told. Where none could be read yet it may be the server, so it
 * is asked for again by later connections before it is given up.
 */
static bool
leave_out(struct engine *e, const struct pending *p)
{
	struct folder *f = e->sel.folder;
	struct slice_refusal *r = &e->unread;

	if (r->mailbox != f->id || r->uid != p->low)
		*r = (struct slice_refusal){ .mailbox = f->id, .uid = p->low };
	if (!f->fetched && ++r->count < LIM_SLICE_REFUSALS) {
		engine_drop(e, "sync.protocol_error", slice_str("FETCH is refused"));
		return false;
	}
	log_warn("message left out code=sync.item_empty uid=%u", p->low);
	engine_sync_error(e, f->id, "sync.item_empty", SLICE_NONE);
	*r = (struct slice_refusal){ 0 };
	return true;
}

void
sync_slice_done(struct engine *e, const struct pending *p, bool ok)
{
	struct round *r = &e->round;

	if (p->hollow && ok && !r->hole) {
		refused(e, p);
		return;
	}
	if (!ok && p->low == p->high && !r->hole) {
		if (!leave_out(e, p))
			return;
		ok = true;
	} else if (ok && p->rows > 0)
		e->sel.folder->fetched = true;
	if (!ok && !r->hole) {
		refused(e, p);
		return;
	}
	if (r->hole) {
		close_hole(e, p);
		return;
	}
	if (p->command == CMD_NEW)
		r->news += p->rows;
	adapt(e, p);
	advance(e, p);
	forget_drops(e, p);
}

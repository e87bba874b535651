/*
 * sync.c - one round over the selected folder: its phases and its position.
 *
 * START      is the folder still the one of the position (UIDVALIDITY)?
 * TOP        for servers that do not say UIDNEXT: the last message's UID
 * WINDOW     where does the wanted past begin (count, age)?
 * FLAGS      what changed among the known: CHANGEDSINCE, else all flags
 * UIDS       what is gone: a listing, unless VANISHED has told it
 * NEW        headers from the position's uidnext on, oldest first; after what
 *            is gone, so that a message that left and came back keeps its id
 * BACKFILL   headers below the position, newest first
 * END        tell the position
 *
 * The position moves only behind rows that were told before it, so a restart
 * anywhere repeats some rows and misses none.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"

#include <string.h>

#define DAY_MS 86400000

void
sync_progress(struct engine *e, enum sync_phase phase)
{
	struct msg_sync_progress m = { .phase = (uint8_t)phase, .done = e->progress_done,
		.total = e->progress_total > e->progress_done ? e->progress_total : e->progress_done };

	/* Once live, a look back is no new first sync. */
	if (!e->was_live || phase == PHASE_LIVE)
		report_send(&e->report, MSG_sync_progress, &m, -1);
}

void
sync_position(struct engine *e, struct folder *f)
{
	struct msg_mailbox_synced m = { .mailbox = f->id, .uidvalidity = f->pos.uidvalidity,
		.uidnext = f->pos.uidnext, .modseq = f->pos.modseq, .uid_low = f->pos.uid_low,
		.complete = f->pos.complete, .first_low = f->first_low };

	report_send(&e->report, MSG_mailbox_synced, &m, -1);
	if (!f->pos.complete)
		sync_progress(e, PHASE_HEADERS);
}

void
sync_start(struct engine *e, enum round_kind kind)
{
	struct selected *s = &e->sel;
	struct uidset set = e->round.set;

	uidset_clear(&set);
	e->round = (struct round){ .kind = kind, .phase = ROUND_START, .set = set, .known_next = s->folder->pos.uidnext,
		.exists = s->exists, .arrived = s->arrived, .list = s->expunged, .some_flags = s->flags_unknown, .seq_low = s->seq_low,
		.seq_high = s->seq_high };
	/* Sequence numbers are only good while nothing was expunged. */
	if (s->expunged && s->flags_unknown)
		e->round.all_flags = true;
	/* What comes into a folder that is a label comes into All Mail too. */
	e->look_labels = e->look_labels || (e->folders.labels && kind == ROUND_QUICK);
	e->look_around = e->look_around || s->expunged;
	/* A full round looks up to SELECT's UIDNEXT only: what arrived since waits for the next. */
	s->arrived = kind != ROUND_QUICK && s->arrived;
	s->by_round = false;
	s->expunged = s->flags_unknown = false;
}

static void
enter(struct engine *e, enum round_phase phase)
{
	struct round *r = &e->round;

	r->phase = phase;
	r->next = r->width = r->edge = r->top_uid = 0;
	r->asked = r->exhausted = r->hole = false;
	r->tries = 0;
	uidset_clear(&r->set);
}

/* More rebuilds than a sane server makes: leave the folder alone for a day. */
static bool
rebuilt_too_often(struct engine *e, struct folder *f)
{
	uint64_t now = clock_ms();

	if (f->rebuilt == 0 || now - f->rebuilt_since > DAY_MS) {
		f->rebuilt = 0;
		f->rebuilt_since = now;
	}
	if (++f->rebuilt <= LIM_REBUILDS_DAY)
		return false;
	f->retry_at = now + DAY_MS;
	f->dirty = false;
	engine_sync_error(e, f->id, "sync.uidvalidity_loop", SLICE_NONE);
	return true;
}

/* Another UIDVALIDITY, or never synced: the past is fetched from the top down. */
static bool
adopt(struct engine *e)
{
	struct folder *f = e->sel.folder;
	struct position *p = &f->pos;

	if (p->uidvalidity == e->sel.uidvalidity && p->uidnext != 0)
		return true;
	if (p->uidvalidity != 0 && p->uidvalidity != e->sel.uidvalidity) {
		if (rebuilt_too_often(e, f))
			return false;
		engine_sync_error(e, f->id, "sync.uidvalidity_changed", SLICE_NONE);
	}
	*p = (struct position){ .uidvalidity = e->sel.uidvalidity, .uidnext = e->sel.uidnext,
		.modseq = e->sel.modseq, .uid_low = e->sel.uidnext };
	f->window = f->first_low = 0;
	e->round.known_next = p->uidnext;
	return true;
}

/* ---- phases: true when the phase is over ---- */

static bool
top(struct engine *e)
{
	struct pending *p;

	if (e->sel.uidnext == 0 && e->sel.exists == 0)
		e->sel.uidnext = 1;
	if (e->sel.uidnext != 0)
		return true;
	if (e->round.asked && (e->writer.npending > 0 || ++e->round.tries > LIM_WINDOW_TRIES)) {
		if (e->writer.npending == 0)
			engine_protocol_error(e, "no UID for the last message");
		return false;
	}
	p = imap_begin(&e->writer, CMD_TOP);
	p->low = p->high = e->sel.exists;
	imap_text(&e->writer, "FETCH %u (UID)", p->low);
	e->round.asked = true;
	(void)imap_end(&e->writer);
	return false;
}

static enum round_phase
after_start(struct engine *e)
{
	struct round *r = &e->round;
	struct folder *f = e->sel.folder;
	uint64_t now = clock_ms();

	if (r->kind == ROUND_QUICK)
		return ROUND_FLAGS;
	if (r->kind == ROUND_FULL) {
		r->arrived = true;
		r->all_flags = !e->condstore || e->sel.modseq == 0 || f->pos.modseq == 0;
		if (!e->qresync || now >= f->reconcile_at)
			r->list = true;
	}
	return ROUND_TOP;
}

/* Fewer than there were, with those that came: what went while another folder
 * was selected may have been moved, and no EXPUNGE has told of it. */
static bool
some_went(const struct round *r, const struct folder *f)
{
	return (uint64_t)f->messages + r->news > r->exists;
}

static bool
finish(struct engine *e)
{
	struct round *r = &e->round;
	struct folder *f = e->sel.folder;

	if (r->kind == ROUND_FULL) {
		f->looked_at = f->whole_at = clock_ms();
		e->look_around = e->look_around || (f->messages > 0 && some_went(r, f));
	}
	live_looked_at(e, f);
	if (r->kind == ROUND_QUICK || f->pos.complete)
		f->messages = e->sel.exists;
	if (r->kind != ROUND_QUICK)
		f->confirm = false;
	if (!e->sel.arrived)
		e->sel.known = e->sel.exists;
	/* A change that adopt() did not believe leaves the old position, which is no news. */
	if ((r->changed || r->kind == ROUND_FULL) && f->pos.uidvalidity == e->sel.uidvalidity)
		sync_position(e, f);
	return true;
}

/* Runs the current phase; the next one when it is over. */
static bool
step(struct engine *e)
{
	struct round *r = &e->round;

	switch (r->phase) {
	case ROUND_START:
		enter(e, after_start(e));
		return true;
	case ROUND_TOP:
		if (!top(e))
			return false;
		enter(e, adopt(e) ? ROUND_WINDOW : ROUND_END);
		return true;
	case ROUND_WINDOW:
		if (!window_measure(e))
			return false;
		enter(e, r->kind == ROUND_RESUME ? ROUND_BACKFILL : ROUND_FLAGS);
		return true;
	default:
		return false;
	}
}

/* All that changed up to SELECT is told; what comes now are events. */
static void
settled(struct engine *e)
{
	struct folder *f = e->sel.folder;

	f->dirty = false;
	if (e->sel.modseq > f->pos.modseq)
		f->pos.modseq = e->sel.modseq;
}

static bool
late_step(struct engine *e)
{
	struct round *r = &e->round;

	switch (r->phase) {
	case ROUND_FLAGS:
		if (!sync_changes(e))
			return false;
		enter(e, ROUND_UIDS);
		return true;
	case ROUND_UIDS:
		if (!sync_changes(e))
			return false;
		enter(e, ROUND_NEW);
		return true;
	case ROUND_NEW:
		if (!sync_new(e))
			return false;
		if (r->again) {
			r->again = false;
			enter(e, ROUND_FLAGS);
			return true;
		}
		if (r->kind == ROUND_FULL)
			settled(e);
		enter(e, r->kind == ROUND_QUICK ? ROUND_END : ROUND_BACKFILL);
		return true;
	case ROUND_BACKFILL:
		if (!sync_backfill(e))
			return false;
		enter(e, ROUND_END);
		return true;
	default:
		return false;
	}
}

bool
sync_turn(struct engine *e)
{
	while (engine_open(e) && e->sel.folder != NULL && e->round.phase != ROUND_END) {
		if (!(e->round.phase < ROUND_FLAGS ? step(e) : late_step(e)))
			return false;
	}
	if (!engine_open(e) || e->sel.folder == NULL)
		return true;
	return finish(e);
}

void
sync_tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	/* RFC 5530 s. 3: all are told but what somebody has just expunged. */
	bool ok = r->status == IMAP_OK || r->code == IMAP_CODE_EXPUNGEISSUED;

	if (!ok && engine_temporary(r)) {
		engine_drop(e, engine_code(r, "sync.throttled"), r->text);
		return;
	}
	switch (p->command) {
	case CMD_WINDOW:
	case CMD_SINCE:
		window_tagged(e, p, ok);
		break;
	case CMD_BELOW:
		window_below_done(e, p, ok);
		break;
	case CMD_NEW:
	case CMD_BACKFILL:
		sync_slice_done(e, p, ok);
		break;
	case CMD_CHANGES:
	case CMD_FLAGS:
	case CMD_FLAGS_SEQ:
	case CMD_UIDS:
		sync_list_done(e, p, ok);
		break;
	default:
		break;
	}
}

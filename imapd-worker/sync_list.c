/*
 * sync_list.c - what changed and what is gone among the known messages.
 *
 * With MODSEQ one command brings the changed flags (and, with QRESYNC, the
 * vanished UIDs). Without it all flags are fetched in slices, and the UIDs
 * that come are at the same time the list of what is left.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"

#define RANGES_IN_ROW (LIM_INLINE / 8)

/* One row: of [low, high] only these ranges of the set are left. */
static void
tell_present(struct engine *e, uint32_t low, uint32_t high, size_t from, size_t to)
{
	const struct uidset *s = &e->round.set;
	struct msg_uids_present m = { .mailbox = e->sel.folder->id, .low = low, .high = high };
	struct wbuf w;
	size_t i;

	wbuf_init(&w, LIM_INLINE);
	for (i = from; i < to; i++) {
		w_u32(&w, s->r[i].first);
		w_u32(&w, s->r[i].last);
	}
	m.ranges = wbuf_slice(&w);
	report_send(&e->report, MSG_uids_present, &m, -1);
	wbuf_free(&w);
	e->round.changed = true;
}

static void
present(struct engine *e, uint32_t low, uint32_t high)
{
	struct uidset *s = &e->round.set;
	size_t i = 0;

	uidset_settle(s, low, high);
	while (s->n - i > RANGES_IN_ROW) {
		uint32_t end = s->r[i + RANGES_IN_ROW - 1].last;

		tell_present(e, low, end, i, i + RANGES_IN_ROW);
		low = end + 1;
		i += RANGES_IN_ROW;
	}
	tell_present(e, low, high, i, s->n);
	uidset_clear(s);
}

/* Wide enough for about LIM_SLICE_MESSAGES at the folder's mean density. */
static uint32_t
slice_width(const struct engine *e, uint32_t low, uint32_t high)
{
	uint64_t span = (uint64_t)high - low + 1, messages = e->sel.exists > 0 ? e->sel.exists : 1, width;

	if (e->round.phase == ROUND_UIDS && (e->caps & CAP_ESEARCH) != 0 && !e->round.no_search)
		return high - low + 1 != 0 ? high - low + 1 : UINT32_MAX;
	width = span * LIM_SLICE_MESSAGES / messages;
	return width < LIM_SLICE_MESSAGES ? LIM_SLICE_MESSAGES : width > UINT32_MAX ? UINT32_MAX : (uint32_t)width;
}

/* One slice at a time: its UIDs are collected in one set. */
static bool
list_slices(struct engine *e, enum command command)
{
	const struct position *pos = &e->sel.folder->pos;
	struct round *r = &e->round;
	uint32_t high = pos->uidnext - 1;
	struct pending *p;

	if (!r->asked) {
		r->next = pos->uid_low;
		r->width = high >= r->next ? slice_width(e, r->next, high) : 1;
	}
	r->asked = true;
	if (imap_pending(&e->writer, command) != NULL)
		return false;
	if (r->exhausted || r->next > high || r->next == 0)
		return true;
	p = imap_begin(&e->writer, command);
	p->low = r->next;
	p->high = high - r->next >= r->width ? r->next + r->width - 1 : high;
	if (command == CMD_FLAGS)
		imap_text(&e->writer, "UID FETCH %u:%u (UID FLAGS)", p->low, p->high);
	else
		imap_text(&e->writer, "UID SEARCH %sUID %u:%u", (e->caps & CAP_ESEARCH) != 0 ? "RETURN (ALL) " : "",
		    p->low, p->high);
	(void)imap_end(&e->writer);
	return false;
}

static bool
ask_changes(struct engine *e)
{
	const struct position *pos = &e->sel.folder->pos;
	struct round *r = &e->round;
	struct pending *p;

	if (r->asked || r->known_next <= pos->uid_low)
		return e->writer.npending == 0;
	p = imap_begin(&e->writer, CMD_CHANGES);
	p->low = pos->uid_low;
	p->high = r->known_next - 1;
	imap_text(&e->writer, "UID FETCH %u:%u (UID FLAGS) (CHANGEDSINCE %llu%s)", p->low, p->high,
	    (unsigned long long)pos->modseq, e->qresync ? " VANISHED" : "");
	(void)imap_end(&e->writer);
	r->asked = true;
	/* What comes next is asked for behind it: the server answers in order. */
	return true;
}

static bool
ask_sequence(struct engine *e)
{
	struct round *r = &e->round;
	struct pending *p;

	if (r->asked)
		return e->writer.npending == 0;
	p = imap_begin(&e->writer, CMD_FLAGS_SEQ);
	p->low = r->seq_low;
	p->high = r->seq_high;
	imap_text(&e->writer, "FETCH %u:%u (UID FLAGS)", r->seq_low, r->seq_high);
	(void)imap_end(&e->writer);
	r->asked = true;
	return false;
}

bool
sync_changes(struct engine *e)
{
	struct round *r = &e->round;
	bool modseq = e->condstore && e->sel.modseq != 0 && e->sel.folder->pos.modseq != 0;

	if (r->phase == ROUND_UIDS)
		return !r->list || list_slices(e, r->no_search ? CMD_FLAGS : CMD_UIDS);
	if (r->all_flags)
		return list_slices(e, CMD_FLAGS);
	if (r->kind == ROUND_FULL || (r->some_flags && modseq))
		return ask_changes(e);
	return !r->some_flags || ask_sequence(e);
}

/* UID SEARCH is of no use here: the list is made by FETCH, from its start. */
static void
list_without_search(struct round *r)
{
	r->no_search = true;
	r->asked = false;
	uidset_clear(&r->set);
}

static void
slice_listed(struct engine *e, const struct pending *p)
{
	struct folder *f = e->sel.folder;
	struct round *r = &e->round;

	/* OK without a word about UIDs must not read as "all gone". */
	if (p->command == CMD_UIDS && !p->answered && e->sel.exists > 0) {
		list_without_search(r);
		return;
	}
	if (r->set.over) {
		/* Too scattered for the bound: half as wide, the same place again. */
		uidset_clear(&r->set);
		r->width = (p->high - p->low) / 2 + 1;
		if (p->low == p->high)
			engine_protocol_error(e, "more UIDs than asked for");
		return;
	}
	present(e, p->low, p->high);
	r->next = p->high + 1;
	r->exhausted = p->high >= f->pos.uidnext - 1;
	if (!r->exhausted)
		return;
	f->reconcile_at = clock_ms() + LIM_RECONCILE_SECONDS * 1000;
	if (p->command == CMD_FLAGS)
		r->list = false;	/* the flags were a listing too */
}

void
sync_list_done(struct engine *e, const struct pending *p, bool ok)
{
	struct folder *f = e->sel.folder;
	struct round *r = &e->round;

	if (!ok && p->command == CMD_CHANGES) {
		r->all_flags = true;	/* it cannot tell changes: look at all */
		if (r->phase == ROUND_FLAGS)
			r->asked = false;
		else
			r->again = r->list = true;
		return;
	}
	if (!ok && p->command == CMD_UIDS) {
		list_without_search(r);
		return;
	}
	if (!ok) {
		engine_drop(e, "sync.stalled", slice_str("the server refuses to list the folder"));
		return;
	}
	if (p->command == CMD_CHANGES) {
		r->changed = r->changed || p->rows > 0;
		if (r->top_modseq > f->pos.modseq)
			f->pos.modseq = r->top_modseq;
	} else if (p->command != CMD_FLAGS_SEQ)
		slice_listed(e, p);
}

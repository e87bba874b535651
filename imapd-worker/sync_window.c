/*
 * sync_window.c - where the wanted past begins: the policy's first, a count of
 * messages, and periodDays, an age. Both hold together.
 *
 * The count is taken once for a folder and its UID kept with the position
 * (first_low): what comes later is synced beside it. The age is asked for anew
 * while the backfill lasts, since time goes on. What is too old all the same is
 * left out by the store, which goes by INTERNALDATE alone.
 *
 * SEARCH SINCE is only a hint. It compares days, in a time zone that is the
 * server's choice (RFC 3501 s. 6.4.4), and some servers go by the Date field.
 * So when the backfill has come to the bottom, the dates of the messages below
 * it are looked at until some are there and all are too old.
 */
#include "engine.h"
#include "imap_date.h"
#include "messages.h"

#include <time.h>

#define WIDTH_MAX (1u << 30)

static uint64_t
oldest(const struct engine *e)
{
	uint64_t now = (uint64_t)time(NULL), back = (uint64_t)e->period_days * 86400;

	return now > back ? now - back : 0;
}

/* ---- measuring ---- */

static void
ask_since(struct engine *e)
{
	char day[IMAP_DATE_LEN];

	imap_date_day(oldest(e), day);
	(void)imap_begin(&e->writer, CMD_SINCE);
	imap_text(&e->writer, "UID SEARCH %sSINCE %s", (e->caps & CAP_ESEARCH) != 0 ? "RETURN (MIN) " : "", day);
	(void)imap_end(&e->writer);
}

static void
ask_count(struct engine *e)
{
	struct pending *p = imap_begin(&e->writer, CMD_WINDOW);

	p->low = p->high = e->sel.exists - e->first + 1;
	imap_text(&e->writer, "FETCH %u (UID)", p->low);
	(void)imap_end(&e->writer);
}

static void
ask(struct engine *e)
{
	struct folder *f = e->sel.folder;

	e->round.asked = true;
	e->round.window = 1;
	if (f->first_low == 0 && e->first > 0 && e->sel.exists > e->first)
		ask_count(e);
	else if (f->first_low == 0)
		f->first_low = 1;
	if (e->period_days > 0 && e->sel.exists > 0)
		ask_since(e);
}

/* The higher UID is the bottom of the window. */
bool
window_measure(struct engine *e)
{
	struct folder *f = e->sel.folder;
	struct round *r = &e->round;

	if (f->pos.complete || f->window != 0) {
		r->window = f->window;
		return true;
	}
	if (!r->asked)
		ask(e);
	if (e->writer.npending > 0 || !r->asked)
		return false;
	if (f->first_low > r->window)
		r->window = f->first_low;
	f->window = r->window;
	e->progress_total += e->first > 0 && e->sel.exists > e->first ? e->first : e->sel.exists;
	return true;
}

/* A count that found no message (it was expunged meanwhile) is asked again. */
void
window_tagged(struct engine *e, const struct pending *p, bool ok)
{
	struct round *r = &e->round;

	if (p->command == CMD_WINDOW && (p->rows == 0 || !ok)) {
		if (++r->tries > LIM_WINDOW_TRIES)
			engine_protocol_error(e, "no UID for a message");
		else
			r->asked = false;
	} else if (p->command == CMD_SINCE && ok) {
		uint32_t low = p->rows == 0 ? e->sel.folder->pos.uid_low : r->top_uid;

		r->window = low > r->window ? low : r->window;
	}
}

/* ---- below the bottom ---- */

/* Nothing older is wanted, whatever its date. */
static bool
is_bottom(const struct engine *e)
{
	const struct folder *f = e->sel.folder;

	return e->period_days == 0 || f->pos.uid_low <= 1 || f->pos.uid_low <= f->first_low;
}

bool
window_reached(const struct engine *e)
{
	return e->sel.folder->pos.uid_low <= e->round.window && (e->round.below_sure || is_bottom(e));
}

bool
window_below(struct engine *e)
{
	const struct folder *f = e->sel.folder;
	struct round *r = &e->round;
	struct pending *p;

	if (e->writer.npending > 0)
		return false;
	if (r->below == 0) {
		r->below = f->pos.uid_low;
		r->width = LIM_IMAP_BATCH;
	}
	if (r->below_sure || is_bottom(e) || r->below <= 1 || r->below <= f->first_low) {
		r->below_sure = true;
		return true;
	}
	p = imap_begin(&e->writer, CMD_BELOW);
	p->high = r->below - 1;
	p->low = p->high > r->width ? p->high - r->width + 1 : 1;
	imap_text(&e->writer, "UID FETCH %u:%u (UID INTERNALDATE)", p->low, p->high);
	(void)imap_end(&e->writer);
	return false;
}

void
window_row(struct engine *e, const struct imap_fetch *f)
{
	struct pending *p = imap_pending_uid(&e->writer, CMD_BELOW, f->uid);
	struct round *r = &e->round;

	if (p == NULL || !f->has_date)
		return;
	p->rows++;
	if (f->internaldate >= oldest(e) && (r->below_low == 0 || f->uid < r->below_low))
		r->below_low = f->uid;
}

/* Young mail: the window goes down to it. Messages, but none of it: the bottom.
 * A gap between UIDs says nothing. */
void
window_below_done(struct engine *e, const struct pending *p, bool ok)
{
	struct round *r = &e->round;

	r->below = p->low;
	if (!ok)
		r->below_sure = true;	/* no dates to be had: what SEARCH said holds */
	else if (r->below_low != 0) {
		e->sel.folder->window = r->window = r->below_low;
		r->below_low = 0;
	} else if (p->rows > 0)
		r->below_sure = true;
	else if (r->width < WIDTH_MAX)
		r->width *= 4;
}

/*
 * imap_due.c - what of a link waits for the clock: messages that may have
 * moved, bodies and operations that are tried again, links that rest. Where
 * nothing waits no timer runs; what others do comes as a message.
 */
#include "imap_session.h"
#include "journal_flight.h"
#include "wake.h"

static struct wake due;

static bool
any(enum table t, struct dbkey prefix)
{
	struct slice key;
	struct scan s;
	bool found;

	scan_prefix(&s, t, prefix, false);
	found = scan_next(&s, &key, NULL);
	scan_end(&s);
	return found;
}

static uint64_t
journal_due(const struct imap_session *s)
{
	const struct journal_flight *f;
	uint64_t next = s->journal_from != 0 ? 0 : again_due(s);	/* 0: a run was cut short */

	for (size_t i = 0; i < JOURNAL_BUCKETS; i++)
		LIST_FOREACH(f, &s->flights[i], entry)
			if (!f->sent && f->not_before < next)
				next = f->not_before;
	return next;
}

uint64_t
imap_due_next(const struct imap_session *s)
{
	uint64_t now = store_ticks(), next, at;

	if (!s->listed)
		return WAKE_NEVER;
	next = journal_due(s);
	/* Before it is live a row tells that a folder was looked at. */
	if (s->live && any(T_held, PREFIX(held, 1, .account = s->link)))
		next = 0;
	if (any(T_want, PREFIX(want, 1, .account = s->link))) {
		at = s->pump_after > now ? s->pump_after : s->again_at;
		next = at < next ? at : next;
	}
	return next > now ? next : now + 1;
}

void
imap_due_by(struct imap_session *s, uint64_t tick)
{
	if (tick < s->look_at)
		s->look_at = tick;
	wake_by(&due, s->look_at);
}

void
imap_due_rest(uint64_t tick)
{
	wake_by(&due, tick);
}

void
imap_due_init(void (*look)(void))
{
	wake_init(&due, look);
}

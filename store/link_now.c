/*
 * link_now.c - what a person wants to know of a link at this moment: how fast
 * it goes, how long it will take, how fresh it is. In memory only, without a
 * timer: counted by events that happen anyway, computed when a row is read.
 */
#include <string.h>

#include "link_unit.h"

/* ---- rate ---- */

/* Seconds since the newest count are seconds without messages. */
static void
rate_age(struct link_run *run, uint64_t now)
{
	if (now >= run->moved_at + LIM_RATE_SECONDS)
		memset(run->moved, 0, sizeof(run->moved));
	else
		for (uint64_t t = run->moved_at + 1; t <= now; t++)
			run->moved[t % LIM_RATE_SECONDS] = 0;
	run->moved_at = now;
}

void
link_phase(struct link_run *run, enum sync_phase phase)
{
	if (run->phase == phase)
		return;
	run->phase = phase;
	run->phase_at = store_ticks();
	memset(run->moved, 0, sizeof(run->moved));
}

void
link_moved(uint32_t no, enum sync_phase phase)
{
	struct link_run *run = link_run_known(no);
	uint64_t now = store_ticks();

	if (run == NULL || run->phase != phase)
		return;
	rate_age(run, now);
	run->moved[now % LIM_RATE_SECONDS]++;
}

/* Tenths of messages in a second. The present second counts as a whole one. */
static uint32_t
rate(struct link_run *run)
{
	uint64_t now = store_ticks(), n = 0, span = now - run->phase_at + 1;

	rate_age(run, now);
	for (size_t i = 0; i < LIM_RATE_SECONDS; i++)
		n += run->moved[i];
	return (uint32_t)(n * 10 / (span < LIM_RATE_SECONDS ? span : LIM_RATE_SECONDS));
}

/* ---- bodies ---- */

/* Bodies that are still wanted, at most so many are counted. */
static uint32_t
wanted(uint32_t no, uint32_t most)
{
	struct scan s;
	struct slice key;
	uint32_t n = 0;

	scan_prefix(&s, T_want, PREFIX(want, 1, .account = no), false);
	while (n < most && scan_next(&s, &key, NULL))
		n++;
	scan_end(&s);
	return n;
}

void
link_headers_done(uint32_t no, uint32_t done, uint32_t total)
{
	struct link_run *run = link_run_of(no);
	uint32_t left = wanted(no, UINT32_MAX);

	if (run == NULL)
		return;
	run->bodies_total = run->bodies_done + left;
	if (left == 0)
		link_progress(no, PHASE_LIVE, done, total);
	else
		link_progress(no, PHASE_BODIES, run->bodies_done, run->bodies_total);
}

void
link_body_done(uint32_t no)
{
	struct link_run *run = link_run_known(no);

	if (run == NULL)
		return;
	run->bodies_done++;
	if (run->phase != PHASE_BODIES)
		return;
	link_moved(no, PHASE_BODIES);
	if (wanted(no, 1) == 0)
		link_progress(no, PHASE_LIVE, run->bodies_done, run->bodies_done);
	else {
		/* Mail that came meanwhile is wanted too. */
		if (run->bodies_done >= run->bodies_total)
			run->bodies_total = run->bodies_done + wanted(no, UINT32_MAX);
		link_progress(no, PHASE_BODIES, run->bodies_done, run->bodies_total);
	}
}

/* ---- freshness ---- */

void
link_whole(uint32_t no, uint32_t seconds)
{
	struct link_run *run = link_run_of(no);
	uint64_t now = store_ticks();

	if (run != NULL)
		run->whole_at = now > seconds ? now - seconds : 1;
}

void
link_now_reset(uint32_t no)
{
	struct link_run *run = link_run_known(no);

	if (run == NULL)
		return;
	run->bodies_done = run->bodies_total = 0;
	run->whole_at = 0;
	link_phase(run, PHASE_NONE);
}

void
link_now(uint32_t no, struct rec_link *r)
{
	struct link_run *run = link_run_known(no);
	uint64_t left;

	r->rate = r->left = r->fresh = 0;
	if (run == NULL)
		return;
	if (r->state == LINK_LIVE && run->whole_at != 0)
		r->fresh = (uint32_t)(store_ticks() - run->whole_at) + 1;
	if (r->phase != run->phase || (r->phase != PHASE_HEADERS && r->phase != PHASE_BODIES))
		return;
	r->rate = rate(run);
	left = r->total > r->done ? r->total - r->done : 0;
	if (r->rate > 0 && left > 0)
		r->left = (uint32_t)(left * 10 / r->rate + 1);
}

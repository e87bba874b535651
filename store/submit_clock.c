/*
 * submit_clock.c - the queue when somebody sets the clock back. Rows of the
 * table due hold times of that clock. What was asked for at a time keeps it;
 * what waits for a retry or a review, or was to leave at once, must not wait
 * until the clock is again where it was.
 */
#include "submit.h"

#define SLACK 5	/* seconds that the clock may be set back unnoticed */

static bool
held_for_a_time(const struct rec_submission *rec)
{
	return rec->state == SUB_QUEUED && rec->undo == UNDO_PENDING && rec->send_at > rec->created_at;
}

static void
redate(const struct key_due *k, uint64_t now)
{
	struct submission s;
	struct rec_submission *rec = &s.row.rec;

	if (!submission_load(&s, k->account, k->id))
		return;
	if (!held_for_a_time(rec) && rec->next_try == k->at) {
		submission_undue(&s);
		rec->next_try = now + (rec->state == SUB_UNCERTAIN ? LIM_SUBMIT_REVIEW_SECONDS : 0);
		submission_save(&s);
		submission_due(&s, rec->next_try);
	}
	submission_free(&s);
}

void
submit_redate(uint64_t beyond)
{
	uint64_t now = store_now();
	struct scan s;
	struct slice key;
	struct key_due k;

	scan_range(&s, T_due, KEY(due, .at = now + beyond + 1), KEY(due, .at = UINT64_MAX), false);
	while (scan_next(&s, &key, NULL))
		if (key_due_read(key, &k) == 0)
			redate(&k, now);
	scan_end(&s);
}

/* Since the last look both clocks went the same way, or one was set back. */
void
submit_look_at_clock(void)
{
	static uint64_t wall, ticks;
	uint64_t now = store_now(), t = store_ticks();

	if (wall != 0 && now + SLACK < wall + (t - ticks))
		submit_redate(0);
	wall = now;
	ticks = t;
}

/*
 * schedule.c - what to do next on a connection that is up and listed.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "watch.h"

static void
begin(struct engine *e, enum task task)
{
	e->task = task;
}

static bool
is_dirty(const struct folder *f)
{
	return f->dirty;
}

static bool
is_incomplete(const struct folder *f)
{
	return !f->pos.complete;
}

/* The inbox matters most, then Sent, then the others as they are listed. */
static struct folder *
first_folder(const struct engine *e, bool (*wanted)(const struct folder *))
{
	struct folder *best = NULL;
	uint64_t now = clock_ms();
	size_t i;

	for (i = 0; i < e->folders.n; i++) {
		struct folder *f = &e->folders.v[i];

		if (!f->synced || f->id == 0 || !wanted(f) || now < f->retry_at)
			continue;
		if (best == NULL || f->role == MBOX_INBOX || (f->role == MBOX_SENT && best->role != MBOX_INBOX))
			best = f;
	}
	return best;
}

/* A folder that waits for a round. */
static struct folder *
dirty_folder(const struct engine *e)
{
	return first_folder(e, is_dirty);
}

/* A folder whose past is not fetched yet. */
static struct folder *
incomplete_folder(const struct engine *e)
{
	return first_folder(e, is_incomplete);
}

bool
schedule_bodies(const struct engine *e)
{
	return bodies_due(e) || (bodies_left(e) && incomplete_folder(e) == NULL);
}

static void
start_round(struct engine *e, struct folder *f, enum round_kind kind)
{
	if (!select_folder(e, f))
		return;
	sync_start(e, kind);
	begin(e, TASK_ROUND);
}

/* All folders are as the server has them: say so once. */
static void
say_live(struct engine *e)
{
	if (e->live || dirty_folder(e) != NULL)
		return;
	e->live = e->was_live = true;
	sync_progress(e, PHASE_LIVE);
	log_info("mailbox is live");
}

/* The inbox is home; a look at all of it from time to time although IDLE said nothing. */
static bool
go_home(struct engine *e)
{
	struct folder *inbox = folders_role(&e->folders, MBOX_INBOX);

	if (inbox == NULL || !inbox->synced || inbox->id == 0 || clock_ms() < inbox->retry_at) {
		/* No inbox to look at: an overdue look would break off each IDLE at once. */
		if (clock_ms() >= e->proof_at)
			e->proof_at = clock_ms() + engine_proof_ms(e);
		return false;
	}
	if (e->sel.folder != inbox) {
		(void)select_folder(e, inbox);
		return true;
	}
	if (clock_ms() < e->proof_at)
		return false;
	e->proof_at = clock_ms() + engine_proof_ms(e);
	inbox->dirty = true;
	start_round(e, inbox, ROUND_FULL);
	return true;
}

/* Nothing is left to do. False: it waits for the server to speak. */
static bool
settle(struct engine *e)
{
	say_live(e);
	fresh_tell(e);
	watch_turn(e);
	if (go_home(e))
		return true;
	live_idle(e);
	return false;
}

/* By urgency: what just happened, what the ATS did, new mail elsewhere, contents, old mail. */
static bool
choose(struct engine *e)
{
	struct folder *f;

	if (e->relist) {
		session_list(e);
		return false;
	}
	if (compress_due(e)) {
		compress_begin(e);
		begin(e, TASK_COMPRESS);
		return true;
	}
	if (live_event(e)) {
		sync_start(e, ROUND_QUICK);
		begin(e, TASK_ROUND);
	} else if (ops_due(e))
		begin(e, TASK_OP);
	else if (live_poll_due(e)) {
		live_poll(e);
		begin(e, TASK_POLL);
	} else if ((f = dirty_folder(e)) != NULL)
		start_round(e, f, ROUND_FULL);
	else if (notify_due(e)) {
		notify_set(e);
		begin(e, TASK_NOTIFY);
		/* What it answers is news as any other. */
		if (!bodies_left(e) && incomplete_folder(e) == NULL)
			say_live(e);
	} else if (schedule_bodies(e)) {
		bodies_start(e);
		begin(e, TASK_BODIES);
	} else if ((f = incomplete_folder(e)) != NULL)
		start_round(e, f, ROUND_RESUME);
	else
		return settle(e);
	return true;
}

/* True: the task is over. */
static bool
run_task(struct engine *e)
{
	switch (e->task) {
	case TASK_ROUND:
		return sync_turn(e);
	case TASK_OP:
		return ops_turn(e);
	case TASK_BODIES:
		return bodies_turn(e);
	case TASK_POLL:
		live_poll(e);
		return e->writer.npending == 0;
	default:
		return e->writer.npending == 0;
	}
}

bool
schedule_urgent(struct engine *e)
{
	return live_event(e) || ops_due(e) || live_poll_due(e) || notify_due(e) ||
	       dirty_folder(e) != NULL || e->relist;
}

/* IDLE is broken off for work; the look at all of the inbox renews it too,
 * before middleboxes forget it. */
static bool
work_waits(struct engine *e)
{
	return schedule_urgent(e) || bodies_left(e) || incomplete_folder(e) != NULL || clock_ms() >= e->proof_at;
}

void
schedule_run(struct engine *e)
{
	if (clock_ms() >= e->list_at)
		e->relist = true;
	if (e->idle != IDLE_OFF) {
		if (e->idle == IDLE_ON && work_waits(e))
			live_idle_break(e);
		return;
	}
	for (;;) {
		if (e->task != TASK_NONE) {
			if (!run_task(e) || e->writer.npending > 0 || !engine_open(e))
				return;
			e->task = TASK_NONE;
		}
		if (e->wanted != NULL || e->writer.npending > 0 || !engine_open(e) || !choose(e))
			return;
	}
}

/*
 * live.c - what happens between rounds: IDLE on the selected folder, a second
 * look at the others by STATUS, and the clocks of both.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "watch.h"

#include <string.h>

/* Its header is on the way, asked for by NOTIFY; but not for ever. */
static bool
arrives_by_itself(const struct engine *e)
{
	return notify_brings_headers(e) && !e->sel.by_round && clock_ms() - e->sel.arrived_at < LIM_NEWS_MS;
}

/* Did the server tell anything about the selected folder that a short round
 * must look into? A folder that waits for a full one gets that. */
bool
live_event(const struct engine *e)
{
	const struct selected *s = &e->sel;
	const struct folder *f = s->folder;

	if (f == NULL || !f->synced || f->id == 0 || f->dirty || f->pos.uidnext == 0 ||
	    f->pos.uidvalidity != s->uidvalidity)
		return false;
	return (s->arrived && !arrives_by_itself(e)) || s->expunged || s->flags_unknown;
}

/* ---- the second look ---- */

void
live_looked_at(const struct engine *e, struct folder *f)
{
	bool often = (f->role == MBOX_SENT || f->role == MBOX_INBOX) && !notify_watches(e, f) &&
	    !watch_tells(e, f);

	f->poll_at = clock_ms() + (uint64_t)(often ? LIM_SENT_POLL_SECONDS : LIM_FOLDER_POLL_SECONDS) * 1000;
}

static bool
pollable(const struct engine *e, const struct folder *f)
{
	return f->synced && f->id != 0 && f != e->sel.folder && f != e->wanted && !f->dirty;
}

static bool
due(const struct engine *e, const struct folder *f)
{
	uint64_t now = clock_ms();

	return pollable(e, f) && now >= f->poll_at && now >= f->retry_at;
}

/* Something is gone from one folder: if it was moved, the others know. Where
 * folders are labels, what happens in one happens in others too. */
static void
look_around(struct engine *e)
{
	bool vanished = e->look_around;
	size_t i, n = 0;

	e->look_around = e->look_labels = false;
	for (i = 0; i < e->folders.n; i++)
		n += e->folders.v[i].synced;
	/* What is not live was listed just now. */
	e->ask_names = e->ask_names || (vanished && e->live && n <= LIM_LOOK_AROUND);
	for (i = 0; i < e->folders.n; i++) {
		struct folder *f = &e->folders.v[i];

		if (!f->synced || f == e->sel.folder || f->dirty || (n > LIM_LOOK_AROUND && f->role != MBOX_ALL))
			continue;
		f->poll_at = 0;
		f->confirm = true;
	}
}

bool
live_poll_due(struct engine *e)
{
	size_t i;

	if (e->look_around || e->look_labels)
		look_around(e);
	if (e->ask_names)
		return true;
	for (i = 0; i < e->folders.n; i++) {
		if (due(e, &e->folders.v[i]))
			return true;
	}
	return false;
}

void
live_poll(struct engine *e)
{
	size_t i;

	if (e->ask_names && imap_can_begin(&e->writer))
		names_ask(e);
	for (i = 0; i < e->folders.n && imap_can_begin(&e->writer); i++) {
		struct folder *f = &e->folders.v[i];

		if (!due(e, f))
			continue;
		live_looked_at(e, f);
		hello_status_ask(e, f, CMD_POLL);
	}
}

/* Where deletions count as changes the number says nothing more. */
static bool
number_differs(const struct engine *e, const struct folder *f, const struct imap_mailbox_status *m)
{
	return m->has_messages && m->messages != f->messages && !(e->qresync && m->has_modseq && m->modseq > 1);
}

bool
live_differs(const struct engine *e, const struct folder *f, const struct imap_mailbox_status *m)
{
	return number_differs(e, f, m) || (m->has_uidnext && m->uidnext != f->pos.uidnext) ||
	       (m->has_uidvalidity && m->uidvalidity != f->pos.uidvalidity) ||
	       (m->has_modseq && m->modseq > f->pos.modseq && m->modseq > 1);
}

static bool
polled(const struct engine *e, const struct folder *f)
{
	unsigned int i;

	for (i = 0; i < e->writer.npending; i++) {
		if (e->writer.pending[i].command == CMD_POLL && e->writer.pending[i].folder == f)
			return true;
	}
	return false;
}

void
live_status(struct engine *e, struct folder *f, const struct imap_mailbox_status *m)
{
	bool asked = polled(e, f);

	f->told = true;
	if (f == e->sel.folder || (!asked && !notify_watches(e, f)))
		return;
	/* STATUS says nothing of flags where there is no MODSEQ. */
	if (live_differs(e, f, m) || (asked && !m->has_modseq && clock_ms() - f->looked_at > LIM_PROOF_SECONDS * 1000))
		f->dirty = true;
	else {
		f->whole_at = clock_ms();
		if (f->confirm)
			sync_position(e, f);
	}
	f->confirm = false;
}

/* ---- IDLE ---- */

static void
noop(struct engine *e)
{
	if (clock_ms() < e->noop_at)
		return;
	e->noop_at = clock_ms() + LIM_NOOP_MS;
	if ((e->quirks.flags & QUIRK_NOOP_IDLE) != 0) {
		(void)imap_begin(&e->writer, CMD_NOOP);
		imap_text(&e->writer, "STATUS \"INBOX\" (UIDNEXT)");
		(void)imap_end(&e->writer);
	}
	(void)imap_begin(&e->writer, CMD_NOOP);
	imap_text(&e->writer, "NOOP");
	(void)imap_end(&e->writer);
}

void
live_idle(struct engine *e)
{
	if (e->sel.folder == NULL || (e->caps & CAP_IDLE) == 0) {
		noop(e);
		return;
	}
	(void)imap_begin(&e->writer, CMD_IDLE);
	imap_text(&e->writer, "IDLE");
	(void)imap_end(&e->writer);
	e->idle = IDLE_ASKED;
}

void
live_idle_break(struct engine *e)
{
	imap_done(&e->writer);
	e->idle = IDLE_ENDING;
}

void
live_tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	if (r->status != IMAP_OK && engine_temporary(r)) {
		engine_drop(e, engine_code(r, "sync.throttled"), r->text);
		return;
	}
	if (p->command == CMD_IDLE) {
		e->idle = IDLE_OFF;
		if (r->status != IMAP_OK)
			e->caps &= ~CAP_IDLE;
	} else if (p->command == CMD_POLL && r->status != IMAP_OK) {
		/* SELECT finds out what is wrong with it. */
		p->folder->dirty = true;
	}
}

uint64_t
live_next_due(const struct engine *e)
{
	uint64_t next = e->list_at < e->proof_at ? e->list_at : e->proof_at, at;
	size_t i;

	if (e->idle == IDLE_OFF && e->noop_at < next)
		next = e->noop_at;
	if (e->sel.arrived && e->sel.arrived_at + LIM_NEWS_MS < next)
		next = e->sel.arrived_at + LIM_NEWS_MS;
	next = ops_due_at(e) < next ? ops_due_at(e) : next;
	for (i = 0; i < e->folders.n; i++) {
		const struct folder *f = &e->folders.v[i];

		if (!f->synced || f->id == 0 || (!f->dirty && !pollable(e, f) && f->pos.complete))
			continue;
		at = f->dirty || !f->pos.complete || f->retry_at > f->poll_at ? f->retry_at : f->poll_at;
		next = at < next ? at : next;
	}
	return next;
}

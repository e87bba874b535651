/*
 * notify.c - NOTIFY (RFC 5465): on this one connection the server tells by
 * itself, as STATUS, what happens in synced folders that are not selected, and
 * sends the header of what arrives in the selected one: no round trip stands
 * between a delivery and the store. Where it does not, live.c asks by STATUS
 * on a clock, and headers are fetched.
 */
#include "engine.h"
#include "log.h"

#define EVENTS "(MessageNew MessageExpunge FlagChange)"

static bool
watchable(const struct engine *e)
{
	size_t i;

	for (i = 0; i < e->folders.n; i++) {
		if (e->folders.v[i].synced && e->folders.v[i].id != 0)
			return true;
	}
	return false;
}

bool
notify_due(const struct engine *e)
{
	return (e->caps & CAP_NOTIFY) != 0 &&
	       ((e->notify == NOTIFY_OFF && watchable(e)) || e->notify == NOTIFY_OVER);
}

static void
name_folders(struct engine *e)
{
	size_t i, n = 0;

	for (i = 0; i < e->folders.n; i++) {
		struct folder *f = &e->folders.v[i];

		f->told = false;
		f->watched = f->synced && f->id != 0 && n < LIM_NOTIFY_FOLDERS;
		if (!f->watched)
			continue;
		imap_text(&e->writer, n++ == 0 ? " (mailboxes (" : " ");
		imap_mailbox(&e->writer, slice_str(f->raw_name));
	}
	imap_text(&e->writer, ") " EVENTS ")");
}

/* STATUS: the answer begins with how each folder is now, so nothing is missed
 * between the last look at it and the first event. After an overflow only the
 * selected folder is asked for, as it was before all NOTIFY. */
void
notify_set(struct engine *e)
{
	bool over = e->notify == NOTIFY_OVER;

	(void)imap_begin(&e->writer, CMD_NOTIFY);
	imap_text(&e->writer, "NOTIFY SET%s (selected-delayed (MessageNew", over ? "" : " STATUS");
	if (!over && !e->notify_plain) {
		imap_text(&e->writer, " ");
		sync_header_items(e, e->condstore);
	}
	imap_text(&e->writer, " MessageExpunge FlagChange))");
	if (!over)
		name_folders(e);
	e->notify = imap_end(&e->writer) == 0 && !over ? NOTIFY_ASKED : NOTIFY_REFUSED;
}

bool
notify_watches(const struct engine *e, const struct folder *f)
{
	return f->watched && (e->notify == NOTIFY_ON || e->notify == NOTIFY_ASKED);
}

/* The answer names each folder but the selected one (RFC 5465 s. 5.1), and one
 * that it leaves out will not be told of later: Dovecot 2.3 knows none whose
 * name has "&" or is not ASCII. Then the selected one is not believed either. */
static void
doubt_untold(struct engine *e)
{
	size_t i, left_out = 0;

	for (i = 0; i < e->folders.n; i++) {
		struct folder *f = &e->folders.v[i];

		if (!f->watched || f->told || f == e->sel.folder)
			continue;
		f->watched = false;
		left_out++;
	}
	if (left_out == 0)
		return;
	if (e->sel.folder != NULL && e->sel.folder->role != MBOX_INBOX)
		e->sel.folder->watched = false;
	log_info("the server does not notify of some folders left_out=%zu", left_out);
}

/* From now on the clocks of live.c are for doubt only. */
void
notify_tagged(struct engine *e, const struct imap_response *r)
{
	size_t i;

	if (e->notify != NOTIFY_ASKED)
		return;
	if (r->status != IMAP_OK && !e->notify_plain) {
		e->notify_plain = true;	/* once more without headers */
		e->notify = NOTIFY_OFF;
		return;
	}
	e->notify = r->status == IMAP_OK ? NOTIFY_ON : NOTIFY_REFUSED;
	doubt_untold(e);
	for (i = 0; i < e->folders.n; i++) {
		if (notify_watches(e, &e->folders.v[i]))
			live_looked_at(e, &e->folders.v[i]);
	}
}

/* Something was not told, and nothing more will be, not even of the selected folder (RFC 5465 s. 5.8). */
void
notify_overflow(struct engine *e)
{
	size_t i;

	if (e->notify != NOTIFY_ON && e->notify != NOTIFY_ASKED)
		return;
	log_info("the server stops notifying of other folders");
	e->notify = NOTIFY_OVER;
	e->sel.arrived = e->sel.expunged = true;
	for (i = 0; i < e->folders.n; i++) {
		if (e->folders.v[i].watched)
			e->folders.v[i].poll_at = 0;
	}
}

bool
notify_brings_headers(const struct engine *e)
{
	return e->notify == NOTIFY_ON && !e->notify_plain;
}

/* The position may follow only where the message lies right behind it: anything else is for a round. */
bool
notify_news(struct engine *e, const struct imap_fetch *m, uint32_t seq)
{
	struct selected *s = &e->sel;
	struct folder *f = s->folder;

	if (!notify_brings_headers(e) || !f->synced || f->id == 0 || m->uid < f->pos.uidnext)
		return false;
	if (rows_hollow(m) || e->task == TASK_ROUND || f->dirty || s->expunged ||
	    f->pos.uidvalidity != s->uidvalidity || seq != s->known + 1 || seq > s->exists || m->uid == UINT32_MAX) {
		s->by_round = true;
		return true;
	}
	rows_header(e, m, false);
	s->known = seq;
	s->arrived = s->known < s->exists;
	f->pos.uidnext = m->uid + 1;
	f->messages = seq;
	if (s->uidnext < f->pos.uidnext)
		s->uidnext = f->pos.uidnext;
	sync_position(e, f);
	return true;
}

/*
 * notify.c - NOTIFY (RFC 5465): on this one connection the server tells by
 * itself, as STATUS, what happens in synced folders that are not selected.
 * Where it does not, live.c asks by STATUS on a clock.
 */
#include "engine.h"
#include "log.h"

#define EVENTS "(MessageNew MessageExpunge FlagChange)"

static size_t
watchable(const struct engine *e)
{
	size_t i, n = 0;

	for (i = 0; i < e->folders.n; i++)
		n += e->folders.v[i].synced && e->folders.v[i].id != 0;
	return n;
}

/* With one folder there is nothing beside the selected one. */
bool
notify_due(const struct engine *e)
{
	return (e->caps & CAP_NOTIFY) != 0 &&
	       ((e->notify == NOTIFY_OFF && watchable(e) > 1) || e->notify == NOTIFY_OVER);
}

static void
name_folders(struct engine *e)
{
	size_t i, n = 0;

	for (i = 0; i < e->folders.n; i++) {
		struct folder *f = &e->folders.v[i];

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
	imap_text(&e->writer, "NOTIFY SET%s (selected-delayed " EVENTS ")", over ? "" : " STATUS");
	if (!over)
		name_folders(e);
	e->notify = imap_end(&e->writer) == 0 && !over ? NOTIFY_ASKED : NOTIFY_REFUSED;
}

bool
notify_watches(const struct engine *e, const struct folder *f)
{
	return f->watched && (e->notify == NOTIFY_ON || e->notify == NOTIFY_ASKED);
}

/* From now on the clocks of live.c are for doubt only. */
void
notify_tagged(struct engine *e, const struct imap_response *r)
{
	size_t i;

	if (e->notify != NOTIFY_ASKED)
		return;
	e->notify = r->status == IMAP_OK ? NOTIFY_ON : NOTIFY_REFUSED;
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

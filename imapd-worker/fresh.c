/*
 * fresh.c - how fresh the link is: since when nothing can be missing, because
 * every synced folder was then looked at in full or found as expected. Silence
 * of IDLE or NOTIFY is no proof. Told when there is nothing else to do, on a
 * wakeup that some event or proof poll has made anyway.
 */
#include "clock.h"
#include "engine.h"

/* 0: a folder was not looked at yet. */
static uint64_t
whole_since(const struct engine *e)
{
	uint64_t since = UINT64_MAX;

	for (size_t i = 0; i < e->folders.n; i++) {
		const struct folder *f = &e->folders.v[i];

		if (f->synced && f->id != 0 && f->whole_at < since)
			since = f->whole_at;
	}
	return since != UINT64_MAX ? since : 0;
}

void
fresh_tell(struct engine *e)
{
	uint64_t now = clock_ms(), since = whole_since(e);
	struct msg_sync_fresh m;

	if (!e->live || since <= e->whole_at ||
	    (e->whole_told != 0 && now - e->whole_told < (uint64_t)LIM_FRESH_TELL_SECONDS * 1000))
		return;
	e->whole_at = since;
	e->whole_told = now;
	m = (struct msg_sync_fresh){ .seconds = (uint32_t)((now - since) / 1000) };
	report_send(&e->report, MSG_sync_fresh, &m, -1);
}

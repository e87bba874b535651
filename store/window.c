/*
 * window.c - what belongs into the window. See window.h.
 */
#include "window.h"

#include "link.h"

uint64_t
window_since(uint32_t link)
{
	struct link_policy p;
	uint64_t now = store_past(), back;

	if (link_policy(link, &p) == -1 || p.period_days == 0)
		return 0;
	back = (uint64_t)p.period_days * 86400;
	return now > back ? now - back : 0;
}

void
window_left_out(uint32_t link, uint64_t mailbox, uint32_t uid)
{
	struct dbkey k = KEY(mailbox, .account = link, .id = mailbox);
	struct row_mailbox row;

	if (!row_mailbox_get(&row, k))
		return;
	if (uid < UINT32_MAX && row.rec.sure_low <= uid) {
		row.rec.sure_low = uid + 1;
		row_mailbox_put(k, &row.rec);
	}
	row_mailbox_free(&row);
}

/* A date that the server does not tell is no old one. */
bool
window_takes(uint32_t link, uint64_t mailbox, uint32_t uid, uint64_t internaldate)
{
	if (internaldate == 0 || internaldate >= window_since(link))
		return true;
	window_left_out(link, mailbox, uid);
	return false;
}

/* The lowest UID that is known; UINT32_MAX: none. */
static uint32_t
lowest_uid(uint32_t link, uint64_t mailbox)
{
	struct key_uid k = { .uid = UINT32_MAX };
	struct slice key;
	struct scan s;

	scan_prefix(&s, T_uid, PREFIX(uid, 2, .account = link, .mailbox = mailbox), false);
	if (scan_next(&s, &key, NULL) && key_uid_read(key, &k) == -1)
		k.uid = 1;
	scan_end(&s);
	return k.uid;
}

/* Another policy: the window is measured again, from what is surely here. */
static bool
remeasure(const struct link_policy *p, struct rec_mailbox *r)
{
	if (r->window_first == p->first && r->window_days == p->period_days)
		return false;
	if (r->window_first != p->first)
		r->first_low = 0;
	if (r->sure_low > r->uid_low)
		r->uid_low = r->sure_low;
	r->sure_low = 0;
	r->complete = false;
	r->window_first = p->first;
	r->window_days = p->period_days;
	return true;
}

/* Below what was let go there is nothing to watch. */
static bool
raise_low(uint32_t link, uint64_t mailbox, struct rec_mailbox *r)
{
	uint32_t low = lowest_uid(link, mailbox);

	low = low < r->sure_low ? low : r->sure_low;
	low = low < r->uidnext ? low : r->uidnext;
	if (low <= r->uid_low)
		return false;
	r->uid_low = low;
	return true;
}

bool
window_fit(uint32_t link, uint64_t mailbox, struct rec_mailbox *r)
{
	struct link_policy p;

	if (!r->synced || link_policy(link, &p) == -1)
		return false;
	/* Never synced, or left and taken up again: everything is measured. */
	if (r->uidnext == 0) {
		r->first_low = r->sure_low = 0;
		r->window_first = p.first;
		r->window_days = p.period_days;
		return true;
	}
	return remeasure(&p, r) || (r->complete && raise_low(link, mailbox, r));
}

/*
 * ingest_uids.c - UIDs that a folder has, and UIDs that are gone. A folder may
 * have hundreds of thousands: they are looked at in slices, so that requests
 * are served in between. What the worker told behind them waits.
 */
#include "bind.h"
#include "ingest.h"
#include "journal.h"

/* What one slice may cost: so many rows that are read, more than a worker lists at
 * once, or so many messages that go. */
#define SLICE (2 * LIM_SLICE_MESSAGES)
#define GONE (SLICE / LIM_DB_SLICE)

static bool
range_at(struct slice ranges, size_t i, uint32_t *first, uint32_t *last)
{
	struct rbuf r;

	if ((i + 1) * 8 > ranges.n)
		return false;
	rbuf_init(&r, slice_mem(ranges.p + i * 8, 8));
	*first = r_u32(&r);
	*last = r_u32(&r);
	return true;
}

static struct dbkey
uid_key(uint32_t link, uint64_t mailbox, uint32_t uid)
{
	return KEY(uid, .account = link, .mailbox = mailbox, .uid = uid);
}

/* A scan over the known UIDs of [low, high]. */
static void
scan_uids(struct scan *s, uint32_t link, uint64_t mailbox, uint32_t low, uint32_t high)
{
	scan_range(s, T_uid, uid_key(link, mailbox, low),
	    high == UINT32_MAX ? uid_key(link, mailbox + 1, 0) : uid_key(link, mailbox, high + 1), false);
}

/* Known UIDs of [low, high] that are in no range are gone. Ranges ascend. */
enum ingest
ingest_present(struct imap_row *r)
{
	const struct msg_uids_present *m = &r->m.uids_present;
	uint32_t link = r->session->link, first = 0, last = 0;
	struct scan scan;
	struct slice key;
	struct key_uid k;
	unsigned int cost = 0;
	size_t i = 0;
	bool more = range_at(m->ranges, 0, &first, &last), gone = false;

	scan_uids(&scan, link, m->mailbox, r->from > m->low ? r->from : m->low, m->high);
	while (cost < SLICE && scan_next(&scan, &key, NULL)) {
		cost++;
		if (key_uid_read(key, &k) == -1)
			continue;
		r->from = k.uid;
		while (more && last < k.uid)
			more = range_at(m->ranges, ++i, &first, &last);
		if (more && k.uid >= first)
			continue;
		bind_vanished(link, m->mailbox, k.uid);
		cost += GONE;
		gone = true;
	}
	scan_end(&scan);
	if (gone)
		journal_room(r->session);
	return cost < SLICE ? INGEST_DONE : INGEST_AGAIN;
}

/* What is left of a range; returns what it cost. */
static unsigned int
vanish(struct imap_row *r, uint32_t first, uint32_t last, unsigned int most)
{
	uint64_t mailbox = r->m.uids_vanished.mailbox;
	struct scan scan;
	struct slice key;
	struct key_uid k;
	unsigned int cost = 1;

	if (first > last)
		return cost;
	scan_uids(&scan, r->session->link, mailbox, r->from > first ? r->from : first, last);
	while (cost < most && scan_next(&scan, &key, NULL)) {
		if (key_uid_read(key, &k) == -1)
			continue;
		r->from = k.uid;
		bind_vanished(r->session->link, mailbox, k.uid);
		cost += GONE;
	}
	scan_end(&scan);
	return cost;
}

/* Ranges that are done leave the row. */
enum ingest
ingest_vanished(struct imap_row *r)
{
	struct slice *ranges = &r->m.uids_vanished.ranges;
	uint32_t first, last;
	unsigned int cost = 0;

	while (cost < SLICE && range_at(*ranges, 0, &first, &last)) {
		cost += vanish(r, first, last, SLICE - cost);
		if (cost < SLICE) {
			*ranges = slice_mem(ranges->p + 8, ranges->n - 8);
			r->from = 0;
		}
	}
	journal_room(r->session);
	return cost < SLICE ? INGEST_DONE : INGEST_AGAIN;
}

#include "journal.h"

#include <stdlib.h>

#include "imap_session.h"
#include "journal_flight.h"

static struct dbkey
op_key(uint32_t account, uint64_t op)
{
	return KEY(pending, .account = account, .op = op);
}

static struct dbkey
after_key(uint32_t account, uint64_t after, uint64_t op)
{
	return KEY(pendafter, .account = account, .after = after, .op = op);
}

uint64_t
journal_add(const struct rec_pending *p)
{
	uint64_t op = store_next_id();

	row_pending_put(op_key(p->account, op), p);
	table_put_empty(T_pendmail, KEY(pendmail, .account = p->account, .email = p->email, .op = op));
	if (p->after != 0)
		table_put_empty(T_pendafter, after_key(p->account, p->after, op));
	imap_drain_of(p->account);
	return op;
}

void
journal_drop(uint32_t account, uint64_t op)
{
	struct row_pending row;

	if (!row_pending_get(&row, op_key(account, op)))
		return;
	(void)table_del(T_pendmail, KEY(pendmail, .account = account, .email = row.rec.email, .op = op));
	(void)table_del(T_pendafter, after_key(account, row.rec.after, op));
	(void)table_del(T_pending, op_key(account, op));
	row_pending_free(&row);
	imap_drain_of(account);	/* what stood behind it */
}

void
journal_wait_for(uint32_t account, uint64_t op, const struct rec_pending *p, uint64_t after)
{
	struct rec_pending next = *p;

	next.after = after;
	(void)table_del(T_pendafter, after_key(account, p->after, op));
	row_pending_put(op_key(account, op), &next);
	table_put_empty(T_pendafter, after_key(account, after, op));
}

void
journal_each(uint32_t account, uint64_t email, bool (*fn)(uint64_t, const struct rec_pending *, void *), void *arg)
{
	struct scan s;
	struct slice key;
	struct key_pendmail k;
	struct row_pending row;
	bool go = true;

	scan_prefix(&s, T_pendmail, PREFIX(pendmail, 2, .account = account, .email = email), false);
	while (go && scan_next(&s, &key, NULL)) {
		if (key_pendmail_read(key, &k) == -1 || !row_pending_get(&row, op_key(account, k.op)))
			continue;
		go = fn(k.op, &row.rec, arg);
		row_pending_free(&row);
	}
	scan_end(&s);
}

bool
journal_in_flight(uint32_t account, uint64_t op)
{
	struct imap_session *s = imap_session_of(account);

	return s != NULL && journal_knows(s, op);
}

#include "foreign.h"

#include "log.h"

#define TOLD 8	/* log lines for one worker's strays */

static struct dbkey
row_key(enum table t, uint32_t link, uint64_t id)
{
	switch (t) {
	case T_mailbox:
		return KEY(mailbox, .account = link, .id = id);
	case T_pending:
		return KEY(pending, .account = link, .op = id);
	default:
		return KEY(submission, .account = link, .id = id);
	}
}

/* The link that has it; 0: none. */
static uint32_t
owner_of(enum table t, uint64_t id)
{
	struct key_link k;
	struct slice key;
	struct scan s;
	uint32_t no = 0;

	scan_prefix(&s, T_link, PREFIX(link, 0, .no = 0), false);
	while (no == 0 && scan_next(&s, &key, NULL))
		if (key_link_read(key, &k) == 0 && table_get(t, row_key(t, k.no, id), NULL))
			no = k.no;
	scan_end(&s);
	return no;
}

enum owner
foreign_owner(const struct chan *c, enum table t, uint64_t id, unsigned int *strays)
{
	const struct chan_peer *p = chan_peer(c);
	uint32_t link;

	if (table_get(t, row_key(t, p->unit, id), NULL))
		return OWNER_SELF;
	link = owner_of(t, id);
	if (++*strays <= TOLD || link != 0 || *strays > LIM_STRAYS)
		log_error("a worker names what is not its link's role=%s unit=%u %s=%llu link=%u count=%u reason=%s",
		    role_name(p->role), p->unit, t == T_pending ? "req" : table_name(t), (unsigned long long)id, link,
		    *strays, link != 0 ? "of another link" : "of no link");
	return link != 0 || *strays > LIM_STRAYS ? OWNER_OTHER : OWNER_NOBODY;
}

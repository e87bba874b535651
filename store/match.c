/*
 * match.c - from addresses to a person.
 */
#include "match.h"

#include <string.h>

#include "link.h"
#include "table_index.h"

static bool
own_domain(struct slice domain)
{
	struct slice list = wbuf_slice(&store.own_domains), item;

	while (list_next(&list, &item))
		if (slice_eq(item, domain))
			return true;
	return false;
}

bool
match_is_own(struct slice canonical)
{
	return own_domain(address_domain(canonical)) || link_of_address(canonical) != 0;
}

/* Takes the next usable address of a list of rec address; 0 at its end. */
static size_t
next_address(struct slice *list, char *canonical)
{
	struct slice item;
	struct rec_address a;
	size_t n;

	while (list_next(list, &item))
		if (rec_address_decode(item, &a) == 0 && (n = address_canonical(a.email, canonical)) > 0)
			return n;
	return 0;
}

enum direction
match_direction(uint32_t account, const struct rec_header *h)
{
	char own[LIM_ADDRESS + 1], from[LIM_ADDRESS + 1];
	struct slice list = h->from;

	if (link_address(account, own) == -1)
		return DIRECTION_IN;
	while (next_address(&list, from) > 0)
		if (strcmp(from, own) == 0)
			return DIRECTION_OUT;
	return DIRECTION_IN;
}

/* ---- one address ---- */
struct holders {
	uint64_t ids[2][LIM_EMAILS_PERSON];	/* contacts, candidates */
	size_t n[2];
};

static void
find_holders(struct slice canonical, struct holders *h)
{
	struct dbkey theirs = PREFIX(address, 1, .address = canonical);
	struct scan s;
	struct slice key, v;
	struct key_address k;
	struct rbuf r;

	h->n[0] = h->n[1] = 0;
	if (!table_any_at(T_address, &theirs))
		return;
	scan_prefix_at(&s, T_address, &theirs, false);
	while (scan_next(&s, &key, &v)) {
		size_t kind;

		rbuf_init(&r, v);
		kind = r_u64(&r) == PERSON_CONTACT ? 0 : 1;
		if (r.failed || key_address_read(key, &k) == -1) {
			table_log_damaged(T_address, key);
			continue;
		}
		if (h->n[kind] < LIM_EMAILS_PERSON)
			h->ids[kind][h->n[kind]++] = k.id;
	}
	scan_end(&s);
}

static void
decide(struct match *m, const uint64_t *ids, size_t n, enum person_kind kind)
{
	m->kind = kind;
	m->result = n == 1 ? MATCH_ONE : MATCH_AMBIGUOUS;
	m->correspondent = n == 1 ? ids[0] : 0;
	m->ncandidates = n == 1 ? 0 : n;
	if (n > 1)
		memcpy(m->candidates, ids, n * sizeof(ids[0]));
}

/* ---- a whole message ---- */
struct look {
	struct match *m;
	unsigned int seen, own;
	bool contact;	/* decided: nothing can better it */
};

static void
look_at_list(struct look *l, struct slice list)
{
	char canonical[LIM_ADDRESS + 1];
	struct holders h;
	size_t n;

	while (!l->contact && l->seen < LIM_MATCH_ADDRESSES && (n = next_address(&list, canonical)) > 0) {
		l->seen++;
		if (match_is_own(slice_mem(canonical, n))) {
			l->own++;
			continue;
		}
		find_holders(slice_mem(canonical, n), &h);
		if (h.n[0] > 0) {
			decide(l->m, h.ids[0], h.n[0], PERSON_CONTACT);
			l->contact = true;
		} else if (h.n[1] > 0 && l->m->result == MATCH_NONE)
			decide(l->m, h.ids[1], h.n[1], PERSON_CANDIDATE);
	}
}

void
match_header(uint32_t account, const struct rec_header *h, struct match *m)
{
	struct look l = { .m = m };

	*m = (struct match){ .result = MATCH_NONE, .direction = match_direction(account, h) };
	if (m->direction == DIRECTION_IN)
		look_at_list(&l, h->from);
	else {
		look_at_list(&l, h->to);
		look_at_list(&l, h->cc);
		look_at_list(&l, h->bcc);
	}
	if (m->result == MATCH_NONE && l.seen > 0 && l.own == l.seen)
		m->result = MATCH_OWN_DOMAIN;
}

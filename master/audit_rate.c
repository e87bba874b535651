/*
 * How much one process may write into the audit log, and how much of that one
 * party (a link, a host, a user) may cause. What is over it is counted.
 *
 * Parties share a fixed number of buckets, picked by a keyed hash: nothing to
 * fill, at the price that two may rarely share one.
 */
#include <sodium.h>
#include <string.h>

#include "audit_log.h"

struct bucket {
	int64_t at;
	uint64_t used;	/* milliseconds until it is empty again */
};

static struct bucket parties[LIM_AUDIT_BUCKETS], children[LIM_AUDIT_BUCKETS];
static struct audit_drop drops[LIM_AUDIT_DROPPED];
static size_t ndrops;

static bool
allow(struct bucket *b, uint64_t burst, uint64_t per_minute, int64_t now)
{
	const uint64_t cost = 60000 / per_minute;
	uint64_t passed = now > b->at ? (uint64_t)(now - b->at) : 0;

	b->used = b->used > passed ? b->used - passed : 0;
	b->at = now;
	if (b->used + cost > burst * cost)
		return false;
	b->used += cost;
	return true;
}

/* What of the fields says whose doing it is. */
struct identity {
	const char *party;
	char ats[LIM_ATS_NAME + 1];
	struct wbuf key;
};

static void
take_field(void *ctx, const char *key, struct slice text)
{
	struct identity *id = ctx;

	if (strcmp(key, "ats") == 0)
		(void)slice_copy(text, id->ats, sizeof(id->ats));
	if (strcmp(key, id->party) == 0)
		w_bytes(&id->key, text, LIM_AUDIT_FIELDS);
}

static size_t
bucket_of(struct slice key)
{
	static uint8_t secret[crypto_shorthash_KEYBYTES];
	static bool made;
	uint64_t hash;

	if (!made)
		randombytes_buf(secret, sizeof(secret));
	made = true;
	crypto_shorthash((uint8_t *)&hash, key.p, key.n, secret);
	return hash % LIM_AUDIT_BUCKETS;
}

/* The last place is for whatever finds none. */
static void
count(const struct audit_said *s)
{
	struct audit_drop *d = drops;

	while (d < drops + ndrops && (d->event != s->event || strcmp(d->who, s->who) != 0))
		d++;
	if (d == drops + LIM_AUDIT_DROPPED)
		d--;
	else if (d == drops + ndrops) {
		*d = (struct audit_drop){ .event = s->event };
		(void)slice_copy(slice_str(s->who), d->who, sizeof(d->who));
		ndrops++;
	}
	d->count++;
}

bool
audit_rate_allow(const struct audit_said *s, int64_t now)
{
	static struct wbuf child = { .max = 8192 };
	static struct identity id = { .key = { .max = 8192 } };
	bool ok;

	id.party = audit_table[s->event].party;
	id.ats[0] = '\0';
	wbuf_reset(&id.key);
	(void)audit_decode(s->event, s->fields, take_field, &id);
	wbuf_reset(&child);
	w_bytes(&child, slice_str(s->who), LIM_AUDIT_WHO);
	w_bytes(&child, slice_str(id.ats), LIM_ATS_NAME);
	w_u32(&id.key, s->event);
	w_raw(&id.key, child.p, child.n);
	ok = allow(&parties[bucket_of(wbuf_slice(&id.key))], LIM_AUDIT_PARTY_BURST, LIM_AUDIT_PARTY_MINUTE, now) &&
	    allow(&children[bucket_of(wbuf_slice(&child))], LIM_AUDIT_CHILD_BURST, LIM_AUDIT_CHILD_MINUTE, now);
	if (!ok)
		count(s);
	return ok;
}

bool
audit_rate_dropped(struct audit_drop *out)
{
	if (ndrops == 0)
		return false;
	*out = drops[--ndrops];
	return true;
}

/*
 * db_num.c - numbers, time and hashes.
 */
#include "clock.h"
#include "db.h"

#include <sodium.h>
#include <string.h>
#include <time.h>

static uint64_t
counter(enum meta what)
{
	uint64_t n = table_get_u64(T_meta, KEY(meta, .what = (uint8_t)what)) + 1;

	table_put_u64(T_meta, KEY(meta, .what = (uint8_t)what), n);
	return n;
}

uint64_t
store_next_id(void)
{
	return counter(META_NEXT_ID);
}

uint32_t
store_next_link(void)
{
	uint64_t n = counter(META_NEXT_LINK);

	if (n >= UNIT_PROBE)
		db_fail("no link number is left");
	return (uint32_t)n;
}

uint64_t
store_now(void)
{
	time_t t = time(NULL);

	return t > 0 ? (uint64_t)t : 0;
}

uint64_t
store_ticks(void)
{
	return clock_ms() / 1000;
}

uint64_t
store_past(void)
{
	static uint64_t past, at;
	uint64_t now = store_now(), ticks = store_ticks();

	past = at == 0 || past + (ticks - at) > now ? now : past + (ticks - at);
	at = ticks;
	return past;
}

/* ---- hashes ---- */

/* The last one of its length: a Message-ID is looked up in several tables. */
struct memo {
	uint8_t in[256], key[sizeof(store.index_key)], out[32];
	size_t n;
	bool any;
};

static const uint8_t *
hashed(struct memo *m, struct slice s, size_t length)
{
	if (m->any && m->n == s.n && memcmp(m->in, s.p, s.n) == 0 &&
	    memcmp(m->key, store.index_key, sizeof(m->key)) == 0)
		return m->out;
	crypto_generichash(m->out, length, s.p, s.n, store.index_key, sizeof(store.index_key));
	if ((m->any = s.n > 0 && s.n <= sizeof(m->in))) {
		memcpy(m->in, s.p, s.n);
		memcpy(m->key, store.index_key, sizeof(m->key));
		m->n = s.n;
	}
	return m->out;
}

struct hash16
db_hash16(struct slice s)
{
	static struct memo last;
	struct hash16 h;

	memcpy(h.b, hashed(&last, s, sizeof(h.b)), sizeof(h.b));
	return h;
}

struct hash32
db_hash32(struct slice s)
{
	static struct memo last;
	struct hash32 h;

	memcpy(h.b, hashed(&last, s, sizeof(h.b)), sizeof(h.b));
	return h;
}

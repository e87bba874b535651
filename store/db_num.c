/*
 * db_num.c - numbers, time and hashes.
 */
#include "clock.h"
#include "db.h"

#include <sodium.h>
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

struct hash16
db_hash16(struct slice s)
{
	struct hash16 h;

	crypto_generichash(h.b, sizeof(h.b), s.p, s.n, store.index_key, sizeof(store.index_key));
	return h;
}

struct hash32
db_hash32(struct slice s)
{
	struct hash32 h;

	crypto_generichash(h.b, sizeof(h.b), s.p, s.n, store.index_key, sizeof(store.index_key));
	return h;
}

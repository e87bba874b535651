#include "serve.h"

#include <string.h>

#define MINUTE 60000u

static struct bucket {
	uint64_t at;
	uint32_t used;	/* milliseconds of a minute's allowance that are spent */
} links[LIM_RATE_BUCKETS], tenants[LIM_RATE_BUCKETS];	/* apart: no link may fill its tenant's, or another's */
static uint8_t hash_key[crypto_shorthash_KEYBYTES];

void
rate_init(void)
{
	randombytes_buf(hash_key, sizeof(hash_key));
	memset(links, 0, sizeof(links));
	memset(tenants, 0, sizeof(tenants));
}

bool
refusals_add(struct refusals *r, uint64_t now, uint32_t *untold)
{
	*untold = 0;
	if (now - r->since >= MINUTE) {
		*untold = r->untold;
		*r = (struct refusals){ .since = now };
	}
	if (++r->count <= LIM_REFUSALS_TOLD)
		return true;
	r->untold++;
	return false;
}

bool
rate_allow(char kind, const char *ats, uint32_t link, uint32_t per_minute, uint64_t now)
{
	uint8_t key[1 + 4 + LIM_ATS_NAME];
	struct wbuf w = { .p = key, .cap = sizeof(key), .max = sizeof(key) };
	uint64_t hash, passed;
	struct bucket *b;

	w_u8(&w, (uint8_t)kind);
	w_u32(&w, link);
	w_raw(&w, ats, strnlen(ats, LIM_ATS_NAME));
	crypto_shorthash((uint8_t *)&hash, key, w.n, hash_key);
	b = kind == 'l' ? &links[hash % LIM_RATE_BUCKETS] : &tenants[hash % LIM_RATE_BUCKETS];
	passed = now - b->at;
	b->used = passed >= b->used ? 0 : b->used - (uint32_t)passed;
	b->at = now;
	if (b->used + MINUTE / per_minute > MINUTE)
		return false;
	b->used += MINUTE / per_minute;
	return true;
}

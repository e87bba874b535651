#include "cred.h"

#include <string.h>

#define HASH_N crypto_generichash_BYTES

/* A ring: the oldest goes first. The rate limit on seals keeps one ATS from
 * pushing out what another sent a moment ago. */
static uint8_t seen[LIM_SEALS_SEEN][HASH_N];
static size_t seen_count;

/* True for the first time only. */
static bool
first_time(struct slice seal)
{
	uint8_t hash[HASH_N];

	crypto_generichash(hash, sizeof(hash), seal.p, seal.n, NULL, 0);
	for (size_t i = 0; i < seen_count && i < LIM_SEALS_SEEN; i++)
		if (memcmp(seen[i], hash, HASH_N) == 0)
			return false;
	memcpy(seen[seen_count++ % LIM_SEALS_SEEN], hash, HASH_N);
	return true;
}

/* u16 length and bytes, the length compared with max and with what is left. */
static struct slice
take(struct rbuf *r, size_t max)
{
	struct slice s = { NULL, r_u16(r) };

	if (r->failed || s.n > max || s.n > r->n) {
		r->failed = true;
		return SLICE_NONE;
	}
	s.p = r->p;
	r->p += s.n;
	r->n -= s.n;
	return s;
}

int
seal_parse(struct slice plain, struct seal_plain *c)
{
	struct rbuf r;
	uint8_t version, n;

	rbuf_init(&r, plain);
	version = r_u8(&r);
	c->kind = r_u8(&r);
	c->pins = 0;
	c->ats = take(&r, LIM_ATS_NAME);
	c->address = take(&r, LIM_ADDRESS);
	c->user = take(&r, LIM_USER);
	c->secret = take(&r, LIM_SECRET);
	n = r_u8(&r);
	/* The rest has the form of a list of wire.h and must be all of it. */
	c->endpoints = (struct slice){ r.p, r.n };
	if (r.failed || version != SEAL_VERSION || !cred_valid(c) || list_count(c->endpoints) != n)
		return -1;
	return 0;
}

/* A seal does not say for which key it was made. */
static bool
opens_with(const struct keys *k, struct slice seal)
{
	return k != NULL && crypto_box_seal_open(areas[AREA_OPENED], seal.p, seal.n, k->public, k->secret) == 0;
}

const char *
seal_open(struct slice seal, const struct seal_plain *wanted, struct seal_plain *c)
{
	struct slice plain = { areas[AREA_OPENED], seal.n - crypto_box_SEALBYTES };

	if (keys == NULL)
		return "vault.locked";
	if (seal.n <= crypto_box_SEALBYTES || plain.n > LIM_SEAL_PLAIN)
		return "cfg.invalid";
	if (!opens_with(keys, seal) && !opens_with(keys_old, seal))
		return "store.key_wrong";
	if (seal_parse(plain, c) != 0 || c->kind != SEAL_KIND_PASSWORD)
		return "cfg.invalid";
	if (!slice_eq(c->ats, wanted->ats) || !slice_eq(c->address, wanted->address) ||
	    !slice_eq(c->user, wanted->user) || !cred_lists_equal(c->endpoints, wanted->endpoints))
		return "store.secret_tampered";
	return first_time(seal) ? "" : "api.conflict";
}

#include "cred.h"

#include <string.h>

#define NONCE_N crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_N crypto_aead_xchacha20poly1305_ietf_ABYTES
#define ENDPOINTS_MAX (LIM_SEAL_ENDPOINTS * (SEAL_ENDPOINT_MAX + 2))
#define HEAD_N (1 + KEY_ID_N + NONCE_N)
#define AD_MAX (1 + KEY_ID_N + 4 + LIM_ATS_NAME + 4 + 4)

/* What a record cannot be moved away from. 0: it does not fit. */
static size_t
additional_data(const struct keys *k, const struct record_place *place, uint8_t ad[AD_MAX])
{
	struct wbuf w = { .p = ad, .cap = AD_MAX, .max = AD_MAX };

	w_u8(&w, RECORD_VERSION);
	w_raw(&w, k->public, KEY_ID_N);
	w_bytes(&w, place->ats, LIM_ATS_NAME);
	w_u32(&w, place->link);
	w_u32(&w, place->generation);
	return w.failed ? 0 : w.n;
}

int
record_make(const struct seal_plain *c, const struct record_place *place, struct wbuf *out)
{
	uint8_t ad[AD_MAX], nonce[NONCE_N], sealed[LIM_RECORD];
	size_t ad_n = keys != NULL ? additional_data(keys, place, ad) : 0;
	struct wbuf plain = area_writer();
	unsigned long long n;

	w_u8(&plain, c->kind);
	w_bytes(&plain, c->address, LIM_ADDRESS);
	w_bytes(&plain, c->user, LIM_USER);
	w_bytes(&plain, c->secret, LIM_SECRET);
	w_bytes(&plain, c->endpoints, ENDPOINTS_MAX);
	if (c->pins != 0)
		w_u8(&plain, c->pins);
	if (ad_n == 0 || plain.failed || plain.n > LIM_RECORD - HEAD_N - TAG_N)
		return -1;
	randombytes_buf(nonce, sizeof(nonce));
	crypto_aead_xchacha20poly1305_ietf_encrypt(sealed, &n, plain.p, plain.n, ad, ad_n, NULL, nonce, keys->record);
	w_u8(out, RECORD_VERSION);
	w_raw(out, keys->public, KEY_ID_N);
	w_raw(out, nonce, sizeof(nonce));
	w_raw(out, sealed, (size_t)n);
	return out->failed ? -1 : 0;
}

static int
plain_decode(struct slice plain, struct seal_plain *c)
{
	struct rbuf r;

	rbuf_init(&r, plain);
	c->kind = r_u8(&r);
	c->ats = SLICE_NONE;
	c->address = r_bytes(&r, LIM_ADDRESS);
	c->user = r_bytes(&r, LIM_USER);
	c->secret = r_bytes(&r, LIM_SECRET);
	c->endpoints = r_bytes(&r, ENDPOINTS_MAX);
	c->pins = 0;
	if (r.n > 0 && ((c->pins = r_u8(&r)) == 0 || (c->pins & ~RECORD_PINS) != 0))
		return -1;
	return r.failed || r.n != 0 || c->kind != SEAL_KIND_PASSWORD || !cred_valid(c) ? -1 : 0;
}

bool
record_is_fresh(struct slice s)
{
	return s.n > HEAD_N && memcmp(s.p + 1, key_public(), KEY_ID_N) == 0;
}

const char *
record_open(struct slice s, const struct record_place *place, struct seal_plain *c)
{
	const struct keys *k;
	const char *code;
	uint8_t ad[AD_MAX];
	unsigned long long n;
	size_t ad_n;

	if (s.n <= HEAD_N + TAG_N || s.n > LIM_RECORD || s.p[0] != RECORD_VERSION)
		return "store.secret_tampered";
	if (*(code = key_named(s.p + 1, &k)) != '\0')
		return code;
	ad_n = additional_data(k, place, ad);
	if (ad_n == 0 || crypto_aead_xchacha20poly1305_ietf_decrypt(areas[AREA_OPENED], &n, NULL, s.p + HEAD_N,
	    s.n - HEAD_N, ad, ad_n, s.p + 1 + KEY_ID_N, k->record) != 0 ||
	    plain_decode(slice_mem(areas[AREA_OPENED], (size_t)n), c) != 0)
		return "store.secret_tampered";
	return "";
}

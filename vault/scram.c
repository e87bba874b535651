#include "scram.h"

#include <stdio.h>
#include <string.h>

#define AUTH_MESSAGE_N 4096	/* three messages: every field at its limit takes half of it */

/* ---- fields and characters ---- */

int
scram_bind(struct scram *s, uint8_t binding, struct slice data)
{
	if (binding > BINDING_TLS_UNIQUE || data.n > sizeof(s->binding_data) ||
	    (binding == BINDING_NONE) != (data.n == 0))
		return -1;
	s->binding = binding;
	if (data.n > 0)
		memcpy(s->binding_data, data.p, data.n);
	s->binding_n = data.n;
	return 0;
}

static bool
prepared(struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] >= 0x20 && s.p[i] < 0x7f)
			continue;
		if (s.p[i] != 0xc3 || i + 1 == s.n || s.p[i + 1] < 0x80 || s.p[i + 1] > 0xbf)
			return false;
		i++;
	}
	return true;
}

bool
scram_fits(const struct seal_plain *c)
{
	return prepared(c->user) && prepared(c->secret);
}

const char *
scram_server_first(struct scram *s, struct slice nonce, struct slice salt, uint32_t iterations)
{
	const char *unsafe = "auth.scram_unsafe";

	if (s->step != SCRAM_AWAITS_FIRST)
		return "sync.protocol_error";
	/* RFC 5802 s. 7: printable, no comma; the server must add to our nonce. */
	for (size_t i = 0; i < nonce.n; i++)
		if (nonce.p[i] < 0x21 || nonce.p[i] > 0x7e || nonce.p[i] == ',')
			return unsafe;
	if (nonce.n <= s->own || nonce.n > LIM_SCRAM_NONCE || memcmp(nonce.p, s->nonce, s->own) != 0)
		return unsafe;
	if (salt.n == 0 || salt.n > sizeof(s->salt) || iterations < LIM_SCRAM_ITERATIONS_MIN ||
	    iterations > LIM_SCRAM_ITERATIONS)
		return unsafe;
	(void)slice_copy(nonce, s->nonce, sizeof(s->nonce));
	memcpy(s->salt, salt.p, salt.n);
	s->salt_n = salt.n;
	s->iterations = iterations;
	s->step = SCRAM_HASHES;
	return "";
}

/* ---- messages ---- */

static void
put(struct wbuf *w, const char *s)
{
	w_raw(w, s, strlen(s));
}

static void
put_base64(struct wbuf *w, const uint8_t *p, size_t n)
{
	char text[sodium_base64_ENCODED_LEN(128, sodium_base64_VARIANT_ORIGINAL)];

	if (n > 128)
		w->failed = true;
	else
		put(w, sodium_bin2base64(text, sizeof(text), p, n, sodium_base64_VARIANT_ORIGINAL));
}

/* "y": we could bind, and say that this server was not seen to offer it. */
static const char *
gs2_header(const struct scram *s)
{
	if (s->plus)
		return s->binding == BINDING_TLS_EXPORTER ? "p=tls-exporter,," : "p=tls-unique,,";
	return s->binding != BINDING_NONE && !s->plus_offered ? "y,," : "n,,";
}

static void
put_client_first_bare(struct wbuf *w, const struct scram *s, const struct seal_plain *c)
{
	put(w, "n=");
	for (size_t i = 0; i < c->user.n; i++)
		if (c->user.p[i] == ',')
			put(w, "=2C");
		else if (c->user.p[i] == '=')
			put(w, "=3D");
		else
			w_u8(w, c->user.p[i]);
	put(w, ",r=");
	w_raw(w, s->nonce, s->own);
}

static void
put_client_final_without_proof(struct wbuf *w, const struct scram *s)
{
	uint8_t bytes[32 + LIM_CHANNEL_BINDING];
	struct wbuf input = { .p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };

	put(&input, gs2_header(s));
	if (s->plus)
		w_raw(&input, s->binding_data, s->binding_n);
	put(w, "c=");
	put_base64(w, input.p, input.n);
	put(w, ",r=");
	put(w, s->nonce);
}

/* RFC 5802 s. 3, AuthMessage. */
static void
put_auth_message(struct wbuf *w, const struct scram *s, const struct seal_plain *c)
{
	char iterations[16];

	snprintf(iterations, sizeof(iterations), "%u", s->iterations);
	put_client_first_bare(w, s, c);
	put(w, ",r=");
	put(w, s->nonce);
	put(w, ",s=");
	put_base64(w, s->salt, s->salt_n);
	put(w, ",i=");
	put(w, iterations);
	put(w, ",");
	put_client_final_without_proof(w, s);
}

void
scram_client_first(struct scram *s, const struct seal_plain *c, struct wbuf *out)
{
	uint8_t random[SCRAM_OWN_NONCE / 4 * 3];

	randombytes_buf(random, sizeof(random));
	sodium_bin2base64(s->nonce, sizeof(s->nonce), random, sizeof(random), sodium_base64_VARIANT_ORIGINAL);
	s->own = SCRAM_OWN_NONCE;
	put(out, gs2_header(s));
	put_client_first_bare(out, s, c);
	s->step = SCRAM_AWAITS_FIRST;
}

/* ---- keys ---- */

static void
hmac(struct scram_work *w, const uint8_t key[SCRAM_KEY_N], const void *p, size_t n, uint8_t out[SCRAM_KEY_N])
{
	crypto_auth_hmacsha256_init(&w->hmac, key, SCRAM_KEY_N);
	crypto_auth_hmacsha256_update(&w->hmac, p, n);
	crypto_auth_hmacsha256_final(&w->hmac, out);
}

void
scram_work_start(struct scram_work *w, const struct scram *s, struct slice password)
{
	static const uint8_t one[4] = { 0, 0, 0, 1 };

	crypto_auth_hmacsha256_init(&w->key, password.p, password.n);
	w->hmac = w->key;
	crypto_auth_hmacsha256_update(&w->hmac, s->salt, s->salt_n);
	crypto_auth_hmacsha256_update(&w->hmac, one, sizeof(one));
	crypto_auth_hmacsha256_final(&w->hmac, w->u);
	memcpy(w->salted, w->u, sizeof(w->salted));
	w->left = s->iterations - 1;
}

bool
scram_work_slice(struct scram_work *w, uint32_t iterations)
{
	for (; w->left > 0 && iterations > 0; w->left--, iterations--) {
		w->hmac = w->key;
		crypto_auth_hmacsha256_update(&w->hmac, w->u, sizeof(w->u));
		crypto_auth_hmacsha256_final(&w->hmac, w->u);
		for (size_t i = 0; i < sizeof(w->u); i++)
			w->salted[i] ^= w->u[i];
	}
	return w->left == 0;
}

int
scram_client_final(struct scram *s, struct scram_work *w, const struct seal_plain *c, struct wbuf *out)
{
	uint8_t bytes[AUTH_MESSAGE_N];
	struct wbuf auth = { .p = bytes, .cap = sizeof(bytes), .max = sizeof(bytes) };

	put_auth_message(&auth, s, c);
	if (auth.failed || s->step != SCRAM_HASHES || w->left != 0)
		return -1;
	hmac(w, w->salted, "Client Key", 10, w->client);
	crypto_hash_sha256(w->u, w->client, sizeof(w->client));
	hmac(w, w->u, auth.p, auth.n, w->sum);
	for (size_t i = 0; i < sizeof(w->client); i++)
		w->client[i] ^= w->sum[i];
	hmac(w, w->salted, "Server Key", 10, w->u);
	hmac(w, w->u, auth.p, auth.n, s->signature);
	put_client_final_without_proof(out, s);
	put(out, ",p=");
	put_base64(out, w->client, sizeof(w->client));
	s->step = SCRAM_AWAITS_FINAL;
	return out->failed ? -1 : 0;
}

bool
scram_server_final(struct scram *s, struct slice signature)
{
	bool proven = s->step == SCRAM_AWAITS_FINAL && signature.n == sizeof(s->signature) &&
	    sodium_memcmp(signature.p, s->signature, sizeof(s->signature)) == 0;

	s->step = proven ? SCRAM_PROVEN : SCRAM_NONE;
	return proven;
}

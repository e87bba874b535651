#include "sasl.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <string.h>

#include "log.h"
#include "secret.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t
sasl_base64_len(size_t n)
{
	return (n + 2) / 3 * 4;
}

int
sasl_base64_encode(struct slice in, uint8_t *out, size_t size)
{
	size_t at = 0;

	if (in.n > 1024 * 1024 || sasl_base64_len(in.n) > size)
		return -1;
	for (size_t i = 0; i < in.n; i += 3) {
		size_t left = in.n - i;
		uint32_t v = (uint32_t)in.p[i] << 16 | (left > 1 ? (uint32_t)in.p[i + 1] << 8 : 0) |
		    (left > 2 ? in.p[i + 2] : 0);

		out[at++] = (uint8_t)alphabet[v >> 18];
		out[at++] = (uint8_t)alphabet[v >> 12 & 63];
		out[at++] = (uint8_t)(left > 1 ? alphabet[v >> 6 & 63] : '=');
		out[at++] = (uint8_t)(left > 2 ? alphabet[v & 63] : '=');
	}
	return (int)at;
}

static int
value_of(uint8_t c)
{
	const char *p = c != '\0' ? strchr(alphabet, c) : NULL;

	return p != NULL ? (int)(p - alphabet) : -1;
}

int
sasl_base64_decode(struct slice in, uint8_t *out, size_t size)
{
	size_t at = 0, pad = 0;

	if (in.n % 4 != 0 || in.n > 1024 * 1024)
		return -1;
	while (pad < 2 && pad < in.n && in.p[in.n - 1 - pad] == '=')
		pad++;
	if (in.n / 4 * 3 - pad > size)
		return -1;
	for (size_t i = 0; i < in.n; i += 4) {
		size_t skip = i + 4 == in.n ? pad : 0;
		uint32_t v = 0;

		for (size_t j = 0; j < 4; j++) {
			int b = j < 4 - skip ? value_of(in.p[i + j]) : 0;

			if (b < 0)
				return -1;
			v = v << 6 | (uint32_t)b;
		}
		for (size_t j = 0; j < 3 - skip; j++)
			out[at++] = (uint8_t)(v >> (16 - 8 * j));
	}
	return (int)at;
}

/* ---- the guard ---- */

static void
guard_hash(const struct sasl_guard *g, const uint8_t *p, size_t n, uint8_t hash[32])
{
	unsigned int len = 32;

	if (HMAC(EVP_sha256(), g->key, sizeof(g->key), p, n, hash, &len) == NULL)
		fatal("out of memory");
}

static void
guard_piece(struct sasl_guard *g, const uint8_t *p, size_t n)
{
	if (n < SASL_GUARD_MIN || g->n == SASL_GUARDS)
		return;
	g->piece[g->n].len = n;
	guard_hash(g, p, n, g->piece[g->n].hash);
	g->n++;
}

static void
guard_base64(struct sasl_guard *g, struct slice sent)
{
	size_t size = sasl_base64_len(sent.n);
	uint8_t *b64 = secret_malloc(size + 1);
	int n;

	if (b64 == NULL)
		fatal("out of memory");
	if ((n = sasl_base64_encode(sent, b64, size)) > 0)
		guard_piece(g, b64, (size_t)n);
	secret_free(b64);
}

void
sasl_guard_add(struct sasl_guard *g, struct slice sent)
{
	size_t from = 0;

	if (!g->keyed && RAND_bytes(g->key, sizeof(g->key)) != 1)
		fatal("no random bytes");
	g->keyed = true;
	guard_base64(g, sent);
	for (size_t i = 0; i <= sent.n; i++) {
		if (i < sent.n && sent.p[i] > 1)
			continue;
		guard_piece(g, sent.p + from, i - from);
		from = i + 1;
	}
}

void
sasl_guard_mask(const struct sasl_guard *g, char *line, size_t n)
{
	uint8_t hash[32];

	for (size_t k = 0; k < g->n; k++) {
		size_t len = g->piece[k].len;

		for (size_t i = 0; i + len <= n; i++) {
			guard_hash(g, (const uint8_t *)line + i, len, hash);
			if (memcmp(hash, g->piece[k].hash, sizeof(hash)) == 0)
				memset(line + i, '*', len);
		}
	}
}

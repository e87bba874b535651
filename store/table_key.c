/*
 * table_key.c - keys of table.def from structs to bytes and back.
 */
#include "table.h"

#include <string.h>

static const char *const names[T__COUNT] = {
#define TABLE(name, scope, keys) [T_##name] = #name,
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW
};

enum { SCOPE_OF_GLOBAL, SCOPE_OF_ACCOUNT };
static const unsigned char scopes[T__COUNT] = {
#define TABLE(name, scope, keys) [T_##name] = SCOPE_OF_##scope,
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW
};

const char *
table_name(enum table t)
{
	return (unsigned int)t < T__COUNT ? names[t] : "?";
}

bool
table_is_account(enum table t)
{
	return (unsigned int)t < T__COUNT && scopes[t] == SCOPE_OF_ACCOUNT;
}

static void
key_raw(struct dbkey *k, const void *p, size_t n)
{
	if (n > DBKEY_MAX - (size_t)k->n) {
		k->bad = true;
		return;
	}
	if (n > 0)
		memcpy(k->p + k->n, p, n);
	k->n = (uint16_t)(k->n + n);
}

static void
key_be(struct dbkey *k, uint64_t v, size_t n)
{
	uint8_t b[8];

	for (size_t i = 0; i < n; i++)
		b[i] = (uint8_t)(v >> (8 * (n - 1 - i)));
	key_raw(k, b, n);
}

static void
key_str(struct dbkey *k, struct slice s)
{
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		k->bad = true;
	key_raw(k, s.p, s.n);
	key_raw(k, "", 1);
}

static void
key_hash(struct dbkey *k, struct slice s, size_t n)
{
	if (s.n != n)
		k->bad = true;
	else
		key_raw(k, s.p, n);
}

/* A part beyond the wanted number ends the key: it is a prefix. */
#define PART(put)                                                                                                      \
	if (parts-- == 0)                                                                                              \
		return k;                                                                                              \
	put;
#define K_U8(n) PART(key_be(&k, v->n, 1))
#define K_U32(n) PART(key_be(&k, v->n, 4))
#define K_U64(n) PART(key_be(&k, v->n, 8))
#define K_STR(n) PART(key_str(&k, v->n))
#define K_HASH(n, size) PART(key_hash(&k, v->n, size))
#define TABLE(name, scope, keys)                                                                                       \
	struct dbkey key_##name(const struct key_##name *v, unsigned int parts)                                        \
	{                                                                                                              \
		struct dbkey k;                                                                                        \
		k.n = 0;                                                                                               \
		k.bad = false;                                                                                         \
		keys return k;                                                                                         \
	}
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW
#undef K_U8
#undef K_U32
#undef K_U64
#undef K_STR
#undef K_HASH

static uint64_t
take_be(struct rbuf *r, size_t n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | r_u8(r);
	return v;
}

static struct slice
take_raw(struct rbuf *r, size_t n)
{
	struct slice s = { r->p, n };

	if (r->failed || n > r->n) {
		r->failed = true;
		return SLICE_NONE;
	}
	r->p += n;
	r->n -= n;
	return s;
}

static struct slice
take_str(struct rbuf *r)
{
	const uint8_t *end = r->n > 0 ? memchr(r->p, '\0', r->n) : NULL;
	struct slice s;

	if (end == NULL) {
		r->failed = true;
		return SLICE_NONE;
	}
	s = take_raw(r, (size_t)(end - r->p));
	take_raw(r, 1);
	return s;
}

#define K_U8(n) v->n = (uint8_t)take_be(&r, 1);
#define K_U32(n) v->n = (uint32_t)take_be(&r, 4);
#define K_U64(n) v->n = take_be(&r, 8);
#define K_STR(n) v->n = take_str(&r);
#define K_HASH(n, size) v->n = take_raw(&r, size);
#define TABLE(name, scope, keys)                                                                                       \
	int key_##name##_read(struct slice s, struct key_##name *v)                                                    \
	{                                                                                                              \
		struct rbuf r;                                                                                         \
		rbuf_init(&r, s);                                                                                      \
		keys return r.failed || r.n != 0 ? -1 : 0;                                                             \
	}
#define ROW(table, rec)
#include "table.def"
#undef TABLE
#undef ROW

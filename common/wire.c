#include "wire.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

struct slice
slice_str(const char *s)
{
	return s != NULL ? (struct slice){ (const uint8_t *)s, strlen(s) } : SLICE_NONE;
}

struct slice
slice_mem(const void *p, size_t n)
{
	return (struct slice){ p, n };
}

bool
slice_eq(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

bool
slice_eq_str(struct slice a, const char *s)
{
	return slice_eq(a, slice_str(s));
}

static uint8_t
ascii_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

bool
slice_case_eq_str(struct slice a, const char *s)
{
	size_t n = strlen(s);

	if (a.n != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (ascii_lower(a.p[i]) != ascii_lower((uint8_t)s[i]))
			return false;
	return true;
}

char *
slice_dup(struct slice s)
{
	char *p = malloc(s.n + 1);

	if (p == NULL)
		return NULL;
	if (s.n > 0)
		memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	return p;
}

int
slice_copy(struct slice s, char *dst, size_t size)
{
	if (s.n >= size)
		return -1;
	if (s.n > 0)
		memcpy(dst, s.p, s.n);
	dst[s.n] = '\0';
	return 0;
}

void
wbuf_init(struct wbuf *w, size_t max)
{
	*w = (struct wbuf){ .max = max };
}

void
wbuf_free(struct wbuf *w)
{
	free(w->p);
	*w = (struct wbuf){ .max = w->max };
}

void
wbuf_reset(struct wbuf *w)
{
	w->n = 0;
	w->failed = false;
}

struct slice
wbuf_slice(const struct wbuf *w)
{
	return (struct slice){ w->p, w->n };
}

static uint8_t *
wbuf_grow(struct wbuf *w, size_t n)
{
	size_t cap = w->cap != 0 ? w->cap : 256;
	size_t max = w->max != 0 ? w->max : SIZE_MAX / 4;
	uint8_t *p;

	if (w->failed || n > max || w->n > max - n) {
		w->failed = true;
		return NULL;
	}
	while (cap < w->n + n)
		cap *= 2;
	if (cap != w->cap) {
		if ((p = realloc(w->p, cap)) == NULL) {
			w->failed = true;
			return NULL;
		}
		w->p = p;
		w->cap = cap;
	}
	p = w->p + w->n;
	w->n += n;
	return p;
}

/* Mostly there is room: every field of every record asks for it. */
static inline uint8_t *
wbuf_room(struct wbuf *w, size_t n)
{
	if (w->p == NULL || w->failed || n > w->cap - w->n || (w->max != 0 && w->n + n > w->max))
		return wbuf_grow(w, n);
	w->n += n;
	return w->p + w->n - n;
}

void
w_u8(struct wbuf *w, uint8_t v)
{
	uint8_t *p = wbuf_room(w, 1);

	if (p != NULL)
		*p = v;
}

void
w_u16(struct wbuf *w, uint16_t v)
{
	uint8_t *p = wbuf_room(w, sizeof(v));

	v = htole16(v);
	if (p != NULL)
		memcpy(p, &v, sizeof(v));
}

void
w_u32(struct wbuf *w, uint32_t v)
{
	uint8_t *p = wbuf_room(w, sizeof(v));

	v = htole32(v);
	if (p != NULL)
		memcpy(p, &v, sizeof(v));
}

void
w_u64(struct wbuf *w, uint64_t v)
{
	uint8_t *p = wbuf_room(w, sizeof(v));

	v = htole64(v);
	if (p != NULL)
		memcpy(p, &v, sizeof(v));
}

void
w_raw(struct wbuf *w, const void *src, size_t n)
{
	uint8_t *p = wbuf_room(w, n);

	if (p != NULL && n > 0)
		memcpy(p, src, n);
}

void
w_bytes(struct wbuf *w, struct slice s, size_t max)
{
	if (s.n > max || s.n > UINT32_MAX) {
		w->failed = true;
		return;
	}
	w_u32(w, (uint32_t)s.n);
	w_raw(w, s.p, s.n);
}

void
rbuf_init(struct rbuf *r, struct slice s)
{
	*r = (struct rbuf){ .p = s.p, .n = s.n };
}

static inline const uint8_t *
rbuf_take(struct rbuf *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->failed || n > r->n) {
		r->failed = true;
		return NULL;
	}
	r->p += n;
	r->n -= n;
	return p;
}

uint8_t
r_u8(struct rbuf *r)
{
	const uint8_t *p = rbuf_take(r, 1);

	return p != NULL ? *p : 0;
}

uint16_t
r_u16(struct rbuf *r)
{
	const uint8_t *p = rbuf_take(r, 2);
	uint16_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return le16toh(v);
}

uint32_t
r_u32(struct rbuf *r)
{
	const uint8_t *p = rbuf_take(r, 4);
	uint32_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return le32toh(v);
}

uint64_t
r_u64(struct rbuf *r)
{
	const uint8_t *p = rbuf_take(r, 8);
	uint64_t v = 0;

	if (p != NULL)
		memcpy(&v, p, sizeof(v));
	return le64toh(v);
}

bool
r_bool(struct rbuf *r)
{
	uint8_t v = r_u8(r);

	if (v > 1)
		r->failed = true;
	return v == 1;
}

struct slice
r_bytes(struct rbuf *r, size_t max)
{
	uint32_t n = r_u32(r);
	const uint8_t *p;

	if (n > max)
		r->failed = true;
	if ((p = rbuf_take(r, n)) == NULL)
		return SLICE_NONE;
	return (struct slice){ p, n };
}

struct slice
r_str(struct rbuf *r, size_t max)
{
	struct slice s = r_bytes(r, max);

	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL) {
		r->failed = true;
		return SLICE_NONE;
	}
	return s;
}

void
list_add(struct wbuf *w, struct slice item)
{
	if (item.n > UINT16_MAX) {
		w->failed = true;
		return;
	}
	w_u16(w, (uint16_t)item.n);
	w_raw(w, item.p, item.n);
}

bool
list_next(struct slice *list, struct slice *item)
{
	struct rbuf r;
	uint16_t n;

	rbuf_init(&r, *list);
	n = r_u16(&r);
	if (r.failed || n > r.n)
		return false;
	*item = (struct slice){ r.p, n };
	*list = (struct slice){ r.p + n, r.n - n };
	return true;
}

bool
list_valid(struct slice list, size_t max_items, size_t max_item)
{
	struct slice item;
	size_t n = 0;

	while (list.n > 0)
		if (!list_next(&list, &item) || item.n > max_item || ++n > max_items)
			return false;
	return true;
}

size_t
list_count(struct slice list)
{
	struct slice item;
	size_t n = 0;

	while (list_next(&list, &item))
		n++;
	return n;
}

void
ids_add(struct wbuf *w, uint64_t id)
{
	w_u64(w, id);
}

size_t
ids_count(struct slice s)
{
	return s.n / 8;
}

uint64_t
ids_at(struct slice s, size_t i)
{
	struct rbuf r;

	if (i >= ids_count(s))
		return 0;
	rbuf_init(&r, (struct slice){ s.p + i * 8, 8 });
	return r_u64(&r);
}

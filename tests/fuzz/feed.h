/*
 * feed.h - a fuzzer's bytes as messages and records that are whole: built by
 * the tables, so that a new row is attacked from its first day. What is
 * nested in a field may be a record, a list of ids, or plain bytes.
 *
 *	number	a byte below 0xf0 is the value; 0xfd the number heard last; 0xfe
 *		that of a probe; 0xff all bits; else the value follows
 *	text	length byte, text; 0xff: as long as the field may be
 *	bytes	length byte below 0xa0, bytes; 0xf8 ids; 0xf9 a record cut short;
 *		0xff as long as may be; else a record (the byte says which)
 *	list	count byte, items as bytes
 */
#ifndef FUZZ_FEED_H
#define FUZZ_FEED_H

#include <stdlib.h>
#include <string.h>

#include "messages.h"

#define FEED_MEM (8u * 1024 * 1024)
#define FEED_DEPTH 5
#define FEED_RECORDS 0xa0	/* first byte that stands for a record */

struct feed {
	const uint8_t *p;
	size_t n;
	unsigned int depth;
	bool bare;		/* bytes fields stay empty: the body comes by descriptor */
};

/* What the other side last named first: a request, a ticket. */
static uint64_t feed_heard;
static uint8_t *feed_mem;
static size_t feed_used;

static inline void
feed_check(bool ok)
{
	if (!ok)
		abort();
}

/* Forget what was built for the last input. */
static inline struct feed
feed_start(const uint8_t *p, size_t n)
{
	if (feed_mem == NULL)
		feed_check((feed_mem = malloc(FEED_MEM)) != NULL);
	feed_used = 0;
	feed_heard = 0;
	return (struct feed){ .p = p, .n = n };
}

/*
 * Bytes longer than a fuzzer makes them, so that limits of lines and heads are
 * met: 0x1f and a byte stand for 1024 of that byte.
 */
static inline struct slice
feed_expand(const uint8_t *p, size_t n)
{
	size_t room = 0, used = 0;
	uint8_t *out;

	for (size_t i = 0; i < n; i++)
		room += p[i] == 0x1f && i + 1 < n ? 1024 : 1;
	out = feed_mem + feed_used;
	feed_check(room <= FEED_MEM - feed_used);
	for (size_t i = 0; i < n; i++) {
		if (p[i] != 0x1f || i + 1 == n) {
			out[used++] = p[i];
			continue;
		}
		memset(out + used, p[++i], 1024);
		used += 1024;
	}
	feed_used += used;
	return slice_mem(out, used);
}

static inline uint8_t
feed_byte(struct feed *f)
{
	if (f->n == 0)
		return 0;
	f->n--;
	return *f->p++;
}

/* Room for n bytes until the next input; fewer when it is used up. */
static inline uint8_t *
feed_room(size_t *n)
{
	uint8_t *p = feed_mem + feed_used;

	if (*n > FEED_MEM - feed_used)
		*n = FEED_MEM - feed_used;
	feed_used += *n;
	return p;
}

static inline struct slice
feed_copy(const void *p, size_t n)
{
	uint8_t *out = feed_room(&n);

	if (n > 0)
		memcpy(out, p, n);
	return slice_mem(out, n);
}

static inline struct slice
feed_fill(size_t n, int c)
{
	uint8_t *p = feed_room(&n);

	memset(p, c, n);
	return slice_mem(p, n);
}

static inline uint64_t
feed_number(struct feed *f, size_t width)
{
	uint8_t b = feed_byte(f);
	uint64_t v = 0;

	if (b < 0xf0)
		return b;
	if (b == 0xfd)
		return feed_heard;
	if (b == 0xfe)
		return 0x80000000u | feed_byte(f);
	if (b == 0xff)
		return UINT64_MAX;
	for (size_t i = 0; i < width; i++)
		v |= (uint64_t)feed_byte(f) << (8 * i);
	return v;
}

static inline struct slice
feed_raw(struct feed *f, size_t n, size_t max)
{
	struct slice s;

	n = n > max ? max : n;
	n = n > f->n ? f->n : n;
	s = feed_copy(f->p, n);
	f->p += n;
	f->n -= n;
	return s;
}

static inline struct slice
feed_str(struct feed *f, size_t max)
{
	uint8_t n = feed_byte(f);
	struct slice s = n == 0xff ? feed_fill(max, 'a') : feed_raw(f, n, max);
	const uint8_t *nul = s.n > 0 ? memchr(s.p, '\0', s.n) : NULL;

	if (nul != NULL)
		s.n = (size_t)(nul - s.p);
	return s;
}

static struct slice feed_bytes(struct feed *, size_t max);
static struct slice feed_list(struct feed *, size_t items, size_t max);

#define F_U8(n) m->n = (uint8_t)feed_number(f, 1);
#define F_U16(n) m->n = (uint16_t)feed_number(f, 2);
#define F_U32(n) m->n = (uint32_t)feed_number(f, 4);
#define F_U64(n) m->n = feed_number(f, 8);
#define F_BOOL(n) m->n = (feed_byte(f) & 1) != 0;
#define F_STR(n, max) m->n = feed_str(f, max);
#define F_BYTES(n, max) m->n = feed_bytes(f, max);
#define F_LIST(n, items, max) m->n = feed_list(f, items, max);
#define MSG(name, from, to, phase, class, fds, fields)                                                                 \
	static inline void feed_msg_##name(struct feed *f, struct msg_##name *m)                                       \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "messages.def"
#undef MSG
#define REC(name, version, fields)                                                                                     \
	static inline void feed_rec_##name(struct feed *f, struct rec_##name *m)                                       \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "records.def"
#undef REC
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_BOOL
#undef F_STR
#undef F_BYTES
#undef F_LIST

enum feed_record {
#define REC(name, version, fields) FEED_REC_##name,
#include "records.def"
#undef REC
	FEED_REC__COUNT
};

static inline void
feed_encode(struct feed *f, unsigned int which, struct wbuf *w)
{
	switch (which % FEED_REC__COUNT) {
#define REC(name, version, fields)                                                                                     \
	case FEED_REC_##name: {                                                                                        \
		struct rec_##name r;                                                                                   \
		feed_rec_##name(f, &r);                                                                                \
		rec_##name##_encode(w, &r);                                                                            \
		break;                                                                                                 \
	}
#include "records.def"
#undef REC
	}
}

/* An encoded record; empty when it came out too long. cut: bytes off its end. */
static inline struct slice
feed_record(struct feed *f, unsigned int which, size_t max, size_t cut)
{
	struct slice s = SLICE_NONE;
	struct wbuf w;

	if (f->depth >= FEED_DEPTH)
		return s;
	f->depth++;
	wbuf_init(&w, max);
	feed_encode(f, which, &w);
	if (!w.failed)
		s = feed_copy(w.p, w.n > cut ? w.n - cut : w.n);
	wbuf_free(&w);
	f->depth--;
	return s;
}

static inline struct slice
feed_ids(struct feed *f, size_t max)
{
	size_t n = feed_byte(f);
	struct slice s = SLICE_NONE;
	struct wbuf w;

	wbuf_init(&w, max);
	while (n-- > 0 && f->n > 0)
		ids_add(&w, feed_number(f, 8));
	if (!w.failed)
		s = feed_copy(w.p, w.n);
	wbuf_free(&w);
	return s;
}

static __attribute__((unused)) struct slice
feed_bytes(struct feed *f, size_t max)
{
	uint8_t b;

	if (f->bare && f->depth == 0)
		return SLICE_NONE;
	b = feed_byte(f);
	if (b < FEED_RECORDS)
		return feed_raw(f, b, max);
	if (b == 0xff)
		return feed_fill(max, 'b');
	if (b == 0xf8)
		return feed_ids(f, max);
	if (b == 0xf9) {
		b = feed_byte(f);
		return feed_record(f, b, max, feed_byte(f));
	}
	return feed_record(f, b - FEED_RECORDS, max, 0);
}

static __attribute__((unused)) struct slice
feed_list(struct feed *f, size_t items, size_t max)
{
	size_t n = feed_byte(f);
	struct slice s = SLICE_NONE;
	struct wbuf w;

	n = n == 0xff ? items : n > items ? items : n;
	wbuf_init(&w, 1024 * 1024);
	while (n-- > 0 && !w.failed)
		list_add(&w, feed_bytes(f, max < 65535 ? max : 65535));
	if (!w.failed)
		s = feed_copy(w.p, w.n);
	wbuf_free(&w);
	return s;
}

static inline void
feed_msg(struct feed *f, enum msg_type type, union msg *m)
{
	memset(m, 0, sizeof(*m));
	switch (type) {
#define MSG(name, from, to, phase, class, fds, fields)                                                                 \
	case MSG_##name:                                                                                               \
		feed_msg_##name(f, &m->name);                                                                          \
		return;
#include "messages.def"
#undef MSG
	case MSG_none:
	case MSG__COUNT:
		return;
	}
}

#endif

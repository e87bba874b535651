/*
 * The wire codec. The bytes as every message and every record: what decodes
 * must encode to the same bytes, and its lists must walk to their end. And the
 * other way round: whatever is built within its limits must decode.
 */
#include "feed.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static size_t walked;

static void
walk(struct slice list)
{
	struct slice item;

	while (list_next(&list, &item))
		for (size_t i = 0; i < item.n; i++)
			walked += item.p[i];
	feed_check(list.n == 0);
}

static void
touch(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		walked += s.p[i];
	for (size_t i = 0; i < ids_count(s); i++)
		walked += (size_t)ids_at(s, i);
}

static void
touch_str(struct slice s)
{
	feed_check(s.n == 0 || memchr(s.p, '\0', s.n) == NULL);
}

#define F_U8(n)
#define F_U16(n)
#define F_U32(n)
#define F_U64(n)
#define F_BOOL(n)
#define F_STR(n, max) touch_str(m->n);
#define F_BYTES(n, max) touch(m->n);
#define F_LIST(n, items, max) walk(m->n);
#define MSG(name, from, to, phase, class, fds, fields)                                                                 \
	static void look_msg_##name(const struct msg_##name *m)                                                        \
	{                                                                                                              \
		(void)m;                                                                                               \
		fields                                                                                                 \
	}
#include "messages.def"
#undef MSG
#define REC(name, version, fields)                                                                                     \
	static void look_rec_##name(const struct rec_##name *m)                                                        \
	{                                                                                                              \
		(void)m;                                                                                               \
		fields                                                                                                 \
	}
#include "records.def"
#undef REC

static void
look(enum msg_type type, const union msg *m)
{
	switch (type) {
#define MSG(name, from, to, phase, class, fds, fields)                                                                 \
	case MSG_##name:                                                                                               \
		look_msg_##name(&m->name);                                                                             \
		return;
#include "messages.def"
#undef MSG
	case MSG_none:
	case MSG__COUNT:
		return;
	}
}

static void
as_message(enum msg_type type, struct slice in)
{
	union msg m;
	struct wbuf w;

	if (msg_decode(type, in, &m) == -1)
		return;
	look(type, &m);
	wbuf_init(&w, 0);
	msg_encode(&w, type, &m);
	feed_check(!w.failed && slice_eq(wbuf_slice(&w), in));
	wbuf_free(&w);
}

static void
built_message(enum msg_type type, struct feed f)
{
	union msg m;
	struct wbuf w;

	feed_msg(&f, type, &m);
	wbuf_init(&w, 0);
	msg_encode(&w, type, &m);
	if (!w.failed) {
		feed_check(msg_decode(type, wbuf_slice(&w), &m) == 0);
		look(type, &m);
	}
	wbuf_free(&w);
}

#define REC(name, version, fields)                                                                                     \
	static void as_rec_##name(struct slice in)                                                                     \
	{                                                                                                              \
		struct rec_##name r;                                                                                   \
		struct wbuf w;                                                                                         \
		if (rec_##name##_decode(in, &r) == -1)                                                                 \
			return;                                                                                        \
		look_rec_##name(&r);                                                                                   \
		wbuf_init(&w, 0);                                                                                      \
		rec_##name##_encode(&w, &r);                                                                           \
		feed_check(!w.failed && slice_eq(wbuf_slice(&w), in));                                                 \
		wbuf_free(&w);                                                                                         \
	}
#include "records.def"
#undef REC

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice in = slice_mem(data, size);
	struct feed f = feed_start(data, size);

	for (unsigned int t = 1; t < MSG__COUNT; t++)
		as_message(t, in);
#define REC(name, version, fields) as_rec_##name(in);
#include "records.def"
#undef REC
	built_message(1u + feed_byte(&f) % (MSG__COUNT - 1u), f);
	return 0;
}

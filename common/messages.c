#include "messages.h"

#include <stddef.h>
#include <string.h>

#include "channel.h"

const struct msg_info msg_table[MSG__COUNT] = {
#define MSG(n, f, t, p, c, d, fields)                                                                                  \
	[MSG_##n] = { .name = #n, .from = f, .to = t, .phase = MSGP_##p, .class = MSGC_##c, .fds = MSGF_##d },
#include "messages.def"
#undef MSG
};

const char *
msg_name(unsigned int type)
{
	return type > MSG_none && type < MSG__COUNT ? msg_table[type].name : "?";
}

/* ---- the table's text, for the hash: limits are expanded into it ---- */
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define F_U8(n) "1" #n
#define F_U16(n) "2" #n
#define F_U32(n) "4" #n
#define F_U64(n) "8" #n
#define F_BOOL(n) "b" #n
#define F_STR(n, max) "s" #n TEXT(max)
#define F_BYTES(n, max) "y" #n TEXT(max)
#define F_LIST(n, items, max) "l" #n TEXT(items) TEXT(max)
static const char *const table_text[] = {
#define MSG(n, f, t, p, c, d, fields) #n #f #t #p #c #d fields,
#include "messages.def"
#undef MSG
#define REC(n, version, fields) #n #version fields,
#include "records.def"
#undef REC
#define F_X64(n) "x" #n
#define F_UID(n) "u" #n
#define AUDIT(e, n, f, p, fields) #e n #f fields,
#include "audit.def"
#undef AUDIT
#undef F_X64
#undef F_UID
};
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_BOOL
#undef F_STR
#undef F_BYTES
#undef F_LIST

uint64_t
msg_table_hash(void)
{
	uint64_t h = 0xcbf29ce484222325u;	/* FNV-1a: a version check, not a secret */

	for (size_t i = 0; i < sizeof(table_text) / sizeof(table_text[0]); i++)
		for (const char *s = table_text[i]; *s != '\0'; s++)
			h = (h ^ (uint8_t)*s) * 0x100000001b3u;
	return h;
}

/* ---- encoders ---- */
static void
w_str(struct wbuf *w, struct slice s, size_t max)
{
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		w->failed = true;
	w_bytes(w, s, max);
}

static void
w_list(struct wbuf *w, struct slice s, size_t items, size_t max)
{
	if (!list_valid(s, items, max))
		w->failed = true;
	w_bytes(w, s, items * (max + 2));
}

static struct slice
r_list(struct rbuf *r, size_t items, size_t max)
{
	struct slice s = r_bytes(r, items * (max + 2));

	if (!list_valid(s, items, max))
		r->failed = true;
	return s;
}

#define F_U8(n) w_u8(w, m->n);
#define F_U16(n) w_u16(w, m->n);
#define F_U32(n) w_u32(w, m->n);
#define F_U64(n) w_u64(w, m->n);
#define F_BOOL(n) w_u8(w, m->n ? 1 : 0);
#define F_STR(n, max) w_str(w, m->n, max);
#define F_BYTES(n, max) w_bytes(w, m->n, max);
#define F_LIST(n, items, max) w_list(w, m->n, items, max);
#define MSG(name, f, t, p, c, d, fields)                                                                               \
	static void enc_##name(struct wbuf *w, const struct msg_##name *m)                                             \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "messages.def"
#undef MSG
#define REC(name, version, fields)                                                                                     \
	void rec_##name##_encode(struct wbuf *w, const struct rec_##name *m)                                          \
	{                                                                                                              \
		w_u8(w, version);                                                                                      \
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

/* ---- decoders ---- */
#define F_U8(n) m->n = r_u8(r);
#define F_U16(n) m->n = r_u16(r);
#define F_U32(n) m->n = r_u32(r);
#define F_U64(n) m->n = r_u64(r);
#define F_BOOL(n) m->n = r_bool(r);
#define F_STR(n, max) m->n = r_str(r, max);
#define F_BYTES(n, max) m->n = r_bytes(r, max);
#define F_LIST(n, items, max) m->n = r_list(r, items, max);
#define MSG(name, f, t, p, c, d, fields)                                                                               \
	static void dec_##name(struct rbuf *r, struct msg_##name *m)                                                   \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "messages.def"
#undef MSG
#define REC(name, version, fields)                                                                                     \
	int rec_##name##_decode(struct slice s, struct rec_##name *m)                                                 \
	{                                                                                                              \
		struct rbuf rb, *r = &rb;                                                                              \
		rbuf_init(r, s);                                                                                       \
		if (r_u8(r) != (version))                                                                              \
			return -1;                                                                                     \
		fields                                                                                                 \
		return r->failed || r->n != 0 ? -1 : 0;                                                                \
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

void
msg_encode(struct wbuf *w, enum msg_type type, const void *m)
{
	switch (type) {
#define MSG(name, f, t, p, c, d, fields)                                                                               \
	case MSG_##name:                                                                                               \
		enc_##name(w, m);                                                                                      \
		return;
#include "messages.def"
#undef MSG
	case MSG_none:
	case MSG__COUNT:
		break;
	}
	w->failed = true;
}

int
msg_decode(enum msg_type type, struct slice s, union msg *m)
{
	struct rbuf r;

	rbuf_init(&r, s);
	switch (type) {
#define MSG(name, f, t, p, c, d, fields)                                                                               \
	case MSG_##name:                                                                                               \
		dec_##name(&r, &m->name);                                                                              \
		break;
#include "messages.def"
#undef MSG
	case MSG_none:
	case MSG__COUNT:
		return -1;
	}
	return r.failed || r.n != 0 ? -1 : 0;
}

/* ---- the bytes of a BODY row: each field takes over, the last one stays ---- */
#define F_U8(n) s = SLICE_NONE;
#define F_U16(n) s = SLICE_NONE;
#define F_U32(n) s = SLICE_NONE;
#define F_U64(n) s = SLICE_NONE;
#define F_BOOL(n) s = SLICE_NONE;
#define F_STR(n, max) s = m->n;
#define F_BYTES(n, max) s = m->n;
#define F_LIST(n, items, max) s = m->n;
#define MSG(name, f, t, p, c, d, fields)                                                                               \
	static struct slice last_##name(const struct msg_##name *m)                                                    \
	{                                                                                                              \
		struct slice s;                                                                                        \
		(void)m;                                                                                               \
		fields return s;                                                                                       \
	}
#include "messages.def"
#undef MSG
#undef F_U8
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_BOOL
#undef F_STR
#undef F_BYTES
#undef F_LIST

struct slice
msg_body(enum msg_type type, const union msg *m)
{
	switch (type) {
#define MSG(name, f, t, p, c, d, fields)                                                                               \
	case MSG_##name:                                                                                               \
		return last_##name(&m->name);
#include "messages.def"
#undef MSG
	case MSG_none:
	case MSG__COUNT:
		break;
	}
	return SLICE_NONE;
}

/* ---- senders ---- */
#define SEND_NOFD(name)                                                                                                \
	int send_##name(struct chan *c, const struct msg_##name *m)                                                    \
	{                                                                                                              \
		return chan_send(c, MSG_##name, m, -1);                                                                \
	}
#define SEND_FD(name)                                                                                                  \
	int send_##name(struct chan *c, const struct msg_##name *m, int fd)                                            \
	{                                                                                                              \
		return chan_send(c, MSG_##name, m, fd);                                                                \
	}
#define SEND_ONEFD(name) SEND_FD(name)
#define SEND_BODY(name) SEND_FD(name)
#define MSG(name, f, t, p, c, d, fields) SEND_##d(name)
#include "messages.def"
#undef MSG

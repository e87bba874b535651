#include "protocol.h"

#include <string.h>

static const struct row {
	const char *name;
	enum ctl_direction direction;
} rows[CTL__COUNT] = {
#define CTL(n, d, fields) [CTL_##n] = { #n, CTLD_##d },
#include "protocol.def"
#undef CTL
};

const char *
ctl_name(unsigned int type)
{
	return type > CTL_none && type < CTL__COUNT ? rows[type].name : "?";
}

/* ---- encoders ---- */
static void
w_str(struct wbuf *w, struct slice s, size_t max)
{
	if (s.n > 0 && memchr(s.p, '\0', s.n) != NULL)
		w->failed = true;
	w_bytes(w, s, max);
}

#define F_U8(n) w_u8(w, f->n);
#define F_U32(n) w_u32(w, f->n);
#define F_U64(n) w_u64(w, f->n);
#define F_BOOL(n) w_u8(w, f->n ? 1 : 0);
#define F_STR(n, max) w_str(w, f->n, max);
#define F_BYTES(n, max) w_bytes(w, f->n, max);
#define CTL(name, d, fields)                                                                                           \
	static void enc_##name(struct wbuf *w, const struct ctl_##name *f)                                             \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "protocol.def"
#undef CTL
#undef F_U8
#undef F_U32
#undef F_U64
#undef F_BOOL
#undef F_STR
#undef F_BYTES

static void
encode_fields(struct wbuf *w, enum ctl_type type, const void *fields)
{
	switch (type) {
#define CTL(name, d, x)                                                                                                \
	case CTL_##name:                                                                                               \
		enc_##name(w, fields);                                                                                 \
		return;
#include "protocol.def"
#undef CTL
	case CTL_none:
	case CTL__COUNT:
		break;
	}
	w->failed = true;
}

int
ctl_encode(struct wbuf *w, enum ctl_type type, const void *fields)
{
	size_t start = w->n, n;
	bool failed = w->failed;

	w_u32(w, 0);
	w_u16(w, (uint16_t)type);
	encode_fields(w, type, fields);
	n = w->n - start;
	if (w->failed || n > LIM_CTL_FRAME) {
		w->n = start;
		w->failed = failed;
		return -1;
	}
	n -= 4;
	for (size_t i = 0; i < 4; i++)
		w->p[start + i] = (uint8_t)(n >> (8 * i));
	return 0;
}

/* ---- decoders ---- */
#define F_U8(n) f->n = r_u8(r);
#define F_U32(n) f->n = r_u32(r);
#define F_U64(n) f->n = r_u64(r);
#define F_BOOL(n) f->n = r_bool(r);
#define F_STR(n, max) f->n = r_str(r, max);
#define F_BYTES(n, max) f->n = r_bytes(r, max);
#define CTL(name, d, fields)                                                                                           \
	static void dec_##name(struct rbuf *r, struct ctl_##name *f)                                                   \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "protocol.def"
#undef CTL

static int
decode_fields(struct slice s, struct ctl *frame)
{
	struct rbuf r;

	rbuf_init(&r, s);
	switch (frame->type) {
#define CTL(name, d, x)                                                                                                \
	case CTL_##name:                                                                                               \
		dec_##name(&r, &frame->name);                                                                          \
		break;
#include "protocol.def"
#undef CTL
	case CTL_none:
	case CTL__COUNT:
		return -1;
	}
	return r.failed || r.n != 0 ? -1 : 0;
}

int
ctl_decode(struct slice in, enum ctl_direction direction, struct ctl *frame)
{
	struct rbuf r;
	uint32_t n;
	uint16_t type;

	if (in.n < CTL_HEAD)
		return 0;
	rbuf_init(&r, in);
	n = r_u32(&r);
	type = r_u16(&r);
	if (n < CTL_HEAD - 4 || n > LIM_CTL_FRAME - 4)
		return -1;
	if (type == CTL_none || type >= CTL__COUNT || (rows[type].direction & direction) == 0)
		return -1;
	if (n > in.n - 4)
		return 0;
	frame->type = type;
	if (decode_fields(slice_mem(r.p, n - (CTL_HEAD - 4)), frame) == -1)
		return -1;
	return (int)n + 4;
}

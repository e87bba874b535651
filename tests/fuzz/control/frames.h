/*
 * frames.h - frames of the admin protocol, built from the input by its table.
 */
#ifndef FUZZ_CONTROL_FRAMES_H
#define FUZZ_CONTROL_FRAMES_H

#include "../feed.h"
#include "protocol.h"

#define F_U8(n) m->n = (uint8_t)feed_number(f, 1);
#define F_U32(n) m->n = (uint32_t)feed_number(f, 4);
#define F_U64(n) m->n = feed_number(f, 8);
#define F_BOOL(n) m->n = (feed_byte(f) & 1) != 0;
#define F_STR(n, max) m->n = feed_str(f, max);
#define F_BYTES(n, max) m->n = feed_bytes(f, max);
#define CTL(name, direction, fields)                                                                                   \
	static inline void frame_fill_##name(struct feed *f, struct ctl_##name *m)                                     \
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

static inline void
frame_fill(struct feed *f, struct ctl *c)
{
	switch (c->type) {
#define CTL(name, direction, fields)                                                                                   \
	case CTL_##name:                                                                                               \
		frame_fill_##name(f, &c->name);                                                                        \
		return;
#include "protocol.def"
#undef CTL
	case CTL_none:
	case CTL__COUNT:
		return;
	}
}

/* One frame of any type at the end of w; -1: it came out too long. */
static inline int
frame_put(struct feed *f, struct wbuf *w)
{
	struct ctl c = { .type = 1u + feed_byte(f) % (CTL__COUNT - 1u) };

	frame_fill(f, &c);
	return ctl_encode(w, c.type, &c.hello);
}

#endif

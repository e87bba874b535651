/*
 * protocol.h - everything derived from protocol.def, and the framing.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include "enums.h"
#include "limits.h"
#include "wire.h"

#define CTL_VERSION 3
#define CTL_HEAD 6		/* length and row number */

enum ctl_type {
	CTL_none = 0,
#define CTL(name, direction, fields) CTL_##name,
#include "protocol.def"
#undef CTL
	CTL__COUNT
};

enum ctl_direction { CTLD_ASK = 1, CTLD_ANSWER = 2, CTLD_BOTH = 3 };

#define F_U8(n) uint8_t n;
#define F_U32(n) uint32_t n;
#define F_U64(n) uint64_t n;
#define F_BOOL(n) bool n;
#define F_STR(n, max) struct slice n;
#define F_BYTES(n, max) struct slice n;
#define CTL(name, direction, fields)                                                                                   \
	struct ctl_##name {                                                                                            \
		fields                                                                                                 \
	};
#include "protocol.def"
#undef CTL
#undef F_U8
#undef F_U32
#undef F_U64
#undef F_BOOL
#undef F_STR
#undef F_BYTES

/* A decoded frame; type selects the member. Slices point into the frame. */
struct ctl {
	enum ctl_type type;
	union {
#define CTL(name, direction, fields) struct ctl_##name name;
#include "protocol.def"
#undef CTL
	};
};

/* "?" outside the table. */
const char *ctl_name(unsigned int type);

/* Append one whole frame of this row. 0; -1 when a field breaks its limit: the
 * buffer is then as it was. */
int ctl_encode(struct wbuf *, enum ctl_type, const void *fields);

/*
 * The first frame of in. Returns its length in bytes with *frame filled, 0
 * when more bytes are needed, -1 when in cannot become a frame that the side
 * direction (CTLD_ASK or CTLD_ANSWER) may send: the connection is over.
 */
int ctl_decode(struct slice in, enum ctl_direction, struct ctl *frame);

#endif

/*
 * messages.h - everything derived from messages.def.
 *
 * For a row MSG(foo, ...) there are: MSG_foo, struct msg_foo, and
 *   int send_foo(struct chan *, const struct msg_foo *)         NOFD
 *   int send_foo(struct chan *, const struct msg_foo *, int fd)  ONEFD, BODY
 * A send encodes and queues; it never blocks. Slices in the struct are
 * borrowed until it returns. For ONEFD and BODY the descriptor is taken over
 * in every case, also on error. BODY: fd -1 = the bytes are in the last field.
 * Returns 0, or -1 when the message breaks a limit of its row (the caller's
 * mistake: nothing is sent, errno EMSGSIZE) or the channel is closed (EPIPE).
 */
#ifndef COMMON_MESSAGES_H
#define COMMON_MESSAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "enums.h"
#include "limits.h"
#include "roles.h"
#include "wire.h"

struct chan;

enum msg_type {
	MSG_none = 0,
#define MSG(name, from, to, phase, class, fds, fields) MSG_##name,
#include "messages.def"
#undef MSG
	MSG__COUNT
};

enum msg_phase { MSGP_SETUP = 1, MSGP_RUN = 2, MSGP_ANY = 3 };
enum msg_class { MSGC_CTL, MSGC_BULK };
enum msg_fds { MSGF_NOFD, MSGF_ONEFD, MSGF_BODY };

struct msg_info {
	const char *name;
	uint32_t from, to;	/* role masks */
	enum msg_phase phase;
	enum msg_class class;
	enum msg_fds fds;
};

extern const struct msg_info msg_table[MSG__COUNT];

const char *msg_name(unsigned int type);

/* A hash of messages.def, records.def and audit.def as built into this executable. */
uint64_t msg_table_hash(void);

/* ---- structs ---- */
#define F_U8(n) uint8_t n;
#define F_U16(n) uint16_t n;
#define F_U32(n) uint32_t n;
#define F_U64(n) uint64_t n;
#define F_BOOL(n) bool n;
#define F_STR(n, max) struct slice n;
#define F_BYTES(n, max) struct slice n;
#define F_LIST(n, items, max) struct slice n;
#define MSG(name, from, to, phase, class, fds, fields)                                                                 \
	struct msg_##name {                                                                                            \
		fields                                                                                                 \
	};
#include "messages.def"
#undef MSG
#define REC(name, version, fields)                                                                                     \
	struct rec_##name {                                                                                            \
		fields                                                                                                 \
	};
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

/* A decoded message; the row's name selects the member. Slices point into the
 * receive buffer and die with the handler: copy what must live longer. */
union msg {
#define MSG(name, from, to, phase, class, fds, fields) struct msg_##name name;
#include "messages.def"
#undef MSG
};

/* ---- senders ---- */
#define SEND_NOFD(name) int send_##name(struct chan *, const struct msg_##name *);
#define SEND_ONEFD(name) int send_##name(struct chan *, const struct msg_##name *, int fd);
#define SEND_BODY(name) int send_##name(struct chan *, const struct msg_##name *, int fd);
#define MSG(name, from, to, phase, class, fds, fields) SEND_##fds(name)
#include "messages.def"
#undef MSG
#undef SEND_NOFD
#undef SEND_ONEFD
#undef SEND_BODY

/* ---- codec, used by channel.c, records and tests ---- */
/* Encode the fields of a message (no header). Failure is sticky in the wbuf. */
void msg_encode(struct wbuf *, enum msg_type, const void *msg_struct);
/* 0, or -1 when a field breaks its limit, is cut short, or bytes are left. */
int msg_decode(enum msg_type, struct slice, union msg *);
/* The last bytes field of a decoded message: where a BODY row carries its
 * bytes when no descriptor does. */
struct slice msg_body(enum msg_type, const union msg *);

/* ---- records: rec_foo_encode(wbuf, rec), rec_foo_decode(slice, rec) ----
 * decode: 0, or -1 (other version, broken field, surplus bytes); the slices
 * of the struct point into the given bytes. */
#define REC(name, version, fields)                                                                                     \
	void rec_##name##_encode(struct wbuf *, const struct rec_##name *);                                           \
	int rec_##name##_decode(struct slice, struct rec_##name *);
#include "records.def"
#undef REC

#endif

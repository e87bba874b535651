/*
 * audit.h - security events, derived from audit.def: saying one, and reading
 * what was said. audit_chain.h is about the lines they become.
 *
 * For a row AUDIT(foo, ...) there are: AUDIT_foo, struct audit_foo, and
 *   void audit_tell_foo(const struct audit_foo *)
 * which sends it to the master. Slices are borrowed until it returns. It cannot
 * fail for the caller: text that is too long is cut.
 */
#ifndef COMMON_AUDIT_H
#define COMMON_AUDIT_H

#include "limits.h"
#include "roles.h"
#include "wire.h"

#define AUDIT_NOBODY UINT32_MAX	/* a uid that is not known */

enum audit_event {
	AUDIT_none = 0,
#define AUDIT(event, name, from, party, fields) AUDIT_##event,
#include "audit.def"
#undef AUDIT
	AUDIT__COUNT
};

struct audit_info {
	const char *name;
	uint32_t from;		/* role mask */
	const char *party;	/* key of a field */
};

/* Indexed by enum audit_event; the first one is empty. */
extern const struct audit_info audit_table[AUDIT__COUNT];

#define F_U16(n) uint16_t n;
#define F_U32(n) uint32_t n;
#define F_U64(n) uint64_t n;
#define F_X64(n) uint64_t n;
#define F_UID(n) uint32_t n;
#define F_BOOL(n) bool n;
#define F_STR(n, max) struct slice n;
#define AUDIT(event, name, from, party, fields)                                                                        \
	struct audit_##event {                                                                                         \
		fields                                                                                                 \
	};
#include "audit.def"
#undef AUDIT
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_X64
#undef F_UID
#undef F_BOOL
#undef F_STR

/* The event's fields as they travel in message audit. fails only without memory. */
void audit_encode(struct wbuf *, enum audit_event, const void *fields);

/*
 * Read encoded fields: fn for each, numbers as text already. 0, or -1 when they
 * are not what the row says; then fn was not called at all. fn may be NULL.
 */
typedef void (*audit_field_fn)(void *ctx, const char *key, struct slice text);
int audit_decode(unsigned int event, struct slice fields, audit_field_fn, void *ctx);

/* To the master; does nothing in a test without one. */
void audit_tell(enum audit_event, const void *fields);

#define AUDIT(event, name, from, party, fields)                                                                        \
	static inline void audit_tell_##event(const struct audit_##event *f)                                           \
	{                                                                                                              \
		audit_tell(AUDIT_##event, f);                                                                          \
	}
#include "audit.def"
#undef AUDIT

#endif

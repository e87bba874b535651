#include "audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "child.h"

const struct audit_info audit_table[AUDIT__COUNT] = {
#define AUDIT(e, n, f, p, fields) [AUDIT_##e] = { .name = n, .from = f, .party = #p },
#include "audit.def"
#undef AUDIT
};

/* ---- the longest of each row fits ---- */
#define F_U16(n) +2
#define F_U32(n) +4
#define F_U64(n) +8
#define F_X64(n) +8
#define F_UID(n) +4
#define F_BOOL(n) +1
#define F_STR(n, max) +4 + (max)
#define AUDIT(e, n, f, p, fields) _Static_assert((0 fields) <= LIM_AUDIT_FIELDS, n);
#include "audit.def"
#undef AUDIT
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_X64
#undef F_UID
#undef F_BOOL
#undef F_STR
_Static_assert(4 * (LIM_AUDIT_FIELDS + LIM_AUDIT_WHO) + 256 <= LIM_AUDIT_LINE, "encoded by strvis");

/* ---- encoders ---- */

/* Up to max bytes and to the first NUL: a long name must not cost the line. */
static void
w_text(struct wbuf *w, struct slice s, size_t max)
{
	const uint8_t *nul = s.n > 0 ? memchr(s.p, '\0', s.n) : NULL;

	if (nul != NULL)
		s.n = (size_t)(nul - s.p);
	w_bytes(w, slice_mem(s.p, s.n < max ? s.n : max), max);
}

#define F_U16(n) w_u16(w, f->n);
#define F_U32(n) w_u32(w, f->n);
#define F_U64(n) w_u64(w, f->n);
#define F_X64(n) w_u64(w, f->n);
#define F_UID(n) w_u32(w, f->n);
#define F_BOOL(n) w_u8(w, f->n ? 1 : 0);
#define F_STR(n, max) w_text(w, f->n, max);
#define AUDIT(e, n, from, party, fields)                                                                               \
	static void enc_##e(struct wbuf *w, const struct audit_##e *f)                                                 \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "audit.def"
#undef AUDIT
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_X64
#undef F_UID
#undef F_BOOL
#undef F_STR

void
audit_encode(struct wbuf *w, enum audit_event event, const void *fields)
{
	switch (event) {
#define AUDIT(e, n, from, party, x)                                                                                    \
	case AUDIT_##e:                                                                                                \
		enc_##e(w, fields);                                                                                    \
		return;
#include "audit.def"
#undef AUDIT
	case AUDIT_none:
	case AUDIT__COUNT:
		break;
	}
	w->failed = true;
}

/* ---- decoders ---- */

struct reader {
	struct rbuf r;
	audit_field_fn fn;	/* NULL: only look whether all is well */
	void *ctx;
};

static void
give(struct reader *d, const char *key, const char *text)
{
	if (d->fn != NULL)
		d->fn(d->ctx, key, slice_str(text));
}

static void
give_number(struct reader *d, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	give(d, key, text);
}

static void
give_hex(struct reader *d, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%016" PRIx64, v);
	give(d, key, text);
}

static void
give_uid(struct reader *d, const char *key, uint32_t v)
{
	if (v == AUDIT_NOBODY)
		give(d, key, "unknown");
	else
		give_number(d, key, v);
}

static void
give_text(struct reader *d, const char *key, struct slice s)
{
	if (d->fn != NULL)
		d->fn(d->ctx, key, s);
}

#define F_U16(n) give_number(d, #n, r_u16(&d->r));
#define F_U32(n) give_number(d, #n, r_u32(&d->r));
#define F_U64(n) give_number(d, #n, r_u64(&d->r));
#define F_X64(n) give_hex(d, #n, r_u64(&d->r));
#define F_UID(n) give_uid(d, #n, r_u32(&d->r));
#define F_BOOL(n) give(d, #n, r_bool(&d->r) ? "yes" : "no");
#define F_STR(n, max) give_text(d, #n, r_str(&d->r, max));
#define AUDIT(e, n, from, party, fields)                                                                               \
	static void dec_##e(struct reader *d)                                                                          \
	{                                                                                                              \
		fields                                                                                                 \
	}
#include "audit.def"
#undef AUDIT
#undef F_U16
#undef F_U32
#undef F_U64
#undef F_X64
#undef F_UID
#undef F_BOOL
#undef F_STR

static int
decode(unsigned int event, struct slice fields, audit_field_fn fn, void *ctx)
{
	struct reader d = { .fn = fn, .ctx = ctx };

	rbuf_init(&d.r, fields);
	switch (event) {
#define AUDIT(e, n, from, party, x)                                                                                    \
	case AUDIT_##e:                                                                                                \
		dec_##e(&d);                                                                                           \
		break;
#include "audit.def"
#undef AUDIT
	default:
		return -1;
	}
	return d.r.failed || d.r.n != 0 ? -1 : 0;
}

int
audit_decode(unsigned int event, struct slice fields, audit_field_fn fn, void *ctx)
{
	if (decode(event, fields, NULL, NULL) == -1)
		return -1;
	return fn != NULL ? decode(event, fields, fn, ctx) : 0;
}

/* ---- to the master ---- */

void
audit_tell(enum audit_event event, const void *fields)
{
	static struct wbuf w = { .max = LIM_AUDIT_FIELDS };

	wbuf_reset(&w);
	audit_encode(&w, event, fields);
	if (!w.failed && child.master != NULL)
		(void)send_audit(child.master,
		    &(struct msg_audit){ .event = (uint16_t)event, .fields = wbuf_slice(&w) });
}

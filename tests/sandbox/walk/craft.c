#include "craft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define F_U8(n) { #n, FIELD_U8, 0, 0 },
#define F_U16(n) { #n, FIELD_U16, 0, 0 },
#define F_U32(n) { #n, FIELD_U32, 0, 0 },
#define F_U64(n) { #n, FIELD_U64, 0, 0 },
#define F_BOOL(n) { #n, FIELD_BOOL, 0, 0 },
#define F_STR(n, m) { #n, FIELD_STR, 0, m },
#define F_BYTES(n, m) { #n, FIELD_BYTES, 0, m },
#define F_LIST(n, i, m) { #n, FIELD_LIST, i, m },
#define MSG(name, from, to, phase, class, fds, list) static const struct craft_field fields_##name[] = { list };
#include "messages.def"
#undef MSG

const struct craft_row craft_rows[MSG__COUNT] = {
#define MSG(name, from, to, phase, class, fds, list)                                                                   \
	[MSG_##name] = { fields_##name, sizeof(fields_##name) / sizeof(fields_##name[0]) },
#include "messages.def"
#undef MSG
};

/* ---- whole fields ---- */

static void
put_filler(struct wbuf *w, size_t n)
{
	uint8_t *x = malloc(n + 1);

	if (x == NULL)
		abort();
	memset(x, 'x', n);
	w_raw(w, x, n);
	free(x);
}

static void
put_text(struct wbuf *w, size_t n)
{
	w_u32(w, (uint32_t)n);
	put_filler(w, n);
}

static void
put_list(struct wbuf *w, size_t items, size_t size)
{
	w_u32(w, (uint32_t)(items * (size + 2)));
	for (size_t i = 0; i < items; i++) {
		w_u16(w, (uint16_t)size);
		put_filler(w, size);
	}
}

static size_t
filled(enum craft_fill fill, size_t most)
{
	return fill == FILL_ZERO ? 0 : fill == FILL_SOME && most > 0 ? 1 : most;
}

static void
put_field(struct wbuf *w, const struct craft_field *f, enum craft_fill fill)
{
	uint64_t number = fill == FILL_ZERO ? 0 : fill == FILL_SOME ? 1 : UINT64_MAX;

	switch (f->kind) {
	case FIELD_U8:
		w_u8(w, (uint8_t)number);
		break;
	case FIELD_U16:
		w_u16(w, (uint16_t)number);
		break;
	case FIELD_U32:
		w_u32(w, (uint32_t)number);
		break;
	case FIELD_U64:
		w_u64(w, number);
		break;
	case FIELD_BOOL:
		w_u8(w, fill == FILL_ZERO ? 0 : 1);
		break;
	case FIELD_STR:
	case FIELD_BYTES:
		put_text(w, filled(fill, f->max));
		break;
	case FIELD_LIST:
		put_list(w, filled(fill, f->items), filled(fill, f->max));
		break;
	}
}

static enum craft_fds
fds_of(enum msg_type type)
{
	return msg_table[type].fds == MSGF_ONEFD ? FDS_ONE : FDS_NONE;
}

static void
begin(struct craft *c, enum msg_type type)
{
	c->bytes.max = 0;	/* more than a packet may hold, too */
	wbuf_reset(&c->bytes);
	w_u16(&c->bytes, (uint16_t)type);
	c->fds = fds_of(type);
}

void
craft_whole(struct craft *c, enum msg_type type, enum craft_fill fill)
{
	static const char *const words[] = { "empty", "small", "full" };
	const struct craft_row *row = &craft_rows[type];

	begin(c, type);
	for (size_t i = 0; i < row->n; i++)
		put_field(&c->bytes, &row->fields[i], fill);
	snprintf(c->what, sizeof(c->what), "%s %s", msg_name(type), words[fill]);
}

/* ---- broken fields ---- */

enum harm {
	HARM_LENGTH,	/* the largest length there is */
	HARM_BEYOND,	/* a length that reaches past the end */
	HARM_OVER,	/* one byte more than the limit, all of them there */
	HARM_NUL,
	HARM_COUNT,	/* one item too many */
	HARM_ITEM,	/* an item one byte too long */
	HARM_CUT_ITEM,	/* an item longer than the list */
	HARM_HALF_ITEM,	/* half of a length */
	HARM_TWO,	/* a bool of 2 */
	HARM_255,
	HARM__COUNT
};

static const char *const harm_words[] = { "length 2^32-1", "length beyond the end", "over its limit", "a NUL",
	"an item too many", "an item too long", "an item cut short", "half an item", "2", "255" };

static bool
harm_fits(enum harm h, const struct craft_field *f)
{
	switch (f->kind) {
	case FIELD_BOOL:
		return h == HARM_TWO || h == HARM_255;
	case FIELD_STR:
		return h <= HARM_NUL;
	case FIELD_BYTES:
		return h <= HARM_OVER;
	case FIELD_LIST:
		return h <= HARM_OVER || (h >= HARM_COUNT && h <= HARM_HALF_ITEM);
	default:
		return false;
	}
}

static void
put_over(struct wbuf *w, const struct craft_field *f)
{
	if (f->kind == FIELD_LIST)
		put_text(w, f->items * (f->max + 2) + 1);
	else
		put_text(w, f->max + 1);
}

static void
put_harm(struct wbuf *w, const struct craft_field *f, enum harm h)
{
	switch (h) {
	case HARM_LENGTH:
		w_u32(w, UINT32_MAX);
		break;
	case HARM_BEYOND:
		/* Within the field's limit where that is possible, and never there. */
		w_u32(w, (uint32_t)(f->kind == FIELD_LIST ? f->items * (f->max + 2) : f->max) + LIM_CHAN_MSG);
		break;
	case HARM_OVER:
		put_over(w, f);
		break;
	case HARM_NUL:
		w_u32(w, 3);
		w_raw(w, "x\0x", 3);
		break;
	case HARM_COUNT:
		put_list(w, f->items + 1, 0);
		break;
	case HARM_ITEM:
		put_list(w, 1, f->max + 1);
		break;
	case HARM_CUT_ITEM:
		w_u32(w, 3);
		w_u16(w, 2);
		w_u8(w, 'x');
		break;
	case HARM_HALF_ITEM:
		w_u32(w, 1);
		w_u8(w, 0);
		break;
	default:
		w_u8(w, h == HARM_TWO ? 2 : 255);
		break;
	}
}

/* ---- the numbered breakages, in sections ---- */

/* Every section: the i-th of it is made, or *i is lowered by its size. */

static bool
cuts(struct craft *c, enum msg_type type, size_t *i)
{
	size_t n;

	craft_whole(c, type, FILL_SOME);
	n = c->bytes.n - 1;	/* lengths 1 to all but one; of length 0 see the empty packet */
	if (*i >= n) {
		*i -= n;
		return false;
	}
	c->bytes.n = *i + 1;
	snprintf(c->what, sizeof(c->what), "%s cut at %zu", msg_name(type), c->bytes.n);
	return true;
}

static bool
surplus(struct craft *c, enum msg_type type, size_t *i)
{
	static const size_t more[] = { 1, 8, 4096 };

	if (*i >= 3) {
		*i -= 3;
		return false;
	}
	craft_whole(c, type, FILL_SOME);
	put_filler(&c->bytes, more[*i]);
	snprintf(c->what, sizeof(c->what), "%s and %zu bytes", msg_name(type), more[*i]);
	return true;
}

static bool
oversize(struct craft *c, enum msg_type type, size_t *i)
{
	if (*i > 0) {
		*i -= 1;
		return false;
	}
	craft_whole(c, type, FILL_SOME);
	put_filler(&c->bytes, LIM_CHAN_MSG + 1 - c->bytes.n);
	snprintf(c->what, sizeof(c->what), "%s larger than a packet", msg_name(type));
	return true;
}

static bool
harms(struct craft *c, enum msg_type type, size_t *i)
{
	const struct craft_row *row = &craft_rows[type];

	for (size_t k = 0; k < row->n; k++)
		for (enum harm h = 0; h < HARM__COUNT; h++) {
			if (!harm_fits(h, &row->fields[k]) || (*i)-- > 0)
				continue;
			begin(c, type);
			for (size_t j = 0; j < row->n; j++)
				if (j == k)
					put_harm(&c->bytes, &row->fields[j], h);
				else
					put_field(&c->bytes, &row->fields[j], FILL_SOME);
			snprintf(c->what, sizeof(c->what), "%s.%s: %s", msg_name(type), row->fields[k].name,
			    harm_words[h]);
			return true;
		}
	return false;
}

static bool
fds_wrong(enum msg_type type, enum craft_fds fds)
{
	switch (msg_table[type].fds) {
	case MSGF_NOFD:
		return fds == FDS_ONE || fds == FDS_TWO || fds == FDS_MANY || fds == FDS_SEALED;
	case MSGF_ONEFD:
		return fds == FDS_NONE || fds == FDS_TWO || fds == FDS_MANY;
	case MSGF_BODY:
		return fds == FDS_TWO || fds == FDS_MANY || fds >= FDS_PIPE;
	}
	return false;
}

static const char *const fds_words[] = { "no descriptor", "a descriptor", "two descriptors", "253 descriptors",
	"a sealed body", "a pipe", "a socket", "a file", "/dev/null", "unsealed memory", "no write seal",
	"no shrink seal", "no grow seal", "a future-write seal", "an empty body", "a body too large",
	"a write-only body", "a path to a body" };

static bool
descriptors(struct craft *c, enum msg_type type, size_t *i)
{
	for (enum craft_fds fds = 0; fds < FDS__COUNT; fds++) {
		if (!fds_wrong(type, fds) || (*i)-- > 0)
			continue;
		craft_whole(c, type, FILL_ZERO);
		c->fds = fds;
		snprintf(c->what, sizeof(c->what), "%s with %s", msg_name(type), fds_words[fds]);
		return true;
	}
	return false;
}

/* Bytes in the field and a body beside: which of them is meant? */
static bool
both(struct craft *c, enum msg_type type, size_t *i)
{
	if (msg_table[type].fds != MSGF_BODY || (*i)-- > 0)
		return false;
	craft_whole(c, type, FILL_SOME);
	c->fds = FDS_SEALED;
	snprintf(c->what, sizeof(c->what), "%s with its bytes twice", msg_name(type));
	return true;
}

bool
craft_breakage(struct craft *c, enum msg_type type, size_t i)
{
	return cuts(c, type, &i) || surplus(c, type, &i) || oversize(c, type, &i) || harms(c, type, &i) ||
	    descriptors(c, type, &i) || both(c, type, &i);
}

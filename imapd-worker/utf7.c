/*
 * utf7.c - mailbox names. The alphabet is base64 with "," for "/", there is
 * no padding, and "&-" stands for "&".
 */
#include "utf7.h"

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

static int
value_of(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == ',' ? 63 : -1;
}

static void
put_utf8(struct wbuf *out, uint32_t c)
{
	if (c < 0x80) {
		w_u8(out, (uint8_t)c);
		return;
	}
	if (c < 0x800) {
		w_u8(out, (uint8_t)(0xc0 | c >> 6));
	} else if (c < 0x10000) {
		w_u8(out, (uint8_t)(0xe0 | c >> 12));
		w_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	} else {
		w_u8(out, (uint8_t)(0xf0 | c >> 18));
		w_u8(out, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		w_u8(out, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
	}
	w_u8(out, (uint8_t)(0x80 | (c & 0x3f)));
}

/* One UTF-16 unit; *high holds the first half of a pair. */
static int
put_unit(struct wbuf *out, uint32_t unit, uint32_t *high)
{
	if (*high != 0) {
		if (unit < 0xdc00 || unit > 0xdfff)
			return -1;
		put_utf8(out, 0x10000 + ((*high - 0xd800) << 10) + (unit - 0xdc00));
		*high = 0;
		return 0;
	}
	if (unit >= 0xd800 && unit <= 0xdbff) {
		*high = unit;
		return 0;
	}
	if ((unit >= 0xdc00 && unit <= 0xdfff) || unit < 0x20 || unit == 0x7f)
		return -1;
	put_utf8(out, unit);
	return 0;
}

/* The base64 run after "&" up to "-"; returns bytes read with the "-", or 0. */
static size_t
decode_shift(const uint8_t *p, size_t n, struct wbuf *out)
{
	uint32_t bits = 0, high = 0;
	unsigned int have = 0;
	size_t i;
	int v;

	for (i = 0; i < n && p[i] != '-'; i++) {
		if ((v = value_of(p[i])) == -1)
			return 0;
		bits = bits << 6 | (uint32_t)v;
		have += 6;
		if (have >= 16) {
			have -= 16;
			if (put_unit(out, bits >> have & 0xffff, &high) == -1)
				return 0;
			bits &= (1u << have) - 1;
		}
	}
	if (i == n || high != 0 || have >= 6 || bits != 0)
		return 0;
	return i + 1;
}

int
utf7_decode(struct slice in, struct wbuf *out)
{
	size_t i = 0, used;

	while (i < in.n) {
		uint8_t c = in.p[i++];

		if (c < 0x20 || c > 0x7e)
			return -1;
		if (c != '&') {
			w_u8(out, c);
		} else if (i < in.n && in.p[i] == '-') {
			w_u8(out, '&');
			i++;
		} else {
			if ((used = decode_shift(in.p + i, in.n - i, out)) == 0)
				return -1;
			i += used;
		}
	}
	return out->failed ? -1 : 0;
}

/* Next code point; 0 bytes = not well-formed. */
static size_t
get_utf8(const uint8_t *p, size_t n, uint32_t *c)
{
	static const uint32_t least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len, i;

	len = p[0] < 0x80 ? 1 : (p[0] & 0xe0) == 0xc0 ? 2 : (p[0] & 0xf0) == 0xe0 ? 3 : (p[0] & 0xf8) == 0xf0 ? 4 : 0;
	if (len == 0 || len > n)
		return 0;
	*c = len == 1 ? p[0] : p[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (*c < least[len] || *c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		return 0;
	return len;
}

bool
utf8_clean(struct slice s)
{
	uint32_t c;
	size_t i, len;

	for (i = 0; i < s.n; i += len) {
		if ((len = get_utf8(s.p + i, s.n - i, &c)) == 0 || c < 0x20 || c == 0x7f)
			return false;
	}
	return true;
}

bool
utf8_beyond_ascii(struct slice s)
{
	bool beyond = false;
	uint32_t c;
	size_t i, len;

	for (i = 0; i < s.n; i += len) {
		if ((len = get_utf8(s.p + i, s.n - i, &c)) == 0)
			return false;
		beyond = beyond || c >= 0x80;
	}
	return beyond;
}

struct shift {
	uint32_t bits;
	unsigned int have;
	bool open;
};

static void
shift_unit(struct shift *s, struct wbuf *out, uint32_t unit)
{
	if (!s->open)
		w_u8(out, '&');
	s->open = true;
	s->bits = s->bits << 16 | unit;
	s->have += 16;
	while (s->have >= 6) {
		s->have -= 6;
		w_u8(out, (uint8_t)alphabet[s->bits >> s->have & 0x3f]);
		s->bits &= (1u << s->have) - 1;
	}
}

static void
shift_close(struct shift *s, struct wbuf *out)
{
	if (!s->open)
		return;
	if (s->have > 0)
		w_u8(out, (uint8_t)alphabet[s->bits << (6 - s->have) & 0x3f]);
	w_u8(out, '-');
	*s = (struct shift){ 0 };
}

int
utf7_encode(struct slice in, struct wbuf *out)
{
	struct shift shift = { 0 };
	size_t i, len;
	uint32_t c;

	for (i = 0; i < in.n; i += len) {
		if ((len = get_utf8(in.p + i, in.n - i, &c)) == 0 || c < 0x20 || c == 0x7f)
			return -1;
		if (c <= 0x7e) {
			shift_close(&shift, out);
			w_u8(out, (uint8_t)c);
			if (c == '&')
				w_u8(out, '-');
		} else if (c < 0x10000) {
			shift_unit(&shift, out, c);
		} else {
			shift_unit(&shift, out, 0xd800 + ((c - 0x10000) >> 10));
			shift_unit(&shift, out, 0xdc00 + ((c - 0x10000) & 0x3ff));
		}
	}
	shift_close(&shift, out);
	return out->failed ? -1 : 0;
}

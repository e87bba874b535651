#include "utf8.h"

#include <string.h>

static bool
cont(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}

/* Surrogates, overlong forms and numbers over U+10FFFF are not characters. */
static bool
three_ok(const uint8_t *p)
{
	return cont(p[1]) && cont(p[2]) && !(p[0] == 0xe0 && p[1] < 0xa0) && !(p[0] == 0xed && p[1] >= 0xa0);
}

static bool
four_ok(const uint8_t *p)
{
	return cont(p[1]) && cont(p[2]) && cont(p[3]) && !(p[0] == 0xf0 && p[1] < 0x90) &&
	    !(p[0] == 0xf4 && p[1] >= 0x90);
}

size_t
utf8_char(struct slice s)
{
	uint8_t c;

	if (s.n == 0 || (c = s.p[0]) == 0)
		return 0;
	if (c < 0x80)
		return 1;
	if (c >= 0xc2 && c <= 0xdf)
		return s.n >= 2 && cont(s.p[1]) ? 2 : 0;
	if ((c & 0xf0) == 0xe0)
		return s.n >= 3 && three_ok(s.p) ? 3 : 0;
	if (c >= 0xf0 && c <= 0xf4)
		return s.n >= 4 && four_ok(s.p) ? 4 : 0;
	return 0;
}

/* Bytes of ASCII at the start of s, in steps of eight. */
static size_t
ascii_run(struct slice s)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), highs = ones << 7;
	uint64_t v;
	size_t i = 0;

	for (; s.n - i >= 8; i += 8) {
		memcpy(&v, s.p + i, 8);
		/* Neither a high bit nor a NUL in any of them. */
		if (((v | (v - ones)) & highs) != 0)
			break;
	}
	return i;
}

/* Bytes of valid characters at the start of s. */
static size_t
valid_run(struct slice s)
{
	size_t i = ascii_run(s), n;

	while ((n = utf8_char(slice_mem(s.p + i, s.n - i))) > 0) {
		i += n;
		if (n > 1)
			continue;
		i += ascii_run(slice_mem(s.p + i, s.n - i));
	}
	return i;
}

bool
utf8_valid(struct slice s)
{
	return valid_run(s) == s.n;
}

/* Bytes of one broken place: to the next byte that can begin a character. */
static size_t
broken_run(struct slice s)
{
	size_t n = 1;

	while (n < s.n && cont(s.p[n]))
		n++;
	return n;
}

/* What takes the place of the broken bytes at the start of s, *n of them. */
static struct slice
mended(struct slice s, size_t *n)
{
	*n = s.p[0] == 0 ? 1 : broken_run(s);
	return s.p[0] == 0 ? SLICE_NONE : slice_str("\xef\xbf\xbd");
}

size_t
utf8_clean(struct wbuf *out, struct slice *s, size_t max)
{
	size_t n, broken = 0;

	while (s->n > 0) {
		size_t room = max > out->n ? max - out->n : 0, run = valid_run(*s);
		struct slice c = utf8_cut(slice_mem(s->p, run), room);

		w_raw(out, c.p, c.n);
		s->p += c.n;
		s->n -= c.n;
		if (c.n < run)
			break;
		if (s->n == 0)
			continue;
		c = mended(*s, &n);
		if (out->n > max || c.n > max - out->n)
			break;
		w_raw(out, c.p, c.n);
		broken++;
		s->p += n;
		s->n -= n;
	}
	return broken;
}

struct slice
utf8_cut(struct slice s, size_t max)
{
	if (s.n <= max)
		return s;
	while (max > 0 && cont(s.p[max]))
		max--;
	s.n = max;
	return s;
}

struct slice
utf8_cut_chars(struct slice s, size_t chars)
{
	size_t i = 0;

	for (; i < s.n; i++)
		if (!cont(s.p[i]) && chars-- == 0)
			break;
	s.n = i;
	return s;
}

void
utf8_one_line(struct wbuf *b, size_t start)
{
	size_t to = start;
	bool space = false;

	for (size_t i = start; i < b->n; i++) {
		uint8_t c = b->p[i];

		if (c <= ' ' || c == 0x7f) {
			space = to > start;
			continue;
		}
		if (space)
			b->p[to++] = ' ';
		space = false;
		b->p[to++] = c;
	}
	b->n = to;
}

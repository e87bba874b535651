#include "rfc2047.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base64.h"
#include "charset.h"
#include "limits.h"
#include "utf8.h"

struct word {
	struct slice charset, text, whole;
	char encoding;	/* 'B' or 'Q' */
};

static size_t
find2(struct slice s, size_t from, const char *two)
{
	for (size_t i = from; i + 1 < s.n; i++)
		if (s.p[i] == (uint8_t)two[0] && s.p[i + 1] == (uint8_t)two[1])
			return i;
	return SIZE_MAX;
}

/* =?charset?B?text?= at the start of in; RFC 2231 s. 5 allows charset*language. */
static bool
word_at(struct slice in, struct word *w)
{
	size_t i = 2, end;

	if (in.n < 8 || in.p[0] != '=' || in.p[1] != '?')
		return false;
	while (i < in.n && i - 2 < LIM_CHARSET && in.p[i] != '?' && in.p[i] > ' ')
		i++;
	if (i + 3 >= in.n || in.p[i] != '?' || in.p[i + 2] != '?' || strchr("BbQq", in.p[i + 1]) == NULL)
		return false;
	w->encoding = (char)(in.p[i + 1] & ~0x20);
	w->charset = slice_mem(in.p + 2, i - 2);
	if ((end = find2(in, i + 3, "?=")) == SIZE_MAX)
		return false;
	for (size_t k = 0; k < w->charset.n; k++)
		if (w->charset.p[k] == '*')
			w->charset.n = k;
	w->text = slice_mem(in.p + i + 3, end - i - 3);
	w->whole = slice_mem(in.p, end + 2);
	return true;
}

static int
hex(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void
decode_q(struct wbuf *raw, struct slice s)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c == '=' && i + 2 < s.n && hex(s.p[i + 1]) >= 0 && hex(s.p[i + 2]) >= 0) {
			w_u8(raw, (uint8_t)(hex(s.p[i + 1]) << 4 | hex(s.p[i + 2])));
			i += 2;
		} else {
			w_u8(raw, c == '_' ? ' ' : c);
		}
	}
}

static void
decode_b(struct wbuf *raw, struct slice s)
{
	struct base64 state = { 0 };
	uint8_t buf[1024];

	while (s.n > 0) {
		size_t n = s.n < sizeof(buf) ? s.n : sizeof(buf);

		w_raw(raw, buf, base64_decode(&state, s.p, n, buf));
		s.p += n;
		s.n -= n;
	}
}

static void
decode_word(struct wbuf *raw, const struct word *w)
{
	if (w->encoding == 'B')
		decode_b(raw, w->text);
	else
		decode_q(raw, w->text);
}

static bool
same_charset(struct slice a, struct slice b)
{
	return a.n == b.n && (a.n == 0 || g_ascii_strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0);
}

static size_t
space_run(struct slice s)
{
	size_t n = 0;

	while (n < s.n && (s.p[n] == ' ' || s.p[n] == '\t'))
		n++;
	return n;
}

/*
 * Words of one charset side by side are one run of bytes: mailers split
 * characters over them. White space between encoded words goes (RFC 2047 s. 6.2).
 * Takes the words from *in; raw is a work buffer.
 */
static void
decode_run(struct wbuf *out, struct wbuf *raw, struct slice *in, struct word w, size_t max)
{
	struct slice charset = w.charset, rest;
	bool more;

	wbuf_reset(raw);
	do {
		decode_word(raw, &w);
		in->p += w.whole.n;
		in->n -= w.whole.n;
		rest = *in;
		rest.p += space_run(*in);
		rest.n -= space_run(*in);
		more = word_at(rest, &w);
		if (more)
			*in = rest;
	} while (more && same_charset(charset, w.charset));
	(void)charset_decode(out, charset, wbuf_slice(raw), max);
}

static void
copy_plain(struct wbuf *out, struct slice *in, size_t n, size_t max)
{
	struct slice plain = { in->p, n };

	(void)utf8_clean(out, &plain, max);
	in->p += n;
	in->n -= n;
}

/* Where the last word of the text can end, so that a search for an end never
 * runs over the same bytes again and again. */
static const uint8_t *
last_end(struct slice s)
{
	for (size_t i = s.n; i >= 2; i--)
		if (s.p[i - 2] == '?' && s.p[i - 1] == '=')
			return s.p + i - 2;
	return s.p;
}

void
rfc2047_decode(struct wbuf *out, struct slice in, size_t max)
{
	const uint8_t *last = last_end(in);
	struct wbuf raw;
	struct word w;
	size_t n;

	wbuf_init(&raw, LIM_HEADER_VALUE);
	while (in.n > 0 && out->n < max) {
		if (in.p + 2 > last || (n = find2(in, 0, "=?")) == SIZE_MAX)
			n = in.n;
		copy_plain(out, &in, n, max);
		if (in.n == 0)
			break;
		if (word_at(in, &w))
			decode_run(out, &raw, &in, w, max);
		else
			copy_plain(out, &in, 2, max);
	}
	wbuf_free(&raw);
}

/* ---- encoding ---- */

#define WORD_MAX 75
#define WORD_FRAME 12	/* =?utf-8?Q? and ?= */
#define LINE_MAX_LEN 76

static bool
q_plain(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c != 0 && strchr("!*+-/", c) != NULL);
}

static size_t
q_length(struct slice s)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++)
		n += q_plain(s.p[i]) || s.p[i] == ' ' ? 1 : 3;
	return n;
}

static void
put_q(struct wbuf *out, struct slice s)
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (q_plain(c) || c == ' ') {
			w_u8(out, c == ' ' ? '_' : c);
			continue;
		}
		w_u8(out, '=');
		w_u8(out, (uint8_t)digits[c >> 4]);
		w_u8(out, (uint8_t)digits[c & 15]);
	}
}

static void
put_b(struct wbuf *out, struct slice s)
{
	gchar *b = g_base64_encode(s.p, s.n);

	w_raw(out, b, strlen(b));
	g_free(b);
}

/* How many bytes of text fit one word with room characters for its content. */
static size_t
word_fit(struct slice text, bool b64, size_t room)
{
	size_t n = 0, used = 0;

	while (n < text.n) {
		size_t c = utf8_char(slice_mem(text.p + n, text.n - n));

		if (c == 0)
			c = 1;
		used = b64 ? (n + c + 2) / 3 * 4 : used + q_length(slice_mem(text.p + n, c));
		if (used > room)
			break;
		n += c;
	}
	return n;
}

void
rfc2047_encode(struct wbuf *out, struct slice text, size_t *column)
{
	bool b64 = q_length(text) > (text.n + 2) / 3 * 4;

	while (text.n > 0) {
		size_t left = *column < LINE_MAX_LEN ? LINE_MAX_LEN - *column : 0, n, start;

		if (left > WORD_MAX)
			left = WORD_MAX;
		n = left > WORD_FRAME ? word_fit(text, b64, left - WORD_FRAME) : 0;
		if (n == 0 && *column > 1) {
			w_raw(out, "\r\n ", 3);
			*column = 1;
			continue;
		}
		start = out->n;
		w_raw(out, b64 ? "=?utf-8?B?" : "=?utf-8?Q?", 10);
		(b64 ? put_b : put_q)(out, slice_mem(text.p, n));
		w_raw(out, "?=", 2);
		*column += out->n - start;
		text.p += n;
		text.n -= n;
	}
}

bool
rfc2047_needed(struct slice s)
{
	size_t word = 0;

	for (size_t i = 0; i < s.n; i++) {
		word = s.p[i] == ' ' ? 0 : word + 1;
		if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] >= 0x7f || word > 900)
			return true;
	}
	return find2(s, 0, "=?") != SIZE_MAX;
}

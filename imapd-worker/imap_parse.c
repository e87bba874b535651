/*
 * imap_parse.c - the tokenizer.
 */
#include "imap_parse.h"
#include "limits.h"

#include <strings.h>

void
imap_lex_init(struct imap_lex *x, uint8_t *text, size_t n, size_t inline_max)
{
	static uint8_t nothing[1];

	*x = (struct imap_lex){ .p = n > 0 ? text : nothing, .inline_max = inline_max };
	x->end = x->p + n;
}

static struct imap_tok
fail(struct imap_lex *x)
{
	x->bad = true;
	x->p = x->end;
	return (struct imap_tok){ IMAP_TOK_BAD, SLICE_NONE };
}

uint8_t
imap_lex_peek(struct imap_lex *x)
{
	while (x->p < x->end && *x->p == ' ')
		x->p++;
	return x->p < x->end ? *x->p : 0;
}

/* Escapes are taken out where they stand; the text only gets shorter. */
static struct imap_tok
quoted(struct imap_lex *x)
{
	uint8_t *start = ++x->p, *to = start;

	for (; x->p < x->end && *x->p != '"'; x->p++) {
		if (*x->p == '\\' && ++x->p == x->end)
			return fail(x);
		if (*x->p == '\r' || *x->p == '\n')
			return fail(x);
		*to++ = *x->p;
	}
	if (x->p == x->end)
		return fail(x);
	x->p++;
	return (struct imap_tok){ IMAP_TOK_STRING, { start, (size_t)(to - start) } };
}

/* "{n}", the line end, n bytes; big ones have their bytes elsewhere. */
static struct imap_tok
literal(struct imap_lex *x)
{
	struct imap_tok t = { IMAP_TOK_STRING, SLICE_NONE };
	uint8_t *digits = ++x->p;
	uint64_t n;

	while (x->p < x->end && *x->p >= '0' && *x->p <= '9')
		x->p++;
	if (imap_number(slice_mem(digits, (size_t)(x->p - digits)), LIM_BODY, &n) == -1)
		return fail(x);
	if (x->p < x->end && *x->p == '+')
		x->p++;
	if (x->p == x->end || *x->p++ != '}')
		return fail(x);
	if (x->p < x->end && *x->p == '\r')
		x->p++;
	if (x->p == x->end || *x->p++ != '\n')
		return fail(x);
	if (n > x->inline_max) {
		t.type = IMAP_TOK_BIG;
		t.s.n = (size_t)n;
		return t;
	}
	if ((size_t)(x->end - x->p) < n)
		return fail(x);
	t.s = slice_mem(x->p, (size_t)n);
	x->p += n;
	return t;
}

static bool
atom_char(uint8_t c)
{
	return c > 0x20 && c != 0x7f && c != '(' && c != ')' && c != '"' && c != '{';
}

/* In "BODY[HEADER.FIELDS (From)]" spaces and parentheses belong to the name. */
static bool
section_begins(const uint8_t *start, const uint8_t *p)
{
	size_t n = (size_t)(p - start);

	return (n == 4 && strncasecmp((const char *)start, "BODY", 4) == 0) ||
	       (n == 6 && strncasecmp((const char *)start, "BINARY", 6) == 0);
}

static struct imap_tok
atom(struct imap_lex *x)
{
	uint8_t *start = x->p;

	while (x->p < x->end && atom_char(*x->p)) {
		if (*x->p == '[' && section_begins(start, x->p)) {
			while (x->p < x->end && *x->p != ']' && *x->p != '\n')
				x->p++;
			if (x->p == x->end || *x->p != ']')
				return fail(x);
		}
		x->p++;
	}
	if (x->p == start)
		return fail(x);
	return (struct imap_tok){ IMAP_TOK_ATOM, { start, (size_t)(x->p - start) } };
}

struct imap_tok
imap_lex_next(struct imap_lex *x)
{
	uint8_t c = imap_lex_peek(x);

	if (x->bad)
		return fail(x);
	if (x->p == x->end)
		return (struct imap_tok){ IMAP_TOK_END, SLICE_NONE };
	switch (c) {
	case '(':
		x->p++;
		if (++x->depth > LIM_IMAP_DEPTH)
			return fail(x);
		return (struct imap_tok){ IMAP_TOK_OPEN, SLICE_NONE };
	case ')':
		x->p++;
		if (x->depth == 0)
			return fail(x);
		x->depth--;
		return (struct imap_tok){ IMAP_TOK_CLOSE, SLICE_NONE };
	case '"':
		return quoted(x);
	case '~':
		if (x->end - x->p > 1 && x->p[1] == '{') {
			x->p++;
			return literal(x);
		}
		return atom(x);
	case '{':
		return literal(x);
	default:
		return atom(x);
	}
}

struct slice
imap_lex_rest(struct imap_lex *x)
{
	struct slice s;

	(void)imap_lex_peek(x);
	s = slice_mem(x->p, (size_t)(x->end - x->p));
	x->p = x->end;
	return s;
}

int
imap_lex_skip(struct imap_lex *x)
{
	unsigned int depth = x->depth;

	do {
		struct imap_tok t = imap_lex_next(x);

		if (t.type == IMAP_TOK_BAD || t.type == IMAP_TOK_END || x->depth < depth) {
			(void)fail(x);
			return -1;
		}
	} while (x->depth > depth);
	return 0;
}

static int
expect(struct imap_lex *x, enum imap_tok_type type)
{
	if (imap_lex_next(x).type == type)
		return 0;
	(void)fail(x);
	return -1;
}

int
imap_lex_open(struct imap_lex *x)
{
	return expect(x, IMAP_TOK_OPEN);
}

int
imap_lex_close(struct imap_lex *x)
{
	return expect(x, IMAP_TOK_CLOSE);
}

int
imap_lex_atom(struct imap_lex *x, struct slice *out)
{
	struct imap_tok t = imap_lex_next(x);

	*out = t.s;
	if (t.type == IMAP_TOK_ATOM)
		return 0;
	(void)fail(x);
	return -1;
}

int
imap_lex_string(struct imap_lex *x, struct slice *out)
{
	struct imap_tok t = imap_lex_next(x);

	*out = t.s;
	if (t.type == IMAP_TOK_ATOM || t.type == IMAP_TOK_STRING)
		return 0;
	(void)fail(x);
	return -1;
}

int
imap_lex_nstring(struct imap_lex *x, struct slice *out)
{
	struct imap_tok t = imap_lex_next(x);

	*out = t.s;
	if (t.type == IMAP_TOK_ATOM && slice_case_eq_str(t.s, "NIL")) {
		*out = SLICE_NONE;
		return 0;
	}
	if (t.type == IMAP_TOK_ATOM || t.type == IMAP_TOK_STRING)
		return 0;
	(void)fail(x);
	return -1;
}

int
imap_number(struct slice s, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;
	size_t i;

	if (s.n == 0 || s.n > 20)
		return -1;
	for (i = 0; i < s.n; i++) {
		unsigned int d = (unsigned int)s.p[i] - '0';

		if (d > 9 || v > (UINT64_MAX - d) / 10)
			return -1;
		v = v * 10 + d;
	}
	*out = v;
	return v <= max ? 0 : -1;
}

int
imap_lex_u64(struct imap_lex *x, uint64_t *out)
{
	struct slice s;

	if (imap_lex_atom(x, &s) == 0 && imap_number(s, UINT64_MAX, out) == 0)
		return 0;
	(void)fail(x);
	return -1;
}

int
imap_lex_u32(struct imap_lex *x, uint32_t *out)
{
	struct slice s;
	uint64_t v;

	if (imap_lex_atom(x, &s) == -1 || imap_number(s, UINT32_MAX, &v) == -1) {
		(void)fail(x);
		return -1;
	}
	*out = (uint32_t)v;
	return 0;
}

#include "structure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"
#include "log.h"
#include "part_header.h"

struct level {
	int part;		/* the multipart */
	char *boundary;
	size_t len;
	uint32_t hash;		/* of the boundary: most lines are told apart by it */
};

struct scan {
	struct mime_tree *tree;
	struct slice message;
	struct level stack[LIM_PART_DEPTH];
	size_t depth;
	int cur;		/* the leaf whose lines are read, or -1: preamble, epilogue */
	bool in_header;
	size_t line;		/* offset of the line being read */
	bool full;
};

static struct slice
span(const struct scan *s, size_t from, size_t to)
{
	return slice_mem(s->message.p + from, to > from ? to - from : 0);
}

static size_t
offset(const struct scan *s, struct slice at)
{
	return (size_t)(at.p - s->message.p);
}

/* The line end before a boundary line belongs to the boundary (RFC 2046 s. 5.1.1). */
static size_t
before_boundary(const struct scan *s, size_t line)
{
	if (line > 0 && s->message.p[line - 1] == '\n')
		line--;
	if (line > 0 && s->message.p[line - 1] == '\r')
		line--;
	return line;
}

/* Nothing more belongs to the innermost multipart. One without a single part
 * (a boundary that never comes) is shown as the text it holds. */
static void
pop(struct scan *s, size_t end)
{
	struct level *l = &s->stack[--s->depth];
	struct mime_part *p = &s->tree->part[l->part];

	free(l->boundary);
	if (p->opaque)
		return;
	p->body = span(s, offset(s, p->body), end);
	if (s->tree->n == (size_t)l->part + 1)
		part_header_override(p, "text/plain");
}

static uint32_t
hash(struct slice s)
{
	uint32_t h = 0x811c9dc5u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ s.p[i]) * 0x01000193u;
	return h;
}

static void
opaque(struct scan *s, struct mime_part *p, size_t end)
{
	size_t from = offset(s, p->body);

	part_header_override(p, "application/octet-stream");
	p->opaque = true;
	p->body = span(s, from, end);
}

/* The header of the current part is complete; its body begins at body. */
static void
header_done(struct scan *s, size_t body)
{
	struct mime_part *p = &s->tree->part[s->cur];
	bool digest = p->parent >= 0 && s->tree->part[p->parent].digest;
	char *boundary;

	p->header = span(s, offset(s, p->header), body);
	p->body = span(s, body, body);
	s->in_header = false;
	part_header_parse(p, digest, &boundary);
	if (!p->multipart) {
		free(boundary);
	} else if (boundary == NULL || boundary[0] == '\0') {
		free(boundary);
		part_header_override(p, "text/plain");
	} else if (s->depth == LIM_PART_DEPTH) {
		free(boundary);
		opaque(s, p, body);
	} else {
		s->stack[s->depth++] = (struct level){ s->cur, boundary, strlen(boundary), hash(slice_str(boundary)) };
		s->cur = -1;
	}
}

/* One part too many: the last one takes all the rest, from its header on. */
static void
too_many(struct scan *s)
{
	struct mime_part *last = &s->tree->part[LIM_PARTS - 1];

	last->body = last->header;
	opaque(s, last, s->message.n);
	s->full = true;
}

static void
begin_part(struct scan *s, int parent, size_t at)
{
	struct mime_tree *t = s->tree;
	struct mime_part *p = &t->part[t->n];

	if (t->n == LIM_PARTS) {
		too_many(s);
		return;
	}
	*p = (struct mime_part){ .parent = parent, .header = span(s, at, at), .body = span(s, at, at) };
	if (parent >= 0)
		p->depth = (uint8_t)(t->part[parent].depth + 1);
	part_header_override(p, "text/plain");
	s->cur = (int)t->n++;
	s->in_header = true;
}

static void
end_leaf(struct scan *s, size_t end)
{
	struct mime_part *p;

	if (s->cur < 0)
		return;
	if (s->in_header)
		header_done(s, end);
	if (s->cur < 0)		/* a multipart whose header was all there is */
		return;
	p = &s->tree->part[s->cur];
	p->body = span(s, offset(s, p->body), end);
	s->cur = -1;
}

/* White space after a boundary means nothing. */
static struct slice
trimmed(struct slice line)
{
	while (line.n > 0 && memchr(" \t\r\n", line.p[line.n - 1], 4) != NULL)
		line.n--;
	return line;
}

/* The innermost level whose boundary mark is, from 1; 0: none. */
static size_t
find_level(const struct scan *s, struct slice mark)
{
	uint32_t h = hash(mark);
	size_t d = s->depth;

	for (; d > 0; d--) {
		const struct level *l = &s->stack[d - 1];

		if (l->hash == h && l->len == mark.n && memcmp(l->boundary, mark.p, mark.n) == 0)
			break;
	}
	return d;
}

/* "--boundary" separates, "--boundary--" closes. An outer boundary ends
 * whatever is open inside it. */
static bool
boundary_line(struct scan *s, struct slice line)
{
	struct slice mark = trimmed(line);
	size_t end = before_boundary(s, s->line), d;
	bool closing = false;
	int parent;

	mark = slice_mem(mark.p + 2, mark.n - 2);
	d = find_level(s, mark);
	if (d == 0 && mark.n > 2 && mark.p[mark.n - 1] == '-' && mark.p[mark.n - 2] == '-') {
		mark.n -= 2;
		d = find_level(s, mark);
		closing = true;
	}
	if (d == 0)
		return false;
	end_leaf(s, end);
	while (s->depth > d)
		pop(s, end);
	parent = s->stack[d - 1].part;
	if (closing)
		pop(s, end);
	else
		begin_part(s, parent, s->line + line.n);
	return true;
}

static void
header_line_read(struct scan *s, struct slice line)
{
	bool first = offset(s, s->tree->part[s->cur].header) == s->line;

	if (header_line_empty(line))
		header_done(s, s->line + line.n);
	else if (first && !header_line_begins(line))
		header_done(s, s->line);
}

static bool
may_be_boundary(const struct scan *s, struct slice line)
{
	return s->depth > 0 && line.n > 2 && line.p[0] == '-' && line.p[1] == '-';
}

static void
scan_lines(struct scan *s)
{
	while (s->line < s->message.n && !s->full) {
		struct slice line = span(s, s->line, s->message.n);

		line.n = header_line(line);
		if (!(may_be_boundary(s, line) && boundary_line(s, line)) && s->in_header && s->cur >= 0)
			header_line_read(s, line);
		s->line += line.n;
	}
	if (!s->full)
		end_leaf(s, s->message.n);
	while (s->depth > 0)
		pop(s, s->message.n);
}

struct mime_tree *
structure_parse(struct slice message)
{
	struct scan s = { .message = message.n > 0 ? message : slice_str(""), .cur = -1 };
	unsigned int leaf = 0;

	if ((s.tree = calloc(1, sizeof(*s.tree))) == NULL)
		return NULL;
	begin_part(&s, -1, 0);
	scan_lines(&s);
	for (size_t i = 0; i < s.tree->n; i++)
		if (!s.tree->part[i].multipart)
			s.tree->part[i].leaf = ++leaf;
	return s.tree;
}

void
structure_free(struct mime_tree *t)
{
	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n; i++)
		part_header_free(&t->part[i]);
	free(t);
}

struct slice
structure_id(const struct mime_part *p, char buf[16])
{
	int n = p->leaf > 0 ? snprintf(buf, 16, "%u", p->leaf) : 0;

	return slice_mem(buf, (size_t)n);
}

const struct mime_part *
structure_find(const struct mime_tree *t, struct slice part_id)
{
	char buf[16];

	for (size_t i = 0; i < t->n; i++)
		if (part_id.n > 0 && slice_eq(structure_id(&t->part[i], buf), part_id))
			return &t->part[i];
	return NULL;
}

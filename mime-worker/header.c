#include "header.h"

#include <string.h>

#include "limits.h"
#include "utf8.h"

size_t
header_line(struct slice s)
{
	const uint8_t *nl = s.n > 0 ? memchr(s.p, '\n', s.n) : NULL;

	return nl != NULL ? (size_t)(nl - s.p) + 1 : s.n;
}

bool
header_line_empty(struct slice line)
{
	return line.n == 0 || line.p[0] == '\n' || (line.p[0] == '\r' && line.n >= 2 && line.p[1] == '\n');
}

static bool
is_space(uint8_t c)
{
	return c == ' ' || c == '\t';
}

/* The length of the name, and *colon = where the colon stands; 0: no field. */
static size_t
field_name(struct slice line, size_t *colon)
{
	size_t n = 0, i;

	while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f && line.p[n] != ':')
		n++;
	for (i = n; i < line.n && is_space(line.p[i]); i++)
		;
	if (n == 0 || i >= line.n || line.p[i] != ':')
		return 0;
	*colon = i;
	return n;
}

bool
header_line_is_field(struct slice line)
{
	size_t colon;

	return field_name(line, &colon) > 0;
}

bool
header_line_begins(struct slice line)
{
	return header_line_is_field(line) ||
	    (line.n > 5 && (memcmp(line.p, "From ", 5) == 0 || memcmp(line.p, ">From", 5) == 0));
}

void
header_split(struct slice message, struct slice *header, struct slice *body)
{
	struct slice rest = message.n > 0 ? message : slice_str("");
	struct slice line = { rest.p, header_line(rest) };

	*header = slice_mem(message.p, 0);
	*body = message;
	if (!header_line_empty(line) && !header_line_begins(line))
		return;
	while (rest.n > 0 && !header_line_empty(line)) {
		rest.p += line.n;
		rest.n -= line.n;
		line = slice_mem(rest.p, header_line(rest));
	}
	header->n = message.n - rest.n;
	*body = slice_mem(rest.p + line.n, rest.n - line.n);
}

/* The line at the start of *rest with the folded lines that follow it. */
static struct slice
take_folded(struct slice *rest)
{
	size_t n = header_line(*rest);
	struct slice whole;

	while (n < rest->n && is_space(rest->p[n]))
		n += header_line(slice_mem(rest->p + n, rest->n - n));
	whole = slice_mem(rest->p, n);
	rest->p += n;
	rest->n -= n;
	return whole;
}

bool
header_next(struct slice *rest, struct header_field *f)
{
	while (rest->n > 0) {
		size_t colon = 0, n, end;

		f->whole = take_folded(rest);
		if ((n = field_name(f->whole, &colon)) == 0)
			continue;
		end = f->whole.n;
		if (end > colon + 1 && f->whole.p[end - 1] == '\n')
			end--;
		if (end > colon + 1 && f->whole.p[end - 1] == '\r')
			end--;
		f->name = slice_mem(f->whole.p, n);
		f->value = slice_mem(f->whole.p + colon + 1, end - colon - 1);
		return true;
	}
	return false;
}

/* Most fields are told apart by their first letter already: those wanted with
 * the same one hang together. */
#define LETTERS 32
#define NONE UINT8_MAX
struct wanted {
	struct header_want *want;
	uint8_t first[LETTERS], next[HEADER_WANTS];
};

static size_t
letter(uint8_t c)
{
	return c % LETTERS;	/* the same for both cases */
}

static void
compare(struct wanted *w, const struct header_field *f)
{
	for (uint8_t i = w->first[letter(f->name.p[0])]; i != NONE; i = w->next[i]) {
		struct header_want *want = &w->want[i];

		if ((want->last || !want->found) && slice_case_eq_str(f->name, want->name)) {
			want->found = true;
			want->value = f->value;
		}
	}
}

void
header_find(struct slice header, struct header_want *want, size_t n)
{
	struct wanted w = { .want = want };
	struct header_field f;

	memset(w.first, NONE, sizeof(w.first));
	for (size_t i = 0; i < n && i < HEADER_WANTS; i++) {
		uint8_t *first = &w.first[letter((uint8_t)want[i].name[0])];

		want[i].found = false;
		want[i].value = SLICE_NONE;
		w.next[i] = *first;
		*first = (uint8_t)i;
	}
	for (size_t seen = 0; seen < LIM_HEADER_FIELDS && header_next(&header, &f); seen++)
		compare(&w, &f);
}

void
header_unfold(struct wbuf *out, struct slice value)
{
	size_t max = out->n + LIM_HEADER_VALUE;
	struct slice s = value.n > LIM_HEADER_VALUE ? slice_mem(value.p, LIM_HEADER_VALUE) : value;

	while (s.n > 0 && (is_space(s.p[0]) || s.p[0] == '\r' || s.p[0] == '\n'))
		s.p++, s.n--;
	while (s.n > 0 && (is_space(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n'))
		s.n--;
	while (s.n > 0) {
		struct slice line = { s.p, header_line(s) }, text = line;

		while (text.n > 0 && (text.p[text.n - 1] == '\n' || text.p[text.n - 1] == '\r'))
			text.n--;
		(void)utf8_clean(out, &text, max);
		s.p += line.n;
		s.n -= line.n;
	}
}

#include "html.h"

#include <string.h>

#include "html_entity.h"
#include "utf8.h"

struct html {
	struct slice in;
	struct wbuf *out;
	size_t start, max;
	unsigned int newlines;	/* owed before the next text */
	bool space;		/* owed too */
	bool preformatted;
};

static void
next(struct html *h, size_t n)
{
	h->in.p += n;
	h->in.n -= n;
}

/* Text: what is owed first. Nothing is owed at the very beginning. */
static void
put(struct html *h, struct slice s)
{
	struct slice gap = SLICE_NONE;

	if (h->out->n > h->start && h->newlines > 0)
		gap = slice_mem("\n\n", h->newlines);
	else if (h->out->n > h->start && h->space)
		gap = slice_mem(" ", 1);
	h->newlines = 0;
	h->space = false;
	(void)utf8_clean(h->out, &gap, h->max);
	(void)utf8_clean(h->out, &s, h->max);
	if (s.n > 0)
		h->max = h->out->n;	/* full: nothing may follow the gap */
}

static void
owe(struct html *h, unsigned int newlines)
{
	if (h->newlines < newlines)
		h->newlines = newlines;
}

struct element {
	const char *name;
	unsigned int newlines;	/* before and after it */
	bool skip;		/* its content is no text of the message */
};

static const struct element elements[] = {
	{ "p", 2, false }, { "div", 1, false }, { "tr", 1, false }, { "table", 1, false }, { "ul", 1, false },
	{ "ol", 1, false }, { "li", 1, false }, { "h1", 2, false }, { "h2", 2, false }, { "h3", 2, false },
	{ "h4", 2, false }, { "h5", 2, false }, { "h6", 2, false }, { "blockquote", 2, false }, { "pre", 1, false },
	{ "hr", 1, false }, { "section", 1, false }, { "article", 1, false }, { "header", 1, false },
	{ "footer", 1, false }, { "dt", 1, false }, { "dd", 1, false }, { "script", 0, true }, { "style", 0, true },
	{ "title", 0, true }, { "template", 0, true },
};

static const struct element *
element_find(struct slice name)
{
	for (size_t i = 0; i < sizeof(elements) / sizeof(elements[0]); i++)
		if (slice_case_eq_str(name, elements[i].name))
			return &elements[i];
	return NULL;
}

static bool
letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Behind the ">" of the tag at s; quotes hide one. The rest when there is none. */
static size_t
tag_end(struct slice s)
{
	uint8_t quote = 0;

	for (size_t i = 1; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (quote != 0)
			quote = c == quote ? 0 : quote;
		else if ((c == '"' || c == '\'') && s.p[i - 1] == '=')
			quote = c;
		else if (c == '>')
			return i + 1;
	}
	return s.n;
}

/* To behind </name ...>, or the end. */
static void
skip_content(struct html *h, const char *name)
{
	size_t len = strlen(name);

	while (h->in.n > 0) {
		const uint8_t *lt = memchr(h->in.p, '<', h->in.n);

		next(h, lt != NULL ? (size_t)(lt - h->in.p) : h->in.n);
		if (h->in.n > len + 2 && h->in.p[1] == '/' && slice_case_eq_str(slice_mem(h->in.p + 2, len), name)) {
			next(h, tag_end(h->in));
			return;
		}
		if (h->in.n > 0)
			next(h, 1);
	}
}

static void
tag(struct html *h)
{
	bool close = h->in.n > 1 && h->in.p[1] == '/';
	size_t from = close ? 2 : 1, to = from;
	const struct element *e;
	struct slice name;

	while (to < h->in.n && (letter(h->in.p[to]) || (h->in.p[to] >= '0' && h->in.p[to] <= '9')))
		to++;
	name = slice_mem(h->in.p + from, to - from);
	e = element_find(name);
	if (slice_case_eq_str(name, "br"))
		h->newlines += h->newlines < 2;
	if (slice_case_eq_str(name, "td") || slice_case_eq_str(name, "th"))
		h->space = true;
	if (slice_case_eq_str(name, "pre"))
		h->preformatted = !close;
	if (e != NULL)
		owe(h, e->newlines);
	next(h, tag_end(h->in));
	if (!close && slice_case_eq_str(name, "li"))
		put(h, slice_str("- "));
	if (!close && e != NULL && e->skip)
		skip_content(h, e->name);
}

static void
comment(struct html *h)
{
	const uint8_t *end = memmem(h->in.p, h->in.n, "-->", 3);

	next(h, end != NULL ? (size_t)(end + 3 - h->in.p) : h->in.n);
}

static void
markup(struct html *h)
{
	if (h->in.n >= 4 && memcmp(h->in.p, "<!--", 4) == 0)
		comment(h);
	else if (h->in.n > 1 && (letter(h->in.p[1]) || (h->in.n > 2 && h->in.p[1] == '/' && letter(h->in.p[2]))))
		tag(h);
	else if (h->in.n > 1 && (h->in.p[1] == '!' || h->in.p[1] == '?' || h->in.p[1] == '/'))
		next(h, tag_end(h->in));
	else {
		put(h, slice_mem("<", 1));
		next(h, 1);
	}
}

static void
entity(struct html *h)
{
	char buf[4];
	size_t n, used = html_entity(h->in, buf, &n);

	if (used == 0) {
		put(h, slice_mem("&", 1));
		next(h, 1);
		return;
	}
	next(h, used);
	if (n == 1 && buf[0] == ' ')
		h->space = true;
	else if (n > 0)
		put(h, slice_mem(buf, n));
}

static void
white(struct html *h)
{
	if (h->preformatted && h->in.p[0] == '\n' && h->newlines < 2)
		h->newlines++;
	else
		h->space = true;
	next(h, 1);
}

static void
run(struct html *h)
{
	size_t n = 0;

	while (n < h->in.n && h->in.p[n] > ' ' && h->in.p[n] != '<' && h->in.p[n] != '&')
		n++;
	put(h, slice_mem(h->in.p, n));
	next(h, n);
}

void
html_text(struct wbuf *out, struct slice html, size_t max)
{
	struct html h = { .in = html, .out = out, .start = out->n, .max = max };

	while (h.in.n > 0 && h.out->n < h.max) {
		uint8_t c = h.in.p[0];

		if (c == '<')
			markup(&h);
		else if (c == '&')
			entity(&h);
		else if (c <= ' ')
			white(&h);
		else
			run(&h);
	}
}

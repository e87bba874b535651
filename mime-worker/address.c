#include "address.h"

#include <string.h>

#include "limits.h"
#include "messages.h"
#include "rfc2047.h"
#include "utf8.h"

/*
 * One mailbox while it is read. Until "<" or "@" shows up nobody knows
 * whether words are a name or an address, so both are kept: text as a human
 * reads it, addr as an address without white space. addr holds the last run
 * of words joined by dots and "@"; name_len is how much of text precedes it.
 */
struct parser {
	struct slice in;
	struct wbuf text, addr, comment;
	size_t name_len;
	bool angle;	/* addr came out of angle brackets: text is the name */
	bool at;	/* addr has an "@" */
	bool closed;	/* words after a bare address: no part of it */
	bool stray;	/* words after <>: only an address among them counts */
	bool space;	/* white space or a comment came before this point */
	bool unquoted;	/* a quote that nothing closes was seen: they mean nothing now */
	bool group;
	struct wbuf *list;
	size_t max, count, *budget;
};

static void
next(struct parser *p, size_t n)
{
	p->in.p += n;
	p->in.n -= n;
}

static void
reset(struct parser *p)
{
	wbuf_reset(&p->text);
	wbuf_reset(&p->addr);
	wbuf_reset(&p->comment);
	p->name_len = 0;
	p->angle = p->at = p->closed = p->stray = p->space = false;
}

/* ---- what one mailbox becomes ---- */

static void
decode_name(struct wbuf *out, struct slice raw)
{
	rfc2047_decode(out, raw, (size_t)LIM_NAME * 4);
	utf8_one_line(out, 0);
	out->n = utf8_cut(wbuf_slice(out), LIM_NAME).n;
}

static bool
has_text(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] > ' ')
			return true;
	return false;
}

/* The words that are the name: all before <>, or those before a bare address,
 * or, without any address, all. */
static struct slice
name_part(const struct parser *p)
{
	struct slice text = wbuf_slice(&p->text);

	if (p->angle)
		return has_text(text) ? text : wbuf_slice(&p->comment);
	if (!p->at && p->name_len > 0)
		return text;
	text.n = p->name_len;
	return has_text(text) ? text : wbuf_slice(&p->comment);
}

static struct slice
addr_part(const struct parser *p)
{
	struct slice a = wbuf_slice(&p->addr);

	if (!p->angle && !p->at && (p->name_len > 0 || p->stray))
		return SLICE_NONE;	/* several words and no address in them */
	return a.n <= LIM_ADDRESS ? a : SLICE_NONE;
}

static void
add_item(struct parser *p, struct slice name, struct slice email)
{
	struct rec_address rec = { .name = name, .email = email };
	struct wbuf item;

	wbuf_init(&item, 1024);
	rec_address_encode(&item, &rec);
	if (!item.failed && item.n + 2 <= *p->budget) {
		list_add(p->list, wbuf_slice(&item));
		*p->budget -= item.n + 2;
		p->count++;
	} else {
		p->count = p->max;	/* full: what follows is not kept */
	}
	wbuf_free(&item);
}

static void
finish(struct parser *p)
{
	struct slice email = addr_part(p);
	struct wbuf name;

	if (p->count < p->max && (email.n > 0 || (!p->stray && has_text(wbuf_slice(&p->text))))) {
		wbuf_init(&name, LIM_HEADER_VALUE);
		decode_name(&name, name_part(p));
		if (name.n > 0 || email.n > 0)
			add_item(p, wbuf_slice(&name), email);
		wbuf_free(&name);
	}
	reset(p);
}

/* ---- pieces ---- */

/* A comment, nested or not closed; the last one of a mailbox is kept. */
static void
comment(struct parser *p)
{
	size_t depth = 0;

	wbuf_reset(&p->comment);
	while (p->in.n > 0) {
		uint8_t c = p->in.p[0];

		if (c == '(')
			depth++;
		if (c == ')' && --depth == 0) {
			next(p, 1);
			break;
		}
		if (c == '\\' && p->in.n > 1) {
			next(p, 1);
			c = p->in.p[0];
		}
		if (depth > 1 || c != '(')
			w_u8(&p->comment, c);
		next(p, 1);
	}
	p->space = true;
}

static bool
joins(uint8_t c)
{
	return c == '.' || c == '@';
}

/* A new word begins unless this piece belongs to the address before it. */
static void
begin_piece(struct parser *p, uint8_t c)
{
	bool new_word;

	if (p->angle) {		/* a comma is missing, or it is noise */
		finish(p);
		p->stray = true;
	}
	new_word = p->space && !joins(c) && p->addr.n > 0 && !joins(p->addr.p[p->addr.n - 1]);
	if (p->space && p->text.n > 0)
		w_u8(&p->text, ' ');
	p->space = false;
	if (new_word && p->at) {
		p->closed = true;
	} else if (new_word) {
		wbuf_reset(&p->addr);
		p->name_len = p->text.n;
	}
}

static void
put_addr(struct parser *p, size_t n)
{
	if (!p->closed)
		w_raw(&p->addr, p->in.p, n);
}

/* Where a quoted string that begins at s ends, or 0: no closing quote. */
static size_t
quoted_end(struct slice s)
{
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '\\')
			i++;
		else if (s.p[i] == '"')
			return i + 1;
	}
	return 0;
}

/* The length of the quoted string here, or 0. A quote that is not closed is
 * dropped, and so are all after it (RFC 7103 s. 7.1.4): no second search. */
static size_t
quoted_here(struct parser *p)
{
	size_t n = p->unquoted ? 0 : quoted_end(p->in);

	p->unquoted = n == 0;
	return n;
}

static void
quoted(struct parser *p)
{
	size_t n = quoted_here(p);

	begin_piece(p, '"');
	if (n == 0) {
		next(p, 1);
		return;
	}
	put_addr(p, n);
	for (size_t i = 1; i + 1 < n; i++) {
		if (p->in.p[i] == '\\' && i + 2 < n)
			i++;
		w_u8(&p->text, p->in.p[i]);
	}
	next(p, n);
}

static void
literal(struct parser *p)
{
	size_t n = 1;

	begin_piece(p, '[');
	while (n < p->in.n && p->in.p[n - 1] != ']' && p->in.p[n] != ',' && p->in.p[n] != '>')
		n++;
	put_addr(p, n);
	w_raw(&p->text, p->in.p, n);
	next(p, n);
}

/* What ends a word: white space and the specials of RFC 5322 s. 3.2.3. */
static bool
ends_word(uint8_t c)
{
	switch (c) {
	case '(': case ')': case '<': case '>': case '@': case ',': case ';': case ':': case '\\': case '"': case '[':
	case ']': case '.':
		return true;
	default:
		return c <= ' ';
	}
}

/* Any other character, with the rest of its word. */
static void
word(struct parser *p)
{
	size_t n = 1;

	begin_piece(p, p->in.p[0]);
	while (n < p->in.n && !ends_word(p->in.p[n]))
		n++;
	if (p->in.p[0] == '@')
		p->at = true;
	put_addr(p, n);
	w_raw(&p->text, p->in.p, n);
	next(p, n);
}

/* "@a,@b:" before the address, RFC 5322 s. 4.4 obs-route. */
static void
skip_route(struct parser *p)
{
	const uint8_t *end;
	size_t n;

	if (p->in.n == 0 || p->in.p[0] != '@' || (end = memchr(p->in.p, ':', p->in.n)) == NULL)
		return;
	n = (size_t)(end - p->in.p);
	if (memchr(p->in.p, '>', n) == NULL)
		next(p, n + 1);
}

/* What is one with the address inside angle brackets. */
static bool
in_angle(uint8_t c)
{
	return c > ' ' && c != '(' && c != '"' && c != '>' && c != ',' && c != ';' && c != '<';
}

static void
angle_piece(struct parser *p)
{
	uint8_t c = p->in.p[0];
	size_t n = c == '"' ? quoted_here(p) : 0;

	if (c == '(') {
		comment(p);
		return;
	}
	if (n == 0)
		n = 1;
	while (in_angle(c) && n < p->in.n && in_angle(p->in.p[n]))
		n++;
	if (n > 1 || c > ' ')
		w_raw(&p->addr, p->in.p, n);
	next(p, n);
}

/* Inside angle brackets white space and comments mean nothing. */
static void
angle(struct parser *p)
{
	while (p->in.n > 0 && (p->in.p[0] == '<' || p->in.p[0] == ' '))
		next(p, 1);
	skip_route(p);
	wbuf_reset(&p->addr);
	p->angle = true;
	while (p->in.n > 0 && strchr(">,;<", p->in.p[0]) == NULL)
		angle_piece(p);
	while (p->in.n > 0 && p->in.p[0] == '>')
		next(p, 1);
}

/*
 * "Doe, John <j@x>" without quotes: the comma belongs to the name when words
 * without an address precede it and "<" comes before the next comma.
 */
static bool
comma_in_name(const struct parser *p)
{
	struct slice s = p->in;

	if (p->at || p->angle || p->group || p->text.n == 0)
		return false;
	for (size_t i = 1; i < s.n && s.p[i] != ',' && s.p[i] != '@' && s.p[i] != '"'; i++)
		if (s.p[i] == '<')
			return true;
	return false;
}

static void
separator(struct parser *p, uint8_t c)
{
	if (c == ',' && comma_in_name(p)) {
		w_u8(&p->text, ',');
		next(p, 1);
		return;
	}
	if (c == ':' && !p->at && !p->angle) {
		reset(p);	/* the name of a group; nested ones are all the same to us */
		p->group = true;
	} else if (c != ':') {
		finish(p);
		p->group = p->group && c != ';';
	}
	next(p, 1);
}

static void
piece(struct parser *p)
{
	uint8_t c = p->in.p[0];

	if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
		p->space = true;
		next(p, 1);
	} else if (c == '(') {
		comment(p);
	} else if (c == ',' || c == ';' || c == ':') {
		separator(p, c);
	} else if (c == '<') {
		if (p->angle)
			finish(p);	/* the comma between two addresses is missing */
		angle(p);
	} else if (c == '>' || c == '\\') {
		next(p, 1);
	} else if (c == '"') {
		quoted(p);
	} else if (c == '[') {
		literal(p);
	} else {
		word(p);
	}
}

void
address_list(struct wbuf *list, struct slice value, size_t max, size_t *budget)
{
	struct parser p = { .in = value, .list = list, .max = max, .budget = budget };

	p.text.max = p.addr.max = p.comment.max = (size_t)LIM_HEADER_VALUE + 16;
	while (p.in.n > 0 && p.count < max)
		piece(&p);
	finish(&p);
	wbuf_free(&p.text);
	wbuf_free(&p.addr);
	wbuf_free(&p.comment);
}

#include "audit_check.h"

#include <string.h>

void
audit_check_init(struct audit_check *c, bool join)
{
	*c = (struct audit_check){ .join = join };
}

void
audit_check_begin(struct audit_check *c, uint64_t number)
{
	c->line = 0;
	c->at = c->n = c->done = 0;
	c->begins = !c->join;
	c->number = number;
	c->unterminated = false;
	if (c->torn_end > 0 && c->wrong == NULL) {
		c->wrong = "the file before it ends in the middle of a line";
		c->wrong_line = 1;
	}
}

static int
broken(struct audit_check *c, uint64_t line, const char *why)
{
	if (c->wrong == NULL) {
		c->wrong = why;
		c->wrong_line = line;
	}
	return -1;
}

/* ---- one line that is one ---- */

/* The first line of a file: what stands before it is in the line itself. */
static const char *
begin_file(struct audit_check *c, const struct audit_line *l)
{
	struct audit_head before = { .seq = l->seq - 1 };
	uint64_t number;

	if (!slice_eq_str(l->event, "audit.file") ||
	    audit_hex_parse(audit_line_value(l, "previous"), before.hash) == -1 ||
	    audit_number_parse(audit_line_value(l, "number"), &number) == -1)
		return "a file begins with audit.file: lines before this one are missing";
	if (c->number != 0 && number != c->number)
		return "this is another file than its name says";
	if (c->head.seq == 0)
		c->head = before;
	else if (c->head.seq != before.seq || memcmp(c->head.hash, before.hash, AUDIT_HASH_N) != 0)
		return "it does not follow the last line of the file before it";
	return NULL;
}

/* Were the bytes before it torn by a crash? It says so, if it is the line for it. */
static bool
explains(const struct audit_check *c, const struct audit_line *l)
{
	struct slice bytes = slice_mem(c->buf + c->at, c->done - 1);	/* without the last newline */
	uint8_t digest[AUDIT_HASH_N], said[AUDIT_HASH_N];
	uint64_t n;

	if (!slice_eq_str(l->event, "audit.torn") || audit_number_parse(audit_line_value(l, "bytes"), &n) == -1 ||
	    n != bytes.n || audit_hex_parse(audit_line_value(l, "digest"), said) == -1)
		return false;
	audit_chain_digest(bytes, digest);
	return memcmp(digest, said, sizeof(digest)) == 0;
}

static const char *
sequence_word(uint64_t seq, uint64_t due)
{
	return seq > due ? "its number is too high: lines before it are missing"
			 : "its number was there before: it was inserted, repeated or moved";
}

static int
accept(struct audit_check *c, const struct audit_line *l)
{
	const struct audit_head *x = &c->expect;

	c->head.seq = l->seq;
	memcpy(c->head.hash, l->hash, AUDIT_HASH_N);
	c->first = c->lines++ == 0 ? l->seq : c->first;
	if (x->seq == l->seq && memcmp(x->hash, l->hash, AUDIT_HASH_N) != 0)
		return broken(c, c->line, "it is not the line that stood here once: all was written anew from some point on");
	if (c->on_line != NULL)
		c->on_line(c->ctx, l);
	return 0;
}

static int
good_line(struct audit_check *c, const struct audit_line *l)
{
	const char *why;

	if (c->join) {
		c->join = false;
		c->done = 0;
		return accept(c, l);
	}
	if (c->done > 0 && !explains(c, l))
		return broken(c, c->done_line, "it is no line of an audit log");
	if (c->begins && (why = begin_file(c, l)) != NULL)
		return broken(c, c->line, why);
	c->begins = false;
	if (l->seq != c->head.seq + 1)
		return broken(c, c->line, sequence_word(l->seq, c->head.seq + 1));
	if (!audit_line_follows(l, &c->head))
		return broken(c, c->line, "its hash is wrong: it or the line before it was changed");
	c->torn += c->done > 0;
	c->done = 0;
	return accept(c, l);
}

/* ---- bytes into lines ---- */

static int
too_long(struct audit_check *c, uint64_t line)
{
	return broken(c, c->done > 0 ? c->done_line : line, "it is longer than a line can be");
}

/* The line that ends before end, an offset in buf. */
static int
whole_line(struct audit_check *c, size_t end)
{
	struct audit_line l;
	size_t start = c->at + c->done;

	c->line++;
	if (end - start > LIM_AUDIT_LINE)
		return too_long(c, c->line);
	if (audit_line_parse(slice_mem(c->buf + start, end - start), &l) == 0) {
		if (good_line(c, &l) == -1)
			return -1;
		c->at = end + 1;
		return 0;
	}
	if (c->join) {
		c->at = end + 1;
		return 0;
	}
	if (c->done == 0)
		c->done_line = c->line;
	c->done = end + 1 - c->at;
	return c->done - 1 > LIM_AUDIT_TORN ? broken(c, c->done_line, "it is no line of an audit log") : 0;
}

static int
take_lines(struct audit_check *c)
{
	const uint8_t *nl;
	size_t start = c->at + c->done;

	while ((nl = memchr(c->buf + start, '\n', c->n - start)) != NULL) {
		if (whole_line(c, (size_t)(nl - c->buf)) == -1)
			return -1;
		start = c->at + c->done;
	}
	return c->n - start > LIM_AUDIT_LINE ? too_long(c, c->line + 1) : 0;
}

/* Room behind n: at most two limits are in use, so there is some. */
static void
compact(struct audit_check *c)
{
	memmove(c->buf, c->buf + c->at, c->n - c->at);
	c->n -= c->at;
	c->at = 0;
}

int
audit_check_feed(struct audit_check *c, struct slice s)
{
	size_t n;

	while (c->wrong == NULL && s.n > 0) {
		compact(c);
		n = sizeof(c->buf) - c->n < s.n ? sizeof(c->buf) - c->n : s.n;
		memcpy(c->buf + c->n, s.p, n);
		c->n += n;
		s.p += n;
		s.n -= n;
		(void)take_lines(c);
	}
	return c->wrong == NULL ? 0 : -1;
}

int
audit_check_end(struct audit_check *c)
{
	struct audit_line l;

	if (c->wrong != NULL)
		return -1;
	if (c->done > 0)
		return broken(c, c->done_line, "it is no line of an audit log");
	if (c->n == c->at)
		return c->begins && c->number == 0 ? broken(c, 1, "the file is empty") : 0;
	c->line++;
	if (audit_line_parse(slice_mem(c->buf + c->at, c->n - c->at), &l) == 0) {
		c->unterminated = true;
		return good_line(c, &l);
	}
	c->torn_end = c->n - c->at;
	return 0;
}

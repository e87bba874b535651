#include "reply.h"

#include <string.h>

void
reply_init(struct reply *r)
{
	memset(r, 0, sizeof(*r));
	r->fresh = true;
}

static bool
digit(uint8_t c, uint8_t low, uint8_t high)
{
	return c >= low && c <= high;
}

/* "250-text", "250 text" and the bare "250" that some servers send. */
static bool
read_code(const uint8_t *p, size_t n, unsigned int *code, bool *more)
{
	if (n < 3 || !digit(p[0], '2', '5') || !digit(p[1], '0', '9') || !digit(p[2], '0', '9') ||
	    (n > 3 && p[3] != ' ' && p[3] != '-'))
		return false;
	*code = (unsigned int)(p[0] - '0') * 100 + (unsigned int)(p[1] - '0') * 10 + (unsigned int)(p[2] - '0');
	*more = n > 3 && p[3] == '-';
	return true;
}

static void
add_text(struct reply *r, struct slice s)
{
	if (r->text_n > 0 && r->text_n < LIM_DETAIL)
		r->text[r->text_n++] = ' ';
	for (size_t i = 0; i < s.n && r->text_n < LIM_DETAIL; i++)
		r->text[r->text_n++] = (char)(s.p[i] >= ' ' && s.p[i] <= '~' ? s.p[i] : '?');
	r->text[r->text_n] = '\0';
}

static enum reply_event
line_done(struct reply *r)
{
	size_t n = r->buf_n;
	unsigned int code;
	bool more;

	r->buf_n = 0;
	if (n > 0 && r->buf[n - 1] == '\r')
		n--;
	if (r->fresh) {
		r->text_n = 0;
		r->text[0] = '\0';
		r->lines = 0;
	}
	if (!read_code(r->buf, n, &code, &more) || (!r->fresh && code != r->code) || ++r->lines > LIM_REPLY_LINES) {
		r->broken = true;
		return REPLY_BROKEN;
	}
	r->code = code;
	r->line = n > 4 ? (struct slice){ r->buf + 4, n - 4 } : SLICE_NONE;
	r->fresh = !more;
	add_text(r, r->line);
	return more ? REPLY_PART : REPLY_WHOLE;
}

enum reply_event
reply_read(struct reply *r, struct slice *in)
{
	while (!r->broken && in->n > 0) {
		uint8_t c = *in->p;

		in->p++;
		in->n--;
		if (c == '\n')
			return line_done(r);
		if (r->buf_n == sizeof(r->buf))
			r->broken = true;
		else
			r->buf[r->buf_n++] = c;
	}
	return r->broken ? REPLY_BROKEN : REPLY_MORE;
}

#include "dot.h"

#include <string.h>

void
dot_init(struct dot *d, struct slice message)
{
	*d = (struct dot){ .left = message };
}

/* Up to the next CR or LF, or the end. */
static size_t
plain_run(struct slice s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] != '\r' && s.p[n] != '\n')
		n++;
	return n;
}

static void
skip_line_end(struct slice *s)
{
	size_t n = s->p[0] == '\r' && s->n > 1 && s->p[1] == '\n' ? 2 : 1;

	s->p += n;
	s->n -= n;
}

static size_t
put_end(struct dot *d, uint8_t *out)
{
	out[0] = '\r';
	out[1] = '\n';
	d->in_line = false;
	return 2;
}

size_t
dot_next(struct dot *d, uint8_t *out, size_t size)
{
	size_t at = 0;

	/* Three bytes of room: a doubled dot, or a line end after a byte. */
	while (d->left.n > 0 && size - at >= 3) {
		size_t run = plain_run((struct slice){ d->left.p, d->left.n < size - at - 2 ? d->left.n : size - at - 2 });

		if (run > 0) {
			if (!d->in_line && d->left.p[0] == '.')
				out[at++] = '.';
			memcpy(out + at, d->left.p, run);
			at += run;
			d->left.p += run;
			d->left.n -= run;
			d->in_line = true;
		} else {
			skip_line_end(&d->left);
			at += put_end(d, out + at);
		}
	}
	if (d->left.n == 0 && !d->ended && size - at >= 2) {
		if (d->in_line)
			at += put_end(d, out + at);
		d->ended = true;
	}
	return at;
}

uint64_t
dot_size(struct slice m)
{
	uint64_t n = 0;

	while (m.n > 0) {
		size_t run = plain_run(m);

		n += run;
		m.p += run;
		m.n -= run;
		n += 2;
		if (m.n > 0)
			skip_line_end(&m);
	}
	return n;
}

bool
dot_has_8bit(struct slice m)
{
	for (size_t i = 0; i < m.n; i++)
		if (m.p[i] >= 0x80)
			return true;
	return false;
}

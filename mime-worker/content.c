#include "content.h"

#include <gmime/gmime.h>

#define CHUNK 16384	/* decoded at once */

static GMimeContentEncoding
gmime_encoding(enum part_encoding e)
{
	switch (e) {
	case ENC_BASE64:
		return GMIME_CONTENT_ENCODING_BASE64;
	case ENC_QP:
		return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
	case ENC_UU:
		return GMIME_CONTENT_ENCODING_UUENCODE;
	case ENC_IDENTITY:
	case ENC_UNKNOWN:
		break;
	}
	return GMIME_CONTENT_ENCODING_BINARY;
}

static bool
plain(const struct mime_part *p)
{
	return p->encoding == ENC_IDENTITY || p->encoding == ENC_UNKNOWN;
}

/* out NULL: only counted. Returns the bytes decoded. */
static size_t
decode(struct wbuf *out, const struct mime_part *p, size_t max)
{
	char buf[CHUNK * 2];	/* no decoder makes more of its input */
	struct slice in = p->body;
	GMimeEncoding state;
	size_t total = 0;

	g_mime_encoding_init_decode(&state, gmime_encoding(p->encoding));
	while (in.n > 0 && total < max) {
		size_t n = in.n < CHUNK ? in.n : CHUNK, made;

		made = n < in.n ? g_mime_encoding_step(&state, (const char *)in.p, n, buf)
				: g_mime_encoding_flush(&state, (const char *)in.p, n, buf);
		if (out != NULL)
			w_raw(out, buf, made);
		total += made;
		in.p += n;
		in.n -= n;
	}
	return total;
}

bool
content_decode(struct wbuf *out, const struct mime_part *p, size_t max)
{
	size_t room = max > out->n ? max - out->n : 0;

	if (plain(p))
		w_raw(out, p->body.p, p->body.n < room ? p->body.n : room);
	else
		(void)decode(out, p, room);
	return !out->failed;
}

size_t
content_size(const struct mime_part *p)
{
	return plain(p) ? p->body.n : decode(NULL, p, SIZE_MAX);
}

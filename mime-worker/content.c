#include "content.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base64.h"
#include "header.h"

#define CHUNK 16384	/* decoded at once */

static GMimeContentEncoding
gmime_encoding(enum part_encoding e)
{
	switch (e) {
	case ENC_QP:
		return GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE;
	case ENC_UU:
		return GMIME_CONTENT_ENCODING_UUENCODE;
	case ENC_BASE64:
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

struct decoder {
	enum part_encoding encoding;
	struct base64 base64;
	GMimeEncoding gmime;
};

static size_t
decode_chunk(struct decoder *d, const uint8_t *in, size_t n, bool last, char *buf)
{
	if (d->encoding == ENC_BASE64)
		return base64_decode(&d->base64, in, n, (uint8_t *)buf);
	return last ? g_mime_encoding_flush(&d->gmime, (const char *)in, n, buf)
		    : g_mime_encoding_step(&d->gmime, (const char *)in, n, buf);
}

/* What comes before the first line of a uuencoded file is no data. */
static struct slice
encoded_data(const struct mime_part *p)
{
	struct slice s = p->body;

	while (p->encoding == ENC_UU && s.n > 0) {
		size_t n = header_line(s);
		bool begin = n > 6 && memcmp(s.p, "begin ", 6) == 0;

		s.p += n;
		s.n -= n;
		if (begin)
			break;
	}
	return s;
}

/* out NULL: only counted. Returns the bytes decoded. */
static size_t
decode(struct wbuf *out, const struct mime_part *p, size_t max)
{
	char buf[CHUNK * 2];	/* no decoder makes more of its input */
	struct decoder d = { .encoding = p->encoding };
	struct slice in = encoded_data(p);
	size_t total = 0;

	g_mime_encoding_init_decode(&d.gmime, gmime_encoding(p->encoding));
	while (in.n > 0 && total < max) {
		size_t n = in.n < CHUNK ? in.n : CHUNK;
		size_t made = decode_chunk(&d, in.p, n, n == in.n, buf);

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

/*
 * zip.c - zlib behind a small contract. Commands are short: a small window and
 * little memory are enough to compress them. The server may use the largest
 * window, which costs this process 40 KiB.
 */
#include "zip.h"
#include "log.h"

#include <event2/buffer.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define OUT_WINDOW (-10)
#define OUT_MEMORY 3
#define IN_WINDOW (-15)

struct zip {
	z_stream in, out;
	bool full;	/* the last piece filled its buffer: there may be more */
	uint8_t raw[ZIP_READ];
};

struct zip *
zip_new(const uint8_t *rest, size_t n)
{
	struct zip *z = calloc(1, sizeof(*z));

	if (z == NULL || n > sizeof(z->raw) || inflateInit2(&z->in, IN_WINDOW) != Z_OK ||
	    deflateInit2(&z->out, Z_DEFAULT_COMPRESSION, Z_DEFLATED, OUT_WINDOW, OUT_MEMORY, Z_DEFAULT_STRATEGY) != Z_OK)
		fatal("no memory for compression");
	if (n > 0)
		memcpy(z->raw, rest, n);
	zip_filled(z, n);
	return z;
}

void
zip_free(struct zip *z)
{
	if (z == NULL)
		return;
	(void)inflateEnd(&z->in);
	(void)deflateEnd(&z->out);
	free(z);
}

bool
zip_pending(const struct zip *z)
{
	return z->in.avail_in > 0 || z->full;
}

uint8_t *
zip_space(struct zip *z)
{
	return z->raw;
}

void
zip_filled(struct zip *z, size_t n)
{
	z->in.next_in = z->raw;
	z->in.avail_in = (uInt)n;
}

long
zip_inflate(struct zip *z, uint8_t *out, size_t n)
{
	int r;

	z->in.next_out = out;
	z->in.avail_out = (uInt)n;
	r = inflate(&z->in, Z_SYNC_FLUSH);
	/* The stream never ends while the connection lives. */
	if (r != Z_OK && r != Z_BUF_ERROR)
		return -1;
	z->full = z->in.avail_out == 0;
	return (long)(n - z->in.avail_out);
}

/* One piece; true: its buffer was filled, so there is more of it. */
static bool
deflate_piece(struct zip *z, struct evbuffer *packed)
{
	uint8_t piece[4096];
	size_t n;

	z->out.next_out = piece;
	z->out.avail_out = sizeof(piece);
	if (deflate(&z->out, Z_SYNC_FLUSH) == Z_STREAM_ERROR)
		fatal("deflate does not work");
	n = sizeof(piece) - z->out.avail_out;
	if (evbuffer_add(packed, piece, n) == -1)
		fatal("out of memory");
	return z->out.avail_out == 0;
}

void
zip_deflate(struct zip *z, struct evbuffer *plain, struct evbuffer *packed)
{
	uint8_t text[ZIP_READ];
	int n = evbuffer_remove(plain, text, sizeof(text));

	if (n <= 0)
		return;
	z->out.next_in = text;
	z->out.avail_in = (uInt)n;
	while (deflate_piece(z, packed) || z->out.avail_in > 0)
		;
}

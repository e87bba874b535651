/*
 * blob_pack.c - compression of one row.
 */
#include "blob_pack.h"

#include <string.h>
#include <zstd.h>

#include "db.h"
#include "log.h"

enum { PACK_PLAIN = 0, PACK_ZSTD = 1 };
#define LEVEL 3

static ZSTD_CCtx *cctx;
static ZSTD_DCtx *dctx;
static struct wbuf buf;

void
blob_pack_init(void)
{
	if (cctx == NULL)
		cctx = ZSTD_createCCtx();
	if (dctx == NULL)
		dctx = ZSTD_createDCtx();
	if (cctx == NULL || dctx == NULL)
		fatal("no memory for compression");
}

/* Room for n bytes behind the flag byte; the buffer only grows. */
static uint8_t *
room(size_t n)
{
	wbuf_reset(&buf);
	w_u8(&buf, PACK_PLAIN);
	while (!buf.failed && buf.cap < n + 1) {
		size_t filled = buf.n;

		w_raw(&buf, (const uint8_t[256]){ 0 }, 256);
		if (buf.cap >= n + 1)
			buf.n = filled;
	}
	buf.n = 1;
	return buf.failed ? NULL : buf.p;
}

struct slice
blob_pack(struct slice plain)
{
	size_t bound = ZSTD_compressBound(plain.n), n;
	uint8_t *p;

	blob_pack_init();
	if ((p = room(bound > plain.n ? bound : plain.n)) == NULL) {
		db_fail("out of memory");
		return SLICE_NONE;
	}
	n = ZSTD_compressCCtx(cctx, p + 1, bound, plain.p, plain.n, LEVEL);
	if (!ZSTD_isError(n) && n < plain.n) {
		p[0] = PACK_ZSTD;
		return slice_mem(p, n + 1);
	}
	p[0] = PACK_PLAIN;
	if (plain.n > 0)
		memcpy(p + 1, plain.p, plain.n);
	return slice_mem(p, plain.n + 1);
}

int
blob_unpack(struct slice row, uint8_t *out, size_t n)
{
	blob_pack_init();
	if (row.n < 1)
		return -1;
	if (row.p[0] == PACK_ZSTD)
		return ZSTD_decompressDCtx(dctx, out, n, row.p + 1, row.n - 1) == n ? 0 : -1;
	if (row.p[0] != PACK_PLAIN || row.n - 1 != n)
		return -1;
	if (n > 0)
		memcpy(out, row.p + 1, n);
	return 0;
}

/*
 * blob_pack.c - compression of one row.
 */
#include "blob_pack.h"

#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "db.h"
#include "log.h"

enum { PACK_PLAIN = 0, PACK_ZSTD = 1 };
/* Level 3 takes a fifth more of the store's time in a first sync and saves 4 %. */
#define LEVEL 1

/* The largest input: a chunk of a blob, or one text. */
#define PLAIN_MAX ((size_t)LIM_TEXT_PART)

static ZSTD_CCtx *cctx;
static ZSTD_DCtx *dctx;
static uint8_t *buf;
static size_t buf_size;

void
blob_pack_init(void)
{
	if (buf != NULL)
		return;
	buf_size = ZSTD_compressBound(PLAIN_MAX);
	cctx = ZSTD_createCCtx();
	dctx = ZSTD_createDCtx();
	buf = malloc(buf_size + 1);
	if (cctx == NULL || dctx == NULL || buf == NULL)
		fatal("no memory for compression");
}

struct slice
blob_pack(struct slice plain)
{
	size_t n;

	blob_pack_init();
	if (plain.n > PLAIN_MAX) {
		db_fail("a row is out of bounds");
		return SLICE_NONE;
	}
	n = ZSTD_compressCCtx(cctx, buf + 1, buf_size, plain.p, plain.n, LEVEL);
	if (!ZSTD_isError(n) && n < plain.n) {
		buf[0] = PACK_ZSTD;
		return slice_mem(buf, n + 1);
	}
	buf[0] = PACK_PLAIN;
	if (plain.n > 0)
		memcpy(buf + 1, plain.p, plain.n);
	return slice_mem(buf, plain.n + 1);
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

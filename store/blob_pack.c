/*
 * blob_pack.c - compression of one row.
 */
#include "blob_pack.h"

#include <stdlib.h>
#include <string.h>

/* For the one parameter of no stable number: see tune(). */
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include "db.h"
#include "log.h"

enum { PACK_PLAIN = 0, PACK_ZSTD = 1 };
/* Level 3 takes a fifth more of the store's time in a first sync and saves 4 %. */
#define LEVEL 1
/*
 * Packing is nearly half of the store's time in a first sync. Half of a mailbox
 * is base64, in which no match is to be found: only long ones are looked for, at
 * every STEP-th byte, which takes a fifth off at the price of 2 %.
 */
#define SHORTEST 7
#define STEP 2
#define HASH_LOG 14

/* The largest input: a chunk of a blob, or one text. */
#define PLAIN_MAX ((size_t)LIM_TEXT_PART)

static ZSTD_CCtx *cctx;
static ZSTD_DCtx *dctx;
static uint8_t *buf;
static size_t buf_size;

static bool
set(ZSTD_cParameter what, int value)
{
	return !ZSTD_isError(ZSTD_CCtx_setParameter(cctx, what, value));
}

/* Steps make zstd leave literals as they are, unless it is told otherwise: base64
 * would keep its size. A libzstd that cannot be told goes without them. */
static bool
tune(void)
{
	if (set(ZSTD_c_literalCompressionMode, ZSTD_ps_enable) && !set(ZSTD_c_targetLength, STEP))
		return false;
	return set(ZSTD_c_compressionLevel, LEVEL) && set(ZSTD_c_minMatch, SHORTEST) &&
	    set(ZSTD_c_hashLog, HASH_LOG);
}

void
blob_pack_init(void)
{
	if (buf != NULL)
		return;
	buf_size = ZSTD_compressBound(PLAIN_MAX);
	cctx = ZSTD_createCCtx();
	dctx = ZSTD_createDCtx();
	buf = malloc(buf_size + 1);
	if (cctx == NULL || dctx == NULL || buf == NULL || !tune())
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
	n = ZSTD_compress2(cctx, buf + 1, buf_size, plain.p, plain.n);
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

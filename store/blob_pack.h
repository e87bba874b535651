/*
 * blob_pack.h - one row of a blob or text: a flag byte, then the bytes, with
 * zstd when that made them smaller.
 */
#ifndef STORE_BLOB_PACK_H
#define STORE_BLOB_PACK_H

#include "wire.h"

/* Make the library's contexts, before the sandbox. */
void blob_pack_init(void);
/* At most LIM_TEXT_PART bytes. Borrowed: good until the next call. */
struct slice blob_pack(struct slice plain);
/* Exactly n bytes into out; -1 when the row is not that. */
int blob_unpack(struct slice row, uint8_t *out, size_t n);

#endif

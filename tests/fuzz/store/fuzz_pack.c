/*
 * One packed row of a blob or text: any bytes unpack to exactly what was asked
 * for, or not at all; and what is packed comes back. The first two bytes say
 * how much is asked for.
 */
#include <stdlib.h>
#include <string.h>

#include "blob_pack.h"
#include "limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
round_trip(const uint8_t *p, size_t n)
{
	struct slice packed = blob_pack(slice_mem(p, n));
	uint8_t *row = malloc(packed.n), *out = malloc(n);

	if (row == NULL || out == NULL)
		abort();
	memcpy(row, packed.p, packed.n);
	if (blob_unpack(slice_mem(row, packed.n), out, n) == -1 || (n > 0 && memcmp(out, p, n) != 0))
		abort();
	if (blob_unpack(slice_mem(row, packed.n), out, n / 2) == 0 && n > 1)
		abort();
	free(row);
	free(out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t want;
	uint8_t *out;

	if (size < 2)
		return 0;
	want = (size_t)data[0] << 8 | data[1];
	if ((out = malloc(want)) == NULL)
		abort();
	(void)blob_unpack(slice_mem(data + 2, size - 2), out, want);
	free(out);
	round_trip(data, size);
	return 0;
}

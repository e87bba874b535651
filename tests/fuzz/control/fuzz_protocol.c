/*
 * Frames of the admin protocol: whatever decodes must encode to the same bytes.
 */
#include <stdlib.h>

#include "protocol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
try(struct slice in, enum ctl_direction direction)
{
	struct wbuf w = { .max = LIM_CTL_FRAME };
	struct ctl f;
	int n;

	while ((n = ctl_decode(in, direction, &f)) > 0) {
		if ((size_t)n > in.n)
			abort();
		wbuf_reset(&w);
		/* All members of the union start at the same place. */
		if (ctl_encode(&w, f.type, &f.hello) != 0 || !slice_eq(wbuf_slice(&w), slice_mem(in.p, (size_t)n)))
			abort();
		in = slice_mem(in.p + n, in.n - (size_t)n);
	}
	wbuf_free(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	try(slice_mem(data, n), CTLD_ASK);
	try(slice_mem(data, n), CTLD_ANSWER);
	return 0;
}

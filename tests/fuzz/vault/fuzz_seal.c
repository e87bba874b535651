/*
 * The plain bytes of a seal: whatever parses must be what the format's own
 * encoder writes for it. The sealed form: never opens, never crashes.
 */
#include <stdlib.h>
#include <string.h>

#include "load_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
reencode(struct slice plain, const struct seal_plain *p)
{
	struct wbuf w;

	wbuf_init(&w, LIM_SEAL_PLAIN);
	if (seal_plain_encode(&w, p) == 0 && !slice_eq(wbuf_slice(&w), plain))
		abort();
	wbuf_free(&w);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct seal_plain p, wanted = { 0 };
	const struct slice in = { data, n };

	if (keys == NULL) {
		if (sodium_init() == -1 || area_init() == -1)
			abort();
		load_key();
	}
	if (n <= LIM_SEAL_PLAIN && seal_parse(in, &p) == 0)
		reencode(in, &p);
	if (strcmp(seal_open(in, &wanted, &p),
	    n <= crypto_box_SEALBYTES || n - crypto_box_SEALBYTES > LIM_SEAL_PLAIN ? "cfg.invalid" : "store.key_wrong") != 0)
		abort();
	return 0;
}

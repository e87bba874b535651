/* A hostile server's SCRAM messages: what is taken must be, byte for byte, what
 * the vault will write down again. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sasl.h"
#include "scram.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
same(struct slice message, const char *head, const uint8_t *p, size_t n, const char *tail)
{
	char text[1024];
	uint8_t base64[256];
	int len = sasl_base64_encode((struct slice){ p, n }, base64, sizeof(base64));

	snprintf(text, sizeof(text), "%s%.*s%s", head, len, (const char *)base64, tail);
	if (len < 0 || !slice_eq_str(message, text))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slice message = slice_mem(p, n);
	uint8_t signature[SCRAM_SIGNATURE];
	char head[LIM_SCRAM_NONCE + 16], tail[32];
	struct scram_first f;

	if (scram_read_first(message, &f) == NULL) {
		snprintf(head, sizeof(head), "r=%s,s=", f.nonce);
		snprintf(tail, sizeof(tail), ",i=%u", f.iterations);
		if (f.salt_n == 0 || f.salt_n > LIM_SCRAM_SALT || strchr(f.nonce, ',') != NULL)
			abort();
		same(message, head, f.salt, f.salt_n, tail);
	}
	if (scram_read_final(message, signature) == NULL)
		same(message, "v=", signature, sizeof(signature), "");
	return 0;
}

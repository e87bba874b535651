/*
 * The plain bytes of a record: the input is encrypted as if the vault had
 * written it, so that the fuzzer reaches the decoder behind the AEAD.
 */
#include <stdlib.h>
#include <string.h>

#include "load_key.h"

#define NONCE_N crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define HEAD_N (1 + KEY_ID_N + NONCE_N)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static const struct record_place place = { { (const uint8_t *)"a", 1 }, 1, 1 };

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	/* version, key id, then the name and numbers of place */
	uint8_t ad[1 + KEY_ID_N + 4 + 1 + 8] = { RECORD_VERSION, [1 + KEY_ID_N] = 1, [1 + KEY_ID_N + 4] = 'a',
		[1 + KEY_ID_N + 5] = 1, [1 + KEY_ID_N + 9] = 1 };
	static uint8_t record[LIM_RECORD + 64];
	struct seal_plain c;
	unsigned long long len;

	if (keys == NULL) {
		if (sodium_init() == -1 || area_init() == -1)
			abort();
		load_key();
	}
	(void)record_open(slice_mem(data, n), &place, &c);
	if (n > LIM_RECORD - HEAD_N)
		return 0;
	record[0] = RECORD_VERSION;
	memcpy(record + 1, keys->public, KEY_ID_N);
	memcpy(ad + 1, keys->public, KEY_ID_N);
	crypto_aead_xchacha20poly1305_ietf_encrypt(record + HEAD_N, &len, data, n, ad, sizeof(ad), NULL,
	    record + 1 + KEY_ID_N, keys->record);
	if (*record_open(slice_mem(record, HEAD_N + (size_t)len), &place, &c) == '\0' && !cred_valid(&c))
		abort();
	return 0;
}

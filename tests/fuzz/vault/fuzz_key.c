/*
 * Key files: whatever loads must be a pair that belongs together.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cred.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t public[KEY_PUBLIC_N];
	const char *why;
	int fds[2];

	if (size > 60000 || sodium_init() == -1 || pipe(fds) == -1)
		return 0;
	if (write(fds[1], data, size) != (ssize_t)size)
		abort();
	close(fds[1]);
	keys = NULL;
	if (key_load(fds[0], &why) == 0) {
		if (crypto_scalarmult_base(public, keys->secret) != 0 ||
		    sodium_memcmp(public, keys->public, sizeof(public)) != 0)
			abort();
		sodium_free((void *)(uintptr_t)keys);
		keys = NULL;
	} else if (why == NULL)
		abort();
	close(fds[0]);
	return 0;
}

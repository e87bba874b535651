/*
 * Key files as they come on the pipe: fixed binary fields, one file or two. One
 * that is taken twice is the same key; a wrapped one stays locked.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cred.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static int
load(const uint8_t *data, size_t n)
{
	const char *why;
	int fds[2], r;

	if (pipe(fds) == -1 || write(fds[1], data, n) != (ssize_t)n)
		abort();
	close(fds[1]);
	r = key_load(fds[0], &why);
	close(fds[0]);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	uint8_t public[KEY_PUBLIC_N];

	if (n > LIM_KEY_FILE || sodium_init() == -1)
		return 0;
	if (load(data, n) == -1)
		return 0;
	memcpy(public, key_public(), sizeof(public));
	if (load(data, n) == -1 || memcmp(public, key_public(), sizeof(public)) != 0)
		abort();
	/* Nothing opens by itself. */
	if (keys == NULL && !key_locked())
		abort();
	key_lock();
	if (key_wrapped() && !key_locked())
		abort();
	return 0;
}

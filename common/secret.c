#include "secret.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The block's size stands before it, padded so that the block stays aligned. */
#define HEADER (alignof(max_align_t) > sizeof(size_t) ? alignof(max_align_t) : sizeof(size_t))

void
secret_wipe(void *p, size_t n)
{
	if (p != NULL && n > 0)
		explicit_bzero(p, n);
}

void *
secret_malloc(size_t n)
{
	uint8_t *p;

	if (n > SIZE_MAX - HEADER || (p = malloc(n + HEADER)) == NULL)
		return NULL;
	memcpy(p, &n, sizeof(n));
	return p + HEADER;
}

static size_t
secret_size(const void *p)
{
	size_t n;

	memcpy(&n, (const uint8_t *)p - HEADER, sizeof(n));
	return n;
}

void *
secret_realloc(void *old, size_t n)
{
	size_t had;
	void *p;

	if (old == NULL)
		return secret_malloc(n);
	if ((p = secret_malloc(n)) == NULL)
		return NULL;
	had = secret_size(old);
	memcpy(p, old, had < n ? had : n);
	secret_free(old);
	return p;
}

void
secret_free(void *p)
{
	if (p == NULL)
		return;
	secret_wipe(p, secret_size(p));
	free((uint8_t *)p - HEADER);
}

#include "cred.h"

#include <string.h>
#include <unistd.h>

#define KDF_CONTEXT "pstrnrec"	/* crypto_kdf wants exactly 8 bytes */
#define KDF_RECORD_KEY 1

const struct keys *keys;

/* Up to max bytes until the end of fd; -1 on error. */
static ssize_t
read_all(int fd, uint8_t *p, size_t max)
{
	size_t have = 0;
	ssize_t n = 0;

	while (have < max && (n = read(fd, p + have, max - have)) > 0)
		have += (size_t)n;
	return n == -1 ? -1 : (ssize_t)have;
}

/* NULL, or what is wrong with the n bytes of file. */
static const char *
keys_fill(struct keys *k, const uint8_t *file, ssize_t n)
{
	uint8_t public[KEY_PUBLIC_N];

	if (n == -1)
		return "the key could not be read";
	if (n != KEY_FILE_N || memcmp(file, KEY_FILE_MAGIC, KEY_FILE_MAGIC_N) != 0)
		return "this is not a key file of posternctl vault init";
	memcpy(k->secret, file + KEY_FILE_MAGIC_N, KEY_SECRET_N);
	memcpy(k->public, file + KEY_FILE_MAGIC_N + KEY_SECRET_N, KEY_PUBLIC_N);
	if (crypto_scalarmult_base(public, k->secret) != 0 || sodium_memcmp(public, k->public, sizeof(public)) != 0)
		return "the two halves of the key do not belong together";
	crypto_kdf_derive_from_key(k->record, sizeof(k->record), KDF_RECORD_KEY, KDF_CONTEXT, k->secret);
	return NULL;
}

int
key_load(int fd, const char **why)
{
	uint8_t *file = sodium_malloc(KEY_FILE_N + 1);	/* one more: a longer file is noticed */
	struct keys *k = sodium_malloc(sizeof(*k));

	*why = "out of memory";
	if (file != NULL && k != NULL)
		*why = keys_fill(k, file, read_all(fd, file, KEY_FILE_N + 1));
	sodium_free(file);	/* wipes */
	if (*why == NULL && sodium_mprotect_readonly(k) == 0) {
		keys = k;
		return 0;
	}
	sodium_free(k);
	return -1;
}

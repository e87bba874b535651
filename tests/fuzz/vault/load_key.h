/*
 * load_key.h - a key as the vault gets it, the same in each run.
 */
#ifndef FUZZ_LOAD_KEY_H
#define FUZZ_LOAD_KEY_H

#include <stdlib.h>
#include <unistd.h>

#include "cred.h"

static inline void
load_key(void)
{
	static const uint8_t seed[crypto_box_SEEDBYTES] = { 1 };
	uint8_t file[KEY_FILE_N] = KEY_FILE_MAGIC;
	const char *why;
	int fds[2];

	crypto_box_seed_keypair(file + KEY_FILE_MAGIC_N + KEY_SECRET_N, file + KEY_FILE_MAGIC_N, seed);
	if (pipe(fds) == -1 || write(fds[1], file, sizeof(file)) != sizeof(file) || close(fds[1]) == -1 ||
	    key_load(fds[0], &why) == -1)
		abort();
	close(fds[0]);
}

#endif

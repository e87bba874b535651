/*
 * key_wrap.h - a key file wrapped with a passphrase (key_file.h). Used by the
 * vault, which opens, and by posternctl, which makes; needs sodium_init.
 */
#ifndef COMMON_KEY_WRAP_H
#define COMMON_KEY_WRAP_H

#include "key_file.h"
#include "limits.h"
#include "wire.h"

/* What one try costs; stored in the file, bounded when it is read. */
struct key_work {
	uint32_t ops, kib;
};
#define KEY_WORK_DEFAULT ((struct key_work){ 3, 262144 })	/* libsodium's "moderate" */

/* Within LIM_WRAP_*: more would let a file stop the vault. */
bool key_work_valid(struct key_work);

#define WRAP_KEY_N 32
enum key_wrap_status { WRAP_OK, WRAP_BAD, WRAP_MEMORY };

/* Fill file. WRAP_BAD: work or passphrase out of bounds. */
enum key_wrap_status key_wrap(const uint8_t secret[KEY_SECRET_N], const uint8_t public[KEY_PUBLIC_N],
    struct slice passphrase, struct key_work, uint8_t file[WRAP_FILE_N]);

/* Magic and bounds only: no passphrase is needed. */
bool key_wrap_valid(const uint8_t file[WRAP_FILE_N]);
const uint8_t *key_wrap_public(const uint8_t file[WRAP_FILE_N]);
struct key_work key_wrap_work(const uint8_t file[WRAP_FILE_N]);

/* secret and scratch: locked memory of the caller; scratch is wiped, secret on
 * failure. WRAP_BAD: another passphrase, or a changed file. Takes the work's
 * time and memory, and nothing that a sandboxed process may not do. */
enum key_wrap_status key_unwrap(const uint8_t file[WRAP_FILE_N], struct slice passphrase,
    uint8_t secret[KEY_SECRET_N], uint8_t scratch[WRAP_KEY_N]);

#endif

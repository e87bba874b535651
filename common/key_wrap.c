#include "key_wrap.h"

#include <sodium.h>
#include <string.h>

#define SALT_AT (KEY_FILE_MAGIC_N + 8)
#define NONCE_AT (SALT_AT + WRAP_SALT_N)
#define PUBLIC_AT (NONCE_AT + WRAP_NONCE_N)

_Static_assert(WRAP_SALT_N == crypto_pwhash_argon2id_SALTBYTES, "salt");
_Static_assert(WRAP_NONCE_N == crypto_aead_xchacha20poly1305_ietf_NPUBBYTES, "nonce");
_Static_assert(WRAP_KEY_N == crypto_aead_xchacha20poly1305_ietf_KEYBYTES, "key");
_Static_assert(WRAP_TAG_N == crypto_aead_xchacha20poly1305_ietf_ABYTES, "tag");

bool
key_work_valid(struct key_work w)
{
	return w.ops >= 1 && w.ops <= LIM_WRAP_OPS && w.kib >= LIM_WRAP_KIB_MIN && w.kib <= LIM_WRAP_KIB;
}

struct key_work
key_wrap_work(const uint8_t file[WRAP_FILE_N])
{
	struct rbuf r;
	struct key_work w;

	rbuf_init(&r, slice_mem(file + KEY_FILE_MAGIC_N, 8));
	w.ops = r_u32(&r);
	w.kib = r_u32(&r);
	return w;
}

bool
key_wrap_valid(const uint8_t file[WRAP_FILE_N])
{
	return memcmp(file, WRAP_FILE_MAGIC, KEY_FILE_MAGIC_N) == 0 && key_work_valid(key_wrap_work(file));
}

const uint8_t *
key_wrap_public(const uint8_t file[WRAP_FILE_N])
{
	return file + PUBLIC_AT;
}

static bool
passphrase_valid(struct slice s)
{
	return s.n >= 1 && s.n <= LIM_PASSPHRASE;
}

/* The key of this passphrase under the file's salt and work. -1: no memory. */
static int
stretch(const uint8_t file[WRAP_FILE_N], struct slice passphrase, uint8_t key[WRAP_KEY_N])
{
	const struct key_work w = key_wrap_work(file);

	return crypto_pwhash(key, WRAP_KEY_N, (const char *)passphrase.p, passphrase.n, file + SALT_AT, w.ops,
	    (size_t)w.kib * 1024, crypto_pwhash_ALG_ARGON2ID13);
}

enum key_wrap_status
key_wrap(const uint8_t secret[KEY_SECRET_N], const uint8_t public[KEY_PUBLIC_N], struct slice passphrase,
    struct key_work work, uint8_t file[WRAP_FILE_N])
{
	struct wbuf w = { .p = file, .cap = WRAP_HEAD_N, .max = WRAP_HEAD_N };
	uint8_t random[WRAP_SALT_N + WRAP_NONCE_N], key[WRAP_KEY_N];
	bool ok;

	if (!key_work_valid(work) || !passphrase_valid(passphrase))
		return WRAP_BAD;
	randombytes_buf(random, sizeof(random));
	w_raw(&w, WRAP_FILE_MAGIC, KEY_FILE_MAGIC_N);
	w_u32(&w, work.ops);
	w_u32(&w, work.kib);
	w_raw(&w, random, sizeof(random));
	w_raw(&w, public, KEY_PUBLIC_N);
	ok = stretch(file, passphrase, key) == 0;
	if (ok)
		crypto_aead_xchacha20poly1305_ietf_encrypt(file + WRAP_HEAD_N, NULL, secret, KEY_SECRET_N, file,
		    WRAP_HEAD_N, NULL, file + NONCE_AT, key);
	sodium_memzero(key, sizeof(key));
	return ok ? WRAP_OK : WRAP_MEMORY;
}

enum key_wrap_status
key_unwrap(const uint8_t file[WRAP_FILE_N], struct slice passphrase, uint8_t secret[KEY_SECRET_N],
    uint8_t scratch[WRAP_KEY_N])
{
	uint8_t public[KEY_PUBLIC_N];
	bool ok;

	if (!key_wrap_valid(file) || !passphrase_valid(passphrase))
		return WRAP_BAD;
	if (stretch(file, passphrase, scratch) == -1)
		return WRAP_MEMORY;
	ok = crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, file + WRAP_HEAD_N,
	    KEY_SECRET_N + WRAP_TAG_N, file, WRAP_HEAD_N, file + NONCE_AT, scratch) == 0;
	sodium_memzero(scratch, WRAP_KEY_N);
	/* Whoever knows the passphrase could still have put two halves together. */
	if (ok && crypto_scalarmult_base(public, secret) == 0 && memcmp(public, file + PUBLIC_AT, KEY_PUBLIC_N) == 0)
		return WRAP_OK;
	sodium_memzero(secret, KEY_SECRET_N);
	return WRAP_BAD;
}

#include "cred.h"

#include <string.h>
#include <unistd.h>

#include "key_wrap.h"

#define KDF_CONTEXT "pstrnrec"	/* crypto_kdf wants exactly 8 bytes */
#define KDF_RECORD_KEY 1
#define FILES_N (2 * WRAP_FILE_N)	/* the longer form, twice */
#define POOL 4				/* two keys in use, two that take their place */

const struct keys *keys, *keys_old;

/* Behind the walls no locked memory can be had: all of it is made at the start,
 * and wiped where others would free. A free place has no public key. */
static struct keys *pool[POOL];
static uint8_t *files;	/* FILES_N and one more: a longer file is noticed */

/* One key file. */
struct slot {
	struct keys *open;	/* NULL: locked */
	uint8_t public[KEY_PUBLIC_N];
	bool wrapped;
	uint8_t file[WRAP_FILE_N];	/* of a wrapped one: ciphertext */
};
static struct slot slots[2];	/* the newest first */
static size_t slots_n;

static void
publish(void)
{
	keys = slots_n > 0 ? slots[0].open : NULL;
	keys_old = slots_n > 1 ? slots[1].open : NULL;
}

static int
pool_make(void)
{
	if (files == NULL && (files = sodium_malloc(FILES_N + 1)) == NULL)
		return -1;
	for (size_t i = 0; i < POOL; i++) {
		if (pool[i] != NULL)
			continue;
		if ((pool[i] = sodium_malloc(sizeof(*pool[i]))) == NULL)
			return -1;
		sodium_memzero(pool[i], sizeof(*pool[i]));
	}
	return 0;
}

static struct keys *
take(void)
{
	size_t i = 0;

	while (i < POOL - 1 && !sodium_is_zero(pool[i]->public, KEY_PUBLIC_N))
		i++;
	return pool[i];
}

static void
wipe(struct keys *k)
{
	if (k != NULL)
		sodium_memzero(k, sizeof(*k));
}

/* Check the halves and derive the rest; k->secret is filled. NULL or why not. */
static const char *
complete(struct keys *k, const uint8_t public[KEY_PUBLIC_N])
{
	if (crypto_scalarmult_base(k->public, k->secret) != 0 || memcmp(public, k->public, KEY_PUBLIC_N) != 0)
		return "the two halves of the key do not belong together";
	crypto_kdf_derive_from_key(k->record, sizeof(k->record), KDF_RECORD_KEY, KDF_CONTEXT, k->secret);
	return NULL;
}

/* ---- reading files ---- */

static const char *
plain_slot(struct slot *s, const uint8_t *file)
{
	const uint8_t *secret = file + KEY_FILE_MAGIC_N;

	memcpy(s->public, secret + KEY_SECRET_N, KEY_PUBLIC_N);
	s->open = take();
	memcpy(s->open->secret, secret, KEY_SECRET_N);
	return complete(s->open, s->public);
}

/* Locked, unless the same key is open now: then its memory is taken over. */
static void
wrapped_slot(struct slot *s, const uint8_t *file)
{
	s->wrapped = true;
	memcpy(s->file, file, WRAP_FILE_N);
	memcpy(s->public, key_wrap_public(file), KEY_PUBLIC_N);
	for (size_t i = 0; i < slots_n; i++)
		if (memcmp(slots[i].public, s->public, KEY_PUBLIC_N) == 0)
			s->open = slots[i].open;
}

/* The file at the start of p; its length, or 0 with *why. */
static size_t
slot_fill(struct slot *s, const uint8_t *p, size_t n, const char **why)
{
	*s = (struct slot){ 0 };
	*why = NULL;
	if (n >= KEY_FILE_N && memcmp(p, KEY_FILE_MAGIC, KEY_FILE_MAGIC_N) == 0) {
		*why = plain_slot(s, p);
		return *why == NULL ? KEY_FILE_N : 0;
	}
	if (n >= WRAP_FILE_N && key_wrap_valid(p)) {
		wrapped_slot(s, p);
		return WRAP_FILE_N;
	}
	*why = "this is not a key file of posternctl vault init";
	return 0;
}

/* One file or two, to the last byte; the second is the newest. */
static const char *
slots_fill(struct slot fresh[2], size_t *count, const uint8_t *p, size_t n)
{
	const char *why;
	size_t used = slot_fill(&fresh[0], p, n, &why);

	*count = 1;
	if (why == NULL && used < n) {
		fresh[1] = fresh[0];
		*count = 2;
		used += slot_fill(&fresh[0], p + used, n - used, &why);
	}
	if (why == NULL && *count == 2 && memcmp(fresh[0].public, fresh[1].public, KEY_PUBLIC_N) == 0)
		why = "the next key is the same key";
	return why == NULL && used != n ? "something follows the key" : why;
}

/* Forget what is in old[] but not in kept[]. */
static void
slots_free(const struct slot *old, size_t n, const struct slot *kept, size_t kept_n)
{
	for (size_t i = 0; i < n; i++) {
		bool keep = false;

		for (size_t k = 0; k < kept_n; k++)
			keep = keep || kept[k].open == old[i].open;
		if (!keep)
			wipe(old[i].open);
	}
}

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

int
key_load(int fd, const char **why)
{
	struct slot fresh[2] = { 0 };
	size_t count = 2;
	ssize_t n;

	*why = "out of memory";
	if (pool_make() == 0) {
		n = read_all(fd, files, FILES_N + 1);
		*why = n == -1 ? "the key could not be read" : slots_fill(fresh, &count, files, (size_t)n);
		sodium_memzero(files, FILES_N + 1);
	}
	if (*why != NULL) {
		slots_free(fresh, 2, slots, slots_n);
		return -1;
	}
	slots_free(slots, slots_n, fresh, count);
	memcpy(slots, fresh, sizeof(slots));
	slots_n = count;
	publish();
	return 0;
}

/* ---- which are there ---- */

const uint8_t *
key_public(void)
{
	return slots_n > 0 ? slots[0].public : NULL;
}

bool
key_locked(void)
{
	return slots[0].open == NULL || (slots_n > 1 && slots[1].open == NULL);
}

bool
key_wrapped(void)
{
	return slots[0].wrapped || slots[1].wrapped;
}

bool
key_rotating(void)
{
	return slots_n > 1;
}

const char *
key_named(const uint8_t id[KEY_ID_N], const struct keys **k)
{
	for (size_t i = 0; i < slots_n; i++)
		if (memcmp(slots[i].public, id, KEY_ID_N) == 0) {
			*k = slots[i].open;
			return *k != NULL ? "" : "vault.locked";
		}
	return "store.key_wrong";
}

/* ---- locking ---- */

static enum unlock_answer
slot_unlock(struct slot *s, struct slice passphrase)
{
	struct keys *k = take();
	enum key_wrap_status status = key_unwrap(s->file, passphrase, k->secret, k->record);

	if (status == WRAP_OK && complete(k, s->public) == NULL) {
		s->open = k;
		return UNLOCK_OPEN;
	}
	wipe(k);
	return status == WRAP_MEMORY ? UNLOCK_MEMORY : UNLOCK_WRONG;
}

enum unlock_answer
key_unlock(struct slice passphrase)
{
	enum unlock_answer answer = UNLOCK_OPEN;

	for (size_t i = 0; i < slots_n; i++) {
		enum unlock_answer a = slots[i].open != NULL ? UNLOCK_OPEN : slot_unlock(&slots[i], passphrase);

		answer = a != UNLOCK_OPEN ? a : answer;
	}
	publish();
	return answer;
}

void
key_lock(void)
{
	for (size_t i = 0; i < slots_n; i++)
		if (slots[i].wrapped) {
			wipe(slots[i].open);
			slots[i].open = NULL;
		}
	publish();
}

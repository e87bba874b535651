/*
 * cred.h - credentials: the keys, the only memory a credential ever lies in
 * opened, its two sealed forms, and what is answered with it.
 */
#ifndef VAULT_CRED_H
#define VAULT_CRED_H

#include <sodium.h>

#include "key_file.h"
#include "seal_format.h"

/*
 * ---- key.c ----
 * The newest key and, while it is being renewed, the one before. Each either
 * open, in sodium_malloc memory (locked, not dumped, guarded), or locked: then
 * only its wrapped file is here.
 */
#define KEY_ID_N 8	/* the start of the public key: names the key in a record */
struct keys {
	uint8_t secret[KEY_SECRET_N];	/* only for crypto_box_seal_open */
	uint8_t public[KEY_PUBLIC_N];
	uint8_t record[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
};
extern const struct keys *keys;		/* the newest; NULL: locked, or none yet */
extern const struct keys *keys_old;	/* the one before; NULL: none, or locked */

/*
 * Read one key file, or that of the key in use and that of the next one behind
 * it, from fd to its end; they take the place of what was there. A key that was
 * open stays open. After sodium_init, and for the first time before the
 * sandbox. 0, or -1 with *why and nothing changed.
 */
int key_load(int fd, const char **why);
const uint8_t *key_public(void);	/* of the newest; NULL: none loaded */
bool key_locked(void);			/* any of them */
bool key_wrapped(void);			/* any of them has a passphrase */
bool key_rotating(void);		/* there are two */
/* The key that a record names. "" with *k, vault.locked, or store.key_wrong. */
const char *key_named(const uint8_t id[KEY_ID_N], const struct keys **k);
/* Open all that this passphrase opens; takes seconds and much memory. */
enum unlock_answer key_unlock(struct slice passphrase);
void key_lock(void);	/* wipe the wrapped ones; those without a passphrase stay */

/* ---- cred.c ---- */
/* Two locked areas of AREA_N bytes for one handler's plain bytes: what was
 * opened, and what is built from it. Wiped before the handler returns. */
enum area_use { AREA_OPENED, AREA_BUILT, AREA__COUNT };
#define AREA_N 8192
extern uint8_t *areas[AREA__COUNT];

int area_init(void);			/* before the sandbox; 0 or -1 */
struct wbuf area_writer(void);		/* over AREA_BUILT; fails at its end instead of growing */
void area_wipe(void);			/* both */

/* Lengths and characters as they must be in a seal and in a record. */
bool cred_valid(const struct seal_plain *);
bool cred_list_has(struct slice list, struct slice item);
/* The same items, each once, in any order; empty lists are not equal. */
bool cred_lists_equal(struct slice, struct slice);

/*
 * ---- seal.c ----
 * Open into AREA_OPENED. wanted: what the seal must be for; ats from the
 * store's channel, the rest from its message; kind and secret unused. Returns
 * "" with *cred filled, else an error code:
 *	vault.locked		no key is open
 *	store.key_wrong		made for another key (an old one), or damaged
 *	cfg.invalid		wrong inside, or of a kind not served
 *	store.secret_tampered	sealed for something else
 *	api.conflict		opened before
 */
const char *seal_open(struct slice seal, const struct seal_plain *wanted, struct seal_plain *cred);
int seal_parse(struct slice plain, struct seal_plain *);	/* of an opened seal, strict: 0 or -1 */

/*
 * ---- record.c ----
 * u8 version, key id 8, nonce 24, ciphertext and tag: XChaCha20-Poly1305 under
 * a key derived from the vault's. Additional data: version, key id, ATS, link,
 * generation. Plain: u8 kind, then address, user, secret, endpoints, each u32
 * length + bytes, and, if any are set, u8 pins.
 */
#define RECORD_VERSION 1
#define RECORD_PIN(service) (1u << (service))	/* nothing but SCRAM there */
#define RECORD_PIN_PLUS(service) (4u << (service))	/* nothing but SCRAM bound to TLS */
#define RECORD_PINS (5u * (RECORD_PIN(SERVICE_IMAP) | RECORD_PIN(SERVICE_SMTP)))

struct record_place {
	struct slice ats;
	uint32_t link, generation;
};

/* Encrypt under the newest key, through AREA_BUILT, into out. 0 or -1. */
int record_make(const struct seal_plain *, const struct record_place *, struct wbuf *out);
/* Decrypt into AREA_OPENED. Returns "" with *cred filled, else vault.locked,
 * store.key_wrong (made under another key) or store.secret_tampered. */
const char *record_open(struct slice record, const struct record_place *, struct seal_plain *cred);
bool record_is_fresh(struct slice record);	/* by its name: under the newest key */

#endif

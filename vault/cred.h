/*
 * cred.h - credentials: the keys, the only memory a credential ever lies in
 * opened, its two sealed forms, and what is answered with it.
 */
#ifndef VAULT_CRED_H
#define VAULT_CRED_H

#include <sodium.h>

#include "key_file.h"
#include "seal_format.h"

/* ---- key.c: in sodium_malloc memory (locked, not dumped, guarded), read-only ---- */
#define KEY_ID_N 8	/* the start of the public key: names the key in a record */
struct keys {
	uint8_t secret[KEY_SECRET_N];	/* only for crypto_box_seal_open */
	uint8_t public[KEY_PUBLIC_N];
	uint8_t record[crypto_aead_xchacha20poly1305_ietf_KEYBYTES];
};
extern const struct keys *keys;		/* NULL before key_load */

/* Read the key file's bytes from fd to its end, check and keep them; once, and
 * after sodium_init. 0, or -1 with *why. */
int key_load(int fd, const char **why);

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
 *	cfg.invalid		not a seal for this vault, broken, or of a kind not served
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

/* Encrypt, through AREA_BUILT, into out. 0 or -1. */
int record_make(const struct seal_plain *, const struct record_place *, struct wbuf *out);
/* Decrypt into AREA_OPENED. Returns "" with *cred filled, else store.key_wrong
 * (made under another key) or store.secret_tampered. */
const char *record_open(struct slice record, const struct record_place *, struct seal_plain *cred);

#endif

/*
 * ctl_seal.h - the vault's public key as posternctl sees it, passwords from
 * where they may come from, and seals.
 */
#ifndef CONTROL_CTL_SEAL_H
#define CONTROL_CTL_SEAL_H

#include "key_file.h"
#include "limits.h"
#include "seal_format.h"

#define PUBLIC_KEY_TEXT 64	/* base64 of 32 bytes and NUL, rounded up */

enum pin { PIN_NONE, PIN_SAME, PIN_OTHER };

/* Compare with the pinned file. PIN_NONE: there is no such file. Exits when it
 * is there and cannot be read or is no public key. */
enum pin vault_key_pinned(const char *file, const uint8_t key[KEY_PUBLIC_N]);
void vault_key_text(const uint8_t key[KEY_PUBLIC_N], char out[PUBLIC_KEY_TEXT]);
/* "vault.key" -> "vault.pub" in the same directory. */
void vault_pub_name(const char *keyfile, char *out, size_t size);

/* A password from stdin (one line) or the terminal, into buf; its length. Exits
 * when there is none. Never from argv, never from the environment. */
struct slice password_read(bool from_stdin, const char *prompt, char *buf, size_t size);

/* Seal to key; out has LIM_SEALED bytes. Exits when a value is too long. */
struct slice seal_make(const struct seal_plain *, const uint8_t key[KEY_PUBLIC_N], uint8_t *out);

#endif

/*
 * ctl_vault.h - the vault's key as its administrator handles it: files that
 * only root writes, passphrases, and the state of the running vault.
 */
#ifndef CONTROL_CTL_VAULT_H
#define CONTROL_CTL_VAULT_H

#include "ctl_seal.h"
#include "key_wrap.h"

/* ---- options of the vault commands ---- */
enum vault_option {
	VOPT_KEY = 1,		/* -k keyfile */
	VOPT_PUB = 2,		/* -p pubfile */
	VOPT_SOCKET = 4,	/* -u socket */
	VOPT_WRAPPED = 8,	/* -wrapped */
	VOPT_PLAIN = 16,	/* -plain */
	VOPT_WORK = 32,		/* -work ops:MiB */
	VOPT_STDIN = 64		/* - */
};

struct vault_args {
	const char *key, *pub, *socket;
	bool wrapped, plain, from_stdin;
	struct key_work work;
	char pub_buf[LIM_PATH], socket_buf[LIM_PATH];
};
/* Exits when there is an option that is not in allowed. Starts libsodium. */
void vault_args_parse(struct vault_args *, int argc, char **argv, unsigned int allowed);

/* ---- ctl_vault_file.c: every function exits when it fails ---- */
/* A key pair, and the passphrase it lies under; in locked memory. */
struct key_pair {
	uint8_t secret[KEY_SECRET_N], public[KEY_PUBLIC_N], scratch[WRAP_KEY_N];
	bool wrapped;
	struct key_work work;
	char passphrase[LIM_PASSPHRASE + 1];
	size_t passphrase_n;
};
struct key_pair *pair_new(void);	/* zeroed; exits without memory */
void pair_free(struct key_pair *);	/* wipes */
struct slice pair_passphrase(const struct key_pair *);
/* The pair in a file; asks for the passphrase when there is one and p has none. */
void pair_read(struct key_pair *p, const char *path, bool from_stdin);
/* A new passphrase: twice from the terminal, once from stdin. */
void pair_new_passphrase(struct key_pair *, bool from_stdin);
/* Write the key file (0400) or the public key (0444). Whole or not at all, and
 * durable. replace: may take the place of what is there. */
void pair_write(const struct key_pair *, const char *path, bool replace);
void pair_write_public(const struct key_pair *, const char *path);
/* The second name takes the first one's place; durable. */
void file_move(const char *from, const char *to);

/* ---- ctl_vault_lock.c ---- */
/* One frame to the vault's own socket, after a look at who listens there.
 * UNLOCK_NONE when the vault ends meanwhile. */
enum unlock_answer unlock_send(const char *socket, struct slice passphrase);
/* As unlock_send; exits with the reason unless the vault is open now. */
void unlock_or_fail(const char *socket, struct slice passphrase);

/* ---- the running vault ---- */
struct vault_said {
	bool running, locked, passphrase, rotating, sealed_only;
	uint8_t public[KEY_PUBLIC_N];
	char source[LIM_DETAIL + 1];	/* where posternd has the key from */
};
/* ats: for sealed_only, may be "". Exits when posternd cannot tell. */
void vault_ask(const char *ats, struct vault_said *);

#endif

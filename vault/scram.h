/*
 * scram.h - SCRAM-SHA-256 and SCRAM-SHA-256-PLUS, the client's side (RFC 5802,
 * 7677). The tls-worker reads the server's messages and passes their fields;
 * the messages that both sides sign are built here, so the tls-worker refuses
 * a server that spells them in another way.
 *
 *	scram_client_first	-> server: nonce, salt, iterations
 *	scram_server_first	takes them: nothing of the password is needed yet
 *	scram_work_*		Hi() of RFC 5802 s. 2.2, in slices, in locked memory
 *	scram_client_final	the proof -> server: its signature
 *	scram_server_final	compares it
 */
#ifndef VAULT_SCRAM_H
#define VAULT_SCRAM_H

#include "cred.h"

#define SCRAM_OWN_NONCE 24	/* characters: 18 random bytes */
#define SCRAM_KEY_N crypto_hash_sha256_BYTES

/* Of one exchange; no secret but what the server proves itself with. */
struct scram {
	enum scram_step { SCRAM_NONE = 0, SCRAM_AWAITS_FIRST, SCRAM_HASHES, SCRAM_AWAITS_FINAL, SCRAM_PROVEN } step;
	bool plus;		/* the mechanism, chosen by sasl.c */
	bool plus_offered;
	enum channel_binding binding;
	uint8_t binding_data[LIM_CHANNEL_BINDING];
	size_t binding_n;
	char nonce[LIM_SCRAM_NONCE + 1];	/* ours; from scram_server_first on the whole */
	size_t own;		/* characters of it that are ours */
	uint8_t salt[LIM_SCRAM_SALT];
	size_t salt_n;
	uint32_t iterations;
	uint8_t signature[SCRAM_KEY_N];		/* what the server must show */
};

/* The hashing of one password. Lies in sodium_malloc memory only. */
struct scram_work {
	crypto_auth_hmacsha256_state key, hmac;	/* of the password; the one in use */
	uint8_t u[SCRAM_KEY_N], salted[SCRAM_KEY_N], client[SCRAM_KEY_N], sum[SCRAM_KEY_N];
	uint32_t left;		/* iterations */
};

/* The tls-worker's word on the connection. 0, or -1: no such binding. */
int scram_bind(struct scram *, uint8_t binding, struct slice data);

/*
 * SASLprep (RFC 4013) is a table of Unicode, and none is kept beside a secret:
 * true when it would leave user and password as they are, which is certain for
 * ASCII and for U+00C0 to U+00FF in UTF-8.
 */
bool scram_fits(const struct seal_plain *);

void scram_client_first(struct scram *, const struct seal_plain *, struct wbuf *out);
/* "", or auth.scram_unsafe: not our nonce, a limit, a character. */
const char *scram_server_first(struct scram *, struct slice nonce, struct slice salt, uint32_t iterations);
void scram_work_start(struct scram_work *, const struct scram *, struct slice password);
bool scram_work_slice(struct scram_work *, uint32_t iterations);	/* true: done */
/* After the work; of the credential only the user. 0 or -1. */
int scram_client_final(struct scram *, struct scram_work *, const struct seal_plain *, struct wbuf *out);
/* Constant time. True once: the server knows the password's keys. */
bool scram_server_final(struct scram *, struct slice signature);

#endif

/*
 * scram.h - the server's messages of SCRAM (RFC 5802 s. 7), read here and
 * passed to the vault as fields. The vault writes them down again to sign
 * them, so only the one canonical spelling is taken: no extensions, base64
 * that encodes back to the same letters, numbers without leading zeros.
 */
#ifndef TLS_WORKER_SCRAM_H
#define TLS_WORKER_SCRAM_H

#include "limits.h"
#include "wire.h"

struct scram_first {
	char nonce[LIM_SCRAM_NONCE + 1];
	uint8_t salt[LIM_SCRAM_SALT];
	size_t salt_n;
	uint32_t iterations;	/* judged by the vault */
};

#define SCRAM_SIGNATURE 32

/* "r=nonce,s=salt,i=count". NULL, or the code of the failure. */
const char *scram_read_first(struct slice message, struct scram_first *);
/* "v=signature", or "e=error". NULL, or the code of the failure. */
const char *scram_read_final(struct slice message, uint8_t signature[SCRAM_SIGNATURE]);

#endif

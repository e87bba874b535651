/*
 * sasl.h - base64 (RFC 4648 s. 4) and the guard against echoed credentials.
 */
#ifndef TLS_WORKER_SASL_H
#define TLS_WORKER_SASL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire.h"

/* Bytes of the encoding of n bytes, without a NUL. */
size_t sasl_base64_len(size_t n);
/* Writes sasl_base64_len(in.n) bytes; -1 when they do not fit, else their number. */
int sasl_base64_encode(struct slice in, uint8_t *out, size_t size);
/* The decoded length, or -1: not base64, wrong padding, does not fit. */
int sasl_base64_decode(struct slice in, uint8_t *out, size_t size);

/*
 * A hostile server may send a credential back in its answer, and answers are
 * shown and stored. The guard remembers a keyed hash of each sent piece, not
 * the piece, and masks its copies in a line.
 */
#define SASL_GUARDS 12
#define SASL_GUARD_MIN 3	/* shorter pieces would mask ordinary words */

struct sasl_guard {
	uint8_t key[32];
	bool keyed;
	size_t n;
	struct {
		size_t len;
		uint8_t hash[32];
	} piece[SASL_GUARDS];
};

/* Remember what is sent: the whole, its parts between NUL and 0x01, and the
 * base64 form of the whole. */
void sasl_guard_add(struct sasl_guard *, struct slice sent);
/* Overwrite every copy of a remembered piece with '*'. */
void sasl_guard_mask(const struct sasl_guard *, char *line, size_t n);

#endif

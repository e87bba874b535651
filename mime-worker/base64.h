/*
 * base64.h - base64 as mail has it: characters outside the alphabet are
 * stepped over (RFC 2045 s. 6.8), padding may be missing or in the middle.
 */
#ifndef MIME_BASE64_H
#define MIME_BASE64_H

#include "wire.h"

struct base64 {
	uint32_t bits;
	unsigned int count;	/* bits held, less than 8 after each step */
};

/* Decode n bytes into out, which has room for n. Returns the bytes made. The
 * state begins zeroed; nothing is owed at the end. */
size_t base64_decode(struct base64 *, const uint8_t *in, size_t n, uint8_t *out);

#endif

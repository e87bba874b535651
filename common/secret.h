/*
 * secret.h - memory that held a credential. A secret is never a plain char
 * array in a parser; it lives between the read and the send, then is wiped.
 */
#ifndef COMMON_SECRET_H
#define COMMON_SECRET_H

#include <stddef.h>

/* Overwrite; the compiler does not remove it. */
void secret_wipe(void *, size_t);
/* An allocator for libraries (Jansson, OpenSSL) that wipes on free and on
 * realloc. Sizes are kept in a header before the block. */
void *secret_malloc(size_t);
void *secret_realloc(void *, size_t);
void secret_free(void *);

#endif

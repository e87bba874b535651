/*
 * context.h - the TLS client context of this process: TLS 1.2 or newer,
 * certificate and name verified, no way to turn that off. Everything is read
 * before the sandbox: afterwards OpenSSL opens no file.
 */
#ifndef TLS_WORKER_CONTEXT_H
#define TLS_WORKER_CONTEXT_H

#include <openssl/ssl.h>

#include "wire.h"

/*
 * First of all in main(): OpenSSL then allocates through the wiping
 * allocators, so that no freed buffer keeps a password. Exits when OpenSSL
 * has allocated already.
 */
void context_early(void);

/*
 * ca_file: a PEM bundle, "" = none. extra_ca: PEM certificates that are
 * trusted beside it, also when they are not roots (a server's own). A bundle
 * that cannot be read is logged; without any trusted certificate each
 * handshake fails as untrusted. Exits when OpenSSL does not start.
 */
SSL_CTX *context_new(const char *ca_file, struct slice extra_ca);

/* A connection object that accepts only this host's certificate; host is a
 * name or an IP literal. NULL: no memory. */
SSL *context_connection(SSL_CTX *, const char *host);

#endif

/*
 * bundle.h - the admin's file of trusted certificates. All of them are read at
 * the start, but each is parsed only when a chain asks for its subject: most
 * of a start's time went into keys that no server of one host ever shows.
 */
#ifndef TLS_WORKER_BUNDLE_H
#define TLS_WORKER_BUNDLE_H

#include <openssl/x509.h>

struct bundle;

/*
 * Reads a PEM file; the store asks it from now on and frees it with itself.
 * What is no certificate is skipped; what stands behind damaged text, or behind
 * LIM_BUNDLE_CAS of them, is not read, and the log says so. NULL, and a line in the log: the file cannot
 * be read, or holds no certificate.
 */
struct bundle *bundle_open(X509_STORE *, const char *file);

/* The certificates of this subject are in the store too, beside those that it
 * has: a store with one of that name asks for no other. bundle may be NULL. */
void bundle_bring(struct bundle *, X509_STORE *, const X509_NAME *subject);

#endif

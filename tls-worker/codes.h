/*
 * codes.h - what servers say, as the stable codes of the error table. Texts
 * are matched without regard to case; the first row that fits wins, and a
 * text that no row knows gets its phase's general code.
 */
#ifndef TLS_WORKER_CODES_H
#define TLS_WORKER_CODES_H

#include "enums.h"
#include "wire.h"

/*
 * The server's refusal of a login: for IMAP the tagged NO or BAD, or a BYE,
 * with or without its first word; for SMTP "535 5.7.8 text" with the texts of
 * a reply's lines joined by spaces.
 */
const char *codes_auth(enum service, struct slice line);

/* Without regard to case. */
bool codes_contains(struct slice line, const char *);

/* A first line that is not the expected welcome. */
const char *codes_greeting(enum service, struct slice line);

/* First bytes of the server where a TLS record was expected. */
const char *codes_plaintext(enum service, struct slice first);

/* An X509_V_ERR_* result. */
const char *codes_verify(long result);

/* The reason of the first OpenSSL error of a failed handshake. */
const char *codes_handshake(int reason);

#endif

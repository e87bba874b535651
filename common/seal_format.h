/*
 * seal_format.h - the plain bytes inside a seal of format postern-seal-1, and
 * the canonical form of what they bind a credential to. Pure: no libsodium;
 * the caller passes the bytes to crypto_box_seal and wipes them.
 */
#ifndef COMMON_SEAL_FORMAT_H
#define COMMON_SEAL_FORMAT_H

#include "enums.h"
#include "limits.h"
#include "wire.h"

#define SEAL_VERSION 1
#define SEAL_KIND_PASSWORD 1
#define SEAL_KIND_OAUTH2 2
#define SEAL_ENDPOINT_MAX (LIM_HOST + 32)	/* service:security:host:port */

struct seal_plain {
	uint8_t kind;
	struct slice ats, address, user, secret;
	struct slice endpoints;		/* list, wire.h; 1 to 4 items */
	uint8_t pins;			/* of a record: how little will do, vault/cred.h */
};

/* A buffer for the plain bytes that never moves, so that one wipe is enough.
 * 0, or -1 without memory. */
int seal_wbuf_init(struct wbuf *);
void seal_wbuf_wipe(struct wbuf *);	/* wipe and free */

/* 0; -1 when a field is too long or empty, or the whole exceeds LIM_SEAL_PLAIN. */
int seal_plain_encode(struct wbuf *, const struct seal_plain *);

/*
 * The one spelling of a host: lower-case A-label without final dot, or an IP
 * literal as inet_ntop prints it. 0, or -1 when it is neither.
 */
int seal_host_canonical(struct slice in, char out[LIM_HOST + 1]);

/* "imap:tls:imap.example.org:993"; host must be canonical. 0 or -1. */
int seal_endpoint(char out[SEAL_ENDPOINT_MAX], enum service, enum security, const char *host, uint16_t port);

#endif

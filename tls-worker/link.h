/*
 * link.h - the connection to the server: a non-blocking socket, in clear or
 * under TLS. It looks at the first bytes of the server where TLS is expected,
 * so that a port without TLS is named as such.
 */
#ifndef TLS_WORKER_LINK_H
#define TLS_WORKER_LINK_H

#include <openssl/ssl.h>
#include <sys/types.h>

#include "enums.h"
#include "limits.h"
#include "wire.h"

struct link {
	int fd;
	SSL *ssl;		/* NULL: in clear */
	bool read_wants_write, write_wants_read;	/* of the last call */
	uint8_t first[LIM_NOT_TLS];
	size_t first_n;
	X509 *refused;		/* the certificate that did not pass, owned */
	bool handshaking;
	bool heard;		/* the server has sent at least one byte */
};

enum { LINK_AGAIN = -1, LINK_EOF = 0, LINK_ERROR = -2 };

/* Takes fd over. */
void link_init(struct link *, int fd);
/* Closes; says goodbye first if TLS is up (close_notify, once, not awaited). */
void link_close(struct link *);

/* Bytes, or LINK_AGAIN, LINK_EOF (clean or not: the protocols frame
 * themselves), LINK_ERROR. n at most INT_MAX. */
ssize_t link_read(struct link *, void *, size_t n);
/* Bytes written, LINK_AGAIN or LINK_ERROR. */
ssize_t link_write(struct link *, const void *, size_t n);
/* From now on up to n bytes are read from the socket at once, whatever the records. */
void link_read_ahead(struct link *, size_t n);
/* Bytes that wait inside and make no descriptor readable. */
bool link_pending(const struct link *);

/*
 * What a login can be tied to (RFC 5802 s. 6): tls-exporter from TLS 1.3 on
 * (RFC 9266), below it tls-unique (RFC 5929 s. 3), which is what mail servers
 * take there. BINDING_NONE in clear. At most LIM_CHANNEL_BINDING bytes.
 */
enum channel_binding link_binding(const struct link *, uint8_t *data, size_t *n);
/* Begin TLS with an object of context_connection; takes it over. */
int link_tls_start(struct link *, SSL *);
/* 1 done and verified; 0 again; -1 failed: *code and detail (LIM_DETAIL + 1). */
int link_handshake(struct link *, enum service, const char **code, char *detail);

#endif

/*
 * zip.h - the two deflate streams of COMPRESS=DEFLATE (RFC 4978): raw, one in
 * each direction, for as long as the connection lives.
 *
 * What comes out is fed to the framer in pieces of a fixed size like bytes
 * from a plain line: its limits count what was inflated, so few bytes that
 * become many are met by the same bounds.
 */
#ifndef IMAPD_ZIP_H
#define IMAPD_ZIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evbuffer;
struct zip;

/* rest: bytes that came behind the server's OK; at most ZIP_READ. */
#define ZIP_READ 16384
struct zip *zip_new(const uint8_t *rest, size_t n);
void zip_free(struct zip *);	/* NULL allowed */

/* May more be inflated without reading? */
bool zip_pending(const struct zip *);
/* Where to read compressed bytes to (ZIP_READ of them), when none is pending. */
uint8_t *zip_space(struct zip *);
void zip_filled(struct zip *, size_t n);
/* Bytes put into out, 0 when more must be read, -1: no such stream. */
long zip_inflate(struct zip *, uint8_t *out, size_t n);
/* Move some of plain into packed; all that was moved can be read by the server. */
void zip_deflate(struct zip *, struct evbuffer *plain, struct evbuffer *packed);

#endif

/*
 * stream.h - the plaintext byte stream that a tls-worker keeps to the server.
 *
 * Bytes are read only when the owner wants them and into one fixed buffer, so
 * a server that sends faster than the store takes rows waits in the kernel.
 */
#ifndef IMAPD_STREAM_H
#define IMAPD_STREAM_H

#include "imap_frame.h"

#include <stdbool.h>

struct event;
struct evbuffer;
struct zip;

#define STREAM_READ 16384

struct stream_ops {
	/* One whole response; text is writable and dies with the call. The
	 * owner may close the stream inside. */
	void (*on_response)(void *ctx, uint8_t *text, size_t n);
	/* Everything at hand was handled. */
	void (*on_turn_end)(void *ctx);
	/* The end: reason NULL = the peer is gone, else what it broke. The
	 * stream is closed already. */
	void (*on_end)(void *ctx, const char *reason);
	/* True: do not deliver (and do not read) now. */
	bool (*blocked)(void *ctx);
};

struct stream {
	int fd;			/* -1: none */
	const struct stream_ops *ops;
	void *ctx;
	struct event *read, *write;
	struct evbuffer *out;
	struct zip *zip;	/* both directions are compressed; NULL: plain */
	struct evbuffer *packed;	/* out, compressed */
	struct imap_frame frame;
	uint8_t in[STREAM_READ];
	size_t in_off, in_n;
	bool reading;		/* inside the delivery loop */
	uint64_t moved;		/* bytes in either direction since the start */
};

void stream_init(struct stream *, const struct stream_ops *, void *ctx);
void stream_open(struct stream *, int fd);	/* takes fd over */
void stream_close(struct stream *);
void stream_free(struct stream *);
bool stream_is_open(const struct stream *);
/* From here on both directions are compressed. Inside on_response, with
 * nothing in out. */
void stream_compress(struct stream *);
/* Something was put into out, or blocked() may have changed. */
void stream_kick(struct stream *);

#endif

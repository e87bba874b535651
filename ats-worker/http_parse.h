/*
 * http_parse.h - requests of HTTP/1.1 (RFC 9112) from a stream of bytes.
 *
 * Pure and incremental: bytes go in as they come, events come out; feeding
 * byte by byte gives the same events as feeding all at once. The head is kept
 * in a buffer of LIM_HTTP_HEAD; bodies are handed out as slices of the input
 * and never kept. Strict where laxness smuggles requests: lines end in CRLF,
 * one Content-Length, never together with Transfer-Encoding, no folding, no
 * space before a colon, no trailers.
 */
#ifndef ATS_HTTP_PARSE_H
#define ATS_HTTP_PARSE_H

#include <stdbool.h>
#include <stdint.h>

#include "limits.h"
#include "wire.h"

struct http_header {
	struct slice name, value;	/* value without surrounding blanks */
};

/* Points into the parser; valid until the next http_parse_next_request. */
struct http_head {
	struct slice method, target;	/* target begins with '/' or is "*" */
	struct http_header headers[LIM_HTTP_HEADERS];
	size_t nheaders;
	struct slice host;		/* empty: none (HTTP/1.0 only) */
	unsigned int minor;		/* HTTP/1.minor: 0 or 1 */
	bool keep_alive;		/* what the client wants */
	bool expect_continue;
	bool chunked, has_length;
	uint64_t length;		/* declared, when has_length */
};

enum http_event {
	HTTP_MORE,	/* all input used; nothing to report yet */
	HTTP_HEAD,	/* head complete: look at it, set the body limit */
	HTTP_BODY,	/* *body is the next piece of the body */
	HTTP_END,	/* request complete; what follows is the next one's */
	HTTP_ERROR	/* status says why; the connection must close */
};

enum http_state {
	HTTP_S_HEAD,
	HTTP_S_LENGTH,		/* fixed-length body */
	HTTP_S_CHUNK_LINE,
	HTTP_S_CHUNK_DATA,
	HTTP_S_CHUNK_CRLF,
	HTTP_S_LAST_CRLF,
	HTTP_S_END,
	HTTP_S_DONE,
	HTTP_S_ERROR
};

struct http_parser {
	enum http_state state;
	int status;		/* of HTTP_ERROR: 400, 413, 414, 417, 431, 501, 505 */
	uint64_t body_limit;	/* set after HTTP_HEAD; 0 = no body allowed */
	uint64_t left;		/* of the body or the chunk */
	uint64_t taken;		/* body bytes so far */
	struct http_head head;
	size_t used;		/* bytes of buffer */
	bool line_done;		/* the request line is in it */
	size_t crlf;		/* progress in a line ending */
	size_t line_used;	/* bytes of line */
	char line[LIM_HTTP_CHUNK_LINE];
	char buffer[LIM_HTTP_HEAD];
};

void http_parse_init(struct http_parser *);
/* After HTTP_END: forget the request (wiping what was kept of it). */
void http_parse_next_request(struct http_parser *);
/* True between requests: no byte of a next one has been seen. */
bool http_parse_idle(const struct http_parser *);
/* Takes what it uses off *in. Call again until HTTP_MORE, HTTP_END or
 * HTTP_ERROR. */
enum http_event http_parse(struct http_parser *, struct slice *in, struct slice *body);

/* First header of that name, any case; NULL when absent. */
const struct http_header *http_header_find(const struct http_head *, const char *name);

#endif

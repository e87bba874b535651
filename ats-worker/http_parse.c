#include "http_parse.h"

#include <string.h>

#include "http_head.h"
#include "secret.h"

void
http_parse_init(struct http_parser *p)
{
	memset(p, 0, sizeof(*p));
}

void
http_parse_next_request(struct http_parser *p)
{
	secret_wipe(p->buffer, p->used);
	p->state = HTTP_S_HEAD;
	p->status = 0;
	p->line_done = false;
	p->body_limit = p->left = p->taken = 0;
	p->used = p->crlf = p->line_used = 0;
	memset(&p->head, 0, sizeof(p->head));
}

bool
http_parse_idle(const struct http_parser *p)
{
	return p->state == HTTP_S_HEAD && p->used == 0 && p->crlf == 0;
}

const struct http_header *
http_header_find(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->nheaders; i++)
		if (slice_case_eq_str(h->headers[i].name, name))
			return &h->headers[i];
	return NULL;
}

static enum http_event
refuse(struct http_parser *p, int status)
{
	p->state = HTTP_S_ERROR;
	p->status = status;
	return HTTP_ERROR;
}

static uint8_t
take(struct slice *in)
{
	uint8_t c = in->p[0];

	in->p++;
	in->n--;
	return c;
}

/* ---- the head ---- */

static enum http_event
head_complete(struct http_parser *p)
{
	int status = http_head_parse(slice_mem(p->buffer, p->used - 4), &p->head);

	if (status != 0)
		return refuse(p, status);
	if (p->head.chunked)
		p->state = HTTP_S_CHUNK_LINE;
	else if (p->head.length > 0) {
		p->state = HTTP_S_LENGTH;
		p->left = p->head.length;
	} else
		p->state = HTTP_S_END;
	p->crlf = 0;
	return HTTP_HEAD;
}

/* crlf counts the progress in CR LF CR LF; a bare CR or LF is refused. */
static int
head_byte(struct http_parser *p, uint8_t c)
{
	if ((c == '\n') != (p->crlf == 1 || p->crlf == 3))
		return 400;
	if (c == '\r' || c == '\n')
		p->crlf++;
	else if (c == '\0')
		return 400;
	else
		p->crlf = 0;
	if (p->used == sizeof(p->buffer))
		return 431;
	p->buffer[p->used++] = (char)c;
	if (!p->line_done && p->used > LIM_HTTP_LINE)
		return 414;
	p->line_done = p->line_done || c == '\n';
	return 0;
}

static enum http_event
parse_head(struct http_parser *p, struct slice *in)
{
	while (in->n > 0) {
		int status = head_byte(p, take(in));

		if (status != 0)
			return refuse(p, status);
		if (p->crlf == 4)
			return head_complete(p);
		/* RFC 9112 s. 2.2: an empty line before a request is ignored. */
		if (p->used == 2 && p->crlf == 2)
			http_parse_next_request(p);
	}
	return HTTP_MORE;
}

/* ---- bodies ---- */

static enum http_event
body_piece(struct http_parser *p, struct slice *in, struct slice *body, enum http_state after)
{
	size_t n = in->n < p->left ? in->n : (size_t)p->left;

	if (p->left > p->body_limit - p->taken)
		return refuse(p, 413);
	if (n == 0)
		return HTTP_MORE;
	*body = slice_mem(in->p, n);
	in->p += n;
	in->n -= n;
	p->left -= n;
	p->taken += n;
	if (p->left == 0)
		p->state = after;
	return HTTP_BODY;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* "1a;ext=value" in p->line: the size; extensions are ignored. */
static int
chunk_size(struct http_parser *p)
{
	size_t i = 0;

	p->left = 0;
	for (; i < p->line_used && i < 12 && hex_value(p->line[i]) != -1; i++)
		p->left = p->left * 16 + (uint64_t)hex_value(p->line[i]);
	if (i == 0 || (i < p->line_used && p->line[i] != ';' && p->line[i] != ' ' && p->line[i] != '\t'))
		return -1;
	return 0;
}

static enum http_event
chunk_line(struct http_parser *p, struct slice *in)
{
	while (in->n > 0) {
		uint8_t c = take(in);

		if ((c == '\n') != (p->crlf == 1) || (c < ' ' && c != '\t' && c != '\r' && c != '\n'))
			return refuse(p, 400);
		if (c == '\r')
			p->crlf = 1;
		else if (c != '\n') {
			if (p->line_used == LIM_HTTP_CHUNK_LINE)
				return refuse(p, 400);
			p->line[p->line_used++] = (char)c;
		} else {
			if (chunk_size(p) == -1)
				return refuse(p, 400);
			p->crlf = p->line_used = 0;
			p->state = p->left > 0 ? HTTP_S_CHUNK_DATA : HTTP_S_LAST_CRLF;
			return HTTP_MORE;
		}
	}
	return HTTP_MORE;
}

static enum http_event
expect_crlf(struct http_parser *p, struct slice *in, enum http_state after)
{
	while (in->n > 0) {
		if (take(in) != (p->crlf == 0 ? '\r' : '\n'))
			return refuse(p, 400);
		if (++p->crlf == 2) {
			p->crlf = 0;
			p->state = after;
			return HTTP_MORE;
		}
	}
	return HTTP_MORE;
}

static enum http_event
parse_step(struct http_parser *p, struct slice *in, struct slice *body)
{
	switch (p->state) {
	case HTTP_S_HEAD:
		return parse_head(p, in);
	case HTTP_S_LENGTH:
		return body_piece(p, in, body, HTTP_S_END);
	case HTTP_S_CHUNK_LINE:
		return chunk_line(p, in);
	case HTTP_S_CHUNK_DATA:
		return body_piece(p, in, body, HTTP_S_CHUNK_CRLF);
	case HTTP_S_CHUNK_CRLF:
		return expect_crlf(p, in, HTTP_S_CHUNK_LINE);
	case HTTP_S_LAST_CRLF:
		return expect_crlf(p, in, HTTP_S_END);
	case HTTP_S_END:
		p->state = HTTP_S_DONE;
		return HTTP_END;
	case HTTP_S_DONE:
		return HTTP_END;
	case HTTP_S_ERROR:
		break;
	}
	return HTTP_ERROR;
}

enum http_event
http_parse(struct http_parser *p, struct slice *in, struct slice *body)
{
	enum http_event ev;
	enum http_state was;

	*body = SLICE_NONE;
	do {
		was = p->state;
		ev = parse_step(p, in, body);
		/* A state may end exactly at the end of the input. */
	} while (ev == HTTP_MORE && (in->n > 0 || p->state == HTTP_S_END) && p->state != was);
	return ev;
}

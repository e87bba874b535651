#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <string.h>

#include "http_conn.h"

static const char *
reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} table[] = { { 200, "OK" }, { 201, "Created" }, { 400, "Bad Request" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 413, "Content Too Large" }, { 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
		{ 417, "Expectation Failed" }, { 429, "Too Many Requests" },
		{ 431, "Request Header Fields Too Large" }, { 500, "Internal Server Error" },
		{ 501, "Not Implemented" }, { 503, "Service Unavailable" }, { 505, "HTTP Version Not Supported" },
		{ 507, "Insufficient Storage" } };

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].status == status)
			return table[i].text;
	return "Answer";
}

void
http_reply_header(struct http_conn *c, const char *name, const char *value)
{
	for (const char *s = value; *s != '\0'; s++)
		if ((unsigned char)*s < ' ' || (unsigned char)*s >= 0x7f)
			return;
	(void)evbuffer_add_printf(c->headers, "%s: %s\r\n", name, value);
}

/* An answer before the end of the request leaves no way to find the next one. */
static void
decide_close(struct http_conn *c)
{
	if (!c->complete || !c->parser.head.keep_alive || c->half_closed || !c->allowed)
		c->close_after = true;
}

static void
reply_head(struct http_conn *c, struct evbuffer *out, int status, const char *type)
{
	(void)evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nX-Content-Type-Options: nosniff\r\n",
	    status, reason(status), type);
	(void)evbuffer_add_buffer(out, c->headers);
	if (c->close_after)
		(void)evbuffer_add_printf(out, "Connection: close\r\n");
	else if (c->parser.head.minor == 0)
		(void)evbuffer_add_printf(out, "Connection: keep-alive\r\n");
}

void
http_reply(struct http_conn *c, int status, const char *type, struct evbuffer *body)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	c->taker = NULL;
	decide_close(c);
	reply_head(c, out, status, type);
	(void)evbuffer_add_printf(out, "Content-Length: %zu\r\n\r\n", body != NULL ? evbuffer_get_length(body) : 0);
	if (body != NULL) {
		(void)evbuffer_add_buffer(out, body);
		evbuffer_free(body);
	}
	conn_deadline(c, 0);
	c->state = CONN_WRITING;
}

void
http_reply_text(struct http_conn *c, int status, const char *type, const char *text)
{
	struct evbuffer *body = evbuffer_new();

	if (body != NULL)
		(void)evbuffer_add(body, text, strlen(text));
	http_reply(c, status, type, body);
}

void
http_stream_start(struct http_conn *c, const char *type)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	c->chunked = c->parser.head.minor == 1;
	c->close_after = !c->chunked;
	decide_close(c);
	reply_head(c, out, 200, type);
	(void)evbuffer_add_printf(out, "%s\r\n", c->chunked ? "Transfer-Encoding: chunked\r\n" : "");
	conn_deadline(c, 0);
	c->state = CONN_STREAM;
}

int
http_stream_send(struct http_conn *c, struct slice s)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	if (evbuffer_get_length(out) > http_limits.stream_queue) {
		/* The timer ends it, outside of the caller's loop. */
		if (!evtimer_pending(c->timer, NULL))
			conn_deadline(c, 1);
		return -1;
	}
	if (c->chunked)
		(void)evbuffer_add_printf(out, "%zx\r\n", s.n);
	(void)evbuffer_add(out, s.p, s.n);
	if (c->chunked)
		(void)evbuffer_add(out, "\r\n", 2);
	return 0;
}

void
http_stream_end(struct http_conn *c)
{
	c->taker = NULL;
	if (c->chunked)
		(void)evbuffer_add_printf(bufferevent_get_output(c->bev), "0\r\n\r\n");
	c->state = CONN_WRITING;
	/* Nothing may be left to write, then no event would come. */
	bufferevent_trigger(c->bev, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
}

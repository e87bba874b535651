/*
 * download.c - GET /jmap/download/{accountId}/{blobId}/{name}?accept={type}.
 */
#include "download.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "jmap.h"
#include "reply_json.h"
#include "routes.h"

#define NOT_STORED "urn:postern:params:jmap:error:contentNotStored"

struct download {
	struct http_conn *conn;
	struct store_scope scope;
	struct accounts_wait wait;
	uint32_t account;
	struct jmap_blob blob;
	char type[LIM_TYPE_NAME + 1];
	char disposition[4096];
};

static unsigned int mapped;

/* ---- header values ---- */

int
download_type(const char *accept, char *out, size_t size)
{
	const char *slash = accept != NULL ? strchr(accept, '/') : NULL;
	const char *type = slash != NULL && slash != accept && slash[1] != '\0' ? accept : "application/octet-stream";

	for (const char *s = type; *s != '\0'; s++)
		if (*s < ' ' || *s >= 0x7f || strchr("\"\\<>(),", *s) != NULL)
			type = s = "application/octet-stream";
	return snprintf(out, size, "%s", type) < (int)size ? 0 : -1;
}

static void
put_char(char *out, size_t size, size_t *at, char c)
{
	if (*at + 1 < size)
		out[(*at)++] = c;
}

void
download_disposition(const char *name, char *out, size_t size)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t at = (size_t)snprintf(out, size, "attachment; filename=\"");

	for (const char *s = name; *s != '\0' && at < 300; s++)
		put_char(out, size, &at, *s < ' ' || *s >= 0x7f || strchr("\"\\/%;", *s) != NULL ? '_' : *s);
	for (const char *s = "\"; filename*=UTF-8''"; *s != '\0'; s++)
		put_char(out, size, &at, *s);
	for (const char *s = name; *s != '\0' && at + 4 < size; s++) {
		unsigned char c = (unsigned char)*s;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c) != NULL)
			put_char(out, size, &at, (char)c);
		else {
			put_char(out, size, &at, '%');
			put_char(out, size, &at, hex[c >> 4]);
			put_char(out, size, &at, hex[c & 15]);
		}
	}
	out[at] = '\0';
}

/* ---- the answer ---- */

static void
fail(struct download *d, int status, const char *type, const char *detail)
{
	struct http_conn *c = d->conn;

	store_scope_cancel(&d->scope);
	free(d);
	reply_problem(c, status, type, detail);
}

static void
body_done(const void *data, size_t n, void *arg)
{
	(void)data;
	(void)n;
	body_close(arg);
	free(arg);
	mapped--;
}

/* The bytes leave from the store's memory file; nothing is copied. */
static struct evbuffer *
take_body(const struct store_answer *a)
{
	struct evbuffer *out = evbuffer_new();
	struct body *b = calloc(1, sizeof(*b));

	if (out != NULL && b != NULL && mapped < LIM_DOWNLOADS && body_keep(b, a->m->blob_data.data, a->fd) == 0) {
		mapped++;
		if (b->data.n == 0 || evbuffer_add_reference(out, b->data.p, b->data.n, body_done, b) == 0) {
			if (b->data.n == 0)
				body_done(NULL, 0, b);
			return out;
		}
		mapped--;
		body_close(b);
	}
	if (out != NULL)
		evbuffer_free(out);
	free(b);
	return NULL;
}

static void
on_blob(void *ctx, const struct store_answer *a)
{
	struct download *d = ctx;
	struct http_conn *c = d->conn;
	struct evbuffer *body;

	if (a->m == NULL)
		fail(d, 503, "about:blank", "The store is not available now.");
	else if (a->error != NULL && strcmp(a->error, "contentNotStored") == 0)
		fail(d, 404, NOT_STORED, "The content of this email is not stored here.");
	else if (a->error != NULL)
		fail(d, strcmp(a->error, "serverUnavailable") == 0 ? 503 : 404, "about:blank", "No such blob.");
	else if ((body = take_body(a)) == NULL)
		fail(d, 503, "about:blank", "Too many downloads at once.");
	else {
		http_reply_header(c, "Content-Disposition", d->disposition);
		http_reply_header(c, "Cache-Control", "private, immutable, max-age=31536000");
		http_reply_header(c, "Content-Security-Policy", "sandbox; default-src 'none'");
		http_reply(c, 200, d->type, body);
		free(d);
	}
}

static void
on_fresh(void *ctx, bool ok)
{
	struct download *d = ctx;
	struct msg_blob_get m = { .account = d->account, .kind = (uint8_t)d->blob.kind, .id = d->blob.id,
		.part = slice_str(d->blob.part), .uid = http_conn_uid(d->conn) };

	if (!ok)
		fail(d, 503, "about:blank", "The store is not available now.");
	else if (accounts_find(d->account) == NULL)
		fail(d, 404, "about:blank", "No such account.");
	else if (store_ask(&d->scope, MSG_blob_get, &m, -1, on_blob, d) == -1)
		fail(d, 503, "about:blank", "The store is not available now.");
}

static void
on_end(void *ctx)
{
	struct download *d = ctx;

	d->wait = (struct accounts_wait){ .cb = on_fresh, .ctx = d };
	if (accounts_fresh())
		on_fresh(d, true);
	else if (accounts_refresh(&d->scope, &d->wait) == -1)
		on_fresh(d, false);
}

static void
on_gone(void *ctx)
{
	struct download *d = ctx;

	store_scope_cancel(&d->scope);
	free(d);
}

static const struct http_taker taker = { .end = on_end, .gone = on_gone };

void
download_route(struct http_conn *c)
{
	const struct http_target *t = http_conn_target(c);
	struct download *d = calloc(1, sizeof(*d));

	if (d == NULL) {
		reply_problem(c, 503, "about:blank", "Out of memory.");
		return;
	}
	d->conn = c;
	if (account_id_parse(t->segments[2], &d->account) == -1 || d->account == ACCOUNT_ATS ||
	    jmap_blob_parse(t->segments[3], &d->blob) == -1) {
		free(d);
		reply_problem(c, 404, "about:blank", "No such account or blob.");
		return;
	}
	if (download_type(http_target_query(t, "accept"), d->type, sizeof(d->type)) == -1) {
		free(d);
		reply_problem(c, 400, "about:blank", "The type is too long.");
		return;
	}
	download_disposition(t->segments[4], d->disposition, sizeof(d->disposition));
	http_take(c, &taker, d, 0);
}

/*
 * api.c - POST /jmap/api: collects one Request, runs it, answers.
 *
 * The body may hold a password: it lives in wiping memory and is freed as soon
 * as it is parsed.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "jmap_request.h"
#include "log.h"
#include "reply_json.h"
#include "routes.h"
#include "secret.h"

struct api_request {
	struct http_conn *conn;
	struct jmap_request *request;
	uint8_t *body;		/* secret_malloc */
	size_t n, cap;
	bool no_memory;
};

static unsigned int running;

static void
api_free(struct api_request *r)
{
	secret_free(r->body);
	free(r);
	running--;
}

static void
on_body(void *ctx, struct slice piece)
{
	struct api_request *r = ctx;
	uint8_t *grown;
	size_t cap = r->cap != 0 ? r->cap : 4096;

	while (cap < r->n + piece.n)
		cap *= 2;
	if (cap != r->cap && !r->no_memory) {
		if ((grown = secret_realloc(r->body, cap)) == NULL) {
			r->no_memory = true;
			return;
		}
		r->body = grown;
		r->cap = cap;
	}
	if (r->no_memory)
		return;
	memcpy(r->body + r->n, piece.p, piece.n);
	r->n += piece.n;
}

static void
on_done(void *ctx, json_t *response)
{
	struct api_request *r = ctx;
	struct http_conn *c = r->conn;

	api_free(r);
	reply_json(c, 200, response);
}

static void
on_end(void *ctx)
{
	struct api_request *r = ctx;
	struct jmap_problem problem = { .type = "serverFail", .detail = "out of memory", .status = 500 };

	if (!r->no_memory)
		r->request = jmap_request_new(slice_mem(r->body, r->n), &problem, on_done, r);
	secret_free(r->body);
	r->body = NULL;
	if (r->request != NULL) {
		jmap_request_by(r->request, http_conn_uid(r->conn));
		jmap_request_run(r->request);
		return;
	}
	reply_problem_json(r->conn, problem.status, jmap_problem_json(&problem));
	api_free(r);
}

static void
on_gone(void *ctx)
{
	struct api_request *r = ctx;

	if (r->request != NULL)
		jmap_request_abort(r->request);
	api_free(r);
}

static const struct http_taker taker = { .body = on_body, .end = on_end, .gone = on_gone };

static bool
is_json(const struct http_head *h)
{
	const struct http_header *type = http_header_find(h, "content-type");
	struct slice v = type != NULL ? type->value : SLICE_NONE;
	const uint8_t *semicolon = v.n > 0 ? memchr(v.p, ';', v.n) : NULL;

	if (semicolon != NULL)
		v.n = (size_t)(semicolon - v.p);
	while (v.n > 0 && (v.p[v.n - 1] == ' ' || v.p[v.n - 1] == '\t'))
		v.n--;
	return slice_case_eq_str(v, "application/json");
}

static void
refuse(struct http_conn *c, int status, const char *type, const char *limit, const char *detail)
{
	struct jmap_problem p = { .type = type, .limit = limit, .detail = detail, .status = status };

	reply_problem_json(c, status, jmap_problem_json(&p));
}

void
api_route(struct http_conn *c)
{
	const struct http_head *h = http_conn_head(c);
	struct api_request *r;

	if (!is_json(h))
		refuse(c, 400, "notJSON", NULL, "The content type must be application/json.");
	else if (h->has_length && h->length > LIM_JMAP_REQUEST)
		refuse(c, 413, "limit", "maxSizeRequest", "The request is larger than maxSizeRequest.");
	else if (running >= LIM_JMAP_REQUESTS)
		refuse(c, 429, "limit", "maxConcurrentRequests", "Too many requests at once.");
	else if ((r = calloc(1, sizeof(*r))) == NULL)
		refuse(c, 503, "serverFail", NULL, "Out of memory.");
	else {
		r->conn = c;
		running++;
		http_take(c, &taker, r, LIM_JMAP_REQUEST);
	}
}

#include "reply_json.h"

#include <event2/buffer.h>

#include "json_write.h"

static void
reply_as(struct http_conn *c, int status, const char *type, json_t *value)
{
	struct evbuffer *body = evbuffer_new();

	if (body == NULL || json_write(body, value) == -1)
		status = 500;
	json_decref(value);
	http_reply_header(c, "Cache-Control", "no-cache, no-store, must-revalidate");
	http_reply(c, status, type, body);
}

void
reply_json(struct http_conn *c, int status, json_t *value)
{
	reply_as(c, status, "application/json", value);
}

void
reply_problem_json(struct http_conn *c, int status, json_t *value)
{
	reply_as(c, status, "application/problem+json", value);
}

void
reply_problem(struct http_conn *c, int status, const char *type, const char *detail)
{
	reply_problem_json(c, status,
	    json_pack("{s:s, s:i, s:s}", "type", type, "status", status, "detail", detail));
}

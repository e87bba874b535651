#include "routes.h"

#include <string.h>

#include "reply_json.h"
#include "session.h"

struct route {
	const char *method;
	const char *first, *second;
	size_t segments;
	void (*serve)(struct http_conn *);
};

static const struct route routes[] = {
	{ "GET", ".well-known", "jmap", 2, session_route },
	{ "GET", "jmap", "session", 2, session_route },
	{ "GET", "jmap", "api", 2, session_route },
	{ "POST", "jmap", "api", 2, api_route },
	{ "POST", "jmap", "upload", 4, upload_route },
	{ "GET", "jmap", "download", 5, download_route },
	{ "GET", "jmap", "eventsource", 2, eventsource_route },
};

static bool
path_matches(const struct route *r, const struct http_target *t)
{
	size_t n = t->nsegments;

	/* "/jmap/api/" is the same; uploads may come without their last slash. */
	if (n == r->segments + 1 && r->segments == 2 && t->segments[n - 1][0] == '\0')
		n--;
	if (r->serve == upload_route && n == 3)
		n++;
	return n == r->segments && strcmp(t->segments[0], r->first) == 0 && strcmp(t->segments[1], r->second) == 0;
}

void
route_request(struct http_conn *c)
{
	const struct http_target *t = http_conn_target(c);
	const char *other = NULL;

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!path_matches(&routes[i], t))
			continue;
		if (slice_eq_str(http_conn_head(c)->method, routes[i].method)) {
			routes[i].serve(c);
			return;
		}
		other = routes[i].method;
	}
	if (other != NULL) {
		http_reply_header(c, "Allow", other);
		reply_problem(c, 405, "about:blank", "This method is not allowed here.");
	} else
		reply_problem(c, 404, "about:blank", "There is nothing at this path.");
}

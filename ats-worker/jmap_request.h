/*
 * jmap_request.h - the Request object of RFC 8620 s. 3.3 and its method loop.
 */
#ifndef ATS_JMAP_REQUEST_H
#define ATS_JMAP_REQUEST_H

#include "jmap.h"

struct jmap_problem {
	const char *type;	/* after urn:ietf:params:jmap:error: */
	const char *limit;	/* of type "limit" */
	const char *detail;
	int status;
};

/* response: owned by the callee; NULL when memory ran out. The request is
 * freed before the callback. */
typedef void (*jmap_done_fn)(void *ctx, json_t *response);

/* Check and take over a request in I-JSON; text is not kept. NULL: refused,
 * *problem says why. */
struct jmap_request *jmap_request_new(struct slice text, struct jmap_problem *, jmap_done_fn, void *ctx);
/* Whose request it is, for the audit log. */
void jmap_request_by(struct jmap_request *, uint32_t uid);
/* Start it. done may be called before this returns. */
void jmap_request_run(struct jmap_request *);
/* Forget it; done is not called. */
void jmap_request_abort(struct jmap_request *);

/* {"type": "urn:...", "status": ..., ...} */
json_t *jmap_problem_json(const struct jmap_problem *);

/* Replace "#name" arguments by what they refer to (RFC 8620 s. 3.7). 0; -1
 * with *error = the method error. For the loop and tests. */
int jmap_resolve_references(json_t *args, json_t *responses, const char **error);

#endif

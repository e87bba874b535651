#include "jmap_request.h"

#include <stdlib.h>
#include <string.h>

#include "audit.h"
#include "jmap_methods.h"
#include "log.h"

struct jmap_request {
	json_t *calls;		/* the client's, in order */
	size_t next;
	json_t *responses;
	json_t *created_ids;
	bool return_created;
	unsigned int using;
	uint32_t uid;		/* who asks */
	struct jmap_call *call;	/* under way */
	const char *implicit_name, *implicit_id;
	json_t *implicit_args;
	bool pumping;
	struct store_scope scope;	/* of the account refresh */
	struct accounts_wait wait;
	jmap_done_fn done;
	void *ctx;
};

/* ---- taking a request in ---- */

static int
problem(struct jmap_problem *p, const char *type, const char *detail)
{
	*p = (struct jmap_problem){ .type = type, .detail = detail, .status = 400 };
	return -1;
}

json_t *
jmap_problem_json(const struct jmap_problem *p)
{
	json_t *o = json_pack("{s:s+, s:i, s:s}", "type", "urn:ietf:params:jmap:error:", p->type, "status", p->status,
	    "detail", p->detail);

	if (o != NULL && p->limit != NULL)
		ju_set(o, "limit", json_string(p->limit));
	return o;
}

static int
read_using(struct jmap_request *req, json_t *using, struct jmap_problem *p)
{
	static const struct {
		const char *uri;
		unsigned int bit;
	} known[] = { { CAP_CORE_URI, CAP_CORE }, { CAP_MAIL_URI, CAP_MAIL }, { CAP_SUBMISSION_URI, CAP_SUBMISSION },
		{ CAP_ATS_URI, CAP_ATS } };
	json_t *item;
	size_t i, k;

	if (!json_is_array(using))
		return problem(p, "notRequest", "\"using\" must be an array of strings.");
	json_array_foreach(using, i, item) {
		if (!json_is_string(item))
			return problem(p, "notRequest", "\"using\" must be an array of strings.");
		for (k = 0; k < 4 && strcmp(json_string_value(item), known[k].uri) != 0; k++)
			;
		if (k == 4)
			return problem(p, "unknownCapability", "\"using\" names a capability that is not offered here.");
		req->using |= known[k].bit;
	}
	return 0;
}

static int
check_calls(json_t *calls, struct jmap_problem *p)
{
	json_t *item;
	size_t i;

	if (!json_is_array(calls))
		return problem(p, "notRequest", "\"methodCalls\" must be an array.");
	if (json_array_size(calls) > LIM_JMAP_CALLS) {
		(void)problem(p, "limit", "Too many method calls in one request.");
		p->limit = "maxCallsInRequest";
		return -1;
	}
	json_array_foreach(calls, i, item)
		if (json_array_size(item) != 3 || !json_is_string(json_array_get(item, 0)) ||
		    !json_is_object(json_array_get(item, 1)) || !json_is_string(json_array_get(item, 2)))
			return problem(p, "notRequest", "A method call must be [name, arguments, call id].");
	return 0;
}

static int
read_created(struct jmap_request *req, json_t *created, struct jmap_problem *p)
{
	const char *key;
	json_t *value;

	req->return_created = json_is_object(created);
	if (created != NULL && !json_is_null(created) && !req->return_created)
		return problem(p, "notRequest", "\"createdIds\" must be an object.");
	json_object_foreach(created, key, value)
		if (!json_is_string(value))
			return problem(p, "notRequest", "\"createdIds\" must map ids to ids.");
	req->created_ids = req->return_created ? json_incref(created) : json_object();
	return 0;
}

static int
request_read(struct jmap_request *req, json_t *root, struct jmap_problem *p)
{
	if (root == NULL)
		return problem(p, "notJSON", "The request is not I-JSON.");
	if (!json_is_object(root))
		return problem(p, "notRequest", "The request must be an object.");
	if (read_using(req, json_object_get(root, "using"), p) == -1 ||
	    check_calls(json_object_get(root, "methodCalls"), p) == -1 ||
	    read_created(req, json_object_get(root, "createdIds"), p) == -1)
		return -1;
	req->calls = json_incref(json_object_get(root, "methodCalls"));
	req->responses = json_array();
	return 0;
}

static void
request_free(struct jmap_request *req)
{
	json_decref(req->calls);
	json_decref(req->responses);
	json_decref(req->created_ids);
	json_decref(req->implicit_args);
	free(req);
}

struct jmap_request *
jmap_request_new(struct slice text, struct jmap_problem *p, jmap_done_fn done, void *ctx)
{
	struct jmap_request *req = calloc(1, sizeof(*req));
	json_t *root = ju_parse(text);

	if (req == NULL) {
		*p = (struct jmap_problem){ .type = "serverFail", .detail = "out of memory", .status = 500 };
	} else if (request_read(req, root, p) == -1) {
		request_free(req);
		req = NULL;
	} else {
		req->done = done;
		req->uid = AUDIT_NOBODY;
		req->ctx = ctx;
	}
	json_decref(root);
	return req;
}

void
jmap_request_by(struct jmap_request *req, uint32_t uid)
{
	req->uid = uid;
}

uint32_t
call_uid(const struct jmap_call *call)
{
	return call->req->uid;
}

/* ---- one call ---- */

static void
call_free(struct jmap_call *call)
{
	store_scope_cancel(&call->scope);
	if (call->state_free != NULL)
		call->state_free(call->state);
	free(call->state);
	arena_free(&call->arena);
	json_decref(call->args);
	free(call);
}

static void request_pump(struct jmap_request *);

static void
respond(struct jmap_request *req, const char *name, json_t *response, const char *id)
{
	json_t *triple = json_array();

	ju_push(triple, json_string(name));
	ju_push(triple, response);
	ju_push(triple, json_string(id));
	ju_push(req->responses, triple);
}

static json_t *
error_object(const char *type, const char *description)
{
	json_t *o = json_object();

	ju_set(o, "type", json_string(type));
	if (description != NULL)
		ju_set(o, "description", json_string(description));
	return o;
}

/* The end of a call, whichever way. name: of the response. */
static void
call_end(struct jmap_call *call, const char *name, json_t *response)
{
	struct jmap_request *req = call->req;

	if (ju_failed_take() || call->arena.failed || response == NULL) {
		json_decref(response);
		response = error_object("serverFail", "out of memory");
		name = "error";
	}
	respond(req, name, response, call->id);
	req->call = NULL;
	call_free(call);
	request_pump(req);
}

void
call_done(struct jmap_call *call, json_t *response)
{
	call_end(call, call->method->name, response);
}

void
call_error(struct jmap_call *call, const char *type, const char *description)
{
	call_end(call, "error", error_object(type, description));
}

const char *
call_resolve_id(const struct jmap_call *call, const char *id)
{
	return id[0] != '#' ? id : json_string_value(json_object_get(call->req->created_ids, id + 1));
}

void
call_note_created(struct jmap_call *call, const char *creation_id, const char *id)
{
	ju_set(call->req->created_ids, creation_id, json_string(id));
}

void
call_push_implicit(struct jmap_call *call, const char *method, json_t *args)
{
	struct jmap_request *req = call->req;

	json_decref(req->implicit_args);
	req->implicit_name = method;
	req->implicit_args = args;
	req->implicit_id = call->id;
}

/* ---- the loop ---- */

/* NULL, or the method error when the account does not fit. */
static const char *
choose_account(struct jmap_call *call)
{
	const char *id = json_string_value(json_object_get(call->args, "accountId"));
	const struct account *link;

	if (call->method->kind == ACCOUNT_NONE)
		return NULL;
	if (id == NULL)
		return "invalidArguments";
	if (account_id_parse(id, &call->account) == -1)
		return "accountNotFound";
	if (call->account == ACCOUNT_ATS)
		return call->method->kind == ACCOUNT_OF_ATS ? NULL : "accountNotSupportedByMethod";
	if ((link = accounts_find(call->account)) == NULL)
		return accounts_known() ? "accountNotFound" : "serverUnavailable";
	call->mode = link->mode;
	return call->method->kind == ACCOUNT_OF_LINK ? NULL : "accountNotSupportedByMethod";
}

static void
call_start(struct jmap_request *req, const struct jmap_method *method, json_t *args, const char *id)
{
	struct jmap_call *call = calloc(1, sizeof(*call));
	const char *error = NULL;

	if (call == NULL || args == NULL) {
		free(call);
		json_decref(args);
		respond(req, "error", error_object("serverFail", "out of memory"), id);
		return;
	}
	*call = (struct jmap_call){ .req = req, .method = method, .args = args, .id = id };
	req->call = call;
	if (method == NULL)
		call_error(call, "unknownMethod", NULL);
	else if (jmap_resolve_references(args, req->responses, &error) == -1)
		call_error(call, error, NULL);
	else if ((error = choose_account(call)) != NULL)
		call_error(call, error, strcmp(error, "invalidArguments") == 0 ? "accountId is required" : NULL);
	else
		method->run(call);
}

/* False when nothing is left to start. */
static bool
start_next(struct jmap_request *req)
{
	json_t *item;

	if (req->implicit_args != NULL) {
		json_t *args = req->implicit_args;

		req->implicit_args = NULL;
		/* The client need not name the capability of what follows by itself. */
		call_start(req, jmap_method_find(req->implicit_name, UINT32_MAX), args, req->implicit_id);
		return true;
	}
	if (req->next >= json_array_size(req->calls))
		return false;
	item = json_array_get(req->calls, req->next++);
	/* Arguments are changed while references are resolved: a copy of the outer object. */
	call_start(req, jmap_method_find(json_string_value(json_array_get(item, 0)), req->using),
	    json_copy(json_array_get(item, 1)), json_string_value(json_array_get(item, 2)));
	return true;
}

static json_t *
request_response(struct jmap_request *req)
{
	json_t *o = json_object();

	ju_set(o, "methodResponses", json_incref(req->responses));
	if (req->return_created)
		ju_set(o, "createdIds", json_incref(req->created_ids));
	ju_set(o, "sessionState", accounts_state());
	if (!ju_failed_take())
		return o;
	json_decref(o);
	return NULL;
}

static void
request_pump(struct jmap_request *req)
{
	json_t *response;
	jmap_done_fn done = req->done;
	void *ctx = req->ctx;

	if (req->pumping)
		return;
	req->pumping = true;
	while (req->call == NULL && start_next(req))
		;
	req->pumping = false;
	if (req->call != NULL)
		return;
	response = request_response(req);
	request_free(req);
	done(ctx, response);
}

static void
on_accounts(void *ctx, bool ok)
{
	(void)ok;	/* without a store each method says serverUnavailable itself */
	request_pump(ctx);
}

void
jmap_request_run(struct jmap_request *req)
{
	req->wait = (struct accounts_wait){ .cb = on_accounts, .ctx = req };
	if (accounts_fresh() || accounts_refresh(&req->scope, &req->wait) == -1)
		request_pump(req);
}

void
jmap_request_abort(struct jmap_request *req)
{
	store_scope_cancel(&req->scope);
	if (req->call != NULL)
		call_free(req->call);
	request_free(req);
}

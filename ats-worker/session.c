#include "session.h"

#include <event2/buffer.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "ats.h"
#include "jmap.h"
#include "reply_json.h"

void
session_origin(const struct http_head *h, char *out, size_t size)
{
	const struct http_header *proto = http_header_find(h, "x-forwarded-proto");
	struct slice host = h->host;
	bool https = proto != NULL && slice_case_eq_str(proto->value, "https");

	for (size_t i = 0; i < host.n; i++)
		if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.:-", host.p[i]) == NULL ||
		    host.p[i] == '\0')
			host.n = 0;
	if (host.n == 0 || host.n > LIM_HTTP_HOST)
		host = slice_str("localhost");
	(void)snprintf(out, size, "%s://%.*s", https ? "https" : "http", (int)host.n, (const char *)host.p);
}

static json_t *
core_capability(void)
{
	json_t *o = json_object();

	ju_set(o, "maxSizeUpload", json_integer(LIM_JMAP_UPLOAD));
	ju_set(o, "maxConcurrentUpload", json_integer(LIM_JMAP_UPLOADS));
	ju_set(o, "maxSizeRequest", json_integer(LIM_JMAP_REQUEST));
	ju_set(o, "maxConcurrentRequests", json_integer(LIM_JMAP_REQUESTS));
	ju_set(o, "maxCallsInRequest", json_integer(LIM_JMAP_CALLS));
	ju_set(o, "maxObjectsInGet", json_integer(LIM_JMAP_GET));
	ju_set(o, "maxObjectsInSet", json_integer(LIM_JMAP_SET));
	ju_set(o, "collationAlgorithms", json_array());
	return o;
}

static json_t *
ats_capability(void)
{
	char key[sodium_base64_ENCODED_LEN(32, sodium_base64_VARIANT_ORIGINAL)];
	json_t *o = json_object();

	sodium_bin2base64(key, sizeof(key), ats_config.public_key, 32, sodium_base64_VARIANT_ORIGINAL);
	ju_set(o, "version", json_string(POSTERN_VERSION));
	ju_set(o, "vaultPublicKey", json_string(key));
	ju_set(o, "sealFormat", json_string("postern-seal-1"));
	return o;
}

static json_t *
mail_capability(void)
{
	json_t *o = json_object();

	ju_set(o, "maxMailboxesPerEmail", json_integer(64));
	ju_set(o, "maxMailboxDepth", json_null());
	ju_set(o, "maxSizeMailboxName", json_integer(LIM_MAILBOX_NAME));
	ju_set(o, "maxSizeAttachmentsPerEmail", json_integer(LIM_JMAP_UPLOAD));
	ju_set(o, "emailQuerySortOptions", json_pack("[s]", "receivedAt"));
	ju_set(o, "mayCreateTopLevelMailbox", json_false());
	return o;
}

static json_t *
submission_capability(uint8_t mode)
{
	json_t *o = json_object();

	ju_set(o, "maxDelayedSend", json_integer(mode == MODE_RECEIVE_ONLY ? 0 : LIM_JMAP_DELAY));
	ju_set(o, "submissionExtensions", json_pack("{s:[]}", "FUTURERELEASE"));
	return o;
}

static json_t *
account(const char *name, json_t *capabilities)
{
	json_t *o = json_object();

	ju_set(o, "name", json_string(name));
	ju_set(o, "isPersonal", json_false());
	ju_set(o, "isReadOnly", json_false());
	ju_set(o, "accountCapabilities", capabilities);
	return o;
}

static json_t *
link_account(const struct account *a)
{
	json_t *c = json_object();

	ju_set(c, CAP_MAIL_URI, mail_capability());
	ju_set(c, CAP_SUBMISSION_URI, submission_capability(a->mode));
	ju_set(c, CAP_ATS_URI, json_object());
	return account(a->address, c);
}

static json_t *
all_accounts(void)
{
	json_t *o = json_object();
	char id[JMAP_ID_MAX];

	ju_set(o, "ats", account(ats_config.name, json_pack("{s:{}}", CAP_ATS_URI)));
	for (size_t i = 0; i < accounts_count(); i++) {
		jmap_id_print(id, 'L', accounts_at(i)->id);
		ju_set(o, id, link_account(accounts_at(i)));
	}
	return o;
}

static json_t *
primary_accounts(void)
{
	json_t *o = json_object();

	ju_set(o, CAP_ATS_URI, json_string("ats"));
	if (accounts_count() > 0) {
		ju_set(o, CAP_MAIL_URI, account_id_json(accounts_at(0)->id));
		ju_set(o, CAP_SUBMISSION_URI, account_id_json(accounts_at(0)->id));
	}
	return o;
}

static void
set_url(json_t *o, const char *name, const char *origin, const char *path)
{
	char url[LIM_HTTP_HOST + 256];

	(void)snprintf(url, sizeof(url), "%s%s", origin, path);
	ju_set(o, name, json_string(url));
}

json_t *
session_json(const char *origin)
{
	json_t *o = json_object(), *c = json_object();

	ju_set(c, CAP_CORE_URI, core_capability());
	ju_set(c, CAP_MAIL_URI, json_object());
	ju_set(c, CAP_SUBMISSION_URI, json_object());
	ju_set(c, CAP_ATS_URI, ats_capability());
	ju_set(o, "capabilities", c);
	ju_set(o, "accounts", all_accounts());
	ju_set(o, "primaryAccounts", primary_accounts());
	ju_set(o, "username", json_string(ats_config.name));
	set_url(o, "apiUrl", origin, "/jmap/api");
	set_url(o, "downloadUrl", origin, "/jmap/download/{accountId}/{blobId}/{name}?accept={type}");
	set_url(o, "uploadUrl", origin, "/jmap/upload/{accountId}/");
	set_url(o, "eventSourceUrl", origin,
	    "/jmap/eventsource?types={types}&closeafter={closeafter}&ping={ping}");
	ju_set(o, "state", accounts_state());
	if (!ju_failed_take())
		return o;
	json_decref(o);
	return NULL;
}

/* ---- answering ---- */

struct session_request {
	struct http_conn *conn;
	struct store_scope scope;
	struct accounts_wait wait;
	char origin[LIM_HTTP_HOST + 16];
};

static void
on_fresh(void *ctx, bool ok)
{
	struct session_request *s = ctx;

	if (ok)
		reply_json(s->conn, 200, session_json(s->origin));
	else
		reply_problem(s->conn, 503, "about:blank", "The store is not available now.");
	free(s);
}

static void
on_end(void *ctx)
{
	struct session_request *s = ctx;

	s->wait = (struct accounts_wait){ .cb = on_fresh, .ctx = s };
	if (accounts_fresh())
		on_fresh(s, true);
	else if (accounts_refresh(&s->scope, &s->wait) == -1)
		on_fresh(s, false);
}

static void
on_gone(void *ctx)
{
	struct session_request *s = ctx;

	store_scope_cancel(&s->scope);
	free(s);
}

static const struct http_taker taker = { .end = on_end, .gone = on_gone };

void
session_route(struct http_conn *c)
{
	struct session_request *s = calloc(1, sizeof(*s));

	if (s == NULL) {
		reply_problem(c, 503, "about:blank", "Out of memory.");
		return;
	}
	s->conn = c;
	session_origin(http_conn_head(c), s->origin, sizeof(s->origin));
	http_take(c, &taker, s, 0);
}

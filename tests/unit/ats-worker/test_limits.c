/*
 * Limits of the ATS's socket, on both sides of each. Those of HTTP itself are
 * in test_http_parse.c.
 */
#include "jmap_patch.h"
#include "peer_cred.h"
#include "sse.h"
#include "worker_test.h"

/* head, piece n times with commas, tail; malloc'd. */
static char *
many(const char *head, const char *piece, size_t n, const char *tail)
{
	struct wbuf w = { .max = 0 };

	w_raw(&w, head, strlen(head));
	for (size_t i = 0; i < n; i++) {
		w_raw(&w, ",", i > 0);
		w_raw(&w, piece, strlen(piece));
	}
	w_raw(&w, tail, strlen(tail) + 1);
	return (char *)w.p;
}

/* The type of the problem or of the first method error; "good" without one. */
static const char *
outcome(const char *request)
{
	static char type[64];
	char *answer = api_raw(request);
	json_t *v = body_json(answer), *t;

	t = json_object_get(json_object_get(v, "methodResponses") == NULL ? v
		: json_array_get(json_array_get(json_object_get(v, "methodResponses"), 0), 1), "type");
	(void)snprintf(type, sizeof(type), "%s", t != NULL ? json_string_value(t) : "good");
	if (strcmp(type, "urn:ietf:params:jmap:error:limit") == 0)
		(void)snprintf(type, sizeof(type), "limit %s", json_string_value(json_object_get(v, "limit")));
	json_decref(v);
	free(answer);
	return type;
}

#define REQUEST "{\"using\":" USING ",\"methodCalls\":["

static void
both_sides(const char *head, const char *piece, size_t limit, const char *tail, const char *beyond)
{
	char *at = many(head, piece, limit, tail), *over = many(head, piece, limit + 1, tail);

	assert_string_equal(outcome(at), "good");
	assert_string_equal(outcome(over), beyond);
	free(at);
	free(over);
}

/* limit: LIM_JMAP_CALLS LIM_JMAP_GET LIM_JMAP_SET */
static void
test_objects(void **state)
{
	(void)state;
	both_sides(REQUEST, "[\"Core/echo\",{},\"c\"]", LIM_JMAP_CALLS, "]}", "limit maxCallsInRequest");
	both_sides(REQUEST "[\"Email/get\",{\"accountId\":\"L1\",\"properties\":[\"id\"],\"ids\":[", "\"E1\"", LIM_JMAP_GET,
	    "]},\"c\"]]}", "requestTooLarge");
	both_sides(REQUEST "[\"Note/set\",{\"accountId\":\"ats\",\"destroy\":[", "\"N1\"", LIM_JMAP_SET, "]},\"c\"]]}",
	    "requestTooLarge");
}

/* limit: LIM_JMAP_REQUEST */
static void
test_request_size(void **state)
{
	static const char head[] = REQUEST "[\"Core/echo\",{\"x\":\"", tail[] = "\"},\"c\"]]}";
	char *body = malloc(LIM_JMAP_REQUEST + 2);
	size_t pad = LIM_JMAP_REQUEST - strlen(head) - strlen(tail);

	(void)state;
	(void)memcpy(body, head, strlen(head));
	memset(body + strlen(head), 'x', pad + 1);
	(void)memcpy(body + strlen(head) + pad, tail, sizeof(tail));
	assert_string_equal(outcome(body), "good");
	memset(body + strlen(head), 'x', pad + 1);
	(void)memcpy(body + strlen(head) + pad + 1, tail, sizeof(tail));
	assert_string_equal(outcome(body), "limit maxSizeRequest");
	free(body);
}

/* limit: LIM_JSON_DEPTH LIM_JMAP_POINTER */
static void
test_json(void **state)
{
	char text[2 * LIM_JSON_DEPTH + 3];
	json_t *v, *root = json_pack("{s:[{s:[]}]}", "list", "ids"), *got;
	json_t *ids = json_object_get(json_array_get(json_object_get(root, "list"), 0), "ids");

	(void)state;
	for (size_t depth = LIM_JSON_DEPTH; depth <= LIM_JSON_DEPTH + 1; depth++) {
		memset(text, '[', depth);
		memset(text + depth, ']', depth);
		v = ju_parse(slice_mem(text, 2 * depth));
		assert_int_equal(v != NULL, depth == LIM_JSON_DEPTH);
		json_decref(v);
	}
	for (int i = 0; i < LIM_JMAP_POINTER; i++)
		json_array_append_new(ids, json_integer(i));
	got = jmap_pointer_get(root, "/list/*/ids");
	assert_int_equal(json_array_size(got), LIM_JMAP_POINTER);
	json_decref(got);
	json_array_append_new(ids, json_integer(1));
	assert_null(jmap_pointer_get(root, "/list/*/ids"));
	json_decref(root);
}

/* Is an object of this type made from these properties? */
static bool
made(const char *type, const char *account, const char *properties)
{
	size_t n = strlen(properties) + 200;
	char *args = malloc(n), method[64];
	json_t *keep, *r;
	bool ok;

	(void)snprintf(method, sizeof(method), "%s/set", type);
	(void)snprintf(args, n, "{\"accountId\":\"%s\",\"create\":{\"a\":{%s}}}", account, properties);
	r = call1(method, args, &keep);
	ok = json_object_get(json_object_get(r, "created"), "a") != NULL;
	json_decref(keep);
	free(args);
	return ok;
}

/* head, so many letters, tail. */
static bool
made_with(const char *type, const char *account, const char *head, size_t letters, const char *tail)
{
	char *x = malloc(strlen(head) + letters + strlen(tail) + 1);
	bool ok;

	(void)memcpy(x, head, strlen(head));
	memset(x + strlen(head), 'x', letters);
	(void)memcpy(x + strlen(head) + letters, tail, strlen(tail) + 1);
	ok = made(type, account, x);
	free(x);
	return ok;
}

/* limit: LIM_EXTERNAL_ID */
static void
test_external_id(void **state)
{
	static const char head[] = "\"kind\":\"candidate\",\"name\":\"C\",\"emails\":[\"c@example.com\"],\"externalId\":\"";

	(void)state;
	assert_true(made_with("Correspondent", "ats", head, LIM_EXTERNAL_ID, "\""));
	assert_false(made_with("Correspondent", "ats", head, LIM_EXTERNAL_ID + 1, "\""));
}

#define DRAFT "\"mailboxIds\":{\"M1\":true},\"bodyValues\":{\"1\":{\"value\":\"v\"}},"

#define MIXED DRAFT "\"bodyStructure\":{\"type\":\"multipart/mixed\",\"subParts\":["	/* itself a part */

/* A text within so many multiparts. */
static bool
nested(unsigned int depth)
{
	struct wbuf w = { .max = 0 };
	static const char open[] = "{\"type\":\"multipart/mixed\",\"subParts\":[", leaf[] = "{\"partId\":\"1\",\"type\":\"text/plain\"}";
	bool ok;

	w_raw(&w, DRAFT "\"bodyStructure\":", strlen(DRAFT "\"bodyStructure\":"));
	for (unsigned int i = 0; i < depth; i++)
		w_raw(&w, open, strlen(open));
	w_raw(&w, leaf, strlen(leaf));
	for (unsigned int i = 0; i < depth; i++)
		w_raw(&w, "]}", 2);
	w_raw(&w, "", 1);
	ok = made("Email", "L1", (const char *)w.p);
	wbuf_free(&w);
	return ok;
}

/* limit: LIM_DRAFT_HEADER LIM_DRAFT_DEPTH LIM_DRAFT_PARTS */
static void
test_drafts(void **state)
{
	char *at = many(MIXED, "{\"partId\":\"1\",\"type\":\"text/plain\"}", LIM_DRAFT_PARTS - 1, "]}");
	char *over = many(MIXED, "{\"partId\":\"1\",\"type\":\"text/plain\"}", LIM_DRAFT_PARTS, "]}");
	size_t room = LIM_DRAFT_HEADER - strlen("X-A: ");

	(void)state;
	assert_true(made_with("Email", "L1", DRAFT "\"header:X-A:asText\":\"", room, "\""));
	assert_false(made_with("Email", "L1", DRAFT "\"header:X-A:asText\":\"", room + 1, "\""));
	assert_true(nested(LIM_DRAFT_DEPTH));
	assert_false(nested(LIM_DRAFT_DEPTH + 1));
	assert_true(made("Email", "L1", at));
	assert_false(made("Email", "L1", over));
	free(at);
	free(over);
}

/* limit: LIM_JMAP_UPLOAD */
static void
test_upload_size(void **state)
{
	char request[300], *a;
	int fd;

	(void)state;
	(void)snprintf(request, sizeof(request),
	    "POST /jmap/upload/L1/ HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n",
	    LIM_JMAP_UPLOAD + 1);
	a = http(request);
	assert_int_equal(status_of(a), 413);
	assert_non_null(strstr(a, "maxSizeUpload"));
	free(a);
	/* At the limit it is let begin: no answer until the bytes are there. */
	(void)snprintf(request, sizeof(request),
	    "POST /jmap/upload/L1/ HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n",
	    LIM_JMAP_UPLOAD);
	fd = client_connect();
	client_write(fd, request, strlen(request));
	turn(5);
	assert_int_equal(recv(fd, request, sizeof(request), MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
	close(fd);
	turn(5);
}

/* limit: LIM_HTTP_HOST: a Host beyond it is not repeated in URLs. */
static void
test_host(void **state)
{
	char host[LIM_HTTP_HOST + 2], request[LIM_HTTP_HOST + 200], *a;

	(void)state;
	for (size_t n = LIM_HTTP_HOST; n <= LIM_HTTP_HOST + 1; n++) {
		memset(host, 'a', n);
		host[n] = '\0';
		(void)snprintf(request, sizeof(request), "GET /jmap/session HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host);
		a = http(request);
		assert_int_equal(strstr(a, "http://localhost/") != NULL, n > LIM_HTTP_HOST);
		free(a);
	}
}

static unsigned int
ping_of(const char *seconds)
{
	struct http_target t;
	struct sse_args a;
	char target[100];

	(void)snprintf(target, sizeof(target), "/jmap/eventsource?types=*&closeafter=no&ping=%s", seconds);
	assert_int_equal(http_target_parse(&t, slice_str(target)), 0);
	assert_int_equal(sse_args_read(&t, &a), 0);
	return a.ping;
}

/* limit: LIM_PING_MIN_SECONDS LIM_PING_MAX_SECONDS */
static void
test_ping(void **state)
{
	char text[16];

	(void)state;
	assert_int_equal(ping_of("0"), 0);	/* none */
	assert_int_equal(ping_of("1"), LIM_PING_MIN_SECONDS);
	(void)snprintf(text, sizeof(text), "%d", LIM_PING_MAX_SECONDS);
	assert_int_equal(ping_of(text), LIM_PING_MAX_SECONDS);
	(void)snprintf(text, sizeof(text), "%d", LIM_PING_MAX_SECONDS + 1);
	assert_int_equal(ping_of(text), LIM_PING_MAX_SECONDS);
}

/* limit: LIM_CLIENT_IDS */
static void
test_allowed_ids(void **state)
{
	struct wbuf w = { .max = 0 };

	(void)state;
	for (uint32_t i = 1; i <= LIM_CLIENT_IDS + 1; i++)
		w_u32(&w, 5000 + i);
	peer_cred_init(wbuf_slice(&w), SLICE_NONE);
	assert_true(peer_cred_match(5000 + LIM_CLIENT_IDS, NULL, 0));
	assert_false(peer_cred_match(5000 + LIM_CLIENT_IDS + 1, NULL, 0));
	wbuf_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_request_size),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_upload_size),
		cmocka_unit_test(test_external_id),
		cmocka_unit_test(test_drafts),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_ping),
		cmocka_unit_test(test_allowed_ids),	/* last: nobody may connect after it */
	};

	return cmocka_run_group_tests(tests, worker_setup, NULL);
}

/* Whole requests: bytes in at the socket, messages to a played store, bytes out. */
#include "worker_test.h"

static void
test_session(void **state)
{
	char *a = http("GET /.well-known/jmap HTTP/1.1\r\nHost: ats.example:8080\r\nX-Forwarded-Proto: https\r\n"
		       "Connection: close\r\n\r\n");
	json_t *s = body_json(a);

	(void)state;
	assert_int_equal(status_of(a), 200);
	expect(s, "apiUrl", "\"https://ats.example:8080/jmap/api\"");
	expect(s, "accounts/L1/name", "\"anna@example.org\"");
	expect(s, "accounts/ats/isPersonal", "false");
	expect(s, "primaryAccounts/urn:postern:params:jmap:ats", "\"ats\"");
	expect(s, "capabilities/urn:postern:params:jmap:ats/sealFormat", "\"postern-seal-1\"");
	json_decref(s);
	free(a);
	a = http("GET /jmap/session HTTP/1.1\r\nHost: a\"b\r\nConnection: close\r\n\r\n");
	s = body_json(a);
	expect(s, "apiUrl", "\"http://localhost/jmap/api\"");
	json_decref(s);
	free(a);
}

static void
test_problems(void **state)
{
	static const struct {
		const char *body, *type;
	} cases[] = {
		{ "{", "urn:ietf:params:jmap:error:notJSON" },
		{ "[]", "urn:ietf:params:jmap:error:notRequest" },
		{ "{\"using\":[],\"methodCalls\":[[1]]}", "urn:ietf:params:jmap:error:notRequest" },
		{ "{\"using\":[\"x:y\"],\"methodCalls\":[]}", "urn:ietf:params:jmap:error:unknownCapability" },
	};
	char wanted[128], *a;
	json_t *v;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		a = api_raw(cases[i].body);
		assert_int_equal(status_of(a), 400);
		v = body_json(a);
		(void)snprintf(wanted, sizeof(wanted), "\"%s\"", cases[i].type);
		expect(v, "type", wanted);
		json_decref(v);
		free(a);
	}
	a = http("POST /jmap/api HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}");
	assert_int_equal(status_of(a), 400);
	free(a);
	a = http("POST /jmap/api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n\r\n");
	assert_int_equal(status_of(a), 413);
	assert_non_null(strstr(a, "maxSizeRequest"));
	free(a);
	a = http("GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 404);
	free(a);
	a = http("DELETE /jmap/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 405);
	free(a);
	a = http("GET / HTTP/1.1\r\n\r\n");
	assert_int_equal(status_of(a), 400);
	assert_non_null(strstr(a, "Connection: close"));
	free(a);
}

static void
test_method_errors(void **state)
{
	json_t *r;
	char *a;

	(void)state;
	expect_error("Foo/get", "{}", "unknownMethod");
	expect_error("Email/get", "{\"ids\":[]}", "invalidArguments");
	expect_error("Email/get", "{\"accountId\":\"L9\",\"ids\":[]}", "accountNotFound");
	expect_error("Email/get", "{\"accountId\":\"zzz\",\"ids\":[]}", "accountNotFound");
	expect_error("Email/get", "{\"accountId\":\"ats\",\"ids\":[]}", "accountNotSupportedByMethod");
	expect_error("Link/get", "{\"accountId\":\"L1\",\"ids\":[]}", "accountNotSupportedByMethod");
	expect_error("Email/get", "{\"accountId\":\"L1\",\"ids\":[],\"x\":1}", "invalidArguments");
	expect_error("Email/get", "{\"accountId\":\"L1\",\"ids\":[1]}", "invalidArguments");
	expect_error("Email/get", "{\"accountId\":\"L1\",\"ids\":[],\"properties\":[\"nope\"]}", "invalidArguments");
	expect_error("Email/get", "{\"accountId\":\"L1\",\"ids\":[],\"properties\":[\"header:From:asDate\"]}", "invalidArguments");
	expect_error("Email/query", "{\"accountId\":\"L1\",\"filter\":{\"nope\":1}}", "unsupportedFilter");
	expect_error("Email/query", "{\"accountId\":\"L1\",\"filter\":{\"after\":1}}", "invalidArguments");
	expect_error("Email/query", "{\"accountId\":\"L1\",\"sort\":[{\"property\":\"subject\"}]}", "unsupportedSort");
	expect_error("Email/query", "{\"accountId\":\"L1\",\"anchor\":\"x\"}", "anchorNotFound");
	expect_error("Email/changes", "{\"accountId\":\"L1\",\"sinceState\":\"x\"}", "cannotCalculateChanges");
	expect_error("Email/changes", "{\"accountId\":\"L1\",\"sinceState\":\"1-1\"}", "cannotCalculateChanges");
	expect_error("Email/changes", "{\"accountId\":\"L1\",\"sinceState\":\"abc-1\",\"maxChanges\":0}", "invalidArguments");
	expect_error("Email/set", "{\"accountId\":\"L1\",\"ifInState\":\"abc-1\"}", "stateMismatch");
	expect_error("EmailSubmission/set", "{\"accountId\":\"L1\",\"onSuccessUpdateEmail\":[]}", "invalidArguments");
	/* A capability that is not in "using" hides its methods. */
	a = api_raw("{\"using\":[\"urn:ietf:params:jmap:core\"],\"methodCalls\":[[\"Email/get\",{},\"c\"]]}");
	r = body_json(a);
	expect(r, "methodResponses/0/1/type", "\"unknownMethod\"");
	json_decref(r);
	free(a);
}

static void
test_get(void **state)
{
	json_t *keep, *r = call1("Link/get", "{\"accountId\":\"ats\",\"ids\":[\"L1\",\"L9\",\"x\"]}", &keep);

	(void)state;
	expect(r, "state", "\"abc-7\"");
	expect(r, "list/0/id", "\"L1\"");
	expect(r, "list/0/imap", "{\"host\":\"imap.example.org\",\"port\":993,\"security\":\"tls\",\"user\":\"anna\"}");
	expect(r, "list/0/error/code", "\"net.refused\"");
	expect(r, "list/0/error/class", "\"U\"");
	expect(r, "list/0/state", "\"offline\"");
	expect(r, "list/0/credential", "(absent)");
	expect(r, "notFound", "[\"x\",\"L9\"]");
	json_decref(keep);
	r = call1("Email/get", "{\"accountId\":\"L1\",\"ids\":[\"E1\"],\"fetchAllBodyValues\":true,\"maxBodyValueBytes\":14}", &keep);
	expect(r, "list/0/from", "[{\"email\":\"anna@example.org\",\"name\":\"Anna\"}]");
	expect(r, "list/0/cc", "null");
	expect(r, "list/0/sentAt", "\"2014-10-30T14:12:00+08:00\"");
	expect(r, "list/0/keywords", "{\"$seen\":true,\"work\":true}");
	expect(r, "list/0/mailboxIds", "{\"M1\":true}");
	expect(r, "list/0/blobId", "\"B11\"");
	expect(r, "list/0/messageId", "[\"abc@example.org\"]");
	expect(r, "list/0/textBody/0/charset", "\"us-ascii\"");
	expect(r, "list/0/attachments/0/blobId", "\"P1-3\"");
	expect(r, "list/0/bodyStructure", "(absent)");
	expect(r, "list/0/bodyValues/1", "{\"isEncodingProblem\":false,\"isTruncated\":true,\"value\":\"line one\\n<b>li\"}");
	json_decref(keep);
	r = call1("Email/get", "{\"accountId\":\"L1\",\"ids\":[\"E1\",\"E2\"],\"properties\":[\"bodyStructure\","
	    "\"header:FROM:asAddresses\",\"contentState\",\"blobId\",\"preview\"],\"bodyProperties\":[\"partId\",\"type\"]}", &keep);
	expect(r, "list/0/bodyStructure/subParts/0/subParts/1", "{\"partId\":\"2\",\"type\":\"text/html\"}");
	expect(r, "list/0/bodyStructure/subParts/1/type", "\"application/pdf\"");
	expect(r, "list/0/header:FROM:asAddresses/0/name", "\"Anna\"");
	expect(r, "list/1/contentState", "\"header\"");
	expect(r, "list/1/blobId", "\"P2-0\"");
	expect(r, "list/1/preview", "\"\"");
	json_decref(keep);
}

static void
test_query(void **state)
{
	struct rec_filter f;
	json_t *keep, *r = call1("Email/query", "{\"accountId\":\"L1\",\"filter\":{\"operator\":\"AND\",\"conditions\":["
	    "{\"inMailbox\":\"M4\"},{\"from\":\"carl\"}]},\"sort\":[{\"property\":\"receivedAt\",\"isAscending\":false}],"
	    "\"position\":2,\"limit\":3,\"calculateTotal\":true}", &keep);

	(void)state;
	expect(r, "ids", "[\"E3\",\"E4\",\"E5\"]");
	expect(r, "total", "10");
	expect(r, "position", "2");
	expect(r, "limit", "(absent)");
	assert_int_equal(rec_filter_decode(wbuf_slice(&fake.filter), &f), 0);
	assert_int_equal(f.in_mailbox, 4);
	assert_true(slice_eq_str(f.from, "carl"));
	assert_false(fake.query.ascending);
	json_decref(keep);
	r = call1("Email/query", "{\"accountId\":\"L1\",\"position\":-2}", &keep);
	expect(r, "ids", "[\"E9\",\"E10\"]");
	expect(r, "total", "(absent)");
	json_decref(keep);
	r = call1("Email/query", "{\"accountId\":\"L1\",\"anchor\":\"E5\",\"anchorOffset\":-1,\"limit\":2}", &keep);
	expect(r, "ids", "[\"E4\",\"E5\"]");
	json_decref(keep);
	r = call1("Mailbox/query", "{\"accountId\":\"L1\",\"filter\":{\"role\":\"inbox\"}}", &keep);
	expect(r, "ids", "[\"M1\"]");
	json_decref(keep);
	r = call1("Mailbox/query", "{\"accountId\":\"L1\",\"sort\":[{\"property\":\"name\"}],\"calculateTotal\":true}", &keep);
	expect(r, "ids", "[\"M2\",\"M1\"]");
	expect(r, "total", "2");
	json_decref(keep);
}

static void
test_references(void **state)
{
	json_t *r = api("[[\"Email/query\",{\"accountId\":\"L1\",\"limit\":1},\"a\"],"
			"[\"Email/get\",{\"accountId\":\"L1\",\"#ids\":{\"resultOf\":\"a\",\"name\":\"Email/query\",\"path\":\"/ids\"},"
			"\"properties\":[\"subject\"]},\"b\"],"
			"[\"Core/echo\",{\"#x\":{\"resultOf\":\"b\",\"name\":\"Email/get\",\"path\":\"/list/*/subject\"}},\"c\"]]");

	(void)state;
	expect(r, "1/1/list/0", "{\"id\":\"E1\",\"subject\":\"Hello \xc3\xa4\"}");
	expect(r, "2/1/x", "[\"Hello \xc3\xa4\"]");
	json_decref(r);
}

static void
test_agency_types(void **state)
{
	json_t *keep, *r = call1("Correspondent/set", "{\"accountId\":\"ats\",\"create\":{\"a\":{\"kind\":\"candidate\",\"name\":\"Carl\","
	    "\"emails\":[\"carl@example.com\"]},\"b\":{\"kind\":\"x\"},\"c\":{\"kind\":\"contact\",\"emails\":[\"nope\"]},"
	    "\"d\":{\"kind\":\"contact\",\"relatedIds\":[\"#a\"]}}}", &keep);

	(void)state;
	expect(r, "created/a/id", "\"C1\"");
	expect(r, "created/a/externalId", "null");
	expect(r, "created/d/id", "\"C1\"");
	expect(r, "notCreated/b/properties", "[\"kind\"]");
	expect(r, "notCreated/c/properties", "[\"emails\"]");
	json_decref(keep);
	r = call1("Review/set", "{\"accountId\":\"ats\",\"update\":{\"R1\":{\"resolution\":{\"send\":\"wasSent\"}},"
	    "\"R2\":{\"resolution\":{\"send\":\"again\"}}}}", &keep);
	expect(r, "updated", "{\"R1\":null}");
	expect(r, "notUpdated/R2/type", "\"invalidProperties\"");
	assert_int_equal(fake.review_set.resolution, RESOLVE_WAS_SENT);
	json_decref(keep);
	r = call1("Provider/get", "{\"accountId\":\"ats\",\"ids\":null}", &keep);
	expect(r, "list/0/id", "\"acme\"");
	expect(r, "list/0/smtp/security", "\"starttls\"");
	json_decref(keep);
	r = call1("Provider/discover", "{\"accountId\":\"ats\",\"address\":\"x@example.net\"}", &keep);
	expect(r, "candidates/0/origin", "\"preset\"");
	json_decref(keep);
	r = call1("Note/set", "{\"accountId\":\"ats\",\"create\":{\"a\":{}},\"destroy\":[\"N4\"]}", &keep);
	expect(r, "notCreated/a/type", "\"forbidden\"");
	expect(r, "destroyed", "[\"N4\"]");
	json_decref(keep);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_session), T(test_problems), T(test_method_errors), T(test_get), T(test_query),
		T(test_references), T(test_agency_types),
	};

	return cmocka_run_group_tests(tests, worker_setup, NULL);
}

/* Whole requests: bytes in at the socket, messages to a fake store, bytes out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "harness.h"

static int
setup(void **state)
{
	(void)state;
	worker_start();
	return 0;
}

static int
reset(void **state)
{
	(void)state;
	fake.error = fake.blob_error = NULL;
	fake.silent = false;
	if (fake.chan == NULL)
		store_connect();
	return 0;
}

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
test_pipelining(void **state)
{
	char *a = http("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /jmap/session HTTP/1.1\r\nHost: x\r\n\r\n"
		       "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	const char *second = strstr(a + 1, "HTTP/1.1 "), *third = second != NULL ? strstr(second + 1, "HTTP/1.1 ") : NULL;

	(void)state;
	assert_int_equal(status_of(a), 404);
	assert_non_null(second);
	assert_non_null(third);
	assert_int_equal(status_of(second), 200);
	assert_int_equal(status_of(third), 404);
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
test_email_update(void **state)
{
	json_t *keep, *r = call1("Email/set", "{\"accountId\":\"L1\",\"update\":{\"E1\":{\"keywords/$Flagged\":true,"
	    "\"keywords/$seen\":null,\"mailboxIds/M2\":true,\"mailboxIds/M1\":null}},\"destroy\":[\"E2\",\"bad\"]}", &keep);

	(void)state;
	expect(r, "updated", "{\"E1\":null}");
	expect(r, "destroyed", "[\"E2\"]");
	expect(r, "notDestroyed/bad/type", "\"notFound\"");
	assert_string_equal(fake.add, "$flagged");
	assert_string_equal(fake.del, "$seen");
	assert_false(fake.update.set_keywords);
	assert_int_equal(fake.destroyed, 2);
	json_decref(keep);
	r = call1("Email/set", "{\"accountId\":\"L1\",\"update\":{\"E1\":{\"keywords\":{\"a\":true}},\"E9\":{\"keywords\":{}},"
	    "\"E2\":{\"subject\":\"x\"},\"E3\":{\"mailboxIds\":{}}}}", &keep);
	expect(r, "updated", "{\"E1\":null}");
	expect(r, "notUpdated/E9/type", "\"notFound\"");
	expect(r, "notUpdated/E2", "{\"description\":\"cannot be changed\",\"properties\":[\"subject\"],\"type\":\"invalidProperties\"}");
	assert_true(fake.update.set_keywords);
	assert_string_equal(fake.keywords, "a");
	json_decref(keep);
	r = call1("Email/set", "{\"accountId\":\"L1\",\"update\":{\"E1\":{\"mailboxIds\":{}},\"E2\":{\"mailboxIds/M1\":null},"
	    "\"x\":{}}}", &keep);
	expect(r, "notUpdated/E1/properties", "[\"mailboxIds\"]");
	expect(r, "notUpdated/E2/properties", "[\"mailboxIds\"]");
	expect(r, "notUpdated/x/type", "\"notFound\"");
	json_decref(keep);
	r = call1("Email/set", "{\"accountId\":\"L1\",\"update\":{\"E1\":{\"keywords\":{},\"keywords/a\":true},\"E2\":{}},"
	    "\"destroy\":[\"E2\"]}", &keep);
	expect(r, "notUpdated/E1/type", "\"invalidPatch\"");
	expect(r, "notUpdated/E2/type", "\"willDestroy\"");
	json_decref(keep);
}

static void
part_types(char *out, size_t size)
{
	struct rec_draft d;
	struct rec_draft_part p;
	struct rbuf r;
	size_t n = 0;

	assert_int_equal(rec_draft_decode(wbuf_slice(&fake.draft), &d), 0);
	rbuf_init(&r, d.parts);
	out[0] = '\0';
	while (r.n > 0) {
		assert_int_equal(rec_draft_part_decode(r_bytes(&r, r.n), &p), 0);
		n += (size_t)snprintf(out + n, size - n, "%u%.*s ", p.depth, (int)p.type.n, (const char *)p.type.p);
	}
}

static void
test_email_create(void **state)
{
	struct rec_draft d;
	char types[512];
	json_t *keep, *r = call1("Email/set", "{\"accountId\":\"L1\",\"create\":{\"k\":{\"mailboxIds\":{\"M1\":true},"
	    "\"keywords\":{\"$draft\":true},\"from\":[{\"name\":\"Anna\",\"email\":\"anna@example.org\"}],"
	    "\"to\":[{\"email\":\"carl@example.com\"}],\"subject\":\"Hi\",\"inReplyTo\":[\"a@b\"],"
	    "\"header:X-Job:asText\":\"17\",\"textBody\":[{\"partId\":\"t\"}],\"htmlBody\":[{\"partId\":\"h\"}],"
	    "\"attachments\":[{\"blobId\":\"B7\",\"type\":\"application/pdf\",\"name\":\"cv.pdf\"},"
	    "{\"blobId\":\"P1-3\",\"type\":\"image/png\",\"cid\":\"x\",\"disposition\":\"inline\"}],"
	    "\"bodyValues\":{\"t\":{\"value\":\"Hello\"},\"h\":{\"value\":\"<b>Hello</b>\"}}}}}", &keep);

	(void)state;
	expect(r, "created/k", "{\"blobId\":\"B77\",\"id\":\"E1\",\"size\":55,\"threadId\":\"T3\"}");
	assert_int_equal(rec_draft_decode(wbuf_slice(&fake.draft), &d), 0);
	assert_true(slice_eq_str(d.subject, "Hi"));
	assert_int_equal(list_count(d.to), 1);
	assert_int_equal(list_count(d.extra), 1);
	part_types(types, sizeof(types));
	assert_string_equal(types, "0multipart/mixed 1multipart/alternative 2text/plain 2multipart/related 3text/html "
				   "3image/png 1application/pdf ");
	assert_string_equal(fake.keywords, "$draft");
	json_decref(keep);
	r = call1("Email/set", "{\"accountId\":\"L1\",\"create\":{\"k\":{\"mailboxIds\":{\"M1\":true},\"subject\":\"a\\nb\"},"
	    "\"l\":{},\"m\":{\"mailboxIds\":{\"M1\":true},\"id\":\"E1\"},"
	    "\"n\":{\"mailboxIds\":{\"M1\":true},\"header:Content-Type\":\"x\"},"
	    "\"o\":{\"mailboxIds\":{\"M1\":true},\"attachments\":[{\"blobId\":\"nope\"}]},"
	    "\"p\":{\"mailboxIds\":{\"M1\":true},\"textBody\":[{\"partId\":\"1\"}]},"
	    "\"q\":{\"mailboxIds\":{\"M1\":true},\"from\":[{\"email\":\"a@b\\r\\nBcc: x\"}]}}}", &keep);
	expect(r, "notCreated/k/properties", "[\"subject\"]");
	expect(r, "notCreated/l/properties", "[\"mailboxIds\"]");
	expect(r, "notCreated/m/properties", "[\"id\"]");
	expect(r, "notCreated/n/properties", "[\"header:Content-Type\"]");
	expect(r, "notCreated/o", "{\"notFound\":[\"nope\"],\"type\":\"blobNotFound\"}");
	expect(r, "notCreated/p/properties", "[\"bodyValues\"]");
	expect(r, "notCreated/q/properties", "[\"from\"]");
	expect(r, "created", "null");
	json_decref(keep);
}

static void
test_submission(void **state)
{
	struct rec_submission s;
	json_t *r = api("[[\"Email/set\",{\"accountId\":\"L1\",\"create\":{\"d\":{\"mailboxIds\":{\"M1\":true}}}},\"a\"],"
			"[\"EmailSubmission/set\",{\"accountId\":\"L1\",\"create\":{\"s\":{\"emailId\":\"#d\",\"identityId\":\"I1\","
			"\"envelope\":{\"mailFrom\":{\"email\":\"anna@example.org\",\"parameters\":{\"HOLDFOR\":\"60\"}},"
			"\"rcptTo\":[{\"email\":\"carl@example.com\"}]}}},"
			"\"onSuccessUpdateEmail\":{\"#s\":{\"keywords/$draft\":null},\"#t\":{}},"
			"\"onSuccessDestroyEmail\":[\"#x\"]},\"b\"]]");

	(void)state;
	assert_int_equal(json_array_size(r), 3);
	expect(r, "1/1/created/s/id", "\"S1\"");
	expect(r, "1/1/created/s/undoStatus", "\"pending\"");
	expect(r, "1/1/created/s/emailId", "(absent)");
	expect(r, "2/0", "\"Email/set\"");
	expect(r, "2/1/updated", "{\"E1\":null}");
	expect(r, "2/2", "\"b\"");
	assert_string_equal(fake.del, "$draft");
	assert_int_equal(rec_submission_decode(wbuf_slice(&fake.submission), &s), 0);
	assert_true(s.send_at > 60);
	assert_int_equal(s.email, 1);
	assert_int_equal(list_count(s.rcpts), 1);
	json_decref(r);
	/* Derived envelope: each address once. */
	r = api("[[\"EmailSubmission/set\",{\"accountId\":\"L1\",\"create\":{\"s\":{\"emailId\":\"E1\",\"identityId\":\"I1\"}}},\"b\"]]");
	assert_int_equal(rec_submission_decode(wbuf_slice(&fake.submission), &s), 0);
	assert_int_equal(list_count(s.rcpts), 1);
	json_decref(r);
	r = api("[[\"EmailSubmission/set\",{\"accountId\":\"L1\",\"create\":{"
		"\"a\":{\"emailId\":\"E9\",\"identityId\":\"I1\"},\"b\":{\"emailId\":\"E1\",\"identityId\":\"I9\"},"
		"\"c\":{\"emailId\":\"E1\",\"identityId\":\"I1\",\"envelope\":{\"mailFrom\":{\"email\":\"x@example.org\"},\"rcptTo\":[{\"email\":\"c@d\"}]}},"
		"\"d\":{\"emailId\":\"E1\",\"identityId\":\"I1\",\"envelope\":{\"mailFrom\":{\"email\":\"anna@example.org\"},\"rcptTo\":[{\"email\":\"c d\"}]}},"
		"\"e\":{\"emailId\":\"E1\",\"identityId\":\"I1\",\"envelope\":{\"mailFrom\":{\"email\":\"anna@example.org\"},\"rcptTo\":[]}}},"
		"\"update\":{\"S1\":{\"undoStatus\":\"canceled\"},\"S2\":{\"undoStatus\":\"final\"}}},\"b\"]]");
	expect(r, "0/1/notCreated/a/properties", "[\"emailId\"]");
	expect(r, "0/1/notCreated/b/properties", "[\"identityId\"]");
	expect(r, "0/1/notCreated/c/type", "\"forbiddenMailFrom\"");
	expect(r, "0/1/notCreated/d/invalidRecipients", "[\"c d\"]");
	expect(r, "0/1/notCreated/e/type", "\"noRecipients\"");
	expect(r, "0/1/updated", "{\"S1\":null}");
	expect(r, "0/1/notUpdated/S2/properties", "[\"undoStatus\"]");
	json_decref(r);
	r = api("[[\"EmailSubmission/set\",{\"accountId\":\"L2\",\"create\":{\"s\":{\"emailId\":\"E1\",\"identityId\":\"I1\"}}},\"b\"]]");
	expect(r, "0/1/notCreated/s/type", "\"forbiddenToSend\"");
	json_decref(r);
}

static void
test_upload_download(void **state)
{
	static char big[200000];
	char head[256], *a;
	size_t n, len;
	json_t *v;
	int fd;

	(void)state;
	a = http("POST /jmap/upload/L1/ HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n"
		 "Connection: close\r\n\r\nhello");
	assert_int_equal(status_of(a), 201);
	v = body_json(a);
	expect(v, "blobId", "\"B77\"");
	expect(v, "size", "5");
	json_decref(v);
	free(a);
	memset(big, 'x', sizeof(big));
	fd = client_connect();
	n = (size_t)snprintf(head, sizeof(head), "POST /jmap/upload/L1/ HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", sizeof(big));
	client_write(fd, head, n);
	client_write(fd, big, sizeof(big));
	a = client_read(fd, NULL);
	assert_int_equal(status_of(a), 201);
	assert_int_equal(fake.blob.n, sizeof(big));
	free(a);
	close(fd);
	fd = client_connect();
	n = (size_t)snprintf(head, sizeof(head), "GET /jmap/download/L1/B77/a%%22b%%0d.txt?accept=text%%2Fplain HTTP/1.1\r\nHost: x\r\n\r\n");
	client_write(fd, head, n);
	a = client_read(fd, &len);
	assert_int_equal(status_of(a), 400);
	free(a);
	close(fd);
	fd = client_connect();
	n = (size_t)snprintf(head, sizeof(head), "GET /jmap/download/L1/B77/a%%22b.txt?accept=text/plain HTTP/1.1\r\nHost: x\r\n\r\n");
	client_write(fd, head, n);
	a = client_read(fd, &len);
	assert_int_equal(status_of(a), 200);
	assert_non_null(strstr(a, "Content-Type: text/plain\r\n"));
	assert_non_null(strstr(a, "filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"));
	assert_int_equal(len - (size_t)(strstr(a, "\r\n\r\n") + 4 - a), sizeof(big));
	free(a);
	close(fd);
	fake.blob_error = "contentNotStored";
	a = http("GET /jmap/download/L1/P2-0/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 404);
	assert_non_null(strstr(a, "urn:postern:params:jmap:error:contentNotStored"));
	free(a);
	a = http("GET /jmap/download/ats/B77/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 404);
	free(a);
	a = http("POST /jmap/upload/L1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 52428801\r\n\r\n");
	assert_int_equal(status_of(a), 413);
	free(a);
}

static void
announce(uint32_t account, uint8_t type, uint64_t state)
{
	assert_int_equal(send_state_change(fake.chan, &(struct msg_state_change){ account, type, FAKE_EPOCH, state }), 0);
}

static void
test_events(void **state)
{
	static const char request[] = "GET /jmap/eventsource?types=Email,Note&closeafter=state&ping=0 HTTP/1.1\r\nHost: x\r\n\r\n";
	int fd = client_connect();
	char *a;

	(void)state;
	client_write(fd, request, sizeof(request) - 1);
	a = client_read(fd, NULL);
	assert_int_equal(status_of(a), 200);
	assert_non_null(strstr(a, "text/event-stream"));
	free(a);
	announce(1, OBJ_MAILBOX, 4);
	turn(10);
	usleep(20000);
	a = client_read(fd, NULL);
	assert_string_equal(a, "");
	free(a);
	announce(1, OBJ_EMAIL, 5);
	announce(1, OBJ_EMAIL, 6);
	announce(ACCOUNT_ATS, OBJ_NOTE, 2);
	turn(10);
	usleep(20000);
	a = client_read(fd, NULL);
	assert_non_null(strstr(a, "event: state\ndata: {\"@type\":\"StateChange\",\"changed\":"
				  "{\"L1\":{\"Email\":\"abc-6\"},\"ats\":{\"Note\":\"abc-2\"}}}\n\n\r\n0\r\n\r\n"));
	free(a);
	close(fd);
	turn(2);
	a = http("GET /jmap/eventsource?closeafter=never HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 400);
	free(a);
}

static void
send_thread_get(int fd)
{
	static const char body[] = "{\"using\":[\"urn:ietf:params:jmap:mail\"],\"methodCalls\":"
				   "[[\"Thread/get\",{\"accountId\":\"L1\",\"ids\":[\"T1\"]},\"c\"]]}";
	char head[256];
	int n = snprintf(head, sizeof(head), "POST /jmap/api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
					     "Content-Length: %zu\r\n\r\n", sizeof(body) - 1);

	client_write(fd, head, (size_t)n);
	client_write(fd, body, sizeof(body) - 1);
}

static void
test_store_lost(void **state)
{
	int fd = client_connect();
	char *a;

	(void)state;
	fake.silent = true;
	send_thread_get(fd);
	turn(10);
	chan_free(fake.chan);
	fake.chan = NULL;
	a = client_read(fd, NULL);
	assert_int_equal(status_of(a), 200);
	assert_non_null(strstr(a, "serverUnavailable"));
	free(a);
	close(fd);
	a = http("GET /jmap/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 503);
	free(a);
	fake.silent = false;
	store_connect();
	a = http("GET /jmap/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 200);
	free(a);
}

/* A client that leaves while the store works: noticed at once, and the late
 * answer harms nobody. */
static void
test_client_gone(void **state)
{
	unsigned int before = http_server_count();
	int fd = client_connect();
	json_t *keep;

	(void)state;
	fake.silent = true;
	send_thread_get(fd);
	turn(5);
	assert_int_equal(http_server_count(), before + 1);
	close(fd);
	turn(3);
	assert_int_equal(http_server_count(), before);
	fake.silent = false;
	/* Half-closed clients still get their answer. */
	fd = client_connect();
	send_thread_get(fd);
	shutdown(fd, SHUT_WR);
	turn(5);
	{
		char *a = client_read(fd, NULL);

		assert_int_equal(status_of(a), 200);
		free(a);
	}
	close(fd);
	call1("Link/get", "{\"accountId\":\"ats\",\"ids\":[]}", &keep);
	json_decref(keep);
}

static void
test_peer_refused(void **state)
{
	struct wbuf uid = { .max = 0 };
	char *a;

	(void)state;
	peer_cred_init(SLICE_NONE, SLICE_NONE);
	a = http("GET /jmap/session HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_int_equal(status_of(a), 403);
	assert_non_null(strstr(a, "Connection: close"));
	free(a);
	w_u32(&uid, getuid());
	peer_cred_init(wbuf_slice(&uid), SLICE_NONE);
	wbuf_free(&uid);
}

/* Slow heads get 408, silent connections are closed, too many are refused. */
static void
test_deadlines(void **state)
{
	struct http_server_limits limits = http_server_defaults;
	int slow, silent, extra;
	char *a;

	(void)state;
	limits.head_seconds = limits.idle_seconds = 1;
	limits.connections = http_server_count() + 2;
	assert_int_equal(http_server_start(-1, &limits, route_request), 0);
	slow = client_connect();
	silent = client_connect();
	extra = client_connect();
	client_write(slow, "GET / HT", 8);
	a = client_read(extra, NULL);
	assert_string_equal(a, "");
	free(a);
	usleep(1100000);
	a = client_read(slow, NULL);
	assert_int_equal(status_of(a), 408);
	free(a);
	assert_int_equal(recv(silent, &limits, 1, MSG_DONTWAIT), 0);
	close(slow);
	close(silent);
	close(extra);
	turn(3);
	assert_int_equal(http_server_start(-1, &http_server_defaults, route_request), 0);
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
		cmocka_unit_test_setup(test_session, reset),
		cmocka_unit_test_setup(test_problems, reset),
		cmocka_unit_test_setup(test_pipelining, reset),
		cmocka_unit_test_setup(test_method_errors, reset),
		cmocka_unit_test_setup(test_get, reset),
		cmocka_unit_test_setup(test_query, reset),
		cmocka_unit_test_setup(test_references, reset),
		cmocka_unit_test_setup(test_email_update, reset),
		cmocka_unit_test_setup(test_email_create, reset),
		cmocka_unit_test_setup(test_submission, reset),
		cmocka_unit_test_setup(test_agency_types, reset),
		cmocka_unit_test_setup(test_upload_download, reset),
		cmocka_unit_test_setup(test_events, reset),
		cmocka_unit_test_setup(test_store_lost, reset),
		cmocka_unit_test_setup(test_client_gone, reset),
		cmocka_unit_test_setup(test_peer_refused, reset),
		cmocka_unit_test_setup(test_deadlines, reset),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

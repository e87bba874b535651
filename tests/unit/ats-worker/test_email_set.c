/* Emails written and sent: what reaches the store of them. */
#include "worker_test.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_email_update), T(test_email_create), T(test_submission),
	};

	return cmocka_run_group_tests(tests, worker_setup, NULL);
}

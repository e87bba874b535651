/* Limits of what is asked of the store, and of what it answers, on both sides of each. */
#include "worker_test.h"

/* ---- requests and rows ---- */

/* Answers as they came. */
static struct {
	unsigned int n, good;
	size_t rows;
	char error[LIM_CODE + 1];
} got;

static void
on_answer(void *ctx, const struct store_answer *a)
{
	(void)ctx;
	got.n++;
	got.good += a->error == NULL;
	got.rows = a->rows->n;
	if (a->error != NULL)
		(void)snprintf(got.error, sizeof(got.error), "%s", a->error);
}

static struct store_scope scope;

static int
ask(void)
{
	struct msg_get m = { .account = 1, .type = OBJ_EMAIL };

	return store_ask(&scope, MSG_get, &m, -1, on_answer, NULL);
}

/* Ask and take the answer: its error, or "". */
static const char *
answer(void)
{
	unsigned int n = got.n;

	got.error[0] = '\0';
	assert_int_equal(ask(), 0);
	turn(20);
	assert_int_equal(got.n, n + 1);
	return got.error;
}

static void
assert_full(void)
{
	assert_int_equal(ask(), -1);
	assert_int_equal(errno, EAGAIN);
	assert_string_equal(store_ask_error(), "serverUnavailable");
}

/* limit: LIM_STORE_REQUESTS */
static void
test_requests(void **state)
{
	(void)state;
	got.n = 0;
	fake.hold = true;
	for (unsigned int i = 0; i < LIM_STORE_REQUESTS; i++)
		assert_int_equal(ask(), 0);
	assert_full();
	/* One that is forgotten still works for nobody. */
	store_scope_cancel(&scope);
	turn(20);
	assert_full();
	fake_release();
	turn(20);
	assert_int_equal(got.n, 0);
	assert_string_equal(answer(), "");
}

static void
send_destroys(int fd, unsigned int n)
{
	char body[4096], head[128];
	size_t at = (size_t)snprintf(body, sizeof(body), "{\"using\":[\"urn:ietf:params:jmap:core\","
	    "\"urn:ietf:params:jmap:mail\"],\"methodCalls\":[[\"Email/set\",{\"accountId\":\"L1\",\"destroy\":[");

	for (unsigned int i = 1; i <= n; i++)
		at += (size_t)snprintf(body + at, sizeof(body) - at, "%s\"E%u\"", i > 1 ? "," : "", i);
	at += (size_t)snprintf(body + at, sizeof(body) - at, "]},\"0\"]]}");
	(void)snprintf(head, sizeof(head), "POST /jmap/api HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n", at);
	client_write(fd, head, strlen(head));
	client_write(fd, body, at);
}

/* Destroys of n emails while the store has much to do: how many are asked for at once, at most? */
static size_t
most_at_once(unsigned int n, unsigned int much)
{
	int fd = client_connect();
	size_t most = 0, kept;
	char *a;

	fake.hold = true;
	for (unsigned int i = 0; i < much; i++)
		assert_int_equal(ask(), 0);
	turn(20);
	kept = fake.nheld;
	send_destroys(fd, n);
	for (turn(20); fake.nheld > kept; turn(20)) {
		if (fake.held[kept].type == MSG_email_destroy && fake.nheld - kept > most)
			most = fake.nheld - kept;
		fake_release_behind(kept);
		fake.hold = true;
	}
	a = client_read(fd, NULL);
	assert_non_null(strstr(a, "\"destroyed\":[\"E1\",\"E2\","));
	assert_null(strstr(a, "notFound"));
	free(a);
	close(fd);
	fake_release();
	turn(20);
	return most;
}

/* limit: LIM_SET_TOGETHER: and where the store has much to do, one after the other. */
static void
test_set_together(void **state)
{
	(void)state;
	assert_int_equal(most_at_once(LIM_SET_TOGETHER, 0), LIM_SET_TOGETHER);
	assert_int_equal(most_at_once(LIM_SET_TOGETHER + 10, 0), LIM_SET_TOGETHER);
	assert_int_equal(most_at_once(4, LIM_STORE_REQUESTS / 2 - 3), 2);
	assert_int_equal(most_at_once(4, LIM_STORE_REQUESTS / 2), 1);
}

/* limit: LIM_ROWS_CALL */
static void
test_rows_of_a_call(void **state)
{
	(void)state;
	fake.big_rows = 2;
	fake.big_row = LIM_ROWS_CALL / 2;
	assert_string_equal(answer(), "");
	assert_int_equal(got.rows, 2);
	fake.big_rows = 1;
	fake.big_row = LIM_ROWS_CALL + 1;
	assert_string_equal(answer(), "requestTooLarge");
	assert_int_equal(got.rows, 0);
}

/* limit: LIM_ROWS_ALL: what is held for gets that have no end yet. */
static void
test_rows_of_all(void **state)
{
	unsigned int n = LIM_ROWS_ALL / LIM_ROWS_CALL;

	(void)state;
	got.n = got.good = 0;
	fake.big_rows = 1;
	fake.big_row = LIM_ROWS_CALL;
	fake.endless = true;
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(ask(), 0);
	turn(20);
	fake.big_row = 1;
	fake.endless = false;
	assert_string_equal(answer(), "requestTooLarge");
	fake_end_gets();
	turn(20);
	assert_int_equal(got.n, n + 1);
	assert_int_equal(got.good, n);	/* those that were there first are whole */
	assert_string_equal(answer(), "");
}

/* ---- answers that are told to the client ---- */

/* Steps told of a probe that took so many. */
static size_t
steps_told(unsigned int n)
{
	json_t *keep, *r;
	size_t told;

	fake.steps = n;
	fake.error = "verifyFailed";
	r = call1("Link/set", "{\"accountId\":\"ats\",\"create\":{\"k\":{\"address\":\"c@example.net\",\"name\":\"C\","
	    "\"provider\":\"acme\",\"imap\":{\"user\":\"c\"},\"smtp\":{\"user\":\"c\"},"
	    "\"credential\":{\"type\":\"password\",\"secret\":\"x\"}}}}", &keep);
	r = json_object_get(json_object_get(r, "notCreated"), "k");
	assert_string_equal(json_string_value(json_object_get(r, "type")), "verifyFailed");
	told = json_array_size(json_object_get(r, "steps"));
	json_decref(keep);
	return told;
}

/* limit: LIM_PROBE_STEPS */
static void
test_steps(void **state)
{
	(void)state;
	assert_int_equal(steps_told(LIM_PROBE_STEPS), LIM_PROBE_STEPS);
	assert_int_equal(steps_told(LIM_PROBE_STEPS + 1), LIM_PROBE_STEPS);
}

#define GET_TEXTS "{\"accountId\":\"L1\",\"ids\":[\"E1\"],\"properties\":[\"bodyValues\"],\"fetchAllBodyValues\":true," \
		  "\"maxBodyValueBytes\":3}"

/* limit: LIM_BODY_VALUES: also what is cut for the client was read. */
static void
test_texts(void **state)
{
	json_t *keep, *r;

	(void)state;
	fake.text[0] = LIM_BODY_VALUES / 2;
	fake.text[1] = LIM_BODY_VALUES - fake.text[0];
	r = call1("Email/get", GET_TEXTS, &keep);
	expect(r, "list/0/bodyValues/1", "{\"isEncodingProblem\":false,\"isTruncated\":true,\"value\":\"xxx\"}");
	expect(r, "list/0/bodyValues/2", "{\"isEncodingProblem\":false,\"isTruncated\":true,\"value\":\"xxx\"}");
	json_decref(keep);
	fake.text[1]++;
	expect_error("Email/get", GET_TEXTS, "requestTooLarge");
}

/* ---- what is sent to it ---- */

#define COPIES 16	/* of one text in a draft: it is sent to us once */

/* A draft of one long text many times and of another; "" or the property that is wrong. */
static const char *
draft(size_t letters)
{
	static char args[LIM_JMAP_REQUEST], one[500001], other[500001], property[64];
	size_t n;
	json_t *keep, *r;

	memset(one, 'x', sizeof(one) - 1);
	memset(other, 'y', letters);
	other[letters] = '\0';
	n = (size_t)snprintf(args, sizeof(args), "{\"accountId\":\"L1\",\"create\":{\"k\":{\"mailboxIds\":{\"M1\":true},"
	    "\"bodyValues\":{\"1\":{\"value\":\"%s\"},\"2\":{\"value\":\"%s\"}},"
	    "\"bodyStructure\":{\"type\":\"multipart/mixed\",\"subParts\":[", one, other);
	for (unsigned int i = 0; i < COPIES; i++)
		n += (size_t)snprintf(args + n, sizeof(args) - n, "{\"partId\":\"1\"},");
	n += (size_t)snprintf(args + n, sizeof(args) - n, "{\"partId\":\"2\"}]}}}}");
	assert_true(n < sizeof(args) - 500);
	r = call1("Email/set", args, &keep);
	r = json_object_get(json_object_get(json_object_get(r, "notCreated"), "k"), "properties");
	(void)snprintf(property, sizeof(property), "%s", r != NULL ? json_string_value(json_array_get(r, 0)) : "");
	json_decref(keep);
	return property;
}

static size_t
parts_stored(void)
{
	struct rec_draft d;

	assert_int_equal(rec_draft_decode(wbuf_slice(&fake.draft), &d), 0);
	return d.parts.n;
}

/* limit: LIM_DRAFT_BYTES */
static void
test_draft(void **state)
{
	size_t letters;

	(void)state;
	assert_string_equal(draft(1000), "");
	letters = 1000 + LIM_DRAFT_BYTES - parts_stored();
	assert_string_equal(draft(letters), "");
	assert_int_equal(parts_stored(), LIM_DRAFT_BYTES);
	assert_string_equal(draft(letters + 1), "bodyValues");
}

/* The type of the refusal, or "". */
static const char *
delayed(uint32_t seconds)
{
	static char type[64];
	char args[512];
	json_t *keep, *r;

	(void)snprintf(args, sizeof(args), "{\"accountId\":\"L1\",\"create\":{\"s\":{\"emailId\":\"E1\",\"identityId\":\"I1\","
	    "\"envelope\":{\"mailFrom\":{\"email\":\"anna@example.org\",\"parameters\":{\"HOLDFOR\":\"%u\"}},"
	    "\"rcptTo\":[{\"email\":\"carl@example.com\"}]}}}}", seconds);
	r = call1("EmailSubmission/set", args, &keep);
	r = json_object_get(json_object_get(json_object_get(r, "notCreated"), "s"), "type");
	(void)snprintf(type, sizeof(type), "%s", r != NULL ? json_string_value(r) : "");
	json_decref(keep);
	return type;
}

/* limit: LIM_JMAP_DELAY */
static void
test_delay(void **state)
{
	(void)state;
	assert_string_equal(delayed(LIM_JMAP_DELAY), "");
	assert_string_equal(delayed(LIM_JMAP_DELAY + 1), "invalidProperties");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_requests), T(test_set_together), T(test_rows_of_a_call), T(test_rows_of_all), T(test_steps), T(test_texts), T(test_draft),
		T(test_delay)
	};

	return cmocka_run_group_tests(tests, worker_setup, NULL);
}

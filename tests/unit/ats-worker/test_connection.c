/* Connections, streams and their ends: clients and stores that come and go. */
#include "worker_test.h"
#include "../own_time.h"

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
announce(uint32_t account, uint8_t type, uint64_t state, bool more)
{
	assert_int_equal(
	    send_state_change(fake.chan, &(struct msg_state_change){ account, type, FAKE_EPOCH, state, more }), 0);
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
	announce(1, OBJ_MAILBOX, 4, false);
	turn(10);
	time_pass(LIM_COALESCE_MS);
	a = client_read(fd, NULL);
	assert_string_equal(a, "");
	free(a);
	announce(1, OBJ_EMAIL, 5, true);
	announce(1, OBJ_EMAIL, 6, true);
	announce(ACCOUNT_ATS, OBJ_NOTE, 2, false);
	turn(10);
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
test_store_lost(void **state)
{
	int fd = client_connect();
	char *a;

	(void)state;
	fake.hold = true;
	send_thread_get(fd);
	turn(10);
	fake_gone(fake.chan);
	a = client_read(fd, NULL);
	assert_int_equal(status_of(a), 200);
	assert_non_null(strstr(a, "serverUnavailable"));
	free(a);
	close(fd);
	a = http("GET /jmap/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	assert_int_equal(status_of(a), 503);
	free(a);
	fake.hold = false;
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
	fake.hold = true;
	send_thread_get(fd);
	turn(5);
	assert_int_equal(http_server_count(), before + 1);
	close(fd);
	turn(3);
	assert_int_equal(http_server_count(), before);
	fake_release();
	turn(5);
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
	time_pass(1000);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_pipelining), T(test_upload_download), T(test_events), T(test_store_lost),
		T(test_client_gone), T(test_peer_refused), T(test_deadlines),
	};

	return cmocka_run_group_tests(tests, worker_setup, NULL);
}

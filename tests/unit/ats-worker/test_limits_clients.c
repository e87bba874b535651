/* Limits of many, slow and unwanted clients, on both sides of each. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <grp.h>
#include <sys/ioctl.h>
#include <sys/wait.h>

#include "harness.h"

#include "../own_time.h"

static int
setup(void **state)
{
	json_t *keep;

	(void)state;
	worker_start();
	call1("Link/get", "{\"accountId\":\"ats\",\"ids\":[]}", &keep);	/* from here on the accounts are known */
	json_decref(keep);
	return 0;
}

/* Whatever the test before it left. */
static int
reset(void **state)
{
	(void)state;
	fake_release();
	http_server_stop();
	return 0;
}

/* ---- clients ---- */

/* A connection on which this was sent. */
static int
sender(const char *text)
{
	int fd = client_connect();

	client_write(fd, text, strlen(text));
	turn(20);
	return fd;
}

/* The status of an answer, of which only so much is read; 0: there is none yet. */
static int
status_at(int fd)
{
	char head[13] = "";

	turn(10);
	return recv(fd, head, sizeof(head) - 1, MSG_DONTWAIT) == sizeof(head) - 1 ? status_of(head) : 0;
}

/* Of an answer that says which limit it was. */
static void
assert_refused(int fd, int status, const char *why)
{
	char *a = client_read(fd, NULL);

	assert_int_equal(status_of(a), status);
	assert_non_null(strstr(a, why));
	free(a);
	close(fd);
	turn(10);
}

static void
leave(const int *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	turn(10);
	assert_int_equal(http_server_count(), 0);
}

static unsigned int
occurrences(const char *text, const char *what)
{
	unsigned int n = 0;

	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* ---- one connection ---- */

static int
unread_at(int fd)
{
	int n = -1;

	turn(30);
	assert_int_equal(ioctl(fd, FIONREAD, &n), 0);
	return n;
}

/* limit: LIM_HTTP_INPUT: of what comes while a request waits, the rest stays in the socket. */
static void
test_input(void **state)
{
	static const char one[] = "GET /nothing HTTP/1.1\r\nHost: x\r\nX-Fill: 01234567890123456789\r\n\r\n";
	unsigned int n = 0;
	int fds[2];
	char *a;

	(void)state;
	assert_int_equal(LIM_HTTP_INPUT % strlen(one), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	http_server_adopt(fds[0]);
	fake.hold = true;
	send_thread_get(fds[1]);
	turn(10);
	for (; n < LIM_HTTP_INPUT / strlen(one); n++)
		client_write(fds[1], one, strlen(one));
	assert_int_equal(unread_at(fds[0]), 0);
	client_write(fds[1], one, strlen(one));
	assert_int_equal(unread_at(fds[0]), strlen(one));
	/* It is put off, not lost. */
	fake_release();
	a = client_read(fds[1], NULL);
	assert_int_equal(occurrences(a, "HTTP/1.1 200"), 1);
	assert_int_equal(occurrences(a, "HTTP/1.1 404"), n + 1);
	free(a);
	leave(fds + 1, 1);
}

/* limit: LIM_HTTP_LINGER_SECONDS */
static void
test_linger(void **state)
{
	int fd = sender("POST /jmap/api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1048577\r\n\r\n");

	(void)state;
	assert_int_equal(status_at(fd), 413);
	time_pass(LIM_HTTP_LINGER_SECONDS * 1000 - 1);
	assert_int_equal(http_server_count(), 1);
	client_write(fd, "more", 4);
	time_pass(1);
	assert_int_equal(http_server_count(), 0);
	close(fd);
}

/* A client in so many groups, of which only the first may connect: is it let in? */
static bool
member_allowed(size_t n)
{
	gid_t groups[LIM_CLIENT_GROUPS + 1];
	uint32_t uid;
	int fds[2];

	for (size_t i = 0; i < n; i++)
		groups[i] = (gid_t)(7000 + i);
	if (setgroups(n, groups) == -1 || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == -1)
		_exit(2);
	return peer_cred_allowed(fds[0], &uid);
}

static int
in_child(size_t n)
{
	pid_t pid = fork();
	int status;

	assert_int_not_equal(pid, -1);
	if (pid == 0)
		_exit(member_allowed(n) ? 1 : 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* limit: LIM_CLIENT_GROUPS */
static void
test_groups(void **state)
{
	struct wbuf w = { .max = 0 };

	(void)state;
	if (geteuid() != 0)
		skip();
	w_u32(&w, 7000);
	peer_cred_init(SLICE_NONE, wbuf_slice(&w));
	assert_int_equal(in_child(LIM_CLIENT_GROUPS), 1);
	assert_int_equal(in_child(LIM_CLIENT_GROUPS + 1), 0);
	wbuf_reset(&w);
	w_u32(&w, getuid());
	peer_cred_init(wbuf_slice(&w), SLICE_NONE);
	wbuf_free(&w);
}

/* ---- many of them ---- */

/* limit: LIM_DOWNLOADS: of clients that do not read. */
static void
test_downloads(void **state)
{
	static const char get[] = "GET /jmap/download/L1/B77/x HTTP/1.1\r\nHost: x\r\n\r\n";
	struct slice bytes = fake_bytes(1024 * 1024);
	int fds[LIM_DOWNLOADS];
	char *a;

	(void)state;
	wbuf_reset(&fake.blob);
	w_raw(&fake.blob, bytes.p, bytes.n);
	free((void *)(uintptr_t)bytes.p);
	for (size_t i = 0; i < LIM_DOWNLOADS; i++) {
		fds[i] = sender(get);
		assert_int_equal(status_at(fds[i]), 200);
	}
	assert_refused(sender(get), 503, "Too many downloads");
	/* Who has read all makes room. */
	a = client_read(fds[0], NULL);
	free(a);
	close(fds[0]);
	fds[0] = sender(get);
	assert_int_equal(status_at(fds[0]), 200);
	leave(fds, LIM_DOWNLOADS);
	wbuf_free(&fake.blob);
}

/* limit: LIM_EVENT_STREAMS */
static void
test_event_streams(void **state)
{
	static const char get[] = "GET /jmap/eventsource?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: x\r\n\r\n";
	int fds[LIM_EVENT_STREAMS];

	(void)state;
	for (size_t i = 0; i < LIM_EVENT_STREAMS; i++) {
		fds[i] = sender(get);
		assert_int_equal(status_at(fds[i]), 200);
	}
	assert_refused(sender(get), 503, "Too many event streams");
	close(fds[0]);
	turn(10);
	fds[0] = sender(get);
	assert_int_equal(status_at(fds[0]), 200);
	leave(fds, LIM_EVENT_STREAMS);
}

/* What comes at once of a change in so many accounts; malloc'd. */
static char *
events_of(int fd, uint32_t accounts)
{
	for (uint32_t i = 1; i <= accounts; i++)
		eventsource_change(&(struct msg_state_change){ .account = i, .type = OBJ_EMAIL, .epoch = FAKE_EPOCH, .state = i,
		    .more = true });
	return client_read(fd, NULL);
}

/* limit: LIM_EVENT_CHANGES: what is too much for one event is in the next. */
static void
test_event_changes(void **state)
{
	int fd = sender("GET /jmap/eventsource?types=*&closeafter=no&ping=0 HTTP/1.1\r\nHost: x\r\n\r\n");
	char *a, last[64];

	(void)state;
	free(client_read(fd, NULL));
	a = events_of(fd, LIM_EVENT_CHANGES);
	assert_string_equal(a, "");
	free(a);
	time_pass(LIM_COALESCE_MS);
	a = client_read(fd, NULL);
	assert_int_equal(occurrences(a, "event: state"), 1);
	assert_int_equal(occurrences(a, "\"Email\""), LIM_EVENT_CHANGES);
	free(a);
	/* One more: the full event does not wait. */
	a = events_of(fd, LIM_EVENT_CHANGES + 1);
	assert_int_equal(occurrences(a, "event: state"), 1);
	assert_int_equal(occurrences(a, "\"Email\""), LIM_EVENT_CHANGES);
	free(a);
	time_pass(LIM_COALESCE_MS);
	a = client_read(fd, NULL);
	(void)snprintf(last, sizeof(last), "{\"L%u\":{\"Email\":\"abc-%u\"}}", LIM_EVENT_CHANGES + 1, LIM_EVENT_CHANGES + 1);
	assert_non_null(strstr(a, last));
	free(a);
	leave(&fd, 1);
}

#define UPLOAD "POST /jmap/upload/L1/ HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"

/* limit: LIM_JMAP_UPLOADS */
static void
test_uploads(void **state)
{
	int fds[LIM_JMAP_UPLOADS];

	(void)state;
	for (size_t i = 0; i < LIM_JMAP_UPLOADS; i++) {
		fds[i] = sender(UPLOAD "hell");
		assert_int_equal(status_at(fds[i]), 0);
	}
	assert_refused(sender(UPLOAD), 429, "maxConcurrentUpload");
	for (size_t i = 0; i < LIM_JMAP_UPLOADS; i++) {
		client_write(fds[i], "o", 1);
		assert_int_equal(status_at(fds[i]), 201);
	}
	leave(fds, LIM_JMAP_UPLOADS);
}

/* limit: LIM_JMAP_REQUESTS */
static void
test_requests(void **state)
{
	int fds[LIM_JMAP_REQUESTS], beyond = client_connect();

	(void)state;
	fake.hold = true;
	for (size_t i = 0; i < LIM_JMAP_REQUESTS; i++) {
		fds[i] = client_connect();
		send_thread_get(fds[i]);
		assert_int_equal(status_at(fds[i]), 0);
	}
	send_thread_get(beyond);
	assert_refused(beyond, 429, "maxConcurrentRequests");
	fake_release();
	for (size_t i = 0; i < LIM_JMAP_REQUESTS; i++)
		assert_int_equal(status_at(fds[i]), 200);
	leave(fds, LIM_JMAP_REQUESTS);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup(f, reset)
	const struct CMUnitTest tests[] = {
		T(test_input), T(test_linger), T(test_groups), T(test_downloads), T(test_event_streams),
		T(test_event_changes), T(test_uploads), T(test_requests)
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

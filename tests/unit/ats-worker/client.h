/*
 * client.h - the ATS's program: bytes over a socketpair, JMAP calls and what
 * is expected of their answers.
 */
#ifndef TEST_ATS_CLIENT_H
#define TEST_ATS_CLIENT_H

#include <event2/event.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http_server.h"
#include "loop.h"

static inline void
turn(int n)
{
	for (int i = 0; i < n; i++)
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
}

static inline int
client_connect(void)
{
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	http_server_adopt(fds[0]);
	return fds[1];
}

static inline void
client_write(int fd, const char *p, size_t n)
{
	while (n > 0) {
		ssize_t w = send(fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
		turn(1);
		if (w == -1 && errno != EAGAIN)
			return;
	}
}

/* Everything until the server closes or falls silent; malloc'd, NUL-terminated. */
static inline char *
client_read(int fd, size_t *len)
{
	size_t n = 0, cap = 1 << 16;
	char *text = malloc(cap);
	int idle = 0;

	while (idle < 30) {
		ssize_t r;

		turn(2);
		if (n + 4096 > cap)
			text = realloc(text, cap *= 2);
		assert_non_null(text);
		r = recv(fd, text + n, cap - n - 1, MSG_DONTWAIT);
		if (r == 0 || (r == -1 && errno != EAGAIN))
			break;
		idle = r == -1 ? idle + 1 : 0;
		n += r > 0 ? (size_t)r : 0;
	}
	text[n] = '\0';
	if (len != NULL)
		*len = n;
	return text;
}

static inline char *
http(const char *request)
{
	int fd = client_connect();
	char *answer;

	client_write(fd, request, strlen(request));
	answer = client_read(fd, NULL);
	close(fd);
	turn(2);
	return answer;
}

static inline int
status_of(const char *answer)
{
	return strncmp(answer, "HTTP/1.1 ", 9) == 0 ? atoi(answer + 9) : 0;
}

/* POST to the API; the whole HTTP answer. */
static inline char *
api_raw(const char *body)
{
	size_t n = strlen(body) + 256;
	char *request = malloc(n), *answer;

	assert_non_null(request);
	(void)snprintf(request, n,
	    "POST /jmap/api HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
	    "Connection: close\r\n\r\n%s", strlen(body), body);
	answer = http(request);
	free(request);
	return answer;
}

/* A request that needs the store. */
static inline void
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

static inline json_t *
body_json(const char *answer)
{
	const char *body = strstr(answer, "\r\n\r\n");
	json_t *v = body != NULL ? json_loads(body + 4, 0, NULL) : NULL;

	if (v == NULL)
		fprintf(stderr, "no JSON in: %s\n", answer);
	assert_non_null(v);
	return v;
}

#define USING "[\"urn:ietf:params:jmap:core\",\"urn:ietf:params:jmap:mail\",\"urn:ietf:params:jmap:submission\"," \
	      "\"urn:postern:params:jmap:ats\"]"

/* Run method calls; the methodResponses. */
static inline json_t *
api(const char *calls)
{
	size_t n = strlen(calls) + 512;
	char *body = malloc(n), *answer;
	json_t *v, *responses;

	assert_non_null(body);
	(void)snprintf(body, n, "{\"using\":" USING ",\"methodCalls\":%s}", calls);
	answer = api_raw(body);
	assert_int_equal(status_of(answer), 200);
	v = body_json(answer);
	responses = json_incref(json_object_get(v, "methodResponses"));
	assert_non_null(responses);
	json_decref(v);
	free(answer);
	free(body);
	return responses;
}

/* One call: its arguments as a response (borrowed from *keep). */
static inline json_t *
call1(const char *method, const char *args, json_t **keep)
{
	size_t n = strlen(args) + 256;
	char *calls = malloc(n);

	assert_non_null(calls);
	(void)snprintf(calls, n, "[[\"%s\",%s,\"c\"]]", method, args);
	*keep = api(calls);
	free(calls);
	return json_array_get(json_array_get(*keep, 0), 1);
}

static inline void
expect_error(const char *method, const char *args, const char *type)
{
	json_t *keep, *r = call1(method, args, &keep);
	const char *got = json_string_value(json_object_get(r, "type"));

	assert_string_equal(json_string_value(json_array_get(json_array_get(keep, 0), 0)), "error");
	assert_string_equal(got, type);
	json_decref(keep);
}

/* The value at a path of keys and indexes, "/" between them, as JSON text. */
static inline void
expect(json_t *root, const char *path, const char *wanted)
{
	char *copy = strdup(path), *save = NULL, *got;
	json_t *at = root;

	for (char *t = strtok_r(copy, "/", &save); t != NULL; t = strtok_r(NULL, "/", &save))
		at = json_is_array(at) ? json_array_get(at, (size_t)atoi(t)) : json_object_get(at, t);
	got = at != NULL ? json_dumps(at, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS) : strdup("(absent)");
	if (strcmp(got, wanted) != 0) {
		char *whole = json_dumps(root, JSON_INDENT(1) | JSON_ENCODE_ANY);

		fprintf(stderr, "at %s of %s\n", path, whole);
		free(whole);
	}
	assert_string_equal(got, wanted);
	free(got);
	free(copy);
}

#endif

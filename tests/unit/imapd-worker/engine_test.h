/*
 * engine_test.h - an engine between the store of engine_told.h and a
 * socketpair, whose other end is the IMAP server that the test speaks line by
 * line.
 */
#ifndef TEST_ENGINE_TEST_H
#define TEST_ENGINE_TEST_H

#include "engine_told.h"

static inline void
test_want(void *ctx)
{
	(void)ctx;
	t.wanted++;
}

static inline void
test_want_watch(void *ctx)
{
	(void)ctx;
	t.watch_wanted++;
}

static inline void
test_leave(void *ctx)
{
	(void)ctx;
	t.left++;
}

static const struct engine_host test_host = { test_want, test_want_watch, test_leave };

static inline void
pump(void)
{
	for (int i = 0; i < 40; i++)
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
}

static inline void
connect_stream(void)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	t.peer = sv[0];
	t.in_n = t.in_at = 0;
	engine_stream_up(&t.e, sv[1], t.at_login);
	pump();
}

static inline void
start_told(const struct msg_sync_config *config, bool at_login)
{
	static const struct chan_peer to_imap = { .role = ROLE_IMAP, .unit = 1 };
	static const struct chan_peer to_store = { .role = ROLE_STORE, .unit = 1 };
	int sv[2];

	memset(&t, 0, sizeof(t));
	t.peer = -1;
	t.at_login = at_login;
	log_set_level(LOG_LVL_ERROR);
	child.role = ROLE_IMAP;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	t.store = chan_new(sv[0], ROLE_STORE, &to_imap, &store_side, NULL);
	assert_non_null(t.store);
	chan_run(t.store);
	loop_add(t.store);
	engine_init(&t.e, &test_host, NULL);
	t.engine_end = loop_chan(sv[1], &to_store, &engine_side, NULL);
	assert_non_null(t.engine_end);
	engine_set_store(&t.e, t.engine_end);
	assert_int_equal(send_sync_config(t.store, config), 0);
	pump();
	assert_int_equal(t.wanted, 1);
	connect_stream();
}

static inline void
start(const struct msg_sync_config *config)
{
	start_told(config, false);
}

static inline void
stop(void)
{
	engine_free(&t.e);
	chan_free(t.store);
	chan_free(t.engine_end);
	if (t.peer != -1)
		close(t.peer);
	for (size_t i = 0; i < 8; i++)
		free((void *)(uintptr_t)t.bound[i].name);
}

/* ---- the server's side ---- */

static inline void
say_bytes(const void *p, size_t n)
{
	const char *at = p;
	ssize_t done;

	while (n > 0) {
		done = write(t.peer, at, n);
		if (done > 0) {
			at += done;
			n -= (size_t)done;
		}
		pump();
	}
}

static inline void __attribute__((format(printf, 1, 2)))
say(const char *fmt, ...)
{
	char line[4096];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 2, fmt, ap);
	va_end(ap);
	assert_true(n > 0 && (size_t)n < sizeof(line) - 2);
	memcpy(line + n, "\r\n", 2);
	say_bytes(line, (size_t)n + 2);
}

static inline bool
is_command(const char *line, const char *command)
{
	size_t n = strspn(line + 1, "0123456789");

	return *line == 'P' && strncmp(line + 1 + n, command, strlen(command)) == 0;
}

/* INBOX is selected before LIST is asked for. Most tests answer LIST first, as a
 * server may, and hear the two in that order. */
static inline void
list_first(char *line)
{
	char select[64], *next = strstr(line, "\r\n") + 2, *end = next;
	size_t n = (size_t)(next - line);

	while (strstr(end, "\r\n") != NULL && (is_command(end, " LIST ") || is_command(end, " NAMESPACE")))
		end = strstr(end, "\r\n") + 2;
	if (end == next || n > sizeof(select))
		return;
	memcpy(select, line, n);
	memmove(line, next, (size_t)(end - next));
	memcpy(end - n, select, n);
}

/* The next line the engine wrote, without CRLF; NULL when there is none. */
static inline char *
heard(void)
{
	ssize_t n;
	char *line, *end;

	pump();
	while ((n = read(t.peer, t.in + t.in_n, LINES - 1 - t.in_n)) > 0)
		t.in_n += (size_t)n;
	t.in[t.in_n] = '\0';
	line = t.in + t.in_at;
	if ((end = strstr(line, "\r\n")) == NULL)
		return NULL;
	if (!t.in_order && is_command(line, " SELECT \"INBOX\"")) {
		list_first(line);
		end = strstr(line, "\r\n");
	}
	*end = '\0';
	t.in_at = (size_t)(end + 2 - t.in);
	return line;
}

static inline void
silent(void)
{
	char *line = heard();

	if (line != NULL)
		fail_msg("not expected: %s", line);
}

/* The next command is this; returns its tag's number. */
static inline unsigned int
expect(const char *command)
{
	char *line = heard(), *rest = NULL;
	unsigned long tag = 0;

	if (line == NULL)
		fail_msg("expected '%s', heard nothing; told so far:\n%s", command, t.told);
	if (line[0] != 'P' || (tag = strtoul(line + 1, &rest, 10)) == 0 || *rest != ' ')
		fail_msg("expected '%s', heard '%s'", command, line);
	assert_string_equal(rest + 1, command);
	return (unsigned int)tag;
}

static inline void
expect_raw(const char *line)
{
	char *got = heard();

	assert_non_null(got);
	assert_string_equal(got, line);
}

static inline void
ok(unsigned int tag)
{
	say("P%u OK done", tag);
}

/* All that the store heard since the last call is exactly this. */
static inline void
told(const char *lines)
{
	pump();
	assert_string_equal(t.told + t.told_at, lines);
	t.told_at = t.told_n;
}

static inline void
forget(void)
{
	pump();
	t.told_at = t.told_n;
}

static inline void
say_header(unsigned int seq, unsigned int uid, const char *flags)
{
	say("* %u FETCH (UID %u FLAGS (%s) INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 100 "
	    "BODY[HEADER] {14}\r\nSubject: a\r\n\r\n)", seq, uid, flags);
}

/* How often the store was told this since the last look. */
static inline size_t
answers(const char *what)
{
	size_t n = 0;

	pump();
	for (const char *p = t.told + t.told_at; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

#endif

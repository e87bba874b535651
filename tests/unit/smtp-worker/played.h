/*
 * played.h - the whole worker: real channels to a store and a master that are
 * played here, and a scripted server at the other end of the stream. Each
 * scenario runs in a process of its own, as the worker does.
 */
#ifndef SMTP_TEST_PLAYED_H
#define SMTP_TEST_PLAYED_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>

#include "body.h"
#include "child.h"
#include "log.h"
#include "loop.h"
#include "worker.h"

#define UNUSED __attribute__((unused))
#define CHECK(x)                                                                                                       \
	do {                                                                                                           \
		if (!(x)) {                                                                                            \
			fprintf(stderr, "%s:%d: %s (news: %s)\n", __FILE__, __LINE__, #x, play.news);                  \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

static struct {
	char news[4096];	/* what the store was told */
	unsigned int streams;	/* stream_want of the worker */
	bool refuse_stream;
	const char *die_at;	/* the server drops the connection when it reads this */
	unsigned int die_times;
	bool no_go;
	struct chan *store;	/* the store's end */
	struct bufferevent *server;
	bool in_text;
	struct evbuffer *text;	/* the last message as it came */
} play;

static void
note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
note(const char *fmt, ...)
{
	size_t n = strlen(play.news);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(play.news + n, sizeof(play.news) - n, fmt, ap);
	va_end(ap);
}

/* ---- the server ---- */

static void
reply(const char *text)
{
	bufferevent_write(play.server, text, strlen(text));
}

static UNUSED void
server_drop(void)
{
	bufferevent_free(play.server);
	play.server = NULL;
	play.in_text = false;
}

static bool
dies(const char *line)
{
	if (play.die_times == 0 || strncmp(line, play.die_at, strlen(play.die_at)) != 0)
		return false;
	play.die_times--;
	server_drop();
	return true;
}

static void
server_line(const char *line)
{
	if (dies(line))
		return;
	if (play.in_text && strcmp(line, ".") == 0) {
		play.in_text = false;
		reply("250 2.0.0 queued\r\n");
	} else if (play.in_text)
		evbuffer_add_printf(play.text, "%s\n", line);
	else if (strncmp(line, "EHLO", 4) == 0)
		reply("250-mx\r\n250-PIPELINING\r\n250 SIZE 0\r\n");
	else if (strcmp(line, "DATA") == 0) {
		evbuffer_drain(play.text, evbuffer_get_length(play.text));
		play.in_text = true;
		reply("354 go\r\n");
	} else if (strcmp(line, "QUIT") == 0) {
		note("quit ");
		reply("221 bye\r\n");
	} else
		reply(strstr(line, "nobody") != NULL ? "550 5.1.1 no\r\n" : "250 ok\r\n");
}

static void
on_server_read(struct bufferevent *b, void *arg)
{
	char *line;

	(void)arg;
	while (play.server == b && (line = evbuffer_readln(bufferevent_get_input(b), NULL, EVBUFFER_EOL_CRLF_STRICT)) != NULL) {
		server_line(line);
		free(line);
	}
}

static void
on_server_event(struct bufferevent *b, short what, void *arg)
{
	(void)arg;
	(void)what;
	if (play.server == b)
		server_drop();
}

/* ---- the master ---- */

static int
on_stream_want(struct chan *c, const union msg *m, int *fd)
{
	int fds[2];

	(void)c;
	(void)fd;
	CHECK(m->stream_want.service == SERVICE_SMTP);
	play.streams++;
	if (play.refuse_stream) {
		worker_stream_failed(slice_str("net.refused"), slice_str("no"));
		return 0;
	}
	CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds) == 0);
	evutil_make_socket_nonblocking(fds[1]);
	if (play.server != NULL)
		server_drop();
	play.server = bufferevent_socket_new(loop_base(), fds[1], BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(play.server, on_server_read, NULL, on_server_event, NULL);
	bufferevent_enable(play.server, EV_READ | EV_WRITE);
	worker_stream_up(fds[0]);
	return 0;
}

static int
on_log(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

/* ---- the store ---- */

static int
on_rcpt(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	note("rcpt%u:%u ", m->send_rcpt.index, m->send_rcpt.reply);
	return 0;
}

static int
on_data_sent(struct chan *c, const union msg *m, int *fd)
{
	struct msg_data_go go = { .submission = m->data_sent.submission };

	(void)fd;
	note("sent%u ", (unsigned int)m->data_sent.submission);
	return play.no_go ? 0 : send_data_go(c, &go);
}

static int
on_done(struct chan *c, const union msg *m, int *fd)
{
	static const char *const names[] = { "", "OK", "TEMP", "PERM", "UNCERTAIN" };

	(void)c;
	(void)fd;
	note("%s%u:%.*s ", names[m->send_done.result], (unsigned int)m->send_done.submission, (int)m->send_done.code.n,
	    (const char *)m->send_done.code.p);
	return 0;
}

static int
on_step(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	note("step%u:%d:%d ", m->worker_step.step, m->worker_step.ok, m->worker_step.last);
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_stream_want] = on_stream_want,
	[MSG_log] = on_log,
	[MSG_send_rcpt] = on_rcpt,
	[MSG_data_sent] = on_data_sent,
	[MSG_send_done] = on_done,
	[MSG_worker_step] = on_step,
};

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	fprintf(stderr, "broken: %s\n", reason);
	_exit(1);
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = chan_free, .on_broken = on_broken };

static struct chan *
other_end(enum role role, int *fd)
{
	struct chan_peer smtp = { .role = ROLE_SMTP };
	struct chan *c;
	int fds[2];

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds) == 0);
	c = chan_new(fds[0], role, &smtp, &ops, NULL);
	chan_run(c);
	loop_add(c);
	*fd = fds[1];
	return c;
}

static UNUSED void
begin(bool probe)
{
	struct chan_peer master = { .role = ROLE_MASTER }, store = { .role = ROLE_STORE };
	struct msg_send_config conf = { .probe = probe, .from = slice_str("me@example.org") };
	int fd;

	signal(SIGPIPE, SIG_IGN);
	alarm(20);
	child.role = ROLE_SMTP;
	play.text = evbuffer_new();
	(void)other_end(ROLE_MASTER, &fd);
	child.master = loop_chan(fd, &master, &ops, NULL);
	log_init(child.master, LOG_LVL_DEBUG);
	worker_init();
	play.store = other_end(ROLE_STORE, &fd);
	worker_wire(&store, fd);
	CHECK(send_send_config(play.store, &conf) == 0);
}

static UNUSED void
give(uint64_t submission, const char *to, struct slice text)
{
	struct msg_send_item m = { .submission = submission, .from = slice_str("me@example.org") };
	struct wbuf list;
	int fd;

	wbuf_init(&list, 1024);
	list_add(&list, slice_str(to));
	list_add(&list, slice_str("two@example.net"));
	m.rcpts = wbuf_slice(&list);
	fd = body_put(text, &m.data);
	CHECK(fd >= -1);
	CHECK(send_send_item(play.store, &m, fd) == 0);
	wbuf_free(&list);
}

static UNUSED void
until(const char *word)
{
	for (int i = 0; i < 10000 && strstr(play.news, word) == NULL; i++)
		CHECK(event_base_loop(loop_base(), EVLOOP_ONCE) == 0);
	CHECK(strstr(play.news, word) != NULL);
}

static UNUSED void
news_are(const char *want)
{
	CHECK(strcmp(play.news, want) == 0);
}

/* The worker ends by itself, with an empty queue. */
static UNUSED void
ends(void)
{
	CHECK(loop_run() == 0);
	_exit(0);
}

static UNUSED void
quit(void)
{
	struct msg_send_quit m = { 0 };

	CHECK(send_send_quit(play.store, &m) == 0);
}

/* Each in a process of its own. */
static UNUSED void
run_scenarios(void (*const all[])(void), size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			all[i]();
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("scenario %zu ended with %x", i, (unsigned int)status);
	}
}

#endif

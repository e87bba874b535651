/*
 * played.h - the ends that a tls-worker talks to, played by the test: master,
 * dialer and vault on real channels. What they were told is in seen.
 */
#ifndef TESTS_TLS_WORKER_PLAYED_H
#define TESTS_TLS_WORKER_PLAYED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "child.h"
#include "log.h"
#include "loop.h"
#include "peers.h"

#define TICKET 0x1122334455667788u

static struct {
	struct { uint8_t step; bool ok; } steps[16];
	size_t n_steps;
	char code[LIM_CODE + 1], detail[LIM_DETAIL + 1];
	unsigned int ready, ended, begun, results;
	bool result_ok, vault_refuses, private_address, no_dial;
	int server;	/* our end of the dialed connection, given to the dialer */
} seen;

static int
on_step(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	assert_true(seen.n_steps < 16);
	assert_int_equal(m->stream_step.ticket, TICKET);
	seen.steps[seen.n_steps].step = m->stream_step.step;
	seen.steps[seen.n_steps++].ok = m->stream_step.ok;
	if (!m->stream_step.ok) {
		assert_int_equal(slice_copy(m->stream_step.code, seen.code, sizeof(seen.code)), 0);
		assert_int_equal(slice_copy(m->stream_step.detail, seen.detail, sizeof(seen.detail)), 0);
	}
	return 0;
}

static int
on_ready(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	seen.ready++;
	return 0;
}

static int
on_end(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	seen.ended++;
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

static int
on_dial(struct chan *c, const union msg *m, int *fd)
{
	struct msg_dialed ok = { .req = m->dial.req, .address = slice_str("192.0.2.1"), .loopback = !seen.private_address };
	struct msg_dial_failed bad = { .req = m->dial.req, .step = STEP_TCP, .code = slice_str("net.refused") };

	(void)fd;
	assert_int_equal(m->dial.port, 993);
	if (seen.no_dial)
		return send_dial_failed(c, &bad);
	return send_dialed(c, &ok, seen.server);
}

static int
on_auth_begin(struct chan *c, const union msg *m, int *fd)
{
	static const char plain[] = "\0user\0hunter22";
	struct msg_auth_respond r = { .ticket = m->auth_begin.ticket, .mechanism = slice_str("PLAIN"),
		.data = slice_mem(plain, sizeof(plain) - 1) };
	struct msg_auth_refused no = { .ticket = m->auth_begin.ticket, .code = slice_str("vault.locked") };

	(void)fd;
	seen.begun++;
	assert_int_equal(m->auth_begin.ticket, TICKET);
	assert_true(list_count(m->auth_begin.mechanisms) > 0);
	return seen.vault_refuses ? send_auth_refused(c, &no) : send_auth_respond(c, &r);
}

static int
on_auth_result(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	seen.results++;
	seen.result_ok = m->auth_result.ok;
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_stream_step] = on_step,
	[MSG_stream_ready] = on_ready,
	[MSG_stream_end] = on_end,
	[MSG_log] = on_log,
	[MSG_dial] = on_dial,
	[MSG_auth_begin] = on_auth_begin,
	[MSG_auth_result] = on_auth_result,
};

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("channel broken: %s", reason);
}

static void
on_eof(struct chan *c)
{
	chan_free(c);
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

/* A channel whose other end plays that role here; returns the worker's end. */
static int
play(enum role role)
{
	struct chan_peer tls = { .role = ROLE_TLS };
	struct chan *c;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	c = chan_new(fds[0], role, &tls, &ops, NULL);
	chan_run(c);
	loop_add(c);
	return fds[1];
}

static void
wire(void)
{
	struct chan_peer master = { .role = ROLE_MASTER }, dialer = { .role = ROLE_DIALER }, vault = { .role = ROLE_VAULT };

	child.role = ROLE_TLS;
	child.master = loop_chan(play(ROLE_MASTER), &master, &ops, NULL);
	log_init(child.master, LOG_LVL_DEBUG);
	peers_wire(&dialer, play(ROLE_DIALER));
	peers_wire(&vault, play(ROLE_VAULT));
}

#endif

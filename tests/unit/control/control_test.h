/*
 * What the tests of control share: a client on a socketpair, a master and a
 * store that are played by the test, and the loop's turns.
 */
#ifndef CONTROL_TEST_H
#define CONTROL_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "audit.h"
#include "child.h"
#include "client.h"
#include "loop.h"

/* ---- the admin's end ---- */
struct admin {
	int fd;
	uint8_t in[1024 * 1024];
	size_t n, taken;
};

static inline void
turns(void)
{
	for (int i = 0; i < 6; i++)
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
}

static inline void
admin_connect(struct admin *a)
{
	int fds[2];

	a->n = a->taken = 0;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	a->fd = fds[0];
	assert_non_null(client_new(fds[1], 1000, 42));
}

static inline void
admin_bytes(struct admin *a, const void *p, size_t n)
{
	assert_int_equal(write(a->fd, p, n), (ssize_t)n);
	turns();
}

static inline void
admin_ask(struct admin *a, enum ctl_type type, const void *fields)
{
	struct wbuf w = { .max = LIM_CTL_FRAME };

	assert_int_equal(ctl_encode(&w, type, fields), 0);
	admin_bytes(a, w.p, w.n);
	wbuf_free(&w);
}

static inline void
admin_read(struct admin *a)
{
	ssize_t n = read(a->fd, a->in + a->n, sizeof(a->in) - a->n);

	if (n > 0)
		a->n += (size_t)n;
}

/* The next answer; its type, or CTL_none when there is none. */
static inline enum ctl_type
admin_next(struct admin *a, struct ctl *f)
{
	int n;

	admin_read(a);
	n = ctl_decode(slice_mem(a->in + a->taken, a->n - a->taken), CTLD_ANSWER, f);
	assert_int_not_equal(n, -1);
	a->taken += (size_t)n;
	return n == 0 ? CTL_none : f->type;
}

static inline void
admin_hello(struct admin *a)
{
	const struct ctl_hello hello = { .version = CTL_VERSION, .software = slice_str("test") };
	struct ctl f;

	admin_connect(a);
	admin_ask(a, CTL_hello, &hello);
	assert_int_equal(admin_next(a, &f), CTL_hello);
	assert_int_equal(f.hello.version, CTL_VERSION);
}

/* Has control closed the connection? */
static inline bool
admin_is_closed(struct admin *a)
{
	uint8_t byte;
	ssize_t n;

	turns();
	while ((n = read(a->fd, &byte, 1)) == 1)
		;
	return n == 0;
}

static inline void
assert_done(struct admin *a, const char *error)
{
	struct ctl f;

	assert_int_equal(admin_next(a, &f), CTL_done);
	assert_true(slice_eq_str(f.done.error, error));
}

/* ---- played processes: channels whose messages a handler table takes ---- */

static inline void
test_broken(struct chan *c, const char *why)
{
	(void)c;
	fail_msg("control broke the rules: %s", why);
}

static inline void
test_eof(struct chan *c)
{
	(void)c;
}

/* A wired pair: ours is returned, control's end goes into *theirs. */
static inline struct chan *
played(enum role role, const chan_handler *handlers, int *theirs)
{
	static struct chan_ops ops[2];
	struct chan_ops *o = &ops[role == ROLE_MASTER ? 0 : 1];
	struct chan_peer me = { .chan = 1, .role = ROLE_CONTROL };
	struct chan *c;
	int fds[2];

	*o = (struct chan_ops){ .handlers = handlers, .on_broken = test_broken, .on_eof = test_eof };
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	c = chan_new(fds[0], role, &me, o, NULL);
	assert_non_null(c);
	chan_run(c);
	*theirs = fds[1];
	return c;
}

/* What was said for the audit log, as text. */
static char audited[65536];

static inline void
audit_text(void *ctx, const char *key, struct slice text)
{
	size_t n = strlen(audited);

	(void)ctx;
	snprintf(audited + n, sizeof(audited) - n, " %s=%.*s", key, (int)text.n, (const char *)text.p);
}

static inline int
hear_audit(struct chan *c, const union msg *m, int *fd)
{
	size_t n = strlen(audited);

	(void)c;
	(void)fd;
	assert_true(m->audit.event > AUDIT_none && m->audit.event < AUDIT__COUNT);
	assert_true(audit_table[m->audit.event].from & R_CONTROL);
	snprintf(audited + n, sizeof(audited) - n, "\n%s", audit_table[m->audit.event].name);
	return audit_decode(m->audit.event, m->audit.fields, audit_text, NULL);
}

static inline struct chan *
play_master(const chan_handler *handlers)
{
	static const struct chan_peer master = { .role = ROLE_MASTER };
	static struct chan_ops ops;
	static chan_handler with_audit[MSG__COUNT];
	struct chan *c;
	int fd;

	memcpy(with_audit, handlers, sizeof(with_audit));
	with_audit[MSG_audit] = hear_audit;
	child.role = ROLE_CONTROL;
	ops = (struct chan_ops){ .handlers = request_master, .on_broken = test_broken, .on_eof = test_eof };
	c = played(ROLE_MASTER, with_audit, &fd);
	child.master = chan_new(fd, ROLE_CONTROL, &master, &ops, NULL);
	assert_non_null(child.master);
	chan_run(child.master);
	loop_add(child.master);
	return c;
}

static inline struct chan *
play_store(const char *ats, const chan_handler *handlers)
{
	struct chan_peer store = { .chan = 1, .role = ROLE_STORE };
	struct chan *c;
	int fd;

	assert_int_equal(slice_copy(slice_str(ats), store.ats, sizeof(store.ats)), 0);
	c = played(ROLE_STORE, handlers, &fd);
	tenant_peer(&store, fd);
	return c;
}

#endif

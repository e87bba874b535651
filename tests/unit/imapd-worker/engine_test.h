/*
 * engine_test.h - an engine between a real channel, whose other end plays the
 * store and writes down what it is told, and a socketpair, whose other end is
 * the IMAP server that the test speaks line by line.
 */
#ifndef TEST_ENGINE_TEST_H
#define TEST_ENGINE_TEST_H

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

#include "body.h"
#include "child.h"
#include "engine.h"
#include "log.h"
#include "loop.h"
#include "messages.h"

#define LINES 65536

struct bound {
	const char *name;
	struct position pos;
};

static struct test_state {
	struct engine e;
	struct chan *store, *engine_end;
	int peer;
	unsigned int wanted, watch_wanted, left;
	char told[LINES];	/* what the store heard, one line a message */
	size_t told_n, told_at;
	char in[LINES];		/* what the server heard */
	size_t in_n, in_at;
	struct bound bound[8];	/* positions given back; others are new */
	uint32_t first_low[8];	/* of them */
	bool hold;		/* keep credits back */
	bool in_order;		/* commands are heard as they leave */
	bool at_login;		/* streams begin with the server's capabilities */
	unsigned int held;
	size_t body_size;
} t;

static inline void __attribute__((format(printf, 1, 2)))
tell(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	t.told_n += (size_t)vsnprintf(t.told + t.told_n, LINES - t.told_n, fmt, ap);
	va_end(ap);
	assert_true(t.told_n < LINES);
}

#define S(s) (int)(s).n, (const char *)(s).p
#define HANDLER(name) static inline int on_##name(struct chan *c, const union msg *u, int *fd)
#define BEGIN(name)                                                                                                    \
	const struct msg_##name *m = &u->name;                                                                         \
	(void)c;                                                                                                       \
	(void)fd;                                                                                                      \
	(void)m;

static inline void
ranges(struct slice r)
{
	struct rbuf b;
	uint32_t first, last;

	rbuf_init(&b, r);
	while (b.n > 0) {
		first = r_u32(&b);
		last = r_u32(&b);
		tell(" %u-%u", first, last);
	}
	tell("\n");
}

HANDLER(mailbox_found)
{
	BEGIN(mailbox_found)
	static uint64_t next;
	struct msg_mailbox_bound b = { .raw_name = m->raw_name };
	size_t i;

	tell("found %.*s role=%u synced=%d\n", S(m->raw_name), m->role, m->synced);
	if (!m->selectable)
		return 0;
	next = 10;
	for (i = 0; i < 8 && t.bound[i].name != NULL; i++, next++) {
		if (slice_eq_str(m->raw_name, t.bound[i].name))
			break;
	}
	if (t.bound[i].name == NULL) {
		t.bound[i].name = slice_dup(m->raw_name);
		assert_non_null(t.bound[i].name);
	}
	b.mailbox = next;
	b.uidvalidity = t.bound[i].pos.uidvalidity;
	b.uidnext = t.bound[i].pos.uidnext;
	b.modseq = t.bound[i].pos.modseq;
	b.uid_low = t.bound[i].pos.uid_low;
	b.complete = t.bound[i].pos.complete;
	b.first_low = t.first_low[i];
	return send_mailbox_bound(c, &b);
}

HANDLER(mailbox_list_end)
{
	BEGIN(mailbox_list_end)
	tell("listed %u\n", m->count);
	return 0;
}

HANDLER(mailbox_open)
{
	BEGIN(mailbox_open)
	tell("open %u validity=%u next=%u exists=%u ro=%d any=%d\n", (unsigned int)m->mailbox, m->uidvalidity,
	    m->uidnext, m->exists, m->read_only, m->keywords_any);
	return 0;
}

static inline void
hold_back(struct chan *c)
{
	if (!t.hold)
		return;
	chan_hold(c);
	t.held++;
}

HANDLER(message_header)
{
	BEGIN(message_header)
	struct body b;

	assert_int_equal(body_open(&b, m->header, fd), 0);
	tell("header %u uid=%u flags=%.*s date=%llu size=%u backfill=%d bytes=%zu\n", (unsigned int)m->mailbox, m->uid,
	    S(m->flags), (unsigned long long)m->internaldate, m->size, m->backfill, b.data.n);
	body_close(&b);
	hold_back(c);
	return 0;
}

HANDLER(message_flags)
{
	BEGIN(message_flags)
	tell("flags %u uid=%u %.*s\n", (unsigned int)m->mailbox, m->uid, S(m->flags));
	return 0;
}

HANDLER(uids_present)
{
	BEGIN(uids_present)
	tell("present %u %u:%u", (unsigned int)m->mailbox, m->low, m->high);
	ranges(m->ranges);
	return 0;
}

HANDLER(uids_vanished)
{
	BEGIN(uids_vanished)
	tell("vanished %u", (unsigned int)m->mailbox);
	ranges(m->ranges);
	return 0;
}

HANDLER(mailbox_synced)
{
	BEGIN(mailbox_synced)
	struct bound *b = &t.bound[m->mailbox - 10];

	b->pos = (struct position){ m->uidvalidity, m->uidnext, m->modseq, m->uid_low, m->complete };
	t.first_low[m->mailbox - 10] = m->first_low;
	tell("synced %u next=%u modseq=%llu low=%u complete=%d\n", (unsigned int)m->mailbox, m->uidnext,
	    (unsigned long long)m->modseq, m->uid_low, m->complete);
	return 0;
}

HANDLER(sync_progress)
{
	BEGIN(sync_progress)
	if (m->phase == PHASE_LIVE)
		tell("live\n");
	return 0;
}

/* How often the worker said how fresh the link is, and what it said last. */
static unsigned int fresh_told, fresh_seconds;

HANDLER(sync_fresh)
{
	BEGIN(sync_fresh)
	fresh_told++;
	fresh_seconds = m->seconds;
	return 0;
}

HANDLER(sync_error)
{
	BEGIN(sync_error)
	tell("error %u %.*s\n", (unsigned int)m->mailbox, S(m->code));
	return 0;
}

HANDLER(message_body)
{
	BEGIN(message_body)
	struct body b;

	assert_int_equal(body_open(&b, m->data, fd), 0);
	t.body_size = b.data.n;
	tell("body uid=%u code=%.*s bytes=%zu\n", m->uid, S(m->code), b.data.n);
	body_close(&b);
	hold_back(c);
	return 0;
}

HANDLER(op_done)
{
	BEGIN(op_done)
	tell("op %u result=%u uid=%u code=%.*s\n", (unsigned int)m->op, m->result, m->uid, S(m->code));
	return 0;
}

HANDLER(worker_step)
{
	BEGIN(worker_step)
	tell("step %u ok=%d last=%d code=%.*s\n", m->step, m->ok, m->last, S(m->code));
	return 0;
}

static const chan_handler test_handlers[MSG__COUNT] = {
	[MSG_mailbox_found] = on_mailbox_found,
	[MSG_mailbox_list_end] = on_mailbox_list_end,
	[MSG_mailbox_open] = on_mailbox_open,
	[MSG_message_header] = on_message_header,
	[MSG_message_flags] = on_message_flags,
	[MSG_uids_present] = on_uids_present,
	[MSG_uids_vanished] = on_uids_vanished,
	[MSG_mailbox_synced] = on_mailbox_synced,
	[MSG_sync_progress] = on_sync_progress,
	[MSG_sync_fresh] = on_sync_fresh,
	[MSG_sync_error] = on_sync_error,
	[MSG_message_body] = on_message_body,
	[MSG_op_done] = on_op_done,
	[MSG_worker_step] = on_worker_step,
};

static inline void
test_broken(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("channel broken: %s", reason);
}

static inline void
test_credit(struct chan *c)
{
	(void)c;
	engine_credit(&t.e);
}

HANDLER(sync_config)
{
	BEGIN(sync_config)
	engine_config(&t.e, m);
	return 0;
}

HANDLER(mailbox_bound)
{
	BEGIN(mailbox_bound)
	engine_bound(&t.e, m);
	return 0;
}

HANDLER(body_want)
{
	BEGIN(body_want)
	return engine_body_want(&t.e, m);
}

HANDLER(op)
{
	BEGIN(op)
	struct body b;

	assert_int_equal(body_keep(&b, m->data, fd), 0);
	return engine_op(&t.e, m, &b);
}

static const chan_handler engine_handlers[MSG__COUNT] = {
	[MSG_sync_config] = on_sync_config,
	[MSG_mailbox_bound] = on_mailbox_bound,
	[MSG_body_want] = on_body_want,
	[MSG_op] = on_op,
};

static const struct chan_ops store_side = { .handlers = test_handlers, .on_broken = test_broken };
static const struct chan_ops engine_side = { .handlers = engine_handlers, .on_broken = test_broken,
	.on_credit = test_credit };

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

#endif

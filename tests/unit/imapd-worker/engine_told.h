/*
 * engine_told.h - an engine and a real channel, whose other end plays the store
 * and writes down what it is told. Part of engine_test.h.
 */
#ifndef TEST_ENGINE_TOLD_H
#define TEST_ENGINE_TOLD_H

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

#endif

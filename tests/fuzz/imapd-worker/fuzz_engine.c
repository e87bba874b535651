/*
 * A hostile server against the whole engine. In the input, byte 1 stands for
 * the tag of the oldest pending command, so that answers can fit; bytes 2 to
 * 5 are the store's doing: a body wanted, an operation, a settings change, and
 * a connection that ends. Byte 6 goes over to the second connection, which
 * comes when it is wanted, and back.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "child.h"
#include "engine.h"
#include "log.h"
#include "loop.h"
#include "messages.h"
#include "watch.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct engine e;
static unsigned int wanted, watch_wanted;
static uint64_t ids;

static void
want(void *ctx)
{
	(void)ctx;
	wanted++;
}

static void
want_watch(void *ctx)
{
	(void)ctx;
	watch_wanted++;
}

static void
leave(void *ctx)
{
	(void)ctx;
}

static const struct engine_host host = { want, want_watch, leave };

static int
on_found(struct chan *c, const union msg *m, int *fd)
{
	struct msg_mailbox_bound b = { .raw_name = m->mailbox_found.raw_name, .mailbox = ++ids };

	(void)fd;
	if (ids % 2 == 0)
		b = (struct msg_mailbox_bound){ b.raw_name, ids, 7, 10, 5, 2, ids % 4 == 0, 0 };
	return send_mailbox_bound(c, &b);
}

static int
on_any(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static int
on_bound(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	engine_bound(&e, &m->mailbox_bound);
	return 0;
}

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	fprintf(stderr, "broken: %s\n", reason);
	abort();
}

static void
on_credit(struct chan *c)
{
	(void)c;
	engine_credit(&e);
}

static chan_handler store_handlers[MSG__COUNT];
static const chan_handler engine_handlers[MSG__COUNT] = { [MSG_mailbox_bound] = on_bound };
static const struct chan_ops store_ops = { .handlers = store_handlers, .on_broken = on_broken };
static const struct chan_ops engine_ops = { .handlers = engine_handlers, .on_broken = on_broken,
	.on_credit = on_credit };

static void
pump(int peer)
{
	char sink[4096];

	for (int i = 0; i < 3; i++)
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	while (read(peer, sink, sizeof(sink)) > 0)
		;
}

static void
send_tag(int peer)
{
	char tag[16];
	int n = snprintf(tag, sizeof(tag), "P%u", e.writer.npending > 0 ? e.writer.pending[0].tag : 1);

	if (write(peer, tag, (size_t)n) != n)
		return;
}

static void
ask_body(uint8_t x)
{
	struct msg_body_want m = { .mailbox = x % 5u, .uidvalidity = 7, .uid = x % 8u };

	(void)engine_body_want(&e, &m);
}

static void
ask_op(uint8_t x)
{
	struct msg_op m = { .op = x, .kind = (uint8_t)(x % 7u), .mailbox = x % 5u, .target = (x + 1) % 5u, .uid = x % 9u,
		.uidvalidity = 7, .flags_add = slice_str("\\Seen"), .message_id = slice_str(x % 2 ? "a@b" : "") };
	struct body b = { 0 };

	if ((b.map = strdup("Subject: x\r\n\r\n")) == NULL)
		abort();
	b.data = slice_str(b.map);
	b.copied = true;
	(void)engine_op(&e, &m, &b);
}

static int
connect_stream(void)
{
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == -1)
		abort();
	engine_stream_up(&e, sv[1], false);
	return sv[0];
}

/* -1: nobody wants it. */
static int
connect_watch(void)
{
	int sv[2];

	if (watch_wanted == 0)
		return -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv) == -1)
		abort();
	watch_wanted = 0;
	watch_stream_up(&e, sv[1]);
	return sv[0];
}

static void
play(int first, const uint8_t *p, size_t n)
{
	int peer = first, second = -1;
	const struct msg_sync_config again = { .first = 2, .period_days = 3, .all_folders = true };

	for (; n > 0; p++, n--) {
		if (*p == 1)
			send_tag(peer);
		else if (*p == 2)
			ask_body(n > 1 ? p[1] : 0);
		else if (*p == 3)
			ask_op(n > 1 ? p[1] : 0);
		else if (*p == 4)
			engine_config(&e, &again);
		else if (*p == 5)
			(void)shutdown(peer, SHUT_WR);
		else if (*p == 6) {
			if (watch_wanted > 0 && second != -1) {
				close(second);
				second = -1;
			}
			if (second == -1)
				second = connect_watch();
			peer = peer == first && second != -1 ? second : first;
		}
		else if (write(peer, p, 1) != 1)
			break;
		if (*p == '\n' || *p < 7)
			pump(peer);
	}
	pump(peer);
	pump(first);
	if (second != -1)
		close(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chan_peer to_imap = { .role = ROLE_IMAP }, to_store = { .role = ROLE_STORE };
	struct msg_sync_config config = { 0 };
	struct chan *store, *end;
	int sv[2], peer;

	if (size < 1 || socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv) == -1)
		return 0;
	for (size_t i = 0; i < MSG__COUNT; i++)
		store_handlers[i] = on_any;
	store_handlers[MSG_mailbox_found] = on_found;
	(void)signal(SIGPIPE, SIG_IGN);
	log_set_level(LOG_LVL_ERROR);
	child.role = ROLE_IMAP;
	wanted = watch_wanted = 0;
	ids = 0;
	config.probe = data[0] % 8 == 0;
	config.first = data[0] % 3;
	config.period_days = data[0] % 2;
	if ((store = chan_new(sv[0], ROLE_STORE, &to_imap, &store_ops, NULL)) == NULL)
		abort();
	chan_run(store);
	loop_add(store);
	engine_init(&e, &host, NULL);
	if ((end = loop_chan(sv[1], &to_store, &engine_ops, NULL)) == NULL)
		abort();
	engine_set_store(&e, end);
	engine_config(&e, &config);
	peer = connect_stream();
	play(peer, data + 1, size - 1);
	engine_free(&e);
	chan_free(store);
	chan_free(end);
	close(peer);
	return 0;
}

/*
 * imapd-worker - the IMAP engine of one link. It parses what one IMAP server
 * says and can do nothing else: its bytes come from a tls-worker, already
 * decrypted and logged in, its findings go to the store.
 */
#include "child.h"
#include "engine.h"
#include "log.h"
#include "loop.h"
#include "messages.h"
#include "watch.h"

#include <stdlib.h>
#include <unistd.h>

static struct engine engine;
static struct chan *store;

/* ---- what the engine asks for ---- */

static void
want_stream(void *ctx)
{
	(void)ctx;
	(void)send_stream_want(child.master, &(struct msg_stream_want){ .service = SERVICE_IMAP });
}

static void
want_watch(void *ctx)
{
	(void)ctx;
	(void)send_stream_want(child.master, &(struct msg_stream_want){ .service = SERVICE_IMAP, .watch = true });
}

static void
leave(void *ctx)
{
	(void)ctx;
	if (store != NULL)
		(void)chan_flush_blocking(store);
	(void)chan_flush_blocking(child.master);
	exit(0);
}

static const struct engine_host host = { want_stream, want_watch, leave };

/* ---- the master ---- */

static int
on_stream_up(struct chan *c, const union msg *m, int *fd)
{
	int taken = *fd;

	(void)c;
	*fd = -1;
	if (m->stream_up.watch)
		watch_stream_up(&engine, taken);
	else
		engine_stream_up(&engine, taken, m->stream_up.told);
	return 0;
}

static int
on_stream_failed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (m->stream_failed.watch)
		watch_stream_failed(&engine, m->stream_failed.code);
	else
		engine_stream_failed(&engine, m->stream_failed.code, m->stream_failed.detail);
	return 0;
}

static int
on_drain(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	engine_drain(&engine);
	return 0;
}

/* ---- the store ---- */

static int
on_sync_config(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	engine_config(&engine, &m->sync_config);
	return 0;
}

static int
on_mailbox_bound(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	engine_bound(&engine, &m->mailbox_bound);
	return 0;
}

static int
on_body_want(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	return engine_body_want(&engine, &m->body_want);
}

static int
on_op(struct chan *c, const union msg *m, int *fd)
{
	struct body data;

	(void)c;
	if (body_keep(&data, m->op.data, fd) == -1)
		return -1;
	return engine_op(&engine, &m->op, &data);
}

static void
store_gone(struct chan *c)
{
	if (c == store) {
		store = NULL;
		engine_set_store(&engine, NULL);
	}
	chan_free(c);
}

static void
store_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	store_gone(c);
}

static void
on_credit(struct chan *c)
{
	(void)c;
	engine_credit(&engine);
}

static const chan_handler store_handlers[MSG__COUNT] = {
	[MSG_sync_config] = on_sync_config,
	[MSG_mailbox_bound] = on_mailbox_bound,
	[MSG_body_want] = on_body_want,
	[MSG_op] = on_op,
};

static const struct chan_ops store_ops = { .handlers = store_handlers, .on_eof = store_gone,
	.on_broken = store_broken, .on_credit = on_credit };

/* Only the store is wired to this role; a new one takes the place of the old. */
static void
on_peer(const struct chan_peer *peer, int fd)
{
	struct chan *c, *old = store;

	if (peer->role != ROLE_STORE) {
		close(fd);
		return;
	}
	if ((c = loop_chan(fd, peer, &store_ops, NULL)) == NULL)
		fatal("no memory for the store's channel");
	store = c;
	engine_set_store(&engine, c);
	chan_free(old);
}

int
main(void)
{
	static const chan_handler handlers[MSG__COUNT] = {
		[MSG_stream_up] = on_stream_up,
		[MSG_stream_failed] = on_stream_failed,
		[MSG_drain] = on_drain,
	};

	child_start(ROLE_IMAP, handlers, on_peer);
	(void)loop_base();
	engine_init(&engine, &host, NULL);
	child_sandbox();
	child_ready(NULL);
	return loop_run() == 0 ? 0 : EXIT_FATAL;
}

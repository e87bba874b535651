/*
 * smtp-worker - sends the messages of one link over a stream that is logged in
 * already. It parses SMTP replies and nothing else; it holds one outgoing
 * message at a time and no credential.
 */
#include "child.h"
#include "loop.h"
#include "worker.h"

static int
on_stream_up(struct chan *c, const union msg *m, int *fd)
{
	int taken = *fd;

	(void)c;
	(void)m;
	*fd = -1;
	worker_stream_up(taken);
	return 0;
}

static int
on_stream_failed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	worker_stream_failed(m->stream_failed.code, m->stream_failed.detail);
	return 0;
}

static int
on_drain(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	worker_drain();
	return 0;
}

int
main(void)
{
	static const chan_handler handlers[MSG__COUNT] = {
		[MSG_stream_up] = on_stream_up,
		[MSG_stream_failed] = on_stream_failed,
		[MSG_drain] = on_drain,
	};

	child_start(ROLE_SMTP, handlers, worker_wire);
	(void)loop_base();
	worker_init();
	child_sandbox();
	child_ready(NULL);
	return loop_run() == -1 ? 1 : 0;
}

/*
 * mime-worker - parses and composes messages for one store. It holds no state
 * between messages and reaches nothing but its channels; when the store's
 * channel ends, so does the process.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <unistd.h>

#include "child.h"
#include "job.h"
#include "log.h"
#include "loop.h"
#include "warm.h"

static struct chan *store;
static struct event *more;

static void
on_store_gone(struct chan *c)
{
	(void)c;
	exit(0);
}

static void
on_store_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	(void)chan_flush_blocking(child.master);
	exit(0);
}

static const struct chan_ops store_ops = {
	.handlers = job_handlers,
	.on_eof = on_store_gone,
	.on_broken = on_store_broken,
};

static void
on_more(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* What has come was read: some of it is done now, then the channel is looked at again. */
static void
work(void)
{
	static const struct timeval zero = { 0, 0 };

	if (store != NULL && jobs_run(store) && evtimer_add(more, &zero) == -1)
		fatal("no timer");
}

/* One store, once. */
static void
on_peer(const struct chan_peer *peer, int fd)
{
	struct jobs *jobs;

	if (peer->role != ROLE_STORE || store != NULL) {
		close(fd);
		return;
	}
	if ((jobs = jobs_new()) == NULL || (store = loop_chan(fd, peer, &store_ops, jobs)) == NULL)
		fatal("out of memory");
}

int
main(void)
{
	child_start(ROLE_MIME, NULL, on_peer);
	warm_libraries();
	if ((more = evtimer_new(loop_base(), on_more, NULL)) == NULL)
		fatal("out of memory");
	loop_set_turn_end(work);
	child_sandbox();
	child_ready(NULL);
	return loop_run();
}

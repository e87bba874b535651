/*
 * The stores that this process is wired to: one for each ATS.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "child.h"
#include "log.h"
#include "loop.h"
#include "request.h"

struct tenant {
	TAILQ_ENTRY(tenant) entry;
	struct chan *chan;
};
static TAILQ_HEAD(, tenant) tenants = TAILQ_HEAD_INITIALIZER(tenants);

struct tenant *
tenant_first(void)
{
	return TAILQ_FIRST(&tenants);
}

struct tenant *
tenant_next(struct tenant *t)
{
	return TAILQ_NEXT(t, entry);
}

const char *
tenant_name(const struct tenant *t)
{
	return chan_peer(t->chan)->ats;
}

struct chan *
tenant_chan(const struct tenant *t)
{
	return t->chan;
}

struct tenant *
tenant_find(const char *ats)
{
	struct tenant *t;

	TAILQ_FOREACH(t, &tenants, entry)
		if (strcmp(tenant_name(t), ats) == 0)
			return t;
	return NULL;
}

static void
gone(struct chan *c)
{
	struct tenant *t = chan_ctx(c);

	TAILQ_REMOVE(&tenants, t, entry);
	request_tenant_gone(t);
	chan_free(c);
	free(t);
}

static void
broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	gone(c);
}

void
tenant_peer(const struct chan_peer *peer, int fd)
{
	static const struct chan_ops ops = { .handlers = request_store, .on_eof = gone, .on_broken = broken };
	struct tenant *t = peer->role == ROLE_STORE ? calloc(1, sizeof(*t)) : NULL;

	if (t == NULL) {
		close(fd);
		return;
	}
	if ((t->chan = loop_chan(fd, peer, &ops, t)) == NULL) {
		free(t);
		return;
	}
	TAILQ_INSERT_TAIL(&tenants, t, entry);
	monitor_tenant(t);
}

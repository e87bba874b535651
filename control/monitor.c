/*
 * posternctl monitor: what the stores tell goes on to those who follow it.
 * Stores are asked to tell only while somebody does. One that does not read
 * misses events and is told how many; nothing piles up here.
 */
#include "child.h"
#include "client.h"
#include "log.h"

static bool telling;

static size_t
monitors(void)
{
	struct client *c;
	size_t n = 0;

	TAILQ_FOREACH(c, &clients, entry)
		n += c->request.type == CTL_monitor;
	return n;
}

static void
ask(struct tenant *t)
{
	if (send_watch(tenant_chan(t), &(struct msg_watch){ .on = telling }) == -1)
		log_warn("a store does not take word of monitors ats=%s", tenant_name(t));
}

static void
ask_all(bool on)
{
	struct tenant *t;

	if (telling == on)
		return;
	telling = on;
	for (t = tenant_first(); t != NULL; t = tenant_next(t))
		ask(t);
}

void
monitor_tenant(struct tenant *t)
{
	if (telling)
		ask(t);
}

void
monitor_start(struct client *c)
{
	if (monitors() > LIM_CTL_MONITORS) {
		client_done(c, "proc.limit_hit", "too many monitors run already", 0);
		return;
	}
	/* Before the list: what happens meanwhile is told, perhaps twice. */
	ask_all(true);
	request_first_tenant(c);
}

void
monitor_follow(struct client *c)
{
	c->request.monitor = true;
	c->request.req = 0;
	client_follow(c);
}

void
monitor_left(void)
{
	if (telling && monitors() == 0)
		ask_all(false);
}

void
monitor_put_link(struct client *c, uint32_t id, struct slice record)
{
	client_put(c, CTL_watched, &(struct ctl_watched){ .ats = slice_str(tenant_name(c->request.tenant)),
	    .what = WATCHED_LINK, .link = id, .record = record });
}

static void
put(struct client *c, const struct ctl_watched *e)
{
	struct request *r = &c->request;

	if (r->ats[0] != '\0' && !slice_eq_str(e->ats, r->ats))
		return;
	if (client_is_full(c)) {
		r->missed++;
		return;
	}
	if (r->missed > 0)
		client_put(c, CTL_watched, &(struct ctl_watched){ .what = WATCHED_LOST, .count = r->missed });
	r->missed = 0;
	client_put(c, CTL_watched, e);
}

/* A store may be told to stop while some of its words are on their way. */
int
monitor_on_watched(struct chan *ch, const union msg *m, int *fd)
{
	const struct msg_watched *w = &m->watched;
	struct ctl_watched e = { .ats = slice_str(chan_peer(ch)->ats), .what = w->what, .link = w->link, .id = w->id,
		.count = w->count, .state = w->state, .code = w->code, .record = w->record };
	struct client *c;

	(void)fd;
	if (w->what < WATCHED_LINK || w->what > WATCHED_LOST)
		return -1;
	TAILQ_FOREACH(c, &clients, entry)
		if (c->request.type == CTL_monitor)
			put(c, &e);
	return 0;
}

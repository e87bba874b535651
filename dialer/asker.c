#include "asker.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "child.h"
#include "dial.h"
#include "log.h"
#include "loop.h"

struct request {
	TAILQ_ENTRY(request) entry;
	struct asker *asker;
	struct dial *dial;	/* NULL: waiting */
	uint32_t req;
	uint16_t port;
};

struct asker {
	TAILQ_ENTRY(asker) entry;
	struct chan *chan;
	TAILQ_HEAD(, request) waiting, active;
	unsigned int n_waiting, n_active;
};

static TAILQ_HEAD(asker_list, asker) askers = TAILQ_HEAD_INITIALIZER(askers);
static unsigned int active_all;

static void serve(void);

static void
refuse(struct asker *a, uint32_t req, const char *why)
{
	struct msg_dial_failed m = {
		.req = req,
		.step = STEP_DNS,
		.code = slice_str("net.dns_temp"),
		.detail = slice_str(why),
	};

	(void)send_dial_failed(a->chan, &m);
}

static void
report(struct asker *a, const struct request *r, const struct dial_result *d)
{
	const char *host = chan_peer(a->chan)->host;

	if (d->fd != -1) {
		struct msg_dialed m = { r->req, slice_str(d->address), d->loopback, d->dns_ms, d->tcp_ms };

		log_debug("dialed host=%s port=%u ms=%u", host, r->port, d->dns_ms + d->tcp_ms);
		(void)send_dialed(a->chan, &m, d->fd);
	} else {
		struct msg_dial_failed m = { r->req, (uint8_t)d->step, slice_str(d->code), slice_str(d->detail),
			d->dns_ms, d->tcp_ms };

		log_info("dial failed host=%s port=%u code=%s", host, r->port, d->code);
		(void)send_dial_failed(a->chan, &m);
	}
}

static void
on_dialed(void *arg, const struct dial_result *d)
{
	struct request *r = arg;
	struct asker *a = r->asker;

	TAILQ_REMOVE(&a->active, r, entry);
	a->n_active--;
	active_all--;
	report(a, r, d);
	free(r);
	serve();
}

static void
start_first(struct asker *a)
{
	const struct chan_peer *peer = chan_peer(a->chan);
	struct request *r = TAILQ_FIRST(&a->waiting);

	TAILQ_REMOVE(&a->waiting, r, entry);
	a->n_waiting--;
	r->dial = dial_start(peer->host, r->port, (peer->flags & PEER_PRIVATE_OK) != 0, on_dialed, r);
	if (r->dial == NULL) {
		refuse(a, r->req, "out of memory");
		free(r);
		return;
	}
	TAILQ_INSERT_TAIL(&a->active, r, entry);
	a->n_active++;
	active_all++;
}

/* The asker that was served goes to the end of the list. */
static void
serve(void)
{
	struct asker *a;

	while (active_all < LIM_DIAL_ACTIVE_ALL) {
		TAILQ_FOREACH(a, &askers, entry)
			if (a->n_waiting > 0 && a->n_active < LIM_DIAL_ACTIVE)
				break;
		if (a == NULL)
			return;
		TAILQ_REMOVE(&askers, a, entry);
		TAILQ_INSERT_TAIL(&askers, a, entry);
		start_first(a);
	}
}

static int
on_dial(struct chan *c, const union msg *m, int *fd)
{
	struct asker *a = chan_ctx(c);
	struct request *r;

	(void)fd;
	if (m->dial.port == 0)
		return -1;
	if (a->n_waiting + a->n_active >= LIM_DIAL_QUEUE || (r = calloc(1, sizeof(*r))) == NULL) {
		refuse(a, m->dial.req, "the dialer is busy");
		return 0;
	}
	*r = (struct request){ .asker = a, .req = m->dial.req, .port = m->dial.port };
	TAILQ_INSERT_TAIL(&a->waiting, r, entry);
	a->n_waiting++;
	serve();
	return 0;
}

static void
asker_free(struct asker *a)
{
	struct request *r;

	while ((r = TAILQ_FIRST(&a->waiting)) != NULL) {
		TAILQ_REMOVE(&a->waiting, r, entry);
		free(r);
	}
	while ((r = TAILQ_FIRST(&a->active)) != NULL) {
		TAILQ_REMOVE(&a->active, r, entry);
		active_all--;
		dial_cancel(r->dial);
		free(r);
	}
	TAILQ_REMOVE(&askers, a, entry);
	chan_free(a->chan);
	free(a);
	serve();
}

static void
on_eof(struct chan *c)
{
	asker_free(chan_ctx(c));
}

static void
on_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	asker_free(chan_ctx(c));
}

void
asker_wire(const struct chan_peer *peer, int fd)
{
	static const chan_handler handlers[MSG__COUNT] = { [MSG_dial] = on_dial };
	static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };
	struct asker *a;

	if (peer->role != ROLE_TLS || peer->host[0] == '\0' || (a = calloc(1, sizeof(*a))) == NULL) {
		log_warn("channel refused role=%s", role_name(peer->role));
		close(fd);
		return;
	}
	TAILQ_INIT(&a->waiting);
	TAILQ_INIT(&a->active);
	if ((a->chan = loop_chan(fd, peer, &ops, a)) == NULL) {
		free(a);
		return;
	}
	TAILQ_INSERT_TAIL(&askers, a, entry);
}

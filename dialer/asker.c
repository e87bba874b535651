#include "asker.h"

#include <stdlib.h>
#include <string.h>
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

TAILQ_HEAD(asker_list, asker);

/* One tenant. */
struct party {
	TAILQ_ENTRY(party) entry;
	char ats[LIM_ATS_NAME + 1];
	struct asker_list askers;	/* never empty */
	unsigned int n_active;
};

struct asker {
	TAILQ_ENTRY(asker) entry;
	struct party *party;
	struct chan *chan;
	TAILQ_HEAD(, request) waiting, active;
	unsigned int n_waiting, n_active;
};

static TAILQ_HEAD(party_list, party) parties = TAILQ_HEAD_INITIALIZER(parties);
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
	a->party->n_active--;
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
	a->party->n_active++;
	active_all++;
}

/* Whose turn it is within a tenant; NULL: nobody's. */
static struct asker *
next_of(const struct party *p)
{
	struct asker *a;

	if (p->n_active >= LIM_DIAL_ACTIVE_ATS)
		return NULL;
	TAILQ_FOREACH(a, &p->askers, entry)
		if (a->n_waiting > 0 && a->n_active < LIM_DIAL_ACTIVE)
			return a;
	return NULL;
}

/* Who was served goes to the end of its list. */
static bool
serve_one(void)
{
	struct asker *a = NULL;
	struct party *p;

	TAILQ_FOREACH(p, &parties, entry)
		if ((a = next_of(p)) != NULL)
			break;
	if (a == NULL)
		return false;
	TAILQ_REMOVE(&parties, p, entry);
	TAILQ_INSERT_TAIL(&parties, p, entry);
	TAILQ_REMOVE(&p->askers, a, entry);
	TAILQ_INSERT_TAIL(&p->askers, a, entry);
	start_first(a);
	return true;
}

static void
serve(void)
{
	while (active_all < LIM_DIAL_ACTIVE_ALL && serve_one())
		continue;
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

/* ---- tenants ---- */

static int
party_join(struct asker *a, const char *ats)
{
	struct party *p;

	TAILQ_FOREACH(p, &parties, entry)
		if (strcmp(p->ats, ats) == 0)
			break;
	if (p == NULL) {
		if ((p = calloc(1, sizeof(*p))) == NULL || slice_copy(slice_str(ats), p->ats, sizeof(p->ats)) == -1) {
			free(p);
			return -1;
		}
		TAILQ_INIT(&p->askers);
		TAILQ_INSERT_TAIL(&parties, p, entry);
	}
	a->party = p;
	TAILQ_INSERT_TAIL(&p->askers, a, entry);
	return 0;
}

static void
party_leave(struct asker *a)
{
	struct party *p = a->party;

	TAILQ_REMOVE(&p->askers, a, entry);
	if (!TAILQ_EMPTY(&p->askers))
		return;
	TAILQ_REMOVE(&parties, p, entry);
	free(p);
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
		a->party->n_active--;
		active_all--;
		dial_cancel(r->dial);
		free(r);
	}
	party_leave(a);
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
	if (party_join(a, peer->ats) == -1) {
		chan_free(a->chan);
		free(a);
	}
}

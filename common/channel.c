#include "channel_private.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "secret.h"

struct chan *
chan_new(int fd, enum role self, const struct chan_peer *peer, const struct chan_ops *ops, void *ctx)
{
	struct chan *c = calloc(1, sizeof(*c));
	int flags;

	if (c == NULL || (flags = fcntl(fd, F_GETFL)) == -1 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) == -1) {
		close(fd);
		free(c);
		return NULL;
	}
	c->fd = fd;
	c->self = self;
	c->peer = *peer;
	c->ops = ops;
	c->ctx = ctx;
	c->tx_credits = LIM_CHAN_CREDITS;
	STAILQ_INIT(&c->queue);
	wbuf_init(&c->gathered, LIM_CHAN_TOGETHER * (LIM_CHAN_TOGETHER_BYTES + 2));
	return c;
}

void
packet_free(struct packet *p)
{
	if (p->fd != -1)
		close(p->fd);
	if (p->secret)
		secret_wipe(p->data, p->n);
	free(p);
}

static void
chan_close(struct chan *c)
{
	struct packet *p;

	while ((p = STAILQ_FIRST(&c->queue)) != NULL) {
		STAILQ_REMOVE_HEAD(&c->queue, entry);
		packet_free(p);
	}
	c->queued = 0;
	c->queued_fds = 0;
	c->ngathered = 0;
	wbuf_free(&c->gathered);
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
	c->dead = true;
}

void
chan_free(struct chan *c)
{
	if (c == NULL)
		return;
	if (c->notify != NULL && !c->freed) {
		c->freed = true;
		c->notify(c);	/* lets the loop forget it before the descriptor closes */
	}
	c->freed = true;
	chan_close(c);
	if (c->busy == 0)
		free(c);
}

void *
chan_ctx(const struct chan *c)
{
	return c->ctx;
}

void
chan_set_ctx(struct chan *c, void *ctx)
{
	c->ctx = ctx;
}

void
chan_set_ops(struct chan *c, const struct chan_ops *ops)
{
	c->ops = ops;
}

const struct chan_peer *
chan_peer(const struct chan *c)
{
	return &c->peer;
}

int
chan_fd(const struct chan *c)
{
	return c->fd;
}

bool
chan_dead(const struct chan *c)
{
	return c->dead || c->freed;
}

bool
chan_overflowed(const struct chan *c)
{
	return c->overflow && !c->dead;
}

void
chan_run(struct chan *c)
{
	c->running = true;
}

bool
chan_wants_write(const struct chan *c)
{
	return !c->dead && !STAILQ_EMPTY(&c->queue);
}

size_t
chan_queued(const struct chan *c)
{
	return c->queued + c->gathered.n;
}

unsigned int
chan_credits(const struct chan *c)
{
	return c->dead ? 0 : c->tx_credits;
}

void
chan_hold(struct chan *c)
{
	c->held = true;
}

void
chan_set_notify(struct chan *c, void (*fn)(struct chan *))
{
	c->notify = fn;
}

void
chan_set_between(struct chan *c, void (*fn)(void))
{
	c->between = fn;
}

void
chan_set_gather(struct chan *c, void (*fn)(struct chan *))
{
	c->gather = fn;
}

void *
chan_loop_data(const struct chan *c)
{
	return c->loop_data;
}

void
chan_set_loop_data(struct chan *c, void *data)
{
	c->loop_data = data;
}

void
chan_break(struct chan *c, const char *reason)
{
	if (c->dead)
		return;
	c->dead = true;
	if (c->ops->on_broken != NULL)
		c->ops->on_broken(c, reason);
}

bool
msg_is_secret(enum msg_type type)
{
	return type == MSG_auth_respond;
}

bool
msg_may_wait(enum msg_type type)
{
	return msg_table[type].class == MSGC_BULK || type == MSG_credit || type == MSG_body_want;
}

#include "channel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "secret.h"

/* Descriptors taken from one packet; more than one is a breach anyway. */
#define CHAN_FDS 4

struct packet {
	STAILQ_ENTRY(packet) entry;
	int fd;
	bool secret;
	size_t n;
	uint8_t data[];
};

struct chan {
	int fd;
	enum role self;
	struct chan_peer peer;
	const struct chan_ops *ops;
	void *ctx, *loop_data;
	void (*notify)(struct chan *);
	bool running, dead, freed, held;
	unsigned int busy;
	STAILQ_HEAD(, packet) queue;
	size_t queued;
	unsigned int tx_credits;	/* bulk messages we may send */
	unsigned int rx_out;		/* bulk messages received, credit not returned */
	unsigned int owed;		/* credits to return at the end of the turn */
};

/* One message is handled at a time in a process: one buffer serves all channels. */
static uint8_t rx_buffer[LIM_CHAN_MSG];

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
	return c;
}

static void
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
	return c->queued;
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

/* Called with the channel busy; the owner may free it from the callback. */
static void
chan_break(struct chan *c, const char *reason)
{
	if (c->dead)
		return;
	c->dead = true;
	if (c->ops->on_broken != NULL)
		c->ops->on_broken(c, reason);
}

/* ---- sending ---- */

static bool
msg_is_secret(enum msg_type type)
{
	return type == MSG_auth_respond;
}

/* 1 sent, 0 would block, -1 the peer is gone. */
static int
packet_send(int sock, const void *data, size_t n, int fd)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t r;

	if (fd != -1) {
		mh.msg_control = control.space;
		mh.msg_controllen = sizeof(control.space);
		control.hdr.cmsg_len = CMSG_LEN(sizeof(int));
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.hdr), &fd, sizeof(int));
	}
	do
		r = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (r == -1 && errno == EINTR);
	if (r >= 0)
		return 1;
	/* ETOOMANYREFS: too many descriptors in flight; they drain as the peer reads. */
	return errno == EAGAIN || errno == ENOBUFS || errno == ETOOMANYREFS ? 0 : -1;
}

static int
chan_enqueue(struct chan *c, const struct wbuf *w, int fd, bool secret)
{
	struct packet *p;

	if (c->queued + w->n > LIM_CHAN_QUEUE || (p = malloc(sizeof(*p) + w->n)) == NULL) {
		errno = EPIPE;
		return -1;
	}
	p->fd = fd;
	p->secret = secret;
	p->n = w->n;
	memcpy(p->data, w->p, w->n);
	STAILQ_INSERT_TAIL(&c->queue, p, entry);
	c->queued += p->n;
	if (c->notify != NULL)
		c->notify(c);
	return 0;
}

/* The sender's own mistakes: caught here, so that they never look like the peer's. */
static int
chan_may_send(const struct chan *c, enum msg_type type, int fd)
{
	const struct msg_info *info = &msg_table[type];
	bool fd_ok = info->fds == MSGF_BODY || (info->fds == MSGF_ONEFD) == (fd != -1);

	if (c->dead || c->freed)
		errno = EPIPE;
	else if ((info->from & (1u << c->self)) == 0 || (info->to & (1u << c->peer.role)) == 0 || !fd_ok)
		errno = EINVAL;
	else if (info->class == MSGC_BULK && c->tx_credits == 0)
		errno = EAGAIN;
	else
		return 0;
	return -1;
}

/* Takes fd over when it returns 0. */
static int
chan_put(struct chan *c, enum msg_type type, const struct wbuf *w, int fd)
{
	int r = STAILQ_EMPTY(&c->queue) ? packet_send(c->fd, w->p, w->n, fd) : 0;

	if (r == -1) {
		errno = EPIPE;
		return -1;
	}
	if (r == 0)
		return chan_enqueue(c, w, fd, msg_is_secret(type));
	if (fd != -1)
		close(fd);
	return 0;
}

int
chan_send(struct chan *c, enum msg_type type, const void *m, int fd)
{
	static struct wbuf w = { .max = LIM_CHAN_MSG };
	int saved, r = -1;

	if (chan_may_send(c, type, fd) == -1)
		goto out;
	wbuf_reset(&w);
	w_u16(&w, (uint16_t)type);
	msg_encode(&w, type, m);
	errno = EMSGSIZE;
	if (!w.failed)
		r = chan_put(c, type, &w, fd);
	if (msg_is_secret(type) && w.p != NULL)
		secret_wipe(w.p, w.cap);
out:
	saved = errno;
	if (r == 0 && msg_table[type].class == MSGC_BULK)
		c->tx_credits--;
	if (r == -1 && fd != -1)
		close(fd);
	errno = saved;
	return r;
}

void
chan_write(struct chan *c)
{
	struct packet *p;
	int r = 1;

	while (!c->dead && r == 1 && (p = STAILQ_FIRST(&c->queue)) != NULL) {
		if ((r = packet_send(c->fd, p->data, p->n, p->fd)) == 0)
			break;
		/* A peer that is gone is noticed at the read side, in order. */
		STAILQ_REMOVE_HEAD(&c->queue, entry);
		c->queued -= p->n;
		packet_free(p);
	}
	if (c->notify != NULL && !c->freed)
		c->notify(c);
}

int
chan_flush_blocking(struct chan *c)
{
	int flags = fcntl(c->fd, F_GETFL);

	if (c->dead || flags == -1 || fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		return -1;
	chan_write(c);
	(void)fcntl(c->fd, F_SETFL, flags);
	return STAILQ_EMPTY(&c->queue) ? 0 : -1;
}

/* ---- receiving ---- */

static void
chan_return_credits(struct chan *c)
{
	struct msg_credit m = { .n = c->owed };

	if (c->owed == 0 || c->dead)
		return;
	c->rx_out -= c->owed < c->rx_out ? c->owed : c->rx_out;
	c->owed = 0;
	(void)send_credit(c, &m);
}

void
chan_release(struct chan *c, unsigned int n)
{
	c->owed += n;
	if (c->busy == 0)
		chan_return_credits(c);
}

static void
chan_take_credit(struct chan *c, uint32_t n)
{
	bool was_empty = c->tx_credits == 0;

	if (n > LIM_CHAN_CREDITS - c->tx_credits) {
		chan_break(c, "more credits than given");
		return;
	}
	c->tx_credits += n;
	if (was_empty && n > 0 && c->ops->on_credit != NULL)
		c->ops->on_credit(c);
}

/* NULL when the packet is acceptable, else what is wrong with it. */
static const char *
chan_check(const struct chan *c, unsigned int type, int nfds)
{
	const struct msg_info *info;

	if (type == MSG_none || type >= MSG__COUNT)
		return "unknown message";
	info = &msg_table[type];
	if ((info->from & (1u << c->peer.role)) == 0 || (info->to & (1u << c->self)) == 0)
		return "message from the wrong role";
	if ((info->phase & (c->running ? MSGP_RUN : MSGP_SETUP)) == 0)
		return "message out of phase";
	if (nfds > (info->fds == MSGF_NOFD ? 0 : 1) || (info->fds == MSGF_ONEFD && nfds != 1))
		return "wrong number of descriptors";
	if (type != MSG_credit && c->ops->handlers[type] == NULL)
		return "message nobody asked for";
	if (info->class == MSGC_BULK && c->rx_out >= LIM_CHAN_CREDITS)
		return "bulk message without credit";
	return NULL;
}

static void
chan_dispatch(struct chan *c, struct slice packet, int *fds, int nfds)
{
	union msg m;
	struct rbuf r;
	unsigned int type;
	const char *wrong;
	int fd = nfds == 1 ? fds[0] : -1;

	rbuf_init(&r, packet);
	type = r_u16(&r);
	if ((wrong = r.failed ? "short message" : chan_check(c, type, nfds)) != NULL) {
		chan_break(c, wrong);
		return;
	}
	if (msg_decode(type, slice_mem(r.p, r.n), &m) == -1) {
		chan_break(c, "malformed message");
		return;
	}
	if (type == MSG_credit) {
		chan_take_credit(c, m.credit.n);
		return;
	}
	if (msg_table[type].class == MSGC_BULK)
		c->rx_out++;
	c->held = false;
	if (nfds == 1)
		fds[0] = -1;
	if (c->ops->handlers[type](c, &m, &fd) == -1)
		chan_break(c, msg_name(type));
	else if (msg_table[type].class == MSGC_BULK && !c->held)
		c->owed++;
	if (fd != -1)
		close(fd);
}

static int
take_fds(struct msghdr *mh, int *fds, int max)
{
	struct cmsghdr *cm;
	int n = 0;

	for (cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm)) {
		size_t count = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < count && n < max; i++)
			memcpy(&fds[n++], CMSG_DATA(cm) + i * sizeof(int), sizeof(int));
	}
	return n;
}

/* 1 handled, 0 end of file, -1 nothing there (or the channel broke). */
static int
chan_receive(struct chan *c)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(CHAN_FDS * sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = rx_buffer, .iov_len = sizeof(rx_buffer) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	int fds[CHAN_FDS], nfds;
	ssize_t n;

	do
		n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		return n == -1 && errno == EAGAIN ? -1 : 0;
	nfds = take_fds(&mh, fds, CHAN_FDS);
	if ((mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		chan_break(c, "oversized message");
	else
		chan_dispatch(c, slice_mem(rx_buffer, (size_t)n), fds, nfds);
	for (int i = 0; i < nfds; i++)
		if (fds[i] != -1)
			close(fds[i]);
	if (n >= 2 && msg_is_secret((enum msg_type)(rx_buffer[0] | rx_buffer[1] << 8)))
		secret_wipe(rx_buffer, (size_t)n);
	return 1;
}

static void
chan_leave(struct chan *c)
{
	c->busy--;
	if (c->dead && !c->freed && c->notify != NULL)
		c->notify(c);	/* a dead channel leaves the loop even if its owner frees it later */
	if (c->busy == 0 && c->freed)
		free(c);
	else if (c->busy == 0)
		chan_return_credits(c);
}

void
chan_read(struct chan *c)
{
	int r = 1;

	c->busy++;
	for (int i = 0; i < LIM_CHAN_TURN && r == 1 && !c->dead; i++)
		r = chan_receive(c);
	if (r == 0 && !c->dead) {
		c->dead = true;
		if (c->ops->on_eof != NULL)
			c->ops->on_eof(c);
	}
	chan_leave(c);
}

int
chan_read_one_blocking(struct chan *c)
{
	int flags = fcntl(c->fd, F_GETFL), r;

	if (flags == -1 || fcntl(c->fd, F_SETFL, flags & ~O_NONBLOCK) == -1)
		return -1;
	c->busy++;
	r = chan_receive(c);
	(void)fcntl(c->fd, F_SETFL, flags);
	if (c->dead)
		r = -1;
	chan_leave(c);
	return r;
}

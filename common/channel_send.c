/* The sending half of a channel. */
#include "channel_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "secret.h"

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

/* Small messages cost most by what holds them: the struct and malloc's own. */
static size_t
packet_cost(size_t n)
{
	return sizeof(struct packet) + 2 * sizeof(size_t) + n;
}

/* The peer missed something: chan_read ends this. A lost log line does not. */
static void
chan_missed(struct chan *c)
{
	c->overflow = c->peer.role != ROLE_MASTER;
	if (c->overflow && c->notify != NULL)
		c->notify(c);
}

static int
chan_enqueue(struct chan *c, const struct wbuf *w, int fd, bool secret)
{
	struct packet *p = NULL;

	if (c->queued + packet_cost(w->n) <= LIM_CHAN_QUEUE && (fd == -1 || c->queued_fds < LIM_CHAN_QUEUE_FDS))
		p = malloc(sizeof(*p) + w->n);
	if (p == NULL) {
		chan_missed(c);
		errno = EPIPE;
		return -1;
	}
	p->fd = fd;
	p->secret = secret;
	p->n = w->n;
	memcpy(p->data, w->p, w->n);
	STAILQ_INSERT_TAIL(&c->queue, p, entry);
	c->queued += packet_cost(p->n);
	c->queued_fds += fd != -1;
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

	/* Log lines may get lost, but must not push out what may not. */
	if (c->dead || c->freed || c->overflow || (type == MSG_log && c->queued > LIM_CHAN_QUEUE / 2))
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

/* What is gathered leaves. One alone is what it is, not a list. */
static void
chan_part(struct chan *c)
{
	static struct wbuf w = { .max = LIM_CHAN_MSG };
	struct msg_together m = { .messages = wbuf_slice(&c->gathered) };

	if (c->ngathered == 0)
		return;
	wbuf_reset(&w);
	if (c->ngathered > 1) {
		w_u16(&w, MSG_together);
		msg_encode(&w, MSG_together, &m);
	} else
		w_raw(&w, c->gathered.p + 2, c->gathered.n - 2);
	c->ngathered = 0;
	wbuf_reset(&c->gathered);
	/* A peer that is gone is noticed at the read side, in order. */
	if (w.failed)
		chan_missed(c);
	else
		(void)chan_put(c, MSG_together, &w, -1);
}

/* true: it waits for others, or left with them. */
static bool
chan_join(struct chan *c, enum msg_type type, const struct wbuf *w, int fd)
{
	bool joins = c->gather != NULL && fd == -1 && msg_may_wait(type) && w->n <= LIM_CHAN_TOGETHER_BYTES &&
	    chan_may_send(c, MSG_together, -1) == 0;
	size_t before;

	if (!joins || c->gathered.n + w->n > LIM_CHAN_TOGETHER_BYTES)
		chan_part(c);
	if (!joins)
		return false;
	before = c->gathered.n;
	list_add(&c->gathered, wbuf_slice(w));
	if (c->gathered.failed) {	/* no memory: it goes alone, behind those before it */
		c->gathered.n = before;
		c->gathered.failed = false;
		chan_part(c);
		return false;
	}
	if (++c->ngathered == LIM_CHAN_TOGETHER)
		chan_part(c);
	else if (c->ngathered == 1)
		c->gather(c);
	return true;
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
		r = chan_join(c, type, &w, fd) ? 0 : chan_put(c, type, &w, fd);
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

	if (!c->dead)
		chan_part(c);
	while (!c->dead && r == 1 && (p = STAILQ_FIRST(&c->queue)) != NULL) {
		if ((r = packet_send(c->fd, p->data, p->n, p->fd)) == 0)
			break;
		/* A peer that is gone is noticed at the read side, in order. */
		STAILQ_REMOVE_HEAD(&c->queue, entry);
		c->queued -= packet_cost(p->n);
		c->queued_fds -= p->fd != -1;
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

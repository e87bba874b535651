/* The receiving half of a channel: every check of messages.def is here. */
#include "channel_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "secret.h"

/* Descriptors taken from one packet; more than one is a breach anyway. */
#define CHAN_FDS 4

/* One message is handled at a time in a process: one buffer serves all channels. */
static uint8_t rx_buffer[LIM_CHAN_MSG];

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

/* Outside of a read some are returned together, and the last that were held with
 * them: the sender may wait until all are back. */
void
chan_release(struct chan *c, unsigned int n)
{
	c->owed += n;
	if (c->busy == 0 && (c->owed >= LIM_CREDITS_TOGETHER || c->owed >= c->rx_out))
		chan_return_credits(c);
}

static void
chan_take_credit(struct chan *c, uint32_t n)
{
	if (n == 0 || n > LIM_CHAN_CREDITS - c->tx_credits) {
		chan_break(c, n == 0 ? "credit for nothing" : "more credits than given");
		return;
	}
	c->tx_credits += n;
	if (c->ops->on_credit != NULL)
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
	if (type != MSG_credit && type != MSG_together && c->ops->handlers[type] == NULL)
		return "message nobody asked for";
	if (info->class == MSGC_BULK && c->rx_out >= LIM_CHAN_CREDITS)
		return "bulk message without credit";
	return NULL;
}

static void chan_dispatch(struct chan *, struct slice packet, int *fds, int nfds);

static void
chan_handle(struct chan *c, unsigned int type, const union msg *m, int *fds, int nfds)
{
	int fd = nfds == 1 ? fds[0] : -1;

	if (msg_table[type].class == MSGC_BULK)
		c->rx_out++;
	c->held = false;
	if (nfds == 1)
		fds[0] = -1;
	if (c->ops->handlers[type](c, m, &fd) == -1)
		chan_break(c, msg_name(type));
	else if (msg_table[type].class == MSGC_BULK && !c->held)
		c->owed++;
	if (fd != -1)
		close(fd);
}

/* Each is checked as if it had come alone. */
static void
chan_take_together(struct chan *c, struct slice list)
{
	struct slice packet;

	if (list.n == 0)
		chan_break(c, "nothing together");
	while (!c->dead && list_next(&list, &packet)) {
		if (packet.n >= 2 && (packet.p[0] | packet.p[1] << 8) == MSG_together)
			chan_break(c, "messages within messages");
		else
			chan_dispatch(c, packet, NULL, 0);
	}
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
	if (msg_table[type].fds == MSGF_BODY && !body_sound(msg_body(type, &m), fd)) {
		chan_break(c, "body that is not sealed memory");
		return;
	}
	if (type == MSG_credit)
		chan_take_credit(c, m.credit.n);
	else if (type == MSG_together)
		chan_take_together(c, m.together.messages);
	else
		chan_handle(c, type, &m, fds, nfds);
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

/*
 * A read of nothing is the end, or an empty packet of a peer that is still
 * there. At the end every further read is nothing too; behind an empty packet
 * there is something else, or nothing yet. A peer that sends many of them is
 * told apart by writing: it gets one back, and may accuse us of it.
 */
static bool
peer_is_there(int fd)
{
	uint8_t byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr next = { .msg_iov = &iov, .msg_iovlen = 1 }, empty = { 0 };
	ssize_t n = 0;

	for (int i = 0; i < LIM_CHAN_TURN && n == 0; i++)
		n = recvmsg(fd, &next, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n != 0)
		return n > 0 || errno == EAGAIN;
	return sendmsg(fd, &empty, MSG_NOSIGNAL | MSG_DONTWAIT) != -1 || errno == EAGAIN;
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

	/* A peer that died with our messages unread leaves one ECONNRESET in front
	 * of what it had still sent; what it said before it died counts. */
	do
		n = recvmsg(c->fd, &mh, MSG_CMSG_CLOEXEC);
	while (n == -1 && (errno == EINTR || errno == ECONNRESET));
	if (n == -1)
		return errno == EAGAIN ? -1 : 0;
	nfds = take_fds(&mh, fds, CHAN_FDS);
	if (n > 0 && (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0)
		chan_break(c, "oversized message");
	else if (n > 0)
		chan_dispatch(c, slice_mem(rx_buffer, (size_t)n), fds, nfds);
	else if (peer_is_there(c->fd))
		chan_break(c, "empty message");
	for (int i = 0; i < nfds; i++)
		if (fds[i] != -1)
			close(fds[i]);
	if (n >= 2 && msg_is_secret((enum msg_type)(rx_buffer[0] | rx_buffer[1] << 8)))
		secret_wipe(rx_buffer, (size_t)n);
	return n > 0 || c->dead ? 1 : 0;
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
	if (c->overflow)
		chan_break(c, "does not read its channel");
	for (int i = 0; i < LIM_CHAN_TURN && r == 1 && !c->dead; i++) {
		r = chan_receive(c);
		if (r == 1 && c->between != NULL)
			c->between();
	}
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

/*
 * The receiving end of a channel: raw packets and descriptors, from a role to
 * a role that the input chooses. Whatever reaches a handler must be a message
 * that this role may send to that one, with the descriptors of its row.
 *
 * A packet of the input: u8 descriptors (0, 1, 2 or more), u16 length, bytes.
 */
#include "hostile.h"

#include <stdio.h>

#include "body.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static enum role from, to;
static bool broken;

static void
check_allowed(enum msg_type type, const int *fd)
{
	const struct msg_info *i = &msg_table[type];

	feed_check(!broken);
	feed_check((i->from & (1u << from)) != 0 && (i->to & (1u << to)) != 0 && (i->phase & MSGP_RUN) != 0);
	feed_check((*fd != -1) == (i->fds == MSGF_ONEFD) || i->fds == MSGF_BODY);
}

#define MSG(name, f, t, p, c_, d, fields)                                                                     \
	static int take_##name(struct chan *c, const union msg *m, int *fd)                                              \
	{                                                                                                              \
		struct body b;                                                                                         \
		(void)c;                                                                                               \
		(void)m;                                                                                               \
		check_allowed(MSG_##name, fd);                                                                         \
		if (msg_table[MSG_##name].fds == MSGF_BODY && body_open(&b, SLICE_NONE, fd) == 0)                      \
			body_close(&b);                                                                                \
		return 0;                                                                                              \
	}
#include "messages.def"
#undef MSG
static const chan_handler handlers[MSG__COUNT] = {
#define MSG(name, f, t, p, c_, d, fields) [MSG_##name] = take_##name,
#include "messages.def"
#undef MSG
};

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	feed_check(!broken && reason != NULL);
	broken = true;
}

static void
send_packet(int fd, struct slice s, unsigned int nfds)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(8 * sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec iov = { (void *)(uintptr_t)s.p, s.n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[8];

	nfds %= 9;
	for (unsigned int i = 0; i < nfds; i++)
		fds[i] = hostile_memfd(s, i % 2 == 0);
	if (nfds > 0) {
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		control.hdr = (struct cmsghdr){ CMSG_LEN(nfds * sizeof(int)), SOL_SOCKET, SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.hdr), fds, nfds * sizeof(int));
	}
	(void)sendmsg(fd, &mh, MSG_DONTWAIT | MSG_NOSIGNAL);
	for (unsigned int i = 0; i < nfds; i++)
		close(fds[i]);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chan_ops ops = { .handlers = handlers, .on_eof = hostile_eof, .on_broken = on_broken };
	struct feed f = feed_start(data, size);
	struct chan_peer peer = { .chan = 1 };
	struct chan *c;
	char sink[4096];
	int sv[2];

	from = peer.role = feed_byte(&f) % ROLE__COUNT;
	to = feed_byte(&f) % ROLE__COUNT;
	broken = false;
	feed_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0);
	feed_check((c = chan_new(sv[1], to, &peer, &ops, NULL)) != NULL);
	chan_run(c);
	while (f.n > 2 && !chan_dead(c)) {
		unsigned int nfds = feed_byte(&f);
		size_t n = feed_byte(&f);

		n |= (size_t)feed_byte(&f) << 8;
		send_packet(sv[0], feed_raw(&f, n, 65535), nfds);
		chan_read(c);
		if (chan_wants_write(c))
			chan_write(c);
		while (read(sv[0], sink, sizeof(sink)) > 0)
			;
	}
	close(sv[0]);
	chan_read(c);
	feed_check(chan_dead(c));
	chan_free(c);
	return 0;
}

/*
 * hostile.h - peer processes that an attacker owns: whole messages that their
 * role may send, made of the input, over real channels. What the process under
 * test sends is read and dropped, but for the number it names first.
 */
#ifndef FUZZ_HOSTILE_H
#define FUZZ_HOSTILE_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "channel.h"
#include "child.h"
#include "feed.h"

static inline void
hostile_hear(const void *m)
{
	uint32_t first;

	memcpy(&first, m, sizeof(first));
	feed_heard = first;
}

#define MSG(name, from, to, phase, class, fds, fields)                                                                 \
	static inline int hostile_on_##name(struct chan *c, const union msg *m, int *fd)                               \
	{                                                                                                              \
		(void)c;                                                                                               \
		(void)fd;                                                                                              \
		if (sizeof(m->name) >= 4)                                                                              \
			hostile_hear(m);                                                                               \
		return 0;                                                                                              \
	}
#include "messages.def"
#undef MSG

static const chan_handler hostile_handlers[MSG__COUNT] = {
#define MSG(name, from, to, phase, class, fds, fields) [MSG_##name] = hostile_on_##name,
#include "messages.def"
#undef MSG
};

static inline void
hostile_eof(struct chan *c)
{
	(void)c;
}

/* The process under test must keep the rules whatever its peers do. */
static inline void
hostile_broken(struct chan *c, const char *reason)
{
	(void)c;
	(void)!write(2, reason, strlen(reason));
	(void)!write(2, ": the process under test broke the rules\n", 41);
	abort();
}

static const struct chan_ops hostile_ops = { .handlers = hostile_handlers, .on_eof = hostile_eof,
	.on_broken = hostile_broken };

/* The attacker's end of a new pair; *fd is the other end. */
static inline struct chan *
hostile_new(enum role role, enum role victim, int *fd)
{
	struct chan_peer peer = { .chan = 1, .role = victim };
	struct chan *c;
	int sv[2];

	feed_check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == 0);
	feed_check((c = chan_new(sv[0], role, &peer, &hostile_ops, NULL)) != NULL);
	chan_run(c);
	*fd = sv[1];
	return c;
}

/* The victim's end, made and read by hand: for processes without a loop of
 * their own in the test. */
static inline void
hostile_turn(struct chan *c)
{
	if (c == NULL || chan_dead(c))
		return;
	chan_write(c);
	chan_read(c);
}

/* A master that only listens, for what the victim reports. */
static inline struct chan *
hostile_master(enum role victim)
{
	static const chan_handler none[MSG__COUNT];
	static const struct chan_ops ops = { .handlers = none, .on_eof = hostile_eof };
	static const struct chan_peer peer = { .role = ROLE_MASTER };
	static struct chan *far;
	int fd;

	if (far != NULL)
		return far;
	far = hostile_new(ROLE_MASTER, victim, &fd);
	feed_check((child.master = chan_new(fd, victim, &peer, &ops, NULL)) != NULL);
	chan_run(child.master);
	child.role = victim;
	return far;
}

static inline int
hostile_memfd(struct slice s, bool sealed)
{
	int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	feed_check(fd != -1 && write(fd, s.p, s.n) == (ssize_t)s.n);
	if (sealed)
		feed_check(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == 0);
	return fd;
}

static inline int
hostile_fd(struct feed *f)
{
	uint8_t how = feed_byte(f);
	int sv[2];

	if (how % 2 == 0)
		return hostile_memfd(feed_bytes(f, 65536), how % 4 == 0);
	feed_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv) == 0);
	close(sv[1]);
	return sv[0];
}

/* The n-th message (of those of the RUN phase) that from may send to to. */
static inline enum msg_type
hostile_pick(enum role from, enum role to, unsigned int n)
{
	unsigned int count = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (unsigned int t = 1; t < MSG__COUNT; t++) {
			const struct msg_info *i = &msg_table[t];

			if ((i->from & (1u << from)) == 0 || (i->to & (1u << to)) == 0 ||
			    (i->phase & MSGP_RUN) == 0 || t == MSG_credit || t == MSG_together)
				continue;
			if (pass == 0)
				count++;
			else if (n-- == 0)
				return t;
		}
		if (count == 0)
			return MSG_none;
		n %= count;
	}
	return MSG_none;
}

/* One message of the input from one role to another. */
static inline void
hostile_send(struct chan *c, enum role from, enum role to, struct feed *f)
{
	enum msg_type type = hostile_pick(from, to, feed_byte(f));
	const struct msg_info *info = &msg_table[type];
	union msg m;
	int fd = -1;

	if (c == NULL || type == MSG_none || chan_dead(c) || (info->class == MSGC_BULK && chan_credits(c) == 0))
		return;
	if (info->fds == MSGF_ONEFD || (info->fds == MSGF_BODY && feed_byte(f) == 0xee)) {
		fd = hostile_fd(f);
		f->bare = true;
	}
	feed_msg(f, type, &m);
	f->bare = false;
	(void)chan_send(c, type, &m, fd);
	chan_write(c);
}

#endif

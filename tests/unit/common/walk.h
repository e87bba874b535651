/*
 * walk.h - a channel under attack: its near end takes every message, its far
 * end is the attacker's.
 */
#ifndef UNIT_COMMON_WALK_H
#define UNIT_COMMON_WALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../sandbox/walk/craft.h"
#include "channel.h"

static chan_handler handlers[MSG__COUNT];
static int handled, ended;
static unsigned int last_type;
static bool hold;
static char broken[128];
static struct craft craft;
static struct chan *receiver;
static int attacker;

#define HANDLER(n)                                                                                                     \
	static int take_##n(struct chan *c, const union msg *m, int *fd)                                                 \
	{                                                                                                              \
		(void)m;                                                                                               \
		(void)fd;                                                                                              \
		handled++;                                                                                             \
		last_type = MSG_##n;                                                                                   \
		if (hold)                                                                                              \
			chan_hold(c);                                                                                  \
		return 0;                                                                                              \
	}
#define MSG(n, from, to, phase, class, fds, fields) HANDLER(n)
#include "messages.def"
#undef MSG

static inline void
on_eof(struct chan *c)
{
	(void)c;
	ended++;
}

static inline void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	assert_string_equal(broken, "");	/* told once */
	(void)slice_copy(slice_str(reason), broken, sizeof(broken));
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

static inline int
fill_handlers(void **state)
{
	(void)state;
#define MSG(n, from, to, phase, class, fds, fields) handlers[MSG_##n] = take_##n;
#include "messages.def"
#undef MSG
	return 0;
}

static inline void
wire(enum role from, enum role to, bool running)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	attacker = sv[0];
	receiver = chan_new(sv[1], to, &(struct chan_peer){ .role = from }, &ops, NULL);
	assert_non_null(receiver);
	if (running)
		chan_run(receiver);
	handled = ended = 0;
	hold = false;
	broken[0] = '\0';
}

static inline void
unwire(void)
{
	chan_free(receiver);
	close(attacker);
}

static inline int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static inline enum role
role_of(uint32_t mask)
{
	return (enum role)__builtin_ctz(mask);
}

/* Sent, read, refused: broken with a reason, no handler heard of it. */
static inline void
refused(const char *what, const char *why)
{
	chan_read(receiver);
	if (broken[0] == '\0' || handled != 0 || ended != 0 || !chan_dead(receiver))
		fail_msg("%s was not refused: handled %d, ended %d", what, handled, ended);
	if (why != NULL && strcmp(broken, why) != 0)
		fail_msg("%s: %s, not %s", what, broken, why);
}

#endif

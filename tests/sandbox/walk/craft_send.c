/* Packets as an attacker sends them: past channel.c, with any descriptors. */
#include "craft.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS_MOST 253	/* SCM_MAX_FD */
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)

static int
must(int fd)
{
	if (fd == -1) {
		perror("walk: descriptor");
		abort();
	}
	return fd;
}

static int
memory(off_t size, int seals)
{
	int fd = must(memfd_create("walk", MFD_CLOEXEC | MFD_ALLOW_SEALING));

	if (ftruncate(fd, size) == -1 || fcntl(fd, F_ADD_SEALS, seals) == -1)
		abort();
	return fd;
}

/* The sealed memory, opened anew. */
static int
reopened(int flags)
{
	char path[64];
	int fd = memory(100000, SEALS), again;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, flags | O_CLOEXEC);
	/* Sealed against writing it cannot be opened for that on all kernels. */
	if (again == -1)
		again = must(open("/dev/null", O_WRONLY | O_CLOEXEC));
	close(fd);
	return again;
}

static int
pair_end(bool pipes)
{
	int fds[2];

	if ((pipes ? pipe2(fds, O_CLOEXEC) : socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds)) == -1)
		abort();
	close(fds[1]);
	return fds[0];
}

static int
make(enum craft_fds kind)
{
	switch (kind) {
	case FDS_SEALED:
		return memory(LIM_INLINE + 1, SEALS);
	case FDS_PIPE:
		return pair_end(true);
	case FDS_FILE:
		return must(open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
	case FDS_NULL:
		return must(open("/dev/null", O_RDWR | O_CLOEXEC));
	case FDS_MEMFD:
		return memory(LIM_INLINE + 1, 0);
	case FDS_NO_WRITE:
		return memory(LIM_INLINE + 1, SEALS & ~F_SEAL_WRITE);
	case FDS_NO_SHRINK:
		return memory(LIM_INLINE + 1, SEALS & ~F_SEAL_SHRINK);
	case FDS_NO_GROW:
		return memory(LIM_INLINE + 1, SEALS & ~F_SEAL_GROW);
	case FDS_FUTURE:
		return memory(LIM_INLINE + 1, (SEALS & ~F_SEAL_WRITE) | F_SEAL_FUTURE_WRITE);
	case FDS_EMPTY:
		return memory(0, SEALS);
	case FDS_HUGE:
		return memory((off_t)LIM_BODY + 1, SEALS);
	case FDS_WRITEONLY:
		return reopened(O_WRONLY);
	case FDS_PATH:
		return reopened(O_PATH);
	default:
		return pair_end(false);
	}
}

static size_t
make_all(enum craft_fds kind, int *fds)
{
	size_t n = kind == FDS_NONE ? 0 : kind == FDS_TWO ? 2 : kind == FDS_MANY ? FDS_MOST : 1;

	for (size_t i = 0; i < n; i++)
		fds[i] = kind == FDS_MANY && i > 0 ? must(fcntl(fds[0], F_DUPFD_CLOEXEC, 0)) : make(kind);
	return n;
}

int
craft_send_bytes(int sock, const void *p, size_t size, enum craft_fds kind)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(FDS_MOST * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)p, size };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	int fds[FDS_MOST], saved;
	size_t n = make_all(kind, fds);
	ssize_t r;

	if (n > 0) {
		mh.msg_control = control.space;
		mh.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.hdr.cmsg_len = CMSG_LEN(n * sizeof(int));
		control.hdr.cmsg_level = SOL_SOCKET;
		control.hdr.cmsg_type = SCM_RIGHTS;
		memcpy(CMSG_DATA(&control.hdr), fds, n * sizeof(int));
	}
	do
		r = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (r == -1 && errno == EINTR);
	saved = errno;
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	errno = saved;
	return r == -1 ? -1 : 0;
}

int
craft_send(int sock, const struct craft *c)
{
	return craft_send_bytes(sock, c->bytes.p, c->bytes.n, c->fds);
}

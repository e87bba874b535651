/* Attempts on the network, with a socket that the harness lends. */
#include "attack_try.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

struct sockaddr *
try_loopback(const struct attack *a)
{
	static struct sockaddr_in sin;

	sin = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)attack_number(a, "port", 9)),
		.sin_addr = { htonl(INADDR_LOOPBACK) } };
	return (struct sockaddr *)&sin;
}

struct sockaddr *
try_abstract(const struct attack *a)
{
	static struct sockaddr_un sun;

	sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	(void)attack_arg(a, "abstract", sun.sun_path + 1, sizeof(sun.sun_path) - 1);
	return (struct sockaddr *)&sun;
}

static socklen_t
length(const struct sockaddr *sa)
{
	const struct sockaddr_un *sun = (const void *)sa;

	return sa->sa_family == AF_UNIX
	    ? (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(sun->sun_path + 1))
	    : sizeof(struct sockaddr_in);
}

long
try_connect(int fd, struct sockaddr *sa)
{
	return syscall(SYS_connect, fd, sa, length(sa));
}

long
try_fastopen_sendto(int fd, struct sockaddr *sa)
{
	return syscall(SYS_sendto, fd, "x", 1, MSG_FASTOPEN, sa, length(sa));
}

long
try_fastopen_sendmsg(int fd, struct sockaddr *sa)
{
	struct iovec iov = { .iov_base = (char *)(uintptr_t)"x", .iov_len = 1 };
	struct msghdr mh = { .msg_name = sa, .msg_namelen = length(sa), .msg_iov = &iov, .msg_iovlen = 1 };

	return syscall(SYS_sendmsg, fd, &mh, MSG_FASTOPEN | MSG_NOSIGNAL);
}

/* The kernel takes an address of no family as: let go of the one you have. */
long
try_fastopen_again(int fd, struct sockaddr *sa)
{
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	struct iovec iov = { .iov_base = (char *)(uintptr_t)"x", .iov_len = 1 };
	struct msghdr mh = { .msg_name = &none, .msg_namelen = sizeof(none), .msg_iov = &iov, .msg_iovlen = 1 };

	(void)syscall(SYS_sendmsg, fd, &mh, MSG_FASTOPEN | MSG_NOSIGNAL);
	return try_fastopen_sendmsg(fd, sa);
}

long
try_bind(int fd)
{
	struct sockaddr_in any = { .sin_family = AF_INET };

	return syscall(SYS_bind, fd, &any, sizeof(any));
}

long
try_filter(int fd)
{
	struct sock_filter accept_all = { .code = BPF_RET, .k = 0xffffffff };
	struct sock_fprog prog = { 1, &accept_all };

	return syscall(SYS_setsockopt, fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog));
}

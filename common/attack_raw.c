/* Raw packets to the peers of this process, past every check of channel_send.c. */
#include "attack_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define MOST_PEERS 256
#define MOST_FDS 8
#define MOST_BYTES (1024 * 1024)
#define MASTER_FD 3

static struct {
	struct chan_peer peer;
	int fd;
} peers[MOST_PEERS];
static size_t n_peers;

/* A number that was closed may be another's by now: the newest wins. */
static bool
is_open(int fd)
{
	return fcntl(fd, F_GETFL) != -1;	/* F_GETFD is not on every list */
}

void
attack_note_peer(const struct chan_peer *peer, int fd)
{
	size_t i = n_peers < MOST_PEERS ? n_peers++ : MOST_PEERS - 1;

	peers[i].peer = *peer;
	peers[i].fd = fd;
}

void
attack_peers(struct attack *a)
{
	size_t used = 0;

	attack_say(a, "none");
	for (size_t i = 0; i < n_peers && used < sizeof(a->result); i++)
		if (is_open(peers[i].fd))
			used += (size_t)snprintf(a->result + used, sizeof(a->result) - used, "%s%s/%u/%s#%u",
			    used > 0 ? " " : "", role_name(peers[i].peer.role), peers[i].peer.unit,
			    peers[i].peer.host[0] != '\0' ? peers[i].peer.host : "-", peers[i].peer.chan);
}

/* The newest that fits; -1: none. */
static int
find_peer(const struct attack *a)
{
	char role[64] = "", host[LIM_HOST + 1] = "";
	unsigned long unit = attack_number(a, "unit", 0);

	(void)attack_arg(a, "peer", role, sizeof(role));
	(void)attack_arg(a, "host", host, sizeof(host));
	if (strcmp(role, role_name(ROLE_MASTER)) == 0)
		return MASTER_FD;
	for (size_t i = n_peers; i-- > 0;)
		if (strcmp(role, role_name(peers[i].peer.role)) == 0 && is_open(peers[i].fd) &&
		    (unit == 0 || unit == peers[i].peer.unit) && (host[0] == '\0' || strcmp(host, peers[i].peer.host) == 0))
			return peers[i].fd;
	return -1;
}

static int
sealed_memfd(size_t n)
{
	int fd = memfd_create("attack", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd != -1 && (ftruncate(fd, (off_t)n) == -1 || fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW) == -1)) {
		close(fd);
		return -1;
	}
	return fd;
}

static void
put_fds(struct msghdr *mh, char *space, const int *fds, size_t n)
{
	struct cmsghdr *cm;

	if (n == 0)
		return;
	mh->msg_control = space;
	mh->msg_controllen = CMSG_SPACE(n * sizeof(int));
	cm = CMSG_FIRSTHDR(mh);
	cm->cmsg_len = CMSG_LEN(n * sizeof(int));
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(cm), fds, n * sizeof(int));
}

/* A peer that does not read makes it wait, as its own queue would. */
static int
send_one(int sock, const struct msghdr *mh)
{
	int flags = fcntl(sock, F_GETFL);
	ssize_t r;

	(void)fcntl(sock, F_SETFL, flags & ~O_NONBLOCK);
	do
		r = sendmsg(sock, mh, MSG_NOSIGNAL);
	while (r == -1 && errno == EINTR);
	(void)fcntl(sock, F_SETFL, flags);
	return r == -1 ? -1 : 0;
}

void
attack_raw(struct attack *a)
{
	static uint8_t bytes[MOST_BYTES];
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(MOST_FDS * sizeof(int))];
	} control = { 0 };
	int fds[MOST_FDS] = { 0 }, sock = find_peer(a), memfd = -1;
	size_t n = a->data.n, cut = attack_number(a, "cut", n), pad = attack_number(a, "pad", 0);
	size_t nfds = attack_number(a, "fds", 0), done, times = attack_number(a, "times", 1);
	struct iovec iov = { .iov_base = bytes };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (sock == -1) {
		attack_say(a, "none no such peer");
		return;
	}
	if (attack_number(a, "memfd", 0) > 0 && (memfd = sealed_memfd(attack_number(a, "memfd", 0))) != -1) {
		fds[0] = memfd;
		nfds = 1;
	}
	if (attack_number(a, "pass", 0) > 0) {
		fds[0] = a->fd;
		nfds = 1;
	}
	if (n > 0)
		memcpy(bytes, a->data.p, n);
	iov.iov_len = (cut < n ? cut : n) + (pad < MOST_BYTES - n ? pad : 0);
	put_fds(&mh, control.space, fds, nfds < MOST_FDS ? nfds : MOST_FDS);
	for (done = 0; done < times && send_one(sock, &mh) == 0; done++)
		;
	if (done == times)
		attack_say(a, "sent %zu", done);
	else
		attack_say(a, "errno %s after %zu", strerrorname_np(errno), done);
	if (memfd != -1)
		close(memfd);
}

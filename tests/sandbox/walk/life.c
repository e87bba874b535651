#include "life.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_FD 3
#define READY_MS 20000
#define SETTLE_MS 20000

void
walk_die(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	fputs("walk: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* ---- packets ---- */

static int
take_fd(struct msghdr *mh, int *fd)
{
	int got = -1;

	for (struct cmsghdr *cm = CMSG_FIRSTHDR(mh); cm != NULL; cm = CMSG_NXTHDR(mh, cm))
		if (cm->cmsg_level == SOL_SOCKET && cm->cmsg_type == SCM_RIGHTS)
			memcpy(&got, CMSG_DATA(cm), sizeof(int));
	if (fd != NULL)
		*fd = got;
	else if (got != -1)
		close(got);
	return got;
}

static int
read_packet(struct slice packet, union msg *m)
{
	static union msg unused;
	unsigned int type = packet.n >= 2 ? packet.p[0] | (unsigned int)packet.p[1] << 8 : 0;

	if (msg_decode(type, slice_mem(packet.p + 2, packet.n - 2), m != NULL ? m : &unused) == -1)
		walk_die("the process itself sends a broken %s", msg_name(type));
	return (int)type;
}

/* The rest of what came together; one channel is read at a time. */
static struct {
	uint8_t bytes[LIM_CHAN_MSG];
	struct slice messages;
	int sock;
} rest;

static void
keep_rest(int sock, struct slice messages)
{
	memcpy(rest.bytes, messages.p, messages.n);
	rest.messages = slice_mem(rest.bytes, messages.n);
	rest.sock = sock;
}

int
walk_receive(int sock, union msg *m, int *fd, int ms)
{
	static uint8_t buf[LIM_CHAN_MSG];
	union msg got;
	struct slice next;
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { buf, sizeof(buf) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	ssize_t n;
	int type;

	if (fd != NULL)
		*fd = -1;
	if (sock == rest.sock && list_next(&rest.messages, &next))
		return read_packet(next, m);
	if (poll(&(struct pollfd){ sock, POLLIN, 0 }, 1, ms) != 1)
		return -1;
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	while (n == -1 && (errno == EINTR || errno == ECONNRESET));
	if (n <= 0)
		return 0;
	(void)take_fd(&mh, fd);
	if ((type = read_packet(slice_mem(buf, (size_t)n), &got)) == MSG_together) {
		keep_rest(sock, got.together.messages);
		return walk_receive(sock, m, fd, 0);
	}
	if (m != NULL)
		*m = got;
	return type;
}

void
walk_send(int sock, enum msg_type type, const void *m, int fd)
{
	struct wbuf w = { .max = LIM_CHAN_MSG };
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	w_u16(&w, (uint16_t)type);
	msg_encode(&w, type, m);
	if (w.failed)
		walk_die("%s cannot be encoded", msg_name(type));
	iov = (struct iovec){ w.p, w.n };
	if (fd != -1) {
		struct cmsghdr *cm;

		mh.msg_control = control;
		mh.msg_controllen = sizeof(control);
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	}
	(void)sendmsg(sock, &mh, MSG_NOSIGNAL);
	if (fd != -1)
		close(fd);
	wbuf_free(&w);
}

/* ---- the process ---- */

static void __attribute__((noreturn))
become(const char *path, char *name, int sock)
{
	/* Empty, but of a sanitizer build that cannot look for leaks in an undumpable process. */
	static char no_leaks[] = "ASAN_OPTIONS=detect_leaks=0";
	char *argv[] = { name, NULL }, *env[] = { getenv("ASAN_OPTIONS") != NULL ? no_leaks : NULL, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(sock, CHILD_FD) == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		_exit(126);
	(void)fcntl(CHILD_FD, F_SETFD, 0);
	closefrom(CHILD_FD + 1);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	execve(path, argv, env);
	_exit(127);
}

void
life_start(struct life *l, const char *libexec, enum role role)
{
	char path[LIM_PATH];
	int sv[2];

	*l = (struct life){ .role = role, .listener = -1 };
	snprintf(path, sizeof(path), "%s/%s", libexec, role_name(role));
	snprintf(l->dir, sizeof(l->dir), "/tmp/postern-walk-XXXXXX");
	if (mkdtemp(l->dir) == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		walk_die("no directory or socket");
	if ((l->pid = fork()) == 0)
		become(path, (char *)(uintptr_t)role_name(role), sv[1]);
	close(sv[1]);
	l->master = sv[0];
	life_setup(l);
	while (!l->ready)
		if (!life_hear(l, READY_MS))
			walk_die("%s is not READY: status %x, %s", role_name(role), (unsigned int)l->status, l->log);
}

/* No master any more: it ends, or did so already. */
static void
gone(struct life *l)
{
	pid_t pid = 0;

	close(l->master);
	l->master = -1;
	for (int i = 0; i < READY_MS && (pid = waitpid(l->pid, &l->status, WNOHANG)) == 0; i++)
		(void)poll(NULL, 0, 1);
	if (pid != l->pid)
		walk_die("%s does not end with its master", role_name(l->role));
	l->pid = 0;
}

static void
empty_directory(const char *dir)
{
	static const char *const names[] = { "data.mdb", "lock.mdb", "sock", "root" };
	char path[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)remove(path);
	}
	(void)rmdir(dir);
}

void
life_stop(struct life *l)
{
	if (l->master != -1)
		gone(l);
	if (l->listener != -1)
		close(l->listener);
	l->listener = -1;
	empty_directory(l->dir);
}

bool
life_ended_well(const struct life *l)
{
	return l->pid == 0 && WIFEXITED(l->status) && WEXITSTATUS(l->status) == 0;
}

int
life_wire(struct life *l, enum role peer, uint32_t unit)
{
	struct msg_peer m = { .chan = ++l->last_chan, .role = peer, .unit = unit, .flags = PEER_PRIVATE_OK };
	int sv[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == -1)
		walk_die("socketpair: %s", strerror(errno));
	if (role_table[peer].scope != SCOPE_HOST)
		m.ats = slice_str("agency");
	if (peer == ROLE_TLS)
		m.host = slice_str(WALK_HOST);
	l->broken_chan = 0;
	l->broken[0] = l->log[0] = '\0';
	life_send(l, MSG_peer, &m, sv[1]);
	return sv[0];
}

void
life_send(struct life *l, enum msg_type type, const void *m, int fd)
{
	walk_send(l->master, type, m, fd);
}

static void
note(struct life *l, int type, const union msg *m)
{
	l->seen[type]++;
	switch (type) {
	case MSG_ready:
		l->ready = true;
		break;
	case MSG_pong:
		l->pongs++;
		break;
	case MSG_broken:
		l->broken_chan = m->broken.chan;
		(void)slice_copy(m->broken.reason, l->broken, sizeof(l->broken));
		break;
	case MSG_log:
		if (m->log.level == LOG_LVL_ERROR)
			(void)slice_copy(m->log.text, l->log, sizeof(l->log));
		break;
	default:
		break;
	}
}

bool
life_hear(struct life *l, int ms)
{
	union msg m;
	int type;

	if (l->master == -1 || (type = walk_receive(l->master, &m, NULL, ms)) == -1)
		return false;
	if (type == 0) {
		gone(l);
		return false;
	}
	note(l, type, &m);
	return true;
}

bool
life_answers(struct life *l)
{
	unsigned int before = l->pongs;

	if (l->master == -1)
		return false;
	life_send(l, MSG_ping, &(struct msg_ping){ 0 }, -1);
	while (l->pongs == before)
		if (!life_hear(l, SETTLE_MS)) {
			if (l->master != -1)
				walk_die("%s does not answer its master", role_name(l->role));
			return false;
		}
	return true;
}

/* Channels that are ready at once are served in any order, and a turn may take
 * several messages of one: the pause lets the turn of the first pong end. */
bool
life_settle(struct life *l)
{
	for (int i = 0; i < 2; i++) {
		if (!life_answers(l))
			return false;
		(void)poll(NULL, 0, 1);
	}
	return life_answers(l);
}

long
life_memory(const struct life *l)
{
	char path[64], line[128];
	long kib = 0, n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)l->pid);
	if ((f = fopen(path, "re")) == NULL)
		return 0;
	while (fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "RssAnon: %ld", &n) == 1 || sscanf(line, "RssShmem: %ld", &n) == 1)
			kib += n;
	fclose(f);
	return kib;
}

int
life_descriptors(const struct life *l)
{
	char path[64];
	DIR *d;
	int n = -2;	/* . and .. */

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)l->pid);
	if ((d = opendir(path)) == NULL)
		return -1;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

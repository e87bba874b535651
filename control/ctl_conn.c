#include "ctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int sock = -1;
static uint8_t in[LIM_CTL_FRAME];
static size_t in_n, taken;	/* bytes read; of these, the frame handed out last */

static void
lost(void)
{
	ctl_fail(CTL_UNREACHABLE, "posternd closed the connection (see its log; is this user allowed?)");
}

static void
read_more(void)
{
	ssize_t n;

	do
		n = read(sock, in + in_n, sizeof(in) - in_n);
	while (n == -1 && errno == EINTR);
	if (n <= 0)
		lost();
	in_n += (size_t)n;
}

bool
conn_next(struct ctl *frame)
{
	int n;

	in_n -= taken;
	memmove(in, in + taken, in_n);
	taken = 0;
	while ((n = ctl_decode(slice_mem(in, in_n), CTLD_ANSWER, frame)) == 0)
		read_more();
	if (n == -1)
		ctl_fail(CTL_UNREACHABLE, "posternd sent what this posternctl does not understand");
	taken = (size_t)n;
	return frame->type != CTL_done;
}

void
conn_ask(enum ctl_type type, const void *fields)
{
	struct wbuf w = { .max = LIM_CTL_FRAME };
	size_t sent = 0;
	ssize_t n;

	if (ctl_encode(&w, type, fields) == -1)
		ctl_fail(CTL_REFUSED, "an argument is too long");
	while (sent < w.n) {
		n = send(sock, w.p + sent, w.n - sent, MSG_NOSIGNAL);
		if (n == -1 && errno != EINTR)
			lost();
		if (n > 0)
			sent += (size_t)n;
	}
	wbuf_free(&w);
}

void
conn_check(const struct ctl *d)
{
	char code[LIM_CODE * 4 + 1];

	if (d->type != CTL_done || d->done.error.n == 0)
		return;
	snprintf(code, sizeof(code), "%s", safe_text(d->done.error));
	ctl_fail(CTL_REFUSED, "%s%s%s", code, d->done.text.n > 0 ? ": " : "", safe_text(d->done.text));
}

static int
conn_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd;

	if (slice_copy(slice_str(ctl_options.socket), sun.sun_path, sizeof(sun.sun_path)) == -1)
		ctl_fail(CTL_USAGE, "%s: the socket's name is too long", ctl_options.socket);
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(fd, (const struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

bool
conn_reachable(void)
{
	int fd = sock == -1 ? conn_connect() : -1;

	if (fd != -1)
		close(fd);
	return fd != -1 || sock != -1;
}

void
conn_open(void)
{
	const struct ctl_hello hello = { .version = CTL_VERSION, .software = slice_str(POSTERN_VERSION) };
	struct ctl answer;

	if (sock != -1)
		return;
	if ((sock = conn_connect()) == -1)
		ctl_fail(CTL_UNREACHABLE, "%s: %s%s", ctl_options.socket, strerror(errno),
		    errno == ENOENT || errno == ECONNREFUSED ? " (is posternd running?)" : "");
	conn_ask(CTL_hello, &hello);
	if (!conn_next(&answer))
		conn_check(&answer);
	if (answer.type != CTL_hello)
		ctl_fail(CTL_UNREACHABLE, "%s: this is not posternd", ctl_options.socket);
	if (answer.hello.version != CTL_VERSION)
		ctl_fail(CTL_UNREACHABLE, "posternctl and posternd are of different versions");
}

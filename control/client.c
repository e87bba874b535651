#include "client.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "audit.h"
#include "log.h"
#include "loop.h"

struct clients clients = TAILQ_HEAD_INITIALIZER(clients);
static size_t nclients;

static struct slice allowed;
static uid_t own_uid;

static void
set_timer(struct client *c, int seconds)
{
	struct timeval tv = { .tv_sec = seconds };

	event_add(c->timer, &tv);
}

/* What was asked, by whom, and what became of it. */
static void
audit_command(const struct client *c, struct slice outcome)
{
	const struct request *r = &c->request;

	if (r->type == CTL_none)
		return;
	audit_tell_admin_command(&(struct audit_admin_command){ .uid = c->uid, .client_pid = (uint32_t)c->pid,
	    .verb = slice_str(r->type == CTL_link_pause && !r->flag ? "link_resume" : ctl_name(r->type)), .ats = slice_str(r->ats), .argument = slice_str(r->link),
	    .outcome = outcome.n > 0 ? outcome : slice_str("ok") });
}

void
client_free(struct client *c)
{
	audit_command(c, slice_str(c->request.monitor ? "ok" : "abandoned"));
	request_free(&c->request);
	TAILQ_REMOVE(&clients, c, entry);
	nclients--;
	if (c->read != NULL)
		event_free(c->read);
	if (c->write != NULL)
		event_free(c->write);
	if (c->timer != NULL)
		event_free(c->timer);
	close(c->fd);
	wbuf_free(&c->out);
	free(c->in);
	free(c);
	monitor_left();
}

static void
drop(struct client *c, const char *reason)
{
	log_info("admin connection closed uid=%u pid=%d reason=%s", c->uid, (int)c->pid, reason);
	client_free(c);
}

/* ---- answers ---- */

void
client_put(struct client *c, enum ctl_type type, const void *fields)
{
	/* Not freed here: the caller is in the middle of its request. */
	if (!c->lost && ctl_encode(&c->out, type, fields) == -1) {
		c->lost = true;
		set_timer(c, 0);
	}
	event_add(c->write, NULL);
}

void
client_done_slices(struct client *c, struct slice error, struct slice text, uint64_t id)
{
	audit_command(c, error);
	client_put(c, CTL_done, &(struct ctl_done){ .error = error, .text = text, .id = id });
	request_free(&c->request);
	if (!c->lost)
		set_timer(c, LIM_CTL_IDLE_SECONDS);
}

void
client_done(struct client *c, const char *error, const char *text, uint64_t id)
{
	client_done_slices(c, slice_str(error), slice_str(text), id);
}

void
client_follow(struct client *c)
{
	if (!c->lost)
		event_del(c->timer);
}

bool
client_is_full(const struct client *c)
{
	return c->out.n > LIM_CTL_OUT_LOW;
}

/* Not write(2): the client may be gone, and nobody wants the signal. */
static ssize_t
send_some(struct client *c)
{
	struct iovec iov = { .iov_base = c->out.p, .iov_len = c->out.n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do
		n = sendmsg(c->fd, &mh, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n == -1 && errno == EINTR);
	return n;
}

static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	ssize_t n = send_some(c);

	(void)fd;
	(void)what;
	if (n == -1 && errno != EAGAIN) {
		drop(c, "it does not listen any more");
		return;
	}
	if (n > 0) {
		c->out.n -= (size_t)n;
		memmove(c->out.p, c->out.p + n, c->out.n);
	}
	if (c->out.n > 0)
		event_add(c->write, NULL);
	else if (c->request.waits)
		request_go_on(c);
}

/* ---- requests ---- */

static int
greet(struct client *c, const struct ctl *frame)
{
	const struct ctl_hello me = { .version = CTL_VERSION, .software = slice_str(POSTERN_VERSION) };

	if (frame->type != CTL_hello)
		return -1;
	client_put(c, CTL_hello, &me);
	if (frame->hello.version != CTL_VERSION)
		client_done(c, "api.invalid", "posternctl and posternd are of different versions", 0);
	else
		c->greeted = true;
	set_timer(c, LIM_CTL_IDLE_SECONDS);
	return 0;
}

static int
take_frame(struct client *c, const struct ctl *frame)
{
	if (!c->greeted)
		return greet(c, frame);
	if (frame->type == CTL_hello || c->request.type != CTL_none)
		return -1;
	set_timer(c, LIM_CTL_BUSY_SECONDS);
	log_info("admin request %s uid=%u pid=%d", ctl_name(frame->type), c->uid, (int)c->pid);
	return request_begin(c, frame);
}

/* NULL, or why the client must go. */
static const char *
take_input(struct client *c)
{
	struct ctl frame;
	int n;

	while ((n = ctl_decode(slice_mem(c->in, c->in_n), CTLD_ASK, &frame)) > 0) {
		if (take_frame(c, &frame) == -1)
			return "frame out of turn";
		c->in_n -= (size_t)n;
		memmove(c->in, c->in + n, c->in_n);
	}
	return n == -1 ? "malformed frame" : NULL;
}

static void
on_read(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	const char *wrong;
	ssize_t n = read(fd, c->in + c->in_n, LIM_CTL_FRAME - c->in_n);

	(void)what;
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_free(c);
		return;
	}
	c->in_n += (size_t)n;
	if ((wrong = take_input(c)) != NULL)
		drop(c, wrong);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	drop(c, c->lost ? "it does not read its answers" : "time is over");
}

struct client *
client_new(int fd, uid_t uid, pid_t pid)
{
	struct client *c = calloc(1, sizeof(*c));

	if (c == NULL) {
		close(fd);
		return NULL;
	}
	c->fd = fd;
	c->uid = uid;
	c->pid = pid;
	TAILQ_INSERT_TAIL(&clients, c, entry);
	nclients++;
	wbuf_init(&c->out, LIM_CTL_OUT);
	c->in = malloc(LIM_CTL_FRAME);
	c->read = event_new(loop_base(), fd, EV_READ | EV_PERSIST, on_read, c);
	c->write = event_new(loop_base(), fd, EV_WRITE, on_write, c);
	c->timer = event_new(loop_base(), -1, 0, on_timer, c);
	if (c->in == NULL || c->read == NULL || c->write == NULL || c->timer == NULL) {
		client_free(c);
		return NULL;
	}
	event_add(c->read, NULL);
	set_timer(c, LIM_CTL_HELLO_SECONDS);
	return c;
}

/* ---- connections ---- */

static bool
may_connect(uid_t uid)
{
	struct rbuf r;

	rbuf_init(&r, allowed);
	while (r.n > 0)
		if (r_u32(&r) == uid && !r.failed)
			return true;
	return uid == 0 || uid == own_uid;
}

static void
admit(int fd)
{
	struct ucred cred = { .uid = (uid_t)-1 };
	socklen_t n = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) == -1 || !may_connect(cred.uid)) {
		audit_tell_admin_refused(&(struct audit_admin_refused){ .uid = cred.uid,
		    .client_pid = (uint32_t)cred.pid });
		log_warn("admin connection refused uid=%u pid=%d", cred.uid, (int)cred.pid);
		close(fd);
	} else if (nclients >= LIM_CTL_CLIENTS) {
		log_warn("too many admin connections uid=%u pid=%d", cred.uid, (int)cred.pid);
		close(fd);
	} else
		(void)client_new(fd, cred.uid, cred.pid);
}

static void
on_connect(evutil_socket_t fd, short what, void *arg)
{
	(void)what;
	(void)arg;
	for (int i = 0; i < LIM_CTL_ACCEPTS; i++) {
		int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (conn == -1)
			return;
		admit(conn);
	}
}

void
client_listen(int fd, struct slice uids, uid_t own)
{
	struct event *e = event_new(loop_base(), fd, EV_READ | EV_PERSIST, on_connect, NULL);

	allowed = uids;
	own_uid = own;
	if (e == NULL || evutil_make_socket_nonblocking(fd) == -1 || event_add(e, NULL) == -1)
		fatal("the control socket cannot be served");
}

/* The socket of the test harness and its orders, see harness.h. */
#include "harness.h"

#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness_place.h"
#include "loop.h"

#define VARIABLE "POSTERN_TEST_HARNESS"
#define ORDER_MAX (LIM_INLINE + 4096)

static int sock = -1;
static char order[ORDER_MAX + 1];

void
harness_answer(uint32_t req, const char *fmt, ...)
{
	char text[LIM_DETAIL + 64];
	va_list ap;
	int n = snprintf(text, sizeof(text), "%u ", req);

	va_start(ap, fmt);
	n += vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	va_end(ap);
	if (send(sock, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1, MSG_NOSIGNAL) == -1)
		logger_line(LOG_LVL_WARN, "test harness: %s", strerror(errno));
}

/* ---- start ---- */

static void
take_settings(char *text)
{
	char *save = NULL;

	for (char *word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		if (strncmp(word, "sandbox=", 8) == 0)
			master.sandbox_flags |= (uint32_t)strtoul(word + 8, NULL, 0);
		else if (strncmp(word, "without=", 8) == 0)
			harness_settings.without = (uint32_t)strtoul(word + 8, NULL, 0);
		else if (strncmp(word, "left_out=", 9) == 0)
			snprintf(harness_settings.left_out, sizeof(harness_settings.left_out), "%s", word + 9);
		else
			errx(1, "test harness: unknown setting %s", word);
	}
}

void
harness_start(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const char *path = getenv(VARIABLE);
	ssize_t n;

	if (path == NULL || slice_copy(slice_str(path), sun.sun_path, sizeof(sun.sun_path)) == -1)
		errx(1, "this build is for tests only and starts only for their harness (" VARIABLE ")");
	if ((sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) == -1 ||
	    connect(sock, (struct sockaddr *)&sun, sizeof(sun)) == -1)
		err(1, "no test harness at %s", path);
	if ((n = recv(sock, order, ORDER_MAX, 0)) <= 0)
		errx(1, "the test harness says nothing");
	order[n] = '\0';
	take_settings(order);
}

/* ---- orders ---- */

static struct proc *
find(const char *label)
{
	struct proc *p;

	TAILQ_FOREACH(p, &procs, entry)
		if (!p->ending && (strcmp(harness_label(p), label) == 0))
			return p;
	return NULL;
}

static char *
word(char **rest)
{
	char *w = strsep(rest, " ");

	return w != NULL ? w : (char *)(uintptr_t)"";
}

static const char *
or_null(const char *w)
{
	return strcmp(w, "-") == 0 || *w == '\0' ? NULL : w;
}

static void
on_spawn(uint32_t req, char *rest)
{
	const char *label = word(&rest), *role_word = word(&rest), *ats = or_null(word(&rest)), *unit = word(&rest);
	const char *host = or_null(word(&rest));
	struct tenant *t = ats != NULL ? tenant_find(ats) : NULL;
	enum role role = ROLE_VAULT;

	while (role < ROLE__COUNT && strcmp(role_name(role), role_word) != 0)
		role++;
	if (role == ROLE__COUNT || (ats != NULL && t == NULL) || find(label) != NULL) {
		harness_answer(req, "error no such role or ats, or the label is taken");
		return;
	}
	harness_spawn(req, label, role, t, (uint32_t)strtoul(unit, NULL, 0), host);
}

static void
on_order(const char *text, size_t n, int fd)
{
	char *rest = order, *data = memchr(order, '\n', n), *label, *kind;
	uint32_t req = (uint32_t)strtoul(word(&rest), NULL, 10);
	const char *verb = word(&rest);
	struct proc *p;

	if (data != NULL)
		*data++ = '\0';
	if (strcmp(verb, "spawn") == 0) {
		on_spawn(req, rest);
		return;
	}
	label = word(&rest);
	kind = word(&rest);
	if ((p = find(label)) == NULL)
		harness_answer(req, "error no process %s", label);
	else if (strcmp(verb, "pid") == 0)
		harness_pid(p, req);
	else if (strcmp(verb, "end") == 0) {
		proc_end(p);
		harness_answer(req, "ok");
	} else if (strcmp(verb, "attack") == 0)
		harness_attack(p, req, kind, rest != NULL ? rest : "",
		    data != NULL ? slice_mem(data, n - (size_t)(data - text)) : SLICE_NONE, &fd);
	else
		harness_answer(req, "error unknown order %s", verb);
	if (fd != -1)
		close(fd);
}

static void
on_readable(evutil_socket_t s, short what, void *arg)
{
	union {
		struct cmsghdr hdr;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec iov = { .iov_base = order, .iov_len = ORDER_MAX };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(s, &mh, MSG_CMSG_CLOEXEC);
	int fd = -1;

	(void)what;
	if (n <= 0) {
		event_del(arg);
		logger_line(LOG_LVL_WARN, "the test harness is gone");
		if (!master.draining)
			(void)kill(getpid(), SIGTERM);
		return;
	}
	if (mh.msg_controllen > 0 && CMSG_FIRSTHDR(&mh) != NULL)
		memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&mh)), sizeof(fd));
	order[n] = '\0';
	on_order(order, (size_t)n, fd);
}

void
harness_serve(void)
{
	static char space[512];	/* event_get_struct_event_size() */
	struct event *ev = (struct event *)(void *)space;

	if (event_get_struct_event_size() > sizeof(space) ||
	    event_assign(ev, loop_base(), sock, EV_READ | EV_PERSIST, on_readable, ev) == -1 || event_add(ev, NULL) == -1)
		logger_fatal("no event for the test harness");
}

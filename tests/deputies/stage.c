#include "stage.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PLAYERS 256
#define UID_BASE 61300

static char libexec[1024];
static struct player *players[PLAYERS];
static size_t nplayers;

void
stage_init(const char *argv0)
{
	char *cut;

	/* BUILD/tests/deputies/test_x -> BUILD/libexec */
	snprintf(libexec, sizeof(libexec), "%s", argv0);
	for (int i = 0; i < 3; i++)
		if ((cut = strrchr(libexec, '/')) != NULL)
			*cut = '\0';
	snprintf(libexec + strlen(libexec), sizeof(libexec) - strlen(libexec), "/libexec");
	(void)signal(SIGPIPE, SIG_IGN);
}

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- what players hear ---- */

static int
hear(struct chan *c, enum msg_type type, const void *m, int *fd)
{
	struct player *p = chan_ctx(c);
	struct heard *h;

	assert_true(p->n < STAGE_HEARD);
	h = &p->heard[p->n++];
	*h = (struct heard){ .type = type, .fd = *fd };
	*fd = -1;
	wbuf_init(&h->bytes, 0);
	msg_encode(&h->bytes, type, m);
	if (type == MSG_ready)
		chan_run(c);
	return 0;
}

#define MSG(name, from, to, phase, class, fds, fields)                                                                 \
	static int hear_##name(struct chan *c, const union msg *m, int *fd)                                            \
	{                                                                                                              \
		return hear(c, MSG_##name, &m->name, fd);                                                              \
	}
#include "messages.def"
#undef MSG

static const chan_handler handlers[MSG__COUNT] = {
#define MSG(name, from, to, phase, class, fds, fields) [MSG_##name] = hear_##name,
#include "messages.def"
#undef MSG
};

static void
on_eof(struct chan *c)
{
	((struct player *)chan_ctx(c))->gone = true;
}

static void
on_broken(struct chan *c, const char *reason)
{
	fail_msg("the %s broke the rules: %s", role_name(chan_peer(c)->role), reason);
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

static void
player_join(struct player *p, enum role role, const struct chan_peer *real, int fd, bool run)
{
	*p = (struct player){ .heard = calloc(STAGE_HEARD, sizeof(*p->heard)), .number = real->chan };
	assert_non_null(p->heard);
	p->chan = chan_new(fd, role, real, &ops, p);
	assert_non_null(p->chan);
	if (run)
		chan_run(p->chan);
	assert_true(nplayers < PLAYERS);
	players[nplayers++] = p;
}

void
player_forget(struct player *p)
{
	for (size_t i = 0; i < p->n; i++) {
		wbuf_free(&p->heard[i].bytes);
		if (p->heard[i].fd != -1)
			close(p->heard[i].fd);
	}
	p->n = 0;
}

void
player_leave(struct player *p)
{
	for (size_t i = 0; i < nplayers; i++)
		if (players[i] == p)
			players[i] = players[--nplayers];
	player_forget(p);
	chan_free(p->chan);
	free(p->heard);
	*p = (struct player){ .gone = true };
}

/* ---- time ---- */

void
stage_turn(int ms)
{
	struct pollfd fds[PLAYERS];
	nfds_t n = 0;

	for (size_t i = 0; i < nplayers; i++)
		if (!chan_dead(players[i]->chan))
			fds[n++] = (struct pollfd){ chan_fd(players[i]->chan),
				chan_wants_write(players[i]->chan) ? POLLIN | POLLOUT : POLLIN, 0 };
	(void)poll(fds, n, ms);
	for (size_t i = 0; i < nplayers; i++) {
		chan_write(players[i]->chan);
		if (!chan_dead(players[i]->chan))
			chan_read(players[i]->chan);
	}
}

void
stage_settle(int ms)
{
	int64_t end = clock_ms() + ms;

	while (clock_ms() < end)
		stage_turn(ms / 4 + 1);
}

bool
player_has(struct player *p, enum msg_type type, union msg *m)
{
	for (size_t i = 0; i < p->n; i++) {
		struct heard *h = &p->heard[i];

		if (h->type != type || h->seen)
			continue;
		h->seen = true;
		assert_int_equal(msg_decode(type, wbuf_slice(&h->bytes), m), 0);
		return true;
	}
	return false;
}

void
player_get(struct player *p, enum msg_type type, union msg *m)
{
	int64_t end = clock_ms() + STAGE_MS;

	while (!player_has(p, type, m)) {
		if (p->gone || clock_ms() > end)
			fail_msg("no message %s came%s, heard %zu, last %s", msg_name(type), p->gone ? ", the channel was closed" : "", p->n, p->n > 0 ? msg_name(p->heard[p->n - 1].type) : "-");
		stage_turn(50);
	}
}

void
stage_sync(struct stage *s)
{
	union msg m;

	assert_int_equal(send_ping(s->master.chan, &(struct msg_ping){ 0 }), 0);
	player_get(&s->master, MSG_pong, &m);
}

void
player_broken(struct stage *s, struct player *p)
{
	union msg m;

	do
		player_get(&s->master, MSG_broken, &m);
	while (m.broken.chan != p->number);
}

void
player_trusted(const struct player *p)
{
	assert_false(p->gone);
}

/* ---- the real process ---- */

uid_t
stage_uid(enum role role)
{
	return UID_BASE + (uid_t)role;
}

void
stage_directory(char path[64], enum role role)
{
	snprintf(path, 64, "/tmp/postern-stage-XXXXXX");
	assert_non_null(mkdtemp(path));
	if (geteuid() == 0)
		assert_int_equal(chown(path, stage_uid(role), stage_uid(role)), 0);
}

void
stage_remove(const char *path)
{
	char name[512];
	DIR *d = opendir(path);
	struct dirent *e;

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		(void)unlink(name);
	}
	if (d != NULL)
		closedir(d);
	(void)rmdir(path);
}

static void __attribute__((noreturn))
become(const char *path, char *name, int sock)
{
#ifdef POSTERN_SANITIZE
	/* The search for leaks wants /proc, which is not in an empty root. */
	static char *const env[] = { (char *)(uintptr_t)"ASAN_OPTIONS=detect_leaks=0", NULL };
#else
	static char *const env[] = { NULL };
#endif
	char *argv[] = { name, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (dup2(sock, 3) == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		_exit(126);
	(void)fcntl(3, F_SETFD, 0);
	closefrom(4);
	execve(path, argv, env);
	_exit(127);
}

static void
send_common(struct stage *s, const char *ats, const char *root)
{
	bool is_root = geteuid() == 0;
	struct msg_hello hello = { .role = s->role, .table_hash = msg_table_hash(), .version = slice_str("0.1") };
	struct msg_cfg_child m = { .ats = slice_str(ats), .uid = is_root ? stage_uid(s->role) : getuid(),
		.gid = is_root ? stage_uid(s->role) : getgid(), .root = slice_str(root), .log_level = LOG_LVL_DEBUG,
		.sandbox_flags = is_root ? SANDBOX_CHROOT : 0 };

	assert_int_equal(send_hello(s->master.chan, &hello), 0);
	assert_int_equal(send_cfg_child(s->master.chan, &m), 0);
}

static bool
wait_end(struct stage *s)
{
	if (!s->ended && waitpid(s->pid, &s->status, WNOHANG) == s->pid)
		s->ended = true;
	return s->ended;
}

bool
stage_try(struct stage *s, enum role role, const char *ats, const char *root, void (*cfg)(struct chan *))
{
	struct chan_peer real = { .role = role };
	char path[1200], name[32];
	int64_t end = clock_ms() + STAGE_MS;
	union msg m;
	int sv[2];

	*s = (struct stage){ .role = role };
	snprintf(path, sizeof(path), "%s/%s", libexec, role_name(role));
	snprintf(name, sizeof(name), "%s", role_name(role));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	if ((s->pid = fork()) == 0)
		become(path, name, sv[1]);
	close(sv[1]);
	player_join(&s->master, ROLE_MASTER, &real, sv[0], false);
	send_common(s, ats, root);
	if (cfg != NULL)
		cfg(s->master.chan);
	assert_int_equal(send_cfg_end(s->master.chan, &(struct msg_cfg_end){ 0 }), 0);
	while (!player_has(&s->master, MSG_ready, &m)) {
		stage_turn(20);
		if (wait_end(s))
			return false;
		assert_true(clock_ms() < end);
	}
	return true;
}

void
stage_start(struct stage *s, enum role role, const char *ats, const char *root, void (*cfg)(struct chan *))
{
	if (!stage_try(s, role, ats, root, cfg))
		fail_msg("the %s did not start, status %#x", role_name(role), s->status);
}

void
stage_alive(struct stage *s)
{
	if (wait_end(s))
		fail_msg("the %s ended, status %#x", role_name(s->role), s->status);
	assert_false(s->master.gone);
}

void
stage_stop(struct stage *s)
{
	int64_t end = clock_ms() + STAGE_MS;

	stage_alive(s);
	player_leave(&s->master);
	while (!wait_end(s)) {
		assert_true(clock_ms() < end);
		usleep(1000);
	}
	assert_true(WIFEXITED(s->status) && WEXITSTATUS(s->status) == 0);
}

void
stage_wire(struct stage *s, struct player *p, enum role role, const char *ats, uint32_t unit, const char *host)
{
	struct chan_peer real = { .chan = ++s->last_chan, .role = s->role };
	struct msg_peer m = { .chan = real.chan, .role = role, .ats = slice_str(ats), .unit = unit,
		.host = slice_str(host) };
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	player_join(p, role, &real, sv[0], true);
	assert_int_equal(send_peer(s->master.chan, &m, sv[1]), 0);
}

/* ---- its log ---- */

static bool
line_has(const struct heard *h, const char *what)
{
	return h->type == MSG_log && memmem(h->bytes.p, h->bytes.n, what, strlen(what)) != NULL;
}

size_t
stage_log_count(struct stage *s, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i < s->master.n; i++)
		n += line_has(&s->master.heard[i], what);
	return n;
}

void
stage_logged(struct stage *s, const char *what, const char *also)
{
	int64_t end = clock_ms() + STAGE_MS / 4;

	for (;;) {
		for (size_t i = 0; i < s->master.n; i++)
			if (line_has(&s->master.heard[i], what) && line_has(&s->master.heard[i], also))
				return;
		if (clock_ms() > end)
			break;
		stage_turn(20);
	}
	for (size_t i = 0; i < s->master.n; i++)
		if (s->master.heard[i].type == MSG_log)
			print_message("log: %.*s\n", (int)s->master.heard[i].bytes.n - 5, (char *)s->master.heard[i].bytes.p + 5);
	fail_msg("not in the log: %s ... %s", what, also);
}

void
stage_log_forget(struct stage *s)
{
	player_forget(&s->master);
}

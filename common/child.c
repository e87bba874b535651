#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#ifdef POSTERN_TEST_HOOKS
#include "attack.h"
#include "seccomp_private.h"
#endif
#include "log.h"
#include "sandbox.h"

#define MASTER_FD 3
#define CHECKED_FDS 64	/* descriptors above MASTER_FD that must be closed */

static chan_handler handlers[MSG__COUNT];
static child_peer_fn on_new_peer;
static struct sandbox_request request;
static struct sandbox_result walls;
static uid_t own_uid;
static char root_dir[LIM_PATH + 1];
static bool greeted, configured, dropped;
#ifdef POSTERN_TEST_HOOKS
static char left_out[LIM_NAME + 1];
#endif

/* ---- messages every child understands ---- */

static int
on_hello(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (m->hello.role != (uint32_t)child.role || m->hello.table_hash != msg_table_hash())
		exit(EXIT_CONFIG);
	greeted = true;
	return 0;
}

static int
on_cfg_child(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	if (!greeted || slice_copy(m->cfg_child.ats, child.ats, sizeof(child.ats)) == -1 ||
	    slice_copy(m->cfg_child.root, root_dir, sizeof(root_dir)) == -1)
		return -1;
	child.log_level = m->cfg_child.log_level;
	log_init(c, child.log_level);
	request = (struct sandbox_request){ .role = child.role, .uid = m->cfg_child.uid, .gid = m->cfg_child.gid,
		.root = root_dir, .flags = m->cfg_child.sandbox_flags };
	return 0;
}

static int
on_cfg_end(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	configured = true;
	return 0;
}

static int
on_peer(struct chan *c, const union msg *m, int *fd)
{
	struct chan_peer peer = { .chan = m->peer.chan, .role = m->peer.role, .unit = m->peer.unit,
		.flags = m->peer.flags };
	int taken = *fd;

	(void)c;
	if (m->peer.role >= ROLE__COUNT || on_new_peer == NULL ||
	    slice_copy(m->peer.ats, peer.ats, sizeof(peer.ats)) == -1 ||
	    slice_copy(m->peer.host, peer.host, sizeof(peer.host)) == -1)
		return -1;
	*fd = -1;
#ifdef POSTERN_TEST_HOOKS
	attack_note_peer(&peer, taken);
#endif
	on_new_peer(&peer, taken);
	return 0;
}

#ifdef POSTERN_TEST_HOOKS
static int
on_attack_setup(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	request.without = m->attack_setup.without;
	seccomp_left_out = left_out;
	return slice_copy(m->attack_setup.left_out, left_out, sizeof(left_out));
}
#endif

static int
on_log_level(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	child.log_level = m->log_level.level;
	log_set_level(child.log_level);
	return 0;
}

/* The loop that reads this serves every other channel too: it is not wedged. */
static int
on_ping(struct chan *c, const union msg *m, int *fd)
{
	(void)m;
	(void)fd;
	(void)send_pong(c, &(struct msg_pong){ .unused = 0 });
	return 0;
}

static int
on_drain(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	exit(0);
}

/* Without a master there is nobody to be a child of. */
static void
on_master_gone(struct chan *c)
{
	(void)c;
	exit(0);
}

static void
on_master_broken(struct chan *c, const char *reason)
{
	(void)c;
	(void)reason;
	exit(EXIT_CONFIG);
}

static const struct chan_ops master_ops = { .handlers = handlers, .on_eof = on_master_gone,
	.on_broken = on_master_broken };

/* ---- life ---- */

static void
check_descriptors(void)
{
	int type = 0;
	socklen_t len = sizeof(type);

	if (getsockopt(MASTER_FD, SOL_SOCKET, SO_TYPE, &type, &len) == -1 || type != SOCK_SEQPACKET)
		exit(EXIT_CONFIG);
	for (int fd = MASTER_FD + 1; fd < CHECKED_FDS; fd++)
		if (fcntl(fd, F_GETFD) != -1)
			exit(EXIT_CONFIG);
	(void)fcntl(MASTER_FD, F_SETFD, FD_CLOEXEC);
}

static int
compare_nothing(const void *a, const void *b)
{
	(void)a;
	(void)b;
	return 0;
}

/* The first qsort of more than a kilobyte asks how much memory there is
 * (sysinfo), once: later it could not. */
static void
warm_libc(void)
{
	char block[2048] = { 0 };

	tzset();
	qsort(block, sizeof(block), 1, compare_nothing);
}

static void
fill_handlers(const chan_handler *own)
{
	if (own != NULL)
		memcpy(handlers, own, sizeof(handlers));
	handlers[MSG_hello] = on_hello;
	handlers[MSG_cfg_child] = on_cfg_child;
	handlers[MSG_cfg_end] = on_cfg_end;
	handlers[MSG_peer] = on_peer;
	handlers[MSG_log_level] = on_log_level;
	handlers[MSG_ping] = on_ping;
#ifdef POSTERN_TEST_HOOKS
	handlers[MSG_attack_setup] = on_attack_setup;
	handlers[MSG_attack] = attack_on_order;
#endif
	if (handlers[MSG_drain] == NULL)
		handlers[MSG_drain] = on_drain;
}

void
child_start(enum role role, const chan_handler *own, child_peer_fn peer_fn)
{
	static const struct chan_peer master = { .role = ROLE_MASTER };

	check_descriptors();
	(void)signal(SIGPIPE, SIG_IGN);
	/* Terminal signals are the master's business: it drains its children. */
	(void)signal(SIGINT, SIG_IGN);
	warm_libc();
	child.role = role;
	on_new_peer = peer_fn;
	fill_handlers(own);
	child.master = chan_new(MASTER_FD, role, &master, &master_ops, NULL);
	if (child.master == NULL)
		exit(EXIT_CONFIG);
	while (!configured)
		if (chan_read_one_blocking(child.master) != 1)
			exit(EXIT_CONFIG);
}

static void
sandbox_failed(const char *step)
{
	log_error("sandbox step failed step=%s reason=%s", step, strerror(errno));
	(void)chan_flush_blocking(child.master);
	exit(EXIT_SANDBOX);
}

void
child_sandbox_drop(void)
{
	const char *step = "";

	if (!dropped && sandbox_drop(&request, &walls, &step) == -1)
		sandbox_failed(step);
	dropped = true;
}

void
child_sandbox(void)
{
	const char *step = "";

	child_sandbox_drop();
	own_uid = getuid();	/* for READY; not allowed later */
	if (sandbox_lock(&request, &walls, &step) == -1)
		sandbox_failed(step);
}

void
child_ready(const uint8_t *public_key)
{
	struct msg_ready m = { .uid = own_uid, .chrooted = walls.chrooted,
		.landlock_abi = (uint8_t)walls.landlock_abi, .mdwe = walls.mdwe, .seccomp = walls.seccomp,
		.public_key = public_key != NULL ? slice_mem(public_key, 32) : SLICE_NONE };

	if (send_ready(child.master, &m) == -1)
		exit(EXIT_CONFIG);
	chan_run(child.master);
}

void
child_report_broken(struct chan *c, const char *reason)
{
	const struct chan_peer *peer = chan_peer(c);

	log_error("peer broke the rules role=%s unit=%u reason=%s", role_name(peer->role), peer->unit, reason);
	(void)send_broken(child.master,
	    &(struct msg_broken){ .chan = peer->chan, .reason = slice_str(reason) });
}

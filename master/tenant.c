/*
 * One ats block: its directories, its listening socket, its processes.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "master.h"
#include "secret.h"

int
role_ids(enum role role, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw;

	if (master.conf->uid_base != 0) {
		*uid = master.conf->uid_base + role;
		*gid = master.conf->uid_base + role;
		return 0;
	}
	if ((pw = getpwnam(role_table[role].user)) == NULL || pw->pw_uid == 0) {
		logger_line(LOG_LVL_ERROR, "no system user %s: install them (systemd-sysusers) or set uid-base",
		    role_table[role].user);
		errno = ENOENT;
		return -1;
	}
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return 0;
}

int
make_directory(const char *path, mode_t mode, uid_t uid, gid_t gid)
{
	struct stat st;
	int fd;

	if (mkdir(path, mode) == -1 && errno != EEXIST) {
		logger_line(LOG_LVL_ERROR, "%s: %s", path, strerror(errno));
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1 || fstat(fd, &st) == -1 || (st.st_uid != uid && fchown(fd, uid, gid) == -1) ||
	    fchmod(fd, mode) == -1) {
		logger_line(LOG_LVL_ERROR, "%s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -1;
	}
	close(fd);
	return 0;
}

mode_t
control_mode(const struct conf *c)
{
	return c->n_control_uids > 0 ? 0666 : 0600;
}

size_t
tenant_most(const struct tenant *t)
{
	return ((size_t)t->conf->max_links + LIM_PROBES_ATS) * 2 + 64;
}

/* A bucket with a place for each process it may have: all links start at once
 * after a restart, and only then. */
bool
tenant_may_start(struct tenant *t)
{
	int64_t now = now_ms(), cost = 60000 / LIM_STARTS_PER_MINUTE_ATS;
	int64_t most = cost * (int64_t)tenant_most(t);

	if (t->starts_ms < now)
		t->starts_ms = now;
	if (t->starts_ms + cost > now + most)
		return false;
	t->starts_ms += cost;
	return true;
}

void
tenant_refused(struct tenant *t, enum refused kind, const char *fmt, ...)
{
	char text[256];
	va_list ap;

	if (t->refused[kind].told_ms != 0 && now_ms() - t->refused[kind].told_ms < 1000) {
		t->refused[kind].untold++;
		return;
	}
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	logger_line(LOG_LVL_ERROR, "refused to store[%s]: %s count=%u", t->name, text,
	    t->refused[kind].untold + 1);
	t->refused[kind].told_ms = now_ms();
	t->refused[kind].untold = 0;
}

/* A block that was removed and comes back must wait for its old store. */
static bool
store_still_there(const char *name)
{
	struct proc *p;

	TAILQ_FOREACH(p, &procs, entry)
		if (p->role == ROLE_STORE && strcmp(p->tenant->name, name) == 0)
			return true;
	return false;
}

static int
socket_rights(const char *path, mode_t mode, const char *group)
{
	const struct group *gr;

	if (chmod(path, mode) == -1)
		return -1;
	if (group == NULL)
		return 0;
	if ((gr = getgrnam(group)) == NULL) {
		logger_line(LOG_LVL_ERROR, "%s: no such group %s", path, group);
		errno = ENOENT;
		return -1;
	}
	return chown(path, (uid_t)-1, gr->gr_gid);
}

int
listen_unix(const char *path, mode_t mode, const char *group)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	char fresh[sizeof(sun.sun_path) + 1];
	mode_t old;
	int fd, r;

	/* Made beside its place and moved there when it is complete: a listener
	 * that stands there already is only replaced by one that works. */
	if (snprintf(fresh, sizeof(fresh), "%s~", path) >= (int)sizeof(sun.sun_path) ||
	    slice_copy(slice_str(fresh), sun.sun_path, sizeof(sun.sun_path)) == -1 ||
	    (fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1) {
		logger_line(LOG_LVL_ERROR, "socket %s: name too long or no descriptor", path);
		return -1;
	}
	(void)unlink(fresh);
	old = umask(0177);	/* closed until its rights are set */
	r = bind(fd, (struct sockaddr *)&sun, sizeof(sun));
	(void)umask(old);
	if (r == 0 && socket_rights(fresh, mode, group) == 0 && listen(fd, 128) == 0 && rename(fresh, path) == 0)
		return fd;
	logger_line(LOG_LVL_ERROR, "socket %s: %s", path, strerror(errno));
	(void)unlink(fresh);
	close(fd);
	return -1;
}

struct tenant *
tenant_find(const char *name)
{
	struct tenant *t;

	TAILQ_FOREACH(t, &master.tenants, entry)
		if (strcmp(t->name, name) == 0)
			return t;
	return NULL;
}

/*
 * The key of the MAC in our Message-IDs: one random file for the installation,
 * one derived key for each tenant, so that ids of one mean nothing to another.
 */
static int
tenant_hash_key(struct tenant *t)
{
	char path[LIM_PATH + 16];
	uint8_t seed[32];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/mac.key", master.conf->state_dir);
	if ((fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC)) == -1 && errno == ENOENT) {
		randombytes_buf(seed, sizeof(seed));
		fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
		n = fd == -1 ? -1 : write(fd, seed, sizeof(seed));
		if (n == (ssize_t)sizeof(seed) && fsync(fd) == -1)
			n = -1;
	} else
		n = fd == -1 ? -1 : read(fd, seed, sizeof(seed));
	if (fd != -1)
		close(fd);
	if (n != (ssize_t)sizeof(seed)) {
		logger_line(LOG_LVL_ERROR, "%s: %s", path, errno != 0 ? strerror(errno) : "not 32 bytes");
		return -1;
	}
	crypto_generichash(t->hash_key, sizeof(t->hash_key), (const uint8_t *)t->name, strlen(t->name), seed,
	    sizeof(seed));
	secret_wipe(seed, sizeof(seed));
	return 0;
}

static int
tenant_directory(const struct tenant *t)
{
	char path[LIM_PATH + LIM_ATS_NAME + 2];
	uid_t uid = getuid();
	gid_t gid = getgid();

	if (master.is_root && role_ids(ROLE_STORE, &uid, &gid) == -1)
		return -1;
	snprintf(path, sizeof(path), "%s/%s", master.conf->state_dir, t->name);
	return make_directory(path, 0700, uid, gid);
}

int
tenant_start(const struct conf_ats *a)
{
	struct tenant *t = calloc(1, sizeof(*t));

	if (t == NULL || slice_copy(slice_str(a->name), t->name, sizeof(t->name)) == -1)
		logger_fatal("out of memory");
	t->conf = a;
	TAILQ_INIT(&t->units);
	if (store_still_there(a->name)) {
		logger_line(LOG_LVL_ERROR, "ats \"%s\": its old store still ends, reload again", a->name);
		free(t);
		return -1;
	}
	if (tenant_directory(t) == -1 || tenant_hash_key(t) == -1 ||
	    (t->listen_fd = listen_unix(a->socket, a->mode, a->group)) == -1) {
		free(t);
		return -1;
	}
	TAILQ_INSERT_TAIL(&master.tenants, t, entry);
	(void)proc_new(ROLE_STORE, t, 0, NULL, true);
	for (uint32_t i = 0; i < master.conf->pool; i++)
		(void)proc_new(ROLE_MIME, t, 0, NULL, true);
	return 0;	/* the ats-worker follows when the store is READY: event_ready */
}

/* The struct stays in a list of its own until its last process is dead; it is
 * small and tenants rarely go, so it is simply never freed. */
void
tenant_stop(struct tenant *t)
{
	struct proc *p = TAILQ_FIRST(&procs), *next;

	for (; p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->tenant == t)
			proc_end(p);
	}
	unit_forget_all(t);
	close(t->listen_fd);
	t->listen_fd = -1;
	TAILQ_REMOVE(&master.tenants, t, entry);
}

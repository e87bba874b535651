#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "enums.h"
#include "limits.h"

/* Linux 6.3; Debian 12's headers do not know them. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

#define LANDLOCK_ABI_61 2
#define LANDLOCK_ABI_MAX 7	/* the newest that landlock.c knows */

#define DATABASE ((rlim_t)1 << 40)	/* what the store maps, see store/db.c */

/* What one role may use. The vault and the dialer have a channel for each
 * tls-worker of every tenant, the dialer its connects besides. AS bounds a parser that was made to allocate; for the
 * store beside the 1 TiB that its database maps. FSIZE bounds memfds too. */
struct sandbox_limits {
	rlim_t files, address_space, file_size;
};

static const struct sandbox_limits sandbox_limits[] = {
	[PROFILE_VAULT] = { 4096 + 64, 1024 * 1024 * 1024UL, 0 },
	[PROFILE_DIALER] = { 8192, 1024 * 1024 * 1024UL, 0 },
	[PROFILE_TLS] = { 256, 2048 * 1024 * 1024UL, 0 },
	[PROFILE_WORKER] = { 64, 1024 * 1024 * 1024UL, LIM_BODY },
	[PROFILE_MIME] = { 64, 2048 * 1024 * 1024UL, LIM_BODY },
	[PROFILE_STORE] = { 4096, DATABASE + 4096 * 1024 * 1024UL, DATABASE },
	[PROFILE_LISTENER] = { 1024, 4096 * 1024 * 1024UL, LIM_BODY },
};

static int
sandbox_root(const struct sandbox_request *req, struct sandbox_result *res)
{
	if (role_table[req->role].root == ROOT_NONE)
		return chdir("/");
	if (chroot(req->root) == -1 || chdir("/") == -1)
		return -1;
	res->chrooted = true;
	return 0;
}

static int
sandbox_ids(const struct sandbox_request *req)
{
	if (setgroups(0, NULL) == -1 || setresgid(req->gid, req->gid, req->gid) == -1 ||
	    setresuid(req->uid, req->uid, req->uid) == -1)
		return -1;
	return 0;
}

/* The drop is only true when there is no way back. */
static int
sandbox_prove(const struct sandbox_request *req)
{
	uid_t r, e, s;

	if (getresuid(&r, &e, &s) == -1 || r != req->uid || e != req->uid || s != req->uid)
		return -1;
	errno = EPERM;
	return setuid(0) == 0 || setgid(0) == 0 || seteuid(0) == 0 ? -1 : 0;
}

int
sandbox_drop(const struct sandbox_request *req, struct sandbox_result *res, const char **step)
{
	if ((req->flags & SANDBOX_CHROOT) == 0)
		return 0;
	*step = "root directory";
	if (req->uid == 0 || req->gid == 0 || (STANDS(req, ROOT) && sandbox_root(req, res) == -1))
		return -1;
	*step = "user and group";
	if (!STANDS(req, IDS))
		return 0;
	if (sandbox_ids(req) == -1)
		return -1;
	*step = "proof that root is gone";
	return sandbox_prove(req);
}

static int
limit(__rlimit_resource_t what, rlim_t value)
{
	struct rlimit now, rl;

	if (getrlimit(what, &now) == -1)
		return -1;
	if (now.rlim_max != RLIM_INFINITY && (value == RLIM_INFINITY || value > now.rlim_max))
		value = now.rlim_max;
	rl = (struct rlimit){ value, value };
	return setrlimit(what, &rl);
}

static int
sandbox_rlimits(enum sandbox_profile profile)
{
	const struct sandbox_limits *l = &sandbox_limits[profile];

	if (limit(RLIMIT_CORE, 0) == -1 || limit(RLIMIT_NPROC, 0) == -1 || limit(RLIMIT_NOFILE, l->files) == -1)
		return -1;
#ifndef POSTERN_SANITIZE
	if (limit(RLIMIT_FSIZE, l->file_size) == -1 || limit(RLIMIT_AS, l->address_space) == -1)
		return -1;
#endif
	return 0;
}

#ifndef POSTERN_SANITIZE
/* The dialer reads the resolver's files whenever it looks a name up. One that
 * is replaced is another file: the master then starts the dialer again. */
static int
sandbox_files(enum sandbox_profile profile, uint32_t flags, int *abi)
{
	static const char *const dialer_paths[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
		"/etc/host.conf", "/run/systemd/resolve", NULL };

	return sandbox_landlock(profile == PROFILE_DIALER ? dialer_paths : NULL,
	    (flags & SANDBOX_PRETEND_61) != 0 ? LANDLOCK_ABI_61 : LANDLOCK_ABI_MAX, abi);
}
#endif

/* A second layer: absent before Linux 6.3, and that is no failure. */
static bool
sandbox_mdwe(const struct sandbox_request *req)
{
#ifdef POSTERN_SANITIZE
	(void)req;
	return false;
#else
	return STANDS(req, MDWE) && (req->flags & SANDBOX_PRETEND_61) == 0 && prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0;
#endif
}

int
sandbox_lock(const struct sandbox_request *req, struct sandbox_result *res, const char **step)
{
	enum sandbox_profile profile = role_table[req->role].profile;

	/* The change of user forgot it. A child that stands still does not read the
	 * end of its channel, and must not outlive the store that follows it. */
	*step = "death with posternd";
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		return -1;
	*step = "not dumpable";
	if (STANDS(req, UNDUMPABLE) && prctl(PR_SET_DUMPABLE, 0) == -1)
		return -1;
	*step = "resource limits";
	if (STANDS(req, LIMITS) && sandbox_rlimits(profile) == -1)
		return -1;
	*step = "no_new_privs";
	if (STANDS(req, NO_NEW_PRIVS) && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return -1;
	res->mdwe = sandbox_mdwe(req);
#ifndef POSTERN_SANITIZE
	*step = "Landlock";
	if (STANDS(req, LANDLOCK) && sandbox_files(profile, req->flags, &res->landlock_abi) == -1)
		return -1;
	*step = "seccomp";
	if (STANDS(req, SECCOMP) && sandbox_seccomp(profile) == -1)
		return -1;
	res->seccomp = STANDS(req, SECCOMP);
#endif
	return 0;
}

/*
 * Landlock with our own constants: Debian 12's headers end at ABI 2 while the
 * running kernel may be newer. A right that is not listed stays allowed, so all
 * are listed and masked by what the kernel knows.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define LL_CREATE_RULESET 444
#define LL_ADD_RULE 445
#define LL_RESTRICT_SELF 446
#define LL_CREATE_VERSION 1u
#define LL_RULE_PATH_BENEATH 1

#define LL_FS_READ_FILE (1ULL << 2)
#define LL_FS_READ_DIR (1ULL << 3)
#define LL_FS_ABI1 ((1ULL << 13) - 1)	/* execute ... make_sym */
#define LL_FS_REFER (1ULL << 13)	/* ABI 2 */
#define LL_FS_TRUNCATE (1ULL << 14)	/* ABI 3 */
#define LL_FS_IOCTL_DEV (1ULL << 15)	/* ABI 5 */
#define LL_NET_BIND_TCP 1ULL		/* ABI 4 */
#define LL_NET_CONNECT_TCP 2ULL
#define LL_SCOPES 3ULL			/* ABI 6: abstract sockets, signals */

struct ll_ruleset {
	uint64_t fs, net, scoped;
};

struct ll_path_beneath {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

static size_t
ruleset_fill(struct ll_ruleset *r, int abi, bool network)
{
	*r = (struct ll_ruleset){ .fs = LL_FS_ABI1 };
	if (abi >= 2)
		r->fs |= LL_FS_REFER;
	if (abi >= 3)
		r->fs |= LL_FS_TRUNCATE;
	if (abi >= 5)
		r->fs |= LL_FS_IOCTL_DEV;
	if (abi >= 4)
		r->net = network ? LL_NET_BIND_TCP : LL_NET_BIND_TCP | LL_NET_CONNECT_TCP;
	if (abi >= 6)
		r->scoped = LL_SCOPES;
	return abi >= 6 ? sizeof(*r) : abi >= 4 ? offsetof(struct ll_ruleset, scoped) : sizeof(r->fs);
}

static int
ruleset_allow(int ruleset, const char *path)
{
	struct ll_path_beneath rule = { .allowed = LL_FS_READ_FILE };
	struct stat st;
	int r;

	if ((rule.parent_fd = open(path, O_PATH | O_CLOEXEC)) == -1)
		return errno == ENOENT ? 0 : -1;
	/* A right that a file cannot have is an error. */
	if (fstat(rule.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed |= LL_FS_READ_DIR;
	r = (int)syscall(LL_ADD_RULE, ruleset, LL_RULE_PATH_BENEATH, &rule, 0);
	close(rule.parent_fd);
	return r;
}

int
sandbox_landlock(const char *const *paths, int max_abi, int *abi)
{
	struct ll_ruleset attr;
	int have = (int)syscall(LL_CREATE_RULESET, NULL, 0, LL_CREATE_VERSION);
	int ruleset, r = 0;

	*abi = 0;
	/* Built out or switched off: seccomp is the wall, this the second layer. */
	if (have == -1)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -1;
	have = have > max_abi ? max_abi : have;
	/* Only the dialer has paths, and only it may connect. */
	ruleset = (int)syscall(LL_CREATE_RULESET, &attr, ruleset_fill(&attr, have, paths != NULL), 0);
	if (ruleset == -1)
		return -1;
	for (; paths != NULL && *paths != NULL && r == 0; paths++)
		r = ruleset_allow(ruleset, *paths);
	if (r == 0)
		r = (int)syscall(LL_RESTRICT_SELF, ruleset, 0);
	close(ruleset);
	if (r == 0)
		*abi = have;
	return r;
}

/*
 * sandbox.h - the walls around a child, in the order of design: root
 * directory, ids dropped and proven, not dumpable, rlimits, no_new_privs,
 * MDWE, Landlock, seccomp. Called once, after the libraries are warm.
 *
 * Sanitizer builds (POSTERN_SANITIZE) leave out seccomp, Landlock and
 * RLIMIT_AS; posternd says so loudly.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include "roles.h"

#include <stdbool.h>
#include <sys/types.h>

struct sandbox_request {
	enum role role;
	uid_t uid;
	gid_t gid;
	const char *root;	/* directory to chroot to */
	uint32_t flags;		/* SANDBOX_* of enums.h */
	/* Directories that Landlock leaves open, NULL-terminated, as seen after
	 * the chroot; read-only unless the profile is STORE. */
	const char *const *paths;
};

struct sandbox_result {
	bool chrooted, mdwe, seccomp;
	int landlock_abi;	/* 0 = absent */
};

/* 0, or -1 with *step naming what failed (errno tells why). */
int sandbox_enter(const struct sandbox_request *, struct sandbox_result *, const char **step);

/* landlock.c: 0 and the ABI used, or -1. max_abi caps it. */
int sandbox_landlock(const struct sandbox_request *, int max_abi, int *abi);
/* seccomp.c: 0 or -1. */
int sandbox_seccomp(enum sandbox_profile);

#endif

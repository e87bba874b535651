/*
 * sandbox.h - the walls around a child. Called in two halves, after the
 * libraries are warm:
 *
 *	sandbox_drop	root directory; groups, gid, uid dropped and proven
 *	sandbox_lock	not dumpable, rlimits, no_new_privs, MDWE, Landlock, seccomp
 *
 * Between the two only the store does something: it opens its database as its
 * own user. Sanitizer builds (POSTERN_SANITIZE) leave out seccomp, Landlock
 * and RLIMIT_AS; posternd says so loudly.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include "roles.h"

#include <stdbool.h>
#include <sys/types.h>

#ifdef POSTERN_TEST_HOOKS
/* Walls that a test takes down, to see the table of attempts tell it. */
#define WITHOUT_SECCOMP 1u
#define WITHOUT_LANDLOCK 2u
#define WITHOUT_MDWE 4u
#define WITHOUT_NO_NEW_PRIVS 8u
#define WITHOUT_LIMITS 16u
#define WITHOUT_UNDUMPABLE 32u
#define WITHOUT_IDS 64u
#define WITHOUT_ROOT 128u
#define STANDS(req, wall) (((req)->without & WITHOUT_##wall) == 0)
#else
#define STANDS(req, wall) ((void)(req), true)
#endif

struct sandbox_request {
	enum role role;
	uid_t uid;
	gid_t gid;
	const char *root;	/* directory to chroot to, by role_table[].root */
	uint32_t flags;		/* SANDBOX_* of enums.h */
#ifdef POSTERN_TEST_HOOKS
	uint32_t without;	/* WITHOUT_*: walls that a test takes down */
#endif
};

struct sandbox_result {
	bool chrooted, mdwe, seccomp;
	int landlock_abi;	/* 0 = absent */
};

/* Each: 0, or -1 with *step naming what failed (errno tells why). */
int sandbox_drop(const struct sandbox_request *, struct sandbox_result *, const char **step);
int sandbox_lock(const struct sandbox_request *, struct sandbox_result *, const char **step);

/*
 * landlock.c: forbid all file access but reading the files and below the
 * directories of paths (NULL-terminated; NULL = none; those that do not exist
 * are skipped).
 * max_abi caps what is used. *abi = what was enforced, 0 when the kernel has
 * no Landlock. 0 or -1.
 */
int sandbox_landlock(const char *const *paths, int max_abi, int *abi);
/* seccomp.c: 0 or -1. */
int sandbox_seccomp(enum sandbox_profile);

#endif

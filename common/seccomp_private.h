/*
 * seccomp_private.h - what the build for tests sees of the lists of calls.
 */
#ifndef COMMON_SECCOMP_PRIVATE_H
#define COMMON_SECCOMP_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "roles.h"

#ifdef POSTERN_TEST_HOOKS
struct seccomp_row {
	const char *label, *why;
	bool refused;
};

/* Line n of a profile's list; false behind the last. */
bool seccomp_line(enum sandbox_profile, size_t n, struct seccomp_row *);
/* The label of a line that is left out; "" = none. */
extern const char *seccomp_left_out;
#endif

#endif

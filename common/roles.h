/*
 * roles.h - the roles of roles.def as an enum, bit masks and a table.
 */
#ifndef COMMON_ROLES_H
#define COMMON_ROLES_H

#include <stdint.h>

enum role {
#define ROLE(id, name, user, root, profile, scope) ROLE_##id,
#include "roles.def"
#undef ROLE
	ROLE__COUNT
};

/* One bit per role, for "who may send this to whom". */
enum role_bit {
#define ROLE(id, name, user, root, profile, scope) R_##id = 1 << ROLE_##id,
#include "roles.def"
#undef ROLE
	R_ALL = (1 << ROLE__COUNT) - 1,
	R_CHILDREN = R_ALL & ~R_MASTER
};

enum role_root { ROOT_EMPTY, ROOT_STATE, ROOT_NONE };
enum role_scope { SCOPE_HOST, SCOPE_ATS, SCOPE_UNIT, SCOPE_LABEL, SCOPE_POOL };
enum sandbox_profile {
	PROFILE_MASTER,
	PROFILE_VAULT,
	PROFILE_DIALER,
	PROFILE_TLS,
	PROFILE_WORKER,
	PROFILE_MIME,
	PROFILE_STORE,
	PROFILE_LISTENER
};

struct role_info {
	const char *name;
	const char *user;
	enum role_root root;
	enum sandbox_profile profile;
	enum role_scope scope;
};

/* Static, indexed by enum role. */
extern const struct role_info role_table[ROLE__COUNT];

/* The role's name, or "?" for a number outside the table. */
const char *role_name(unsigned int role);

#endif

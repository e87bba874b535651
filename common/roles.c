#include "roles.h"

const struct role_info role_table[ROLE__COUNT] = {
#define ROLE(id, n, u, r, p, s)                                                                                        \
	[ROLE_##id] = { .name = n, .user = u, .root = ROOT_##r, .profile = PROFILE_##p, .scope = SCOPE_##s },
#include "roles.def"
#undef ROLE
};

const char *
role_name(unsigned int role)
{
	return role < ROLE__COUNT ? role_table[role].name : "?";
}

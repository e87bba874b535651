#include "peer_cred.h"
#include "limits.h"

#include <sys/socket.h>

#include "audit.h"

struct id_list {
	uint32_t ids[LIM_CLIENT_IDS];
	size_t n;
};

static struct id_list allowed_uids, allowed_gids;

static void
list_fill(struct id_list *l, struct slice packed)
{
	struct rbuf r;

	l->n = 0;
	rbuf_init(&r, packed);
	while (r.n >= 4 && l->n < LIM_CLIENT_IDS)
		l->ids[l->n++] = r_u32(&r);
}

static bool
list_has(const struct id_list *l, uint32_t id)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->ids[i] == id)
			return true;
	return false;
}

void
peer_cred_init(struct slice uids, struct slice gids)
{
	list_fill(&allowed_uids, uids);
	list_fill(&allowed_gids, gids);
}

bool
peer_cred_match(uint32_t uid, const uint32_t *gids, size_t ngids)
{
	if (list_has(&allowed_uids, uid))
		return true;
	for (size_t i = 0; i < ngids; i++)
		if (list_has(&allowed_gids, gids[i]))
			return true;
	return false;
}

bool
peer_cred_allowed(int fd, uint32_t *uid)
{
	struct ucred cred;
	gid_t groups[LIM_CLIENT_GROUPS];
	uint32_t gids[LIM_CLIENT_GROUPS + 1];
	socklen_t len = sizeof(cred), glen = sizeof(groups);
	size_t n = 0;

	*uid = AUDIT_NOBODY;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1 || len != sizeof(cred))
		return false;
	*uid = cred.uid;
	gids[n++] = cred.gid;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &glen) == 0)
		for (size_t i = 0; i < glen / sizeof(gid_t); i++)
			gids[n++] = groups[i];
	return peer_cred_match(cred.uid, gids, n);
}

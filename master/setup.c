/*
 * What each role is told before it is READY. A child gets only its part of the
 * configuration and never the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef POSTERN_TEST_HOOKS
#include "harness.h"
#endif
#include "master.h"
#include "vault.h"

static int
setup_tls(struct proc *p)
{
	const struct conf_host *h = conf_host(master.conf, p->host);
	struct msg_cfg_tls m = { .host = slice_str(p->host), .ca_file = slice_str(master.conf->ca_file),
		.allow_none = h != NULL && h->allow_none, .extra_ca = slice_str(h != NULL ? h->extra_ca : NULL) };

	return send_cfg_tls(p->chan, &m);
}

/* Where the store finds its database: below its chroot, or by full path. */
static int
setup_store(struct proc *p)
{
	const struct conf_ats *a = p->tenant->conf;
	char dir[LIM_PATH + 1];
	struct msg_cfg_store m = { .content = a->content, .period_days = a->period_days, .first = a->first,
		.max_links = a->max_links, .max_storage = a->max_storage, .max_submissions = a->max_submissions,
		.hash_key = slice_mem(p->tenant->hash_key, 32),
		.own_domains = wbuf_slice(&a->own_domains) };

	snprintf(dir, sizeof(dir), "%s/%s", master.conf->state_dir, a->name);
	m.dir = slice_str(master.is_root ? "/" : dir);
	for (size_t i = 0; i < master.conf->n_hosts; i++)
		m.allow_none = m.allow_none || master.conf->hosts[i].allow_none;
	return send_cfg_store(p->chan, &m);
}

static struct slice
pack_ids(struct wbuf *w, const uint32_t *ids, size_t n)
{
	wbuf_init(w, 4 * (LIM_CONF_IDS + 1));	/* and the group's */
	for (size_t i = 0; i < n; i++)
		w_u32(w, ids[i]);
	return wbuf_slice(w);
}

static int
setup_ats(struct proc *p)
{
	const struct conf_ats *a = p->tenant->conf;
	const struct group *gr = a->group != NULL ? getgrnam(a->group) : NULL;
	struct wbuf uids, gids;
	struct msg_cfg_ats m = { .public_key = slice_mem(master.public_key, 32), .sealed_only = a->sealed_only,
		.uids = pack_ids(&uids, a->uids, a->n_uids) };
	int fd = dup(p->tenant->listen_fd), r;

	(void)pack_ids(&gids, a->gids, a->n_gids);
	if (gr != NULL)
		w_u32(&gids, gr->gr_gid);	/* who may open the socket by its group is meant to */
	m.gids = wbuf_slice(&gids);
	r = fd == -1 ? -1 : send_cfg_ats(p->chan, &m, fd);
	wbuf_free(&uids);
	wbuf_free(&gids);
	return r;
}

static int
setup_control(struct proc *p)
{
	struct wbuf uids;
	struct msg_cfg_control m = { .public_key = slice_mem(master.public_key, 32),
		.uids = pack_ids(&uids, master.conf->control_uids, master.conf->n_control_uids) };
	int fd = dup(master.control_fd);
	int r = fd == -1 ? -1 : send_cfg_control(p->chan, &m, fd);

	wbuf_free(&uids);
	return r;
}

static int
setup_providers(struct proc *p)
{
	struct rbuf r;

	rbuf_init(&r, wbuf_slice(&master.conf->providers));
	while (r.n > 0) {
		struct msg_cfg_provider m = { .record = r_bytes(&r, 4096) };

		if (r.failed || send_cfg_provider(p->chan, &m) == -1)
			return -1;
	}
	return 0;
}

static int
setup_role(struct proc *p)
{
	switch (p->role) {
	case ROLE_VAULT:
		return vault_setup(p);
	case ROLE_TLS:
		return setup_tls(p);
	case ROLE_STORE:
		return setup_store(p) == -1 ? -1 : setup_providers(p);
	case ROLE_ATS:
		return setup_ats(p) == -1 ? -1 : setup_providers(p);
	case ROLE_CONTROL:
		return setup_control(p) == -1 ? -1 : setup_providers(p);
	default:
		return 0;
	}
}

static int
setup_common(struct proc *p)
{
	char root[LIM_PATH + 1];
	uid_t uid = getuid();
	gid_t gid = getgid();
	struct msg_cfg_child m = { .log_level = master.conf->log_level,
		.ats = slice_str(p->tenant != NULL ? p->tenant->name : NULL), .sandbox_flags = master.sandbox_flags };

	if (master.is_root && role_ids(p->role, &uid, &gid) == -1)
		return -1;
	if (role_table[p->role].root == ROOT_STATE)
		snprintf(root, sizeof(root), "%s/%s", master.conf->state_dir, p->tenant->name);
	else
		snprintf(root, sizeof(root), "%s/empty", master.conf->state_dir);
	m.uid = uid;
	m.gid = gid;
	m.root = slice_str(root);
	return send_cfg_child(p->chan, &m);
}

int
setup_send(struct proc *p)
{
	struct msg_hello hello = { .role = p->role, .table_hash = msg_table_hash(),
		.version = slice_str(POSTERN_VERSION) };

	if (send_hello(p->chan, &hello) == -1 || setup_common(p) == -1 || setup_role(p) == -1)
		return -1;
#ifdef POSTERN_TEST_HOOKS
	if (harness_setup(p) == -1)
		return -1;
#endif
	return send_cfg_end(p->chan, &(struct msg_cfg_end){ 0 });
}

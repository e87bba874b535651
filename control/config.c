#include "config.h"

#include <string.h>

#include "log.h"
#include "providers.h"
#include "request.h"

static int socket_fd = -1;
static uint8_t public_key[32], uids[1024];
static size_t public_key_n, uids_n;

static int
on_cfg_control(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_cfg_control *cfg = &m->cfg_control;

	(void)c;
	if (socket_fd != -1)
		return -1;
	socket_fd = *fd;
	*fd = -1;
	memcpy(uids, cfg->uids.p, uids_n = cfg->uids.n);
	memcpy(public_key, cfg->public_key.p, public_key_n = cfg->public_key.n);
	return 0;
}

static int
on_cfg_provider(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	return providers_add(m->cfg_provider.record);
}

static int
on_vault_public(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	memcpy(public_key, m->vault_public.public_key.p, public_key_n = m->vault_public.public_key.n);
	return 0;
}

const chan_handler *
config_handlers(void)
{
	static chan_handler handlers[MSG__COUNT];

	memcpy(handlers, request_master, sizeof(handlers));
	handlers[MSG_cfg_control] = on_cfg_control;
	handlers[MSG_vault_public] = on_vault_public;
	handlers[MSG_cfg_provider] = on_cfg_provider;
	return handlers;
}

int
config_socket(void)
{
	if (socket_fd == -1)
		fatal("control was given no socket");
	return socket_fd;
}

struct slice
config_uids(void)
{
	return slice_mem(uids, uids_n);
}

struct slice
config_public_key(void)
{
	return slice_mem(public_key, public_key_n);
}

/*
 * ats-worker - HTTP and JMAP for one ATS: the grammar that the ATS controls,
 * and nothing else. Files, network, mail and credentials are elsewhere.
 */
#include <event2/event.h>
#include <jansson.h>
#include <malloc.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "ats.h"
#include "child.h"
#include "eventsource.h"
#include "log.h"
#include "loop.h"
#include "peer_cred.h"
#include "routes.h"
#include "secret.h"
#include "store_client.h"

#define KEPT_MEMORY (1 << 20)

static int listen_fd = -1;

static int
on_cfg_ats(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	if (m->cfg_ats.public_key.n != sizeof(ats_config.public_key) || listen_fd != -1)
		return -1;
	memcpy(ats_config.public_key, m->cfg_ats.public_key.p, sizeof(ats_config.public_key));
	ats_config.sealed_only = m->cfg_ats.sealed_only;
	peer_cred_init(m->cfg_ats.uids, m->cfg_ats.gids);
	listen_fd = *fd;
	*fd = -1;
	return 0;
}

static int
on_cfg_provider(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	return ats_config_provider(m->cfg_provider.record);
}

/* The vault's key was renewed: what is sealed from now on is sealed for the new one. */
static int
on_vault_public(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (m->vault_public.public_key.n != sizeof(ats_config.public_key))
		return -1;
	memcpy(ats_config.public_key, m->vault_public.public_key.p, sizeof(ats_config.public_key));
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = { [MSG_cfg_ats] = on_cfg_ats,
	[MSG_vault_public] = on_vault_public, [MSG_cfg_provider] = on_cfg_provider };

static void
on_peer(const struct chan_peer *peer, int fd)
{
	struct chan *c;

	if (peer->role != ROLE_STORE) {
		close(fd);
		return;
	}
	if ((c = loop_chan(fd, peer, &store_client_ops, NULL)) != NULL)
		store_client_attach(c);
}

static void
on_change(const struct msg_state_change *m)
{
	if (m->account == ACCOUNT_ATS && m->type == OBJ_LINK)
		accounts_dirty();
	eventsource_change(m);
}

static void
on_store(bool up)
{
	/* What changed while it was away was not announced. */
	accounts_dirty();
	if (!up)
		log_warn("store lost");
}

/* Whatever held a request may have held a password: every allocator wipes. */
static void
wiping_allocators(void)
{
	event_set_mem_functions(secret_malloc, secret_realloc, secret_free);
	json_set_alloc_funcs(secret_malloc, secret_free);
}

/* A page of Emails takes some 500 KB while it is made. By itself the C library gives that back to the kernel after
 * each request and has it zeroed anew for the next. */
static void
keep_memory(void)
{
	(void)mallopt(M_TOP_PAD, KEPT_MEMORY);
	(void)mallopt(M_TRIM_THRESHOLD, 2 * KEPT_MEMORY);
	(void)mallopt(M_MMAP_THRESHOLD, KEPT_MEMORY);
}

static void
warm(void)
{
	json_t *v;

	if (sodium_init() == -1)
		fatal("libsodium does not start");
	/* Later the seed's source could not be opened. */
	json_object_seed(randombytes_random() | 1u);
	if ((v = json_loads("[0.5]", 0, NULL)) == NULL)
		fatal("no memory");
	json_decref(v);
}

int
main(void)
{
	wiping_allocators();
	keep_memory();
	child_start(ROLE_ATS, handlers, on_peer);
	memcpy(ats_config.name, child.ats, sizeof(ats_config.name));
	if (listen_fd == -1)
		fatal("no listening socket");
	warm();
	eventsource_init();
	store_client_init(on_change, on_store);
	if (http_server_start(listen_fd, &http_server_defaults, route_request) == -1)
		fatal("the listening socket cannot be used");
	child_sandbox();
	child_ready(NULL);
	return loop_run() == 0 ? 0 : EXIT_FATAL;
}

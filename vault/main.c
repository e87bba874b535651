/*
 * The vault: the only process that can open a sealed credential. It reads
 * nothing of outsiders but fixed binary fields and speaks only to stores,
 * tls-workers and the master.
 */
#include "child.h"
#include "log.h"
#include "serve.h"

int
main(void)
{
	/* Before the configuration comes: the key is read with it. */
	if (sodium_init() == -1)
		return EXIT_CONFIG;
	child_start(ROLE_VAULT, serve_master, peers_add);
	if (key_public() == NULL)
		fatal("the vault has no key code=store.key_missing");
	if (area_init() == -1 || proof_init() == -1)
		fatal("out of memory");
	rate_init();
	child_sandbox();
	child_ready(key_public());
	told_key();
	lock_tell();
	peers_serve();
}

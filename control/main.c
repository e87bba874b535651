/*
 * control: the admin's socket. It holds no secret: credentials come sealed.
 */
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "client.h"
#include "config.h"
#include "log.h"
#include "loop.h"

int
main(void)
{
	child_start(ROLE_CONTROL, config_handlers(), tenant_peer);
	client_listen(config_socket(), config_uids(), getuid());
	child_sandbox();
	child_ready(NULL);
	return loop_run() == 0 ? 0 : EXIT_FATAL;
}

/*
 * dialer - looks names up and connects. It hands connected sockets to the
 * tls-workers and never reads or writes one itself; it holds no credential
 * and no mail. The host to dial is the label of the asking channel, told by
 * the master: no message can name another.
 */
#include "asker.h"
#include "child.h"
#include "loop.h"
#include "resolve.h"

int
main(void)
{
	static const chan_handler handlers[MSG__COUNT] = { 0 };

	child_start(ROLE_DIALER, handlers, asker_wire);
	(void)loop_base();
	resolve_init();
	child_sandbox();
	child_ready(NULL);
	return loop_run() == -1 ? 1 : 0;
}

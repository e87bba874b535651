#include "peers.h"

#include <unistd.h>

#include "child.h"
#include "log.h"
#include "loop.h"
#include "session.h"

static int
on_dialed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	session_dialed(&m->dialed, fd);
	return 0;
}

static int
on_dial_failed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	session_dial_failed(&m->dial_failed);
	return 0;
}

static int
on_auth_respond(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	/* The channel wipes its receive buffer after this message. */
	session_respond(&m->auth_respond);
	return 0;
}

static int
on_auth_refused(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	session_refused(&m->auth_refused);
	return 0;
}

static void
peer_lost(struct chan *c)
{
	if (c == session_dialer())
		session_set_dialer(NULL);
	if (c == session_vault())
		session_set_vault(NULL);
	chan_free(c);
}

static void
peer_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	peer_lost(c);
}

void
peers_wire(const struct chan_peer *peer, int fd)
{
	static const chan_handler handlers[MSG__COUNT] = {
		[MSG_dialed] = on_dialed,
		[MSG_dial_failed] = on_dial_failed,
		[MSG_auth_respond] = on_auth_respond,
		[MSG_auth_refused] = on_auth_refused,
	};
	static const struct chan_ops ops = { .handlers = handlers, .on_eof = peer_lost, .on_broken = peer_broken };
	struct chan *c, *old;

	if (peer->role != ROLE_DIALER && peer->role != ROLE_VAULT) {
		log_warn("channel refused role=%s", role_name(peer->role));
		close(fd);
		return;
	}
	if ((c = loop_chan(fd, peer, &ops, NULL)) == NULL)
		fatal("no memory for a channel");
	old = peer->role == ROLE_DIALER ? session_dialer() : session_vault();
	if (old != NULL)
		peer_lost(old);
	if (peer->role == ROLE_DIALER)
		session_set_dialer(c);
	else
		session_set_vault(c);
}

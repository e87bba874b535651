/*
 * tls-worker - TLS and login for one remote host of one ATS. It gets connected
 * sockets from the dialer, a credential from the vault for the length of a
 * login, and then copies bytes between the server and a worker.
 */
#include <string.h>

#include "child.h"
#include "context.h"
#include "log.h"
#include "loop.h"
#include "peers.h"
#include "session.h"

static struct session_setup setup;
static char ca_file[LIM_PATH + 1];
static uint8_t extra_ca[60000];
static size_t extra_ca_n;
static bool draining;

/* ---- the master ---- */

static int
on_cfg_tls(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (slice_copy(m->cfg_tls.host, setup.host, sizeof(setup.host)) == -1 ||
	    slice_copy(m->cfg_tls.ca_file, ca_file, sizeof(ca_file)) == -1 || m->cfg_tls.host.n == 0 ||
	    m->cfg_tls.extra_ca.n > sizeof(extra_ca))
		return -1;
	setup.allow_none = m->cfg_tls.allow_none;
	extra_ca_n = m->cfg_tls.extra_ca.n;
	if (extra_ca_n > 0)
		memcpy(extra_ca, m->cfg_tls.extra_ca.p, extra_ca_n);
	return 0;
}

static int
on_stream_open(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_stream_open *o = &m->stream_open;

	(void)c;
	if ((o->service != SERVICE_IMAP && o->service != SERVICE_SMTP) || o->port == 0 ||
	    o->security < SECURITY_TLS || o->security > SECURITY_NONE)
		return -1;
	session_open(o, *fd);
	*fd = -1;
	return 0;
}

static void
leave_when_idle(void)
{
	if (draining && session_count() == 0)
		loop_stop();
}

static int
on_drain(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	draining = true;
	leave_when_idle();
	return 0;
}

int
main(void)
{
	static const chan_handler handlers[MSG__COUNT] = {
		[MSG_cfg_tls] = on_cfg_tls,
		[MSG_stream_open] = on_stream_open,
		[MSG_drain] = on_drain,
	};

	context_early();
	child_start(ROLE_TLS, handlers, peers_wire);
	if (setup.host[0] == '\0')
		fatal("no host was given");
	setup.tls = context_new(ca_file, (struct slice){ extra_ca, extra_ca_n });
	session_setup(&setup);
	session_on_gone(leave_when_idle);
	(void)loop_base();
	child_sandbox();
	child_ready(NULL);
	return loop_run() == -1 ? 1 : 0;
}

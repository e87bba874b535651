/*
 * Who may talk to whom: the pairs below and no others. A pair that is not
 * listed is never wired, so it cannot exist.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#ifdef POSTERN_TEST_HOOKS
#include "harness.h"
#endif
#include "master.h"

static const struct {
	enum role a, b;
} pairs[] = {
	{ ROLE_VAULT, ROLE_STORE },
	{ ROLE_VAULT, ROLE_TLS },
	{ ROLE_DIALER, ROLE_TLS },
	{ ROLE_STORE, ROLE_ATS },
	{ ROLE_STORE, ROLE_IMAP },
	{ ROLE_STORE, ROLE_SMTP },
	{ ROLE_STORE, ROLE_MIME },
	{ ROLE_STORE, ROLE_CONTROL },
};

struct wire {
	LIST_ENTRY(wire) entry;
	uint32_t chan;
	const struct proc *a, *b;
};

static LIST_HEAD(, wire) wires = LIST_HEAD_INITIALIZER(wires);
static uint32_t last_chan;

static bool
pair_allowed(const struct proc *a, const struct proc *b)
{
	if (a->tenant != NULL && b->tenant != NULL && a->tenant != b->tenant)
		return false;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		if ((pairs[i].a == a->role && pairs[i].b == b->role) || (pairs[i].a == b->role && pairs[i].b == a->role))
			return true;
	return false;
}

/* Tell one end who the other is. */
static int
tell(const struct proc *to, const struct proc *who, uint32_t chan, int fd)
{
	const struct conf_host *h = who->host[0] != '\0' ? conf_host(master.conf, who->host) : NULL;
	struct msg_peer m = { .chan = chan, .role = who->role, .unit = who->unit, .host = slice_str(who->host),
		.ats = slice_str(who->tenant != NULL ? who->tenant->name : NULL),
		.flags = h != NULL && h->allow_private ? PEER_PRIVATE_OK : 0 };

	return send_peer(to->chan, &m, fd);
}

static void
connect_pair(struct proc *a, struct proc *b)
{
	struct wire *w = calloc(1, sizeof(*w));
	int sv[2];

	if (w == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == -1) {
		logger_line(LOG_LVL_ERROR, "no channel role=%s role=%s reason=%s", role_name(a->role), role_name(b->role),
		    strerror(errno));
		free(w);
		return;
	}
	w->chan = ++last_chan;
	w->a = a;
	w->b = b;
	LIST_INSERT_HEAD(&wires, w, entry);
	(void)tell(a, b, w->chan, sv[0]);
	(void)tell(b, a, w->chan, sv[1]);
}

void
wiring_connect(struct proc *p)
{
	struct proc *q;

	TAILQ_FOREACH(q, &procs, entry) {
#ifdef POSTERN_TEST_HOOKS
		if (harness_apart(q))
			continue;
#endif
		if (q != p && proc_running(q) && pair_allowed(p, q))
			connect_pair(p, q);
	}
}

void
wiring_forget(const struct proc *p)
{
	struct wire *w = LIST_FIRST(&wires), *next;

	for (; w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (w->a == p || w->b == p) {
			LIST_REMOVE(w, entry);
			free(w);
		}
	}
}

struct proc *
wiring_other(const struct proc *p, uint32_t chan)
{
	struct wire *w;

	LIST_FOREACH(w, &wires, entry)
		if (w->chan == chan && (w->a == p || w->b == p))
			return (struct proc *)(uintptr_t)(w->a == p ? w->b : w->a);
	return NULL;
}

uint32_t
wiring_chan(const struct proc *a, const struct proc *b)
{
	struct wire *w;

	LIST_FOREACH(w, &wires, entry)
		if ((w->a == a && w->b == b) || (w->a == b && w->b == a))
			return w->chan;
	return 0;
}

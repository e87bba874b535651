#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "child.h"
#include "log.h"

#define FIRST (1 + LOCK_POLLS)

/* polls[0] is the master's, then those of lock.c; polls[FIRST + i] belongs to peers[i]. */
static struct chan *peers[LIM_VAULT_PEERS];
static struct pollfd polls[FIRST + LIM_VAULT_PEERS];
static size_t peers_n;

void
peers_add(const struct chan_peer *peer, int fd)
{
	static const struct chan_ops ops = { .handlers = serve_peers, .on_broken = child_report_broken };
	struct refusals *r = calloc(1, sizeof(*r));
	struct chan *c;

	if (r == NULL || peers_n == LIM_VAULT_PEERS) {
		log_error("too many channels role=%s ats=%s", role_name(peer->role), peer->ats);
		close(fd);
	} else if ((c = chan_new(fd, ROLE_VAULT, peer, &ops, r)) != NULL) {
		chan_run(c);
		peers[peers_n++] = c;
		return;
	}
	free(r);
}

struct chan *
peers_find(uint32_t chan, enum role role)
{
	for (size_t i = 0; i < peers_n; i++)
		if (chan_peer(peers[i])->chan == chan && chan_peer(peers[i])->role == role)
			return chan_dead(peers[i]) ? NULL : peers[i];
	return NULL;
}

struct chan *
peers_store(size_t wanted)
{
	size_t found = 0;

	for (size_t i = 0; i < peers_n; i++)
		if (chan_peer(peers[i])->role == ROLE_STORE && !chan_dead(peers[i]) && found++ == wanted)
			return peers[i];
	return NULL;
}

static struct pollfd
poll_for(const struct chan *c)
{
	return (struct pollfd){ chan_fd(c), chan_wants_write(c) ? POLLIN | POLLOUT : POLLIN, 0 };
}

static void
serve_chan(struct chan *c, short events)
{
	if ((events & POLLOUT) != 0)
		chan_write(c);
	if ((events & (POLLIN | POLLHUP | POLLERR)) != 0)
		chan_read(c);
}

static void
sweep(void)
{
	for (size_t i = peers_n; i-- > 0;) {
		struct chan *c = peers[i];

		if (!chan_dead(c))
			continue;
		peers[i] = peers[--peers_n];
		ticket_chan_gone(chan_peer(c)->chan, serve_store_gone);
		rotate_store_gone(c);
		free(chan_ctx(c));
		chan_free(c);
	}
}

static void
serve_turn(void)
{
	size_t n = peers_n;	/* wiring during this turn adds more */

	lock_serve(polls + 1);
	/* The master to its end: a ticket is known before the tls-worker comes with it. */
	serve_chan(child.master, polls[0].revents);
	while (poll(&(struct pollfd){ chan_fd(child.master), POLLIN, 0 }, 1, 0) > 0)
		chan_read(child.master);
	for (size_t i = 0; i < n; i++)
		serve_chan(peers[i], polls[FIRST + i].revents);
	for (size_t i = 0; i < peers_n; i++)
		if (chan_overflowed(peers[i]))
			chan_read(peers[i]);	/* which breaks it */
	sweep();
}

void
peers_serve(void)
{
	bool busy = false;

	for (;;) {
		polls[0] = poll_for(child.master);
		lock_polls(polls + 1);
		for (size_t i = 0; i < peers_n; i++)
			polls[FIRST + i] = poll_for(peers[i]);
		if (poll(polls, FIRST + peers_n, busy ? 0 : -1) != -1)
			serve_turn();
		else if (errno != EINTR)
			fatal("poll failed reason=%s", strerror(errno));
		busy = proof_turn();
	}
}

/* What nobody may send: broken packets, rows of other roles, numbers that are none. */
#include "walk.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"

#define REFUSED_MS 10000

static struct craft craft;

/* Until it said who broke what and closed the channel, or is gone. */
static bool
await_refusal(struct walk *w, int sock)
{
	struct life *l = &w->life;
	bool closed = false;

	while (l->master != -1 && !(closed && l->broken_chan == l->last_chan)) {
		struct pollfd p[2] = { { l->master, POLLIN, 0 }, { closed ? -1 : sock, POLLIN, 0 } };

		if (poll(p, 2, REFUSED_MS) <= 0)
			return false;
		if (p[0].revents != 0)
			(void)life_hear(l, 0);
		if (p[1].revents != 0)
			closed = walk_receive(sock, NULL, NULL, 0) == 0;
	}
	return l->broken_chan == l->last_chan && (closed || l->master == -1);
}

static void
judge(struct walk *w, int sock, const char *what)
{
	struct life *l = &w->life;

	w->attacks++;
	if (!await_refusal(w, sock))
		walk_failed(w, "%s is not refused (channel %u, broken %u, status %x)", what, l->last_chan, l->broken_chan,
		    (unsigned int)l->status);
	else if (l->broken[0] == '\0' || strstr(l->log, l->broken) == NULL || strstr(l->log, role_name(w->peer)) == NULL)
		walk_failed(w, "%s: reason \"%s\", log \"%s\"", what, l->broken, l->log);
	close(sock);
	if (l->master == -1) {
		if (!walk_ends_with_peer(l->role) || !life_ended_well(l))
			walk_failed(w, "%s ends the process: status %x", what, (unsigned int)l->status);
	} else if (walk_ends_with_peer(l->role)) {
		while (l->master != -1 && life_hear(l, REFUSED_MS))
			;
	} else if (!witness_undisturbed(w))
		walk_failed(w, "%s disturbs another", what);
	if (l->master == -1)
		walk_again(w);
}

static void
refuse(struct walk *w, const struct craft *c)
{
	int sock = life_wire(&w->life, w->peer, walk_unit(w->peer));

	if (craft_send(sock, c) == -1)
		walk_failed(w, "%s cannot be sent", c->what);
	judge(w, sock, c->what);
}

static void
refuse_bytes(struct walk *w, const void *p, size_t n, int times, const char *what)
{
	int sock = life_wire(&w->life, w->peer, walk_unit(w->peer));

	for (int i = 0; i < times; i++)
		(void)craft_send_bytes(sock, p, n, FDS_NONE);
	judge(w, sock, what);
}

static void
odd_numbers(struct walk *w)
{
	static const unsigned int odd[] = { MSG_none, MSG__COUNT, 0xff, 0x100, 0x7fff, 0xffff };
	char what[32];

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint8_t p[6] = { (uint8_t)odd[i], (uint8_t)(odd[i] >> 8) };

		if (odd[i] > MSG_none && odd[i] < MSG__COUNT)
			continue;
		snprintf(what, sizeof(what), "number %u", odd[i]);
		refuse_bytes(w, p, sizeof(p), 1, what);
	}
	refuse_bytes(w, "", 0, 1, "an empty packet");
	refuse_bytes(w, "", 0, 3, "three empty packets");
}

static void
odd_credits(struct walk *w)
{
	static const uint32_t odd[] = { 0, LIM_CHAN_CREDITS + 1, UINT32_MAX };
	char what[32];

	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		uint8_t p[6] = { (uint8_t)MSG_credit, (uint8_t)(MSG_credit >> 8), (uint8_t)odd[i], (uint8_t)(odd[i] >> 8),
			(uint8_t)(odd[i] >> 16), (uint8_t)(odd[i] >> 24) };

		snprintf(what, sizeof(what), "%u credits", odd[i]);
		refuse_bytes(w, p, sizeof(p), 3, what);
	}
}

static void
one_peer(struct walk *w, unsigned int stride)
{
	struct life *l = &w->life;

	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		bool legal = walk_legal(t, w->peer, l->role);

		for (size_t i = 0; legal && craft_breakage(&craft, t, i); i++)
			if ((i + t) % stride == 0)
				refuse(w, &craft);
		if (!legal && t % stride == 0) {
			craft_whole(&craft, t, FILL_SOME);
			refuse(w, &craft);
		}
		if (legal && !witness_served(w))
			walk_failed(w, "after %s nobody is served", msg_name(t));
	}
	odd_numbers(w);
	odd_credits(w);
}

void
walk_refuse(struct walk *w, unsigned int stride)
{
	if (!walk_ends_with_peer(w->life.role))
		stride = 1;
	for (enum role peer = ROLE_MASTER + 1; peer < ROLE__COUNT; peer++)
		if (walk_wired(w->life.role, peer)) {
			w->peer = peer;
			witness_renew(w);
			one_peer(w, stride);
		}
	wbuf_free(&craft.bytes);
}

/* ---- from the master ---- */

/* Its word is law, but only in its own grammar: else the child ends. */
static void
from_master(struct walk *w, const struct craft *c)
{
	struct life *l = &w->life;

	w->attacks++;
	(void)craft_send(l->master, c);
	while (l->master != -1 && life_hear(l, REFUSED_MS))
		;
	if (l->master != -1 || !WIFEXITED(l->status) || WEXITSTATUS(l->status) != EXIT_CONFIG)
		walk_failed(w, "%s of the master is not refused: status %x", c->what, (unsigned int)l->status);
	l->status = 0;
	walk_again(w);
}

void
walk_master(struct walk *w, unsigned int stride)
{
	enum role role = w->life.role;

	w->peer = ROLE_MASTER;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		bool mine = walk_legal(t, ROLE_MASTER, role), late = mine && msg_table[t].phase == MSGP_SETUP;
		bool legal = mine && !late;

		for (size_t i = 0; legal && craft_breakage(&craft, t, i); i++)
			if ((i + t) % stride == 0)
				from_master(w, &craft);
		if (late || (!legal && t % stride == 0)) {
			craft_whole(&craft, t, FILL_SOME);
			from_master(w, &craft);
		}
	}
	wbuf_free(&craft.bytes);
}

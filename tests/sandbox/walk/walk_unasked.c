/*
 * Sound messages from who may send them, at a moment when nobody asked: an
 * answer without a question, twice; a request with numbers of nothing. Each
 * is sent on a fresh wiring, and a table says what came of it. The table is
 * compared with the committed one, so a new row must be looked at.
 */
#include "walk.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SLOW_MS 2000	/* the dialer's connect */

static struct craft craft;

struct outcome {
	bool seen[MSG__COUNT];
};

/* What arrived on sock by now. */
static void
collect(int sock, struct outcome *o, int ms)
{
	int type;

	while ((type = walk_receive(sock, NULL, NULL, ms)) > 0) {
		if (type == MSG_credit)
			continue;
		ms = 0;
		o->seen[type] = true;
	}
}

/* What a wiring alone brings. */
static void
greeting(struct walk *w, struct outcome *o)
{
	int sock = life_wire(&w->life, w->peer, walk_unit(w->peer));

	*o = (struct outcome){ 0 };
	(void)life_settle(&w->life);
	collect(sock, o, 0);
	close(sock);
	if (!life_settle(&w->life))
		walk_again(w);
}

static void
say(struct walk *w, const char *what, const struct outcome *before, const struct outcome *now)
{
	bool any = false;

	printf("%s <- %s: %s: ", role_name(w->life.role), role_name(w->peer), what);
	if (w->life.broken_chan != 0)
		printf("refused, %s", w->life.broken);
	else
		for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++)
			if (now->seen[t] && !before->seen[t]) {
				printf("%s%s", any ? ", " : "answered by ", msg_name(t));
				any = true;
			}
	puts(w->life.broken_chan != 0 || any ? "" : "no effect");
}

static void
ask(struct walk *w, const struct outcome *before)
{
	struct life *l = &w->life;
	struct outcome now = { 0 };
	int sock = life_wire(l, w->peer, walk_unit(w->peer));

	w->attacks++;
	for (int i = 0; i < 2; i++)
		(void)craft_send(sock, &craft);
	(void)life_settle(l);
	collect(sock, &now, l->role == ROLE_DIALER && l->broken_chan == 0 ? SLOW_MS : 0);
	say(w, craft.what, before, &now);
	close(sock);
	while (walk_ends_with_peer(l->role) && l->master != -1 && life_hear(l, SLOW_MS))
		;
	(void)life_settle(l);
	if (l->master == -1) {
		if (!walk_ends_with_peer(l->role) || !life_ended_well(l))
			walk_failed(w, "%s ends the process: status %x", craft.what, (unsigned int)l->status);
		walk_again(w);
	} else if (!witness_undisturbed(w) || !witness_served(w))
		walk_failed(w, "%s disturbs another", craft.what);
}

static void
one_peer(struct walk *w)
{
	struct outcome before;

	greeting(w, &before);
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		if (!walk_legal(t, w->peer, w->life.role) || craft_carries(t))
			continue;
		for (enum craft_fill f = 0; f < FILL__COUNT; f++) {
			craft_whole(&craft, t, f);
			ask(w, &before);
		}
		if (msg_table[t].fds == MSGF_BODY) {
			craft_whole(&craft, t, FILL_ZERO);
			craft.fds = FDS_SEALED;
			snprintf(craft.what, sizeof(craft.what), "%s with a sealed body", msg_name(t));
			ask(w, &before);
		}
	}
}

void
walk_unasked(struct walk *w)
{
	for (enum role peer = ROLE_MASTER + 1; peer < ROLE__COUNT; peer++)
		if (walk_wired(w->life.role, peer)) {
			w->peer = peer;
			witness_renew(w);
			one_peer(w);
		}
	wbuf_free(&craft.bytes);
}

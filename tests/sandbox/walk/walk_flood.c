/*
 * Sound messages by the thousand: from a peer that reads what it is answered,
 * and from one that does not. The receiver's memory stays where it was, and
 * the others are served while the attacker's socket is full.
 */
#include "walk.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * What a receiver may hold for one peer: LIM_CHAN_QUEUE of answers, and what
 * one turn makes before it can see that the queue is full, LIM_CHAN_TURN
 * messages; or LIM_CHAN_CREDITS bulk messages at work. Beside it what malloc
 * keeps of the busiest moment: the double is never reached.
 */
#define GROWTH_KIB ((LIM_CHAN_QUEUE + LIM_CHAN_TURN * LIM_INLINE) / 1024 * 2)
#define BATCH 64
#define UNREAD_ANSWERS (LIM_CHAN_QUEUE / 16)	/* they cost more than 16 bytes each: more than the queue holds */
#define STALL_MS 10000

static struct craft craft;

struct flood {
	int sock;
	uint32_t chan;
	bool reads, bulk, numbered, closed;
	unsigned int credits;
	unsigned long sent, answers;
};

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void
read_answers(struct flood *f)
{
	union msg m;
	int type;

	while (f->reads && (type = walk_receive(f->sock, &m, NULL, 0)) > 0) {
		if (type == MSG_credit)
			f->credits += m.credit.n;
		else
			f->answers++;
		if (msg_table[type].class == MSGC_BULK)
			walk_send(f->sock, MSG_credit, &(struct msg_credit){ .n = 1 }, -1);
	}
}

/* The number that most rows begin with is another each time. */
static void
renumber(unsigned long n)
{
	for (int i = 0; i < 4; i++)
		craft.bytes.p[2 + i] = (uint8_t)(n >> (8 * i));
}

/* False: the socket is full, or credits are used up. */
static bool
push(struct flood *f)
{
	if (f->bulk && f->credits == 0)
		return false;
	if (f->numbered)
		renumber(f->sent + 1);
	if (craft_send(f->sock, &craft) == -1) {
		f->closed = errno == EPIPE;
		return false;
	}
	f->sent++;
	f->credits -= f->bulk;
	return true;
}

static bool
over(const struct life *l, const struct flood *f)
{
	return l->master == -1 || l->broken_chan == f->chan;
}

static const char *
end(const struct life *l, const struct flood *f)
{
	return l->broken_chan == f->chan ? l->broken : l->master == -1 ? "it ended" : "";
}

/* Until n are sent or it is refused. False: it hangs. */
static bool
run(struct walk *w, struct flood *f, unsigned long n)
{
	struct life *l = &w->life;

	while (f->sent < n && !over(l, f)) {
		struct pollfd p[2] = { { l->master, POLLIN, 0 }, { f->sock, f->reads ? POLLIN : 0, 0 } };
		bool more = true;

		for (int i = 0; i < BATCH && more && f->sent < n; i++)
			more = push(f);
		if (!f->bulk || f->credits > 0)
			p[1].events |= POLLOUT;
		/* Closed: the reason is on its way. */
		if (f->closed)
			p[1].fd = -1;
		if (!more && poll(p, 2, STALL_MS) == 0)
			return false;
		while (life_hear(l, 0))
			;
		read_answers(f);
	}
	return true;
}

/* How many answers came. */
static unsigned long
one_flood(struct walk *w, enum msg_type t, bool reads, unsigned long n)
{
	struct life *l = &w->life;
	long before, grown = 0;
	int64_t start = now_ms(), served = 0;
	struct flood f = { .reads = reads, .bulk = msg_table[t].class == MSGC_BULK, .credits = LIM_CHAN_CREDITS };
	bool ok;

	craft_whole(&craft, t, FILL_SOME);
	f.numbered = craft_rows[t].fields[0].kind == FIELD_U32 || craft_rows[t].fields[0].kind == FIELD_U64;
	f.sock = life_wire(l, w->peer, walk_unit(w->peer));
	f.chan = l->last_chan;
	(void)life_settle(l);
	before = life_memory(l);
	w->attacks++;
	ok = run(w, &f, n / 2);
	/* A tls-worker has one dialer: to be served by another would end this one. */
	if (l->master != -1 && !walk_ends_with_peer(l->role) && l->role != ROLE_TLS) {
		served = now_ms();
		if (!witness_served(w))
			walk_failed(w, "%s x%lu: nobody else is served", msg_name(t), f.sent);
		served = now_ms() - served;
	}
	ok = ok && run(w, &f, n);
	if (!ok)
		walk_failed(w, "%s x%lu: it hangs", msg_name(t), f.sent);
	if (l->master != -1 && life_settle(l))
		grown = life_memory(l) - before;
	if (!reads && f.sent > UNREAD_ANSWERS && !over(l, &f))
		walk_failed(w, "%s x%lu goes on, and its answers are not read", msg_name(t), f.sent);
	if (grown > GROWTH_KIB)
		walk_failed(w, "%s x%lu: grown by %ld KiB", msg_name(t), f.sent, grown);
	printf("%s <- %s: %s x%lu%s: %s%s, %lu answers, %+ld KiB, %ld ms, another served in %ld ms\n", role_name(l->role),
	    role_name(w->peer), msg_name(t), f.sent, reads ? "" : " unread", over(l, &f) ? "refused, " : "taken",
	    end(l, &f), f.answers, grown, (long)(now_ms() - start), (long)served);
	close(f.sock);
	if (!life_settle(l)) {
		if (!walk_ends_with_peer(l->role) || !life_ended_well(l))
			walk_failed(w, "%s x%lu ends the process: status %x", msg_name(t), f.sent, (unsigned int)l->status);
		walk_again(w);
	} else if (!witness_undisturbed(w) || !witness_served(w))
		walk_failed(w, "%s x%lu disturbs another", msg_name(t), f.sent);
	return f.answers;
}

void
walk_flood(struct walk *w, unsigned long n)
{
	for (enum role peer = ROLE_MASTER + 1; peer < ROLE__COUNT; peer++) {
		if (!walk_wired(w->life.role, peer))
			continue;
		w->peer = peer;
		witness_renew(w);
		for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
			if (!walk_legal(t, peer, w->life.role) || craft_carries(t))
				continue;
			/* Not to read makes a difference where there are answers; credits have to be read. */
			if (one_flood(w, t, true, n) > n / 2 && msg_table[t].class != MSGC_BULK)
				(void)one_flood(w, t, false, n);
		}
	}
	wbuf_free(&craft.bytes);
}

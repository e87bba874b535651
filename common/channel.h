/*
 * channel.h - one socketpair between two processes, wired by the master.
 *
 * A channel is an AF_UNIX SOCK_SEQPACKET pair: one packet is one message, so
 * there is no framing to get wrong; small messages of one turn of the loop that
 * come in numbers travel together, as the list in one message. Each end knows
 * who the other is, because the master said so. Every received message is
 * checked against messages.def: known, allowed from that role to this one in
 * this phase, within limits, no bytes left, descriptors exactly as the row
 * says, bodies sealed. Anything else breaks the channel: on_broken is called
 * once and the channel is dead. So does a peer that goes on asking and reads no
 * answer, once LIM_CHAN_QUEUE is full; only the master is not judged so by its
 * children.
 *
 * Nothing here blocks or depends on an event loop: the owner calls chan_read
 * when the descriptor is readable and chan_write when chan_wants_write() and
 * it is writable. loop.h does that with libevent; the vault with poll(2).
 *
 * Bulk messages cost credits. chan_credits() tells how many may be sent now;
 * sending without credit fails with EAGAIN. The receiver returns a credit when
 * the handler returns, unless the handler called chan_hold(): then the owner
 * returns it later with chan_release().
 */
#ifndef COMMON_CHANNEL_H
#define COMMON_CHANNEL_H

#include "messages.h"

/* Who is at the other end; told by the master, fixed for the channel's life. */
struct chan_peer {
	uint32_t chan;		/* number of the pair, the same at both ends */
	enum role role;
	char ats[LIM_ATS_NAME + 1];
	uint32_t unit;		/* link or probe, 0 = none */
	char host[LIM_HOST + 1];
	uint32_t flags;		/* PEER_* */
};

/* Handler of one message. *fd is the passed descriptor or -1; a handler that
 * keeps it sets *fd = -1, else the channel closes it. For BODY rows use
 * body_open (body.h). Return 0, or -1 when the content is a protocol breach. */
typedef int (*chan_handler)(struct chan *, const union msg *, int *fd);

struct chan_ops {
	const chan_handler *handlers;	/* [MSG__COUNT]; NULL = this end does not expect it */
	/* The other end is gone (EOF). The owner calls chan_free, now or later. */
	void (*on_eof)(struct chan *);
	/* The peer is broken; reason is static or in the chan. Then as on_eof. */
	void (*on_broken)(struct chan *, const char *reason);
	/* Bulk credits arrived. A sender may count messages it has not sent yet as
	 * spent, so this is told each time, not only after there were none. May be
	 * NULL. */
	void (*on_credit)(struct chan *);
};

/* fd: owned by the channel from now on, made non-blocking. NULL: no memory. */
struct chan *chan_new(int fd, enum role self, const struct chan_peer *, const struct chan_ops *, void *ctx);
void chan_free(struct chan *);	/* NULL allowed; closes; safe inside a handler (delayed) */

void *chan_ctx(const struct chan *);
void chan_set_ctx(struct chan *, void *);
void chan_set_ops(struct chan *, const struct chan_ops *);
const struct chan_peer *chan_peer(const struct chan *);
int chan_fd(const struct chan *);
bool chan_dead(const struct chan *);
/* A message found no room because the peer does not read: nothing is sent any
 * more, and the next chan_read breaks the channel (not the send: its callers
 * hold what on_broken frees). */
bool chan_overflowed(const struct chan *);
/* SETUP until chan_run(); only the master channel ever is in SETUP. */
void chan_run(struct chan *);

void chan_read(struct chan *);		/* handle up to LIM_CHAN_TURN messages */
/* fn is called behind each packet of this channel: it may read other channels,
 * whose peers shall not wait for all that this one has sent. */
void chan_set_between(struct chan *, void (*fn)(void));
/* As chan_read for exactly one message, waiting for it: only before READY.
 * Returns 1 handled, 0 EOF, -1 broken. */
int chan_read_one_blocking(struct chan *);
void chan_write(struct chan *);		/* flush what waits */
bool chan_wants_write(const struct chan *);	/* the peer did not take all; what is gathered does not count */
size_t chan_queued(const struct chan *);	/* bytes waiting to leave */
int chan_flush_blocking(struct chan *);	/* before exit: write all; 0 or -1 */

unsigned int chan_credits(const struct chan *);
void chan_hold(struct chan *);			/* inside a bulk handler */
/* Give n held credits back; the peer hears of them LIM_CREDITS_TOGETHER at a time, when none
 * is held any more, or after the next read. */
void chan_release(struct chan *, unsigned int n);

/* Called after each queued message; loop.h sets it to arm the write event. */
void chan_set_notify(struct chan *, void (*)(struct chan *));
/* Small messages that come in numbers wait for each other from now on; fn: the
 * first of some does, chan_write is due before the loop rests. */
void chan_set_gather(struct chan *, void (*fn)(struct chan *));
void *chan_loop_data(const struct chan *);
void chan_set_loop_data(struct chan *, void *);

/* Queue one encoded message; the send_* functions end here. */
int chan_send(struct chan *, enum msg_type, const void *msg_struct, int fd);

#endif

/*
 * channel_private.h - the inside of a channel, for channel*.c only.
 */
#ifndef COMMON_CHANNEL_PRIVATE_H
#define COMMON_CHANNEL_PRIVATE_H

#include <sys/queue.h>

#include "channel.h"

struct packet {
	STAILQ_ENTRY(packet) entry;
	int fd;
	bool secret;
	size_t n;
	uint8_t data[];
};

struct chan {
	int fd;
	enum role self;
	struct chan_peer peer;
	const struct chan_ops *ops;
	void *ctx, *loop_data;
	void (*notify)(struct chan *), (*gather)(struct chan *);
	void (*between)(void);
	bool running, dead, freed, held;
	unsigned int busy;
	STAILQ_HEAD(, packet) queue;
	struct wbuf gathered;		/* messages that leave together; a list */
	unsigned int ngathered;
	size_t queued;			/* bytes of the queue, and what holds them */
	unsigned int queued_fds;
	bool overflow;			/* a message found no room: the peer does not read */
	unsigned int tx_credits;	/* bulk messages we may send */
	unsigned int rx_out;		/* bulk messages received, credit not returned */
	unsigned int owed;		/* credits to return at the end of the turn */
};

/* Called with the channel busy; the owner may free it from the callback. */
void chan_break(struct chan *, const char *reason);
void packet_free(struct packet *);
/* Rows whose bytes are wiped wherever they were. */
bool msg_is_secret(enum msg_type);

/* Rows of which many come at once: they wait for each other to the end of a turn. */
bool msg_may_wait(enum msg_type);

#endif

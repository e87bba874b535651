/*
 * report.h - everything that goes to the store.
 *
 * Rows cost credits. The engine stops reading from the server while there is
 * none (report_blocked), so what one response makes, and the task that it began
 * says of itself, is all that ever waits here; it leaves in order when credits
 * come back.
 *
 * Credits count messages, and a server may send LIM_BODY for each, whatever it
 * told of their sizes. So before a big literal is read there must be room for it
 * in LIM_IMAP_HELD, among those that the store still has. An honest server never
 * waits for that: the store asks for LIM_BODIES_BYTES at a time.
 */
#ifndef IMAPD_REPORT_H
#define IMAPD_REPORT_H

#include <sys/queue.h>

#include "channel.h"
#include "held.h"

struct waiting {
	STAILQ_ENTRY(waiting) entry;
	enum msg_type type;
	int fd;
	size_t n;
	uint8_t data[];
};

struct report {
	struct chan *store;	/* borrowed; NULL: nobody listens, all is dropped */
	STAILQ_HEAD(, waiting) queue;
	struct held held;	/* by the store */
};

void report_init(struct report *);
/* Another store or none; what waits is dropped. */
void report_set_store(struct report *, struct chan *);
/* Send or keep one message; fd is taken over. Control messages wait behind
 * rows that wait, so that the order of events holds. */
void report_send(struct report *, enum msg_type, const void *msg_struct, int fd);
void report_flush(struct report *);	/* credits came */
/* coming: bytes of the big literal that is being read, or 0. */
bool report_blocked(const struct report *, size_t coming);

#endif

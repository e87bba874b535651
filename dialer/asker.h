/*
 * asker.h - who asks for dials, and how the dialer shares itself out: every
 * tls-worker has a bounded queue, and free places go round the askers in turn.
 */
#ifndef DIALER_ASKER_H
#define DIALER_ASKER_H

#include "channel.h"

#define ASKER_QUEUE (2 * LIM_TLS_LINKS)	/* dials of one channel, waiting or active */
#define ASKER_ACTIVE 16			/* active dials of one channel */
#define ASKER_ACTIVE_ALL 100		/* active dials of all; each may hold ADDRESS_MAX of the 2,048 descriptors */

/* Take over the descriptor of a channel that the master wired. */
void asker_wire(const struct chan_peer *, int fd);

#endif

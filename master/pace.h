/*
 * pace.h - how fast logins of many links go to one host. After an outage all
 * come back at once; the host must not take that for an attack. A host has one
 * turn in 1 / LIM_LOGINS_SECOND s. Tenants that wait take turns by the round,
 * so that none waits long for another's links; one tenant's own go in the order
 * they asked. A turn is given when its moment is there, never before: who
 * leaves while it waits costs nobody anything.
 */
#ifndef MASTER_PACE_H
#define MASTER_PACE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct pace_lane;
struct pace_round;

/* The caller's, with turn and arg set and the rest 0, until pace_leave(). */
struct pace_wait {
	TAILQ_ENTRY(pace_wait) entry;
	struct pace_round *round;	/* while it waits */
	struct pace_lane *lane;		/* while its turn is the last one given, and not used */
	void (*turn)(void *);		/* from the loop; may leave, or ask again */
	void *arg;
};

/*
 * A login at host, for one whom the pointer whose names (compared, never
 * followed). True: its turn is now. False: it waits, turn() comes. urgent: a
 * person waits for it, or mail to be sent; these have a lane of their own
 * beside all that come back. Without memory: now.
 */
bool pace_ask(struct pace_wait *, const char *host, bool urgent, const void *whose);
bool pace_waits(const struct pace_wait *);
/* Its turn was made use of. */
void pace_used(struct pace_wait *);
/* It waits no more; a turn it did not use is the next one's. */
void pace_leave(struct pace_wait *);
/* Do logins wait for their moment there (not the urgent ones)? */
bool pace_busy(const char *host);

#endif

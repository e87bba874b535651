/*
 * pace.h - how fast logins of many links go to one host. After an outage all
 * come back at once; the host must not take that for an attack. Each login gets
 * a moment of its own, in the order they are asked for, whoever's link it is.
 */
#ifndef MASTER_PACE_H
#define MASTER_PACE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * When the next login at host may begin, by now_ms(): not before now, and
 * LIM_LOGINS_SECOND a second at most. urgent: a person waits for it, or mail to
 * be sent; these have a lane of their own beside all that come back.
 * Without memory: now.
 */
int64_t pace_slot(const char *host, bool urgent, int64_t now);
/* Do logins wait for their moment there (not the urgent ones)? */
bool pace_busy(const char *host, int64_t now);

#endif

/*
 * eventsource.h - event streams: what the store announces goes to every
 * stream that wants its type: all of one commit in one event, at once, but no
 * more often than every LIM_COALESCE_MS.
 */
#ifndef ATS_EVENTSOURCE_H
#define ATS_EVENTSOURCE_H

#include "messages.h"

/* Before the sandbox. */
void eventsource_init(void);
/* One state_change of the store. */
void eventsource_change(const struct msg_state_change *);

#endif

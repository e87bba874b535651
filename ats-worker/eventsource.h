/*
 * eventsource.h - event streams: what the store announces goes to every
 * stream that wants its type, coalesced over a few milliseconds.
 */
#ifndef ATS_EVENTSOURCE_H
#define ATS_EVENTSOURCE_H

#include "messages.h"

/* Before the sandbox. */
void eventsource_init(void);
/* One state_change of the store. */
void eventsource_change(const struct msg_state_change *);

#endif

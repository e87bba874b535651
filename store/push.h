/*
 * push.h - events for EventSource: which (account, type) has a new state.
 * changes_record calls push_note; after the commit each ats-worker is told the
 * newest state of each, once, however many changes there were.
 */
#ifndef STORE_PUSH_H
#define STORE_PUSH_H

#include "db.h"

void push_init(void);
void push_note(uint32_t account, enum obj_type, uint64_t state);
void push_add(struct chan *);		/* an ats-worker */
void push_remove(struct chan *);
/* Hear what the ats-workers ask now: for the middle of work for which nobody waits. */
void push_hear(void);

#endif

/*
 * job.h - the store's requests, one after another, and what is sent back.
 *
 * Requests are kept in order; each holds its credit until it is done, which
 * bounds the queue. They are taken as they come, and worked on in between: the
 * socket holds few messages, and a store that commits sends none. Each result
 * costs a credit of ours: without one the next job waits, so that at most one
 * result is in memory.
 */
#ifndef MIME_JOB_H
#define MIME_JOB_H

#include "channel.h"

struct jobs;

/* Handlers of the store's channel, whose context is a struct jobs. */
extern const chan_handler job_handlers[MSG__COUNT];

struct jobs *jobs_new(void);	/* NULL: no memory */
void jobs_free(struct jobs *);
/* Do some, LIM_MIME_STRETCH at a time. True: there are more, and credits for them. */
bool jobs_run(struct chan *);

#endif

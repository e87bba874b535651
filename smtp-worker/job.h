/*
 * job.h - items that wait for the connection, in the order they came. Each
 * holds one credit of the store's channel until it is done, so their number is
 * bounded.
 */
#ifndef SMTP_WORKER_JOB_H
#define SMTP_WORKER_JOB_H

#include <sys/queue.h>

#include "channel.h"
#include "engine.h"

struct job {
	TAILQ_ENTRY(job) entry;
	struct item item;
};

/* -1: the message is not what the store may send. Takes *fd over. */
int job_add(const struct msg_send_item *, int *fd);
/* The first one, which is the one under way, or NULL. */
struct job *job_first(void);
void job_drop_first(void);

#endif

/*
 * mime_job.h - inside of the mime pool: shared by mime_pool.c (workers and
 * scheduling) and mime_job.c (what a job carries). Others use mime_pool.h.
 */
#ifndef STORE_MIME_JOB_H
#define STORE_MIME_JOB_H

#include <sys/queue.h>
#include <time.h>

#include "mime_pool.h"

enum mime_kind { MIME_PARSE, MIME_EXTRACT, MIME_STRIP, MIME_COMPOSE };

struct mime_worker;

struct mime_attachment {
	STAILQ_ENTRY(mime_attachment) entry;
	uint64_t blob;
	struct body body;
};

struct mime_job {
	TAILQ_ENTRY(mime_job) entry;
	enum mime_kind kind;
	uint32_t link, req;
	bool header_only, canceled;
	unsigned int tries;
	char part[65];
	struct body body;
	STAILQ_HEAD(, mime_attachment) attachments;
	struct mime_attachment *next_attachment;	/* not yet sent to the current worker */
	mime_done_fn done;
	mime_died_fn died;
	void *ctx;
	struct mime_worker *worker;	/* NULL: waits in a queue, or not started */
	bool queued, unsent;	/* unsent: the worker has only part of it */
};
TAILQ_HEAD(mime_jobs, mime_job);

enum mime_sent { MIME_SENT_ALL, MIME_SENT_PART, MIME_SENT_DEAD, MIME_SENT_FAILED };

/* Send as much of the job as there are credits for. PART: call again when
 * credits come; DEAD: the worker is gone; FAILED: the job cannot be sent. */
enum mime_sent mime_job_send(struct mime_job *, struct chan *);
/* Before another try: no worker has any of it. */
void mime_job_rewind(struct mime_job *);
/* Tell the owner and free the job. */
void mime_job_finish(struct mime_job *, const char *error, struct slice data);
void mime_job_free(struct mime_job *);
/* Is this an encoded rec parsed whose nested records are sound too? */
bool mime_parsed_valid(struct slice, bool header_only);

struct mime_worker {
	TAILQ_ENTRY(mime_worker) entry;
	struct chan *chan;
	uint32_t link;		/* 0: spare */
	bool single;		/* one job, then it goes */
	bool last;		/* no further job */
	unsigned int given;
	unsigned int njobs;	/* in flight, and the bytes of their bodies */
	size_t bytes;
	struct mime_jobs jobs;	/* sent, in order; the first is the one it works on */
	uint64_t since;		/* the first job became the first; or idle since */
};

/* mime_answer.c */
extern const struct chan_ops mime_worker_ops;

/* ---- mime_pool.c ---- */
/* The worker is gone, whoever ended it: its jobs return to their queues, the
 * first one with a try counted. Frees the worker. */
void mime_worker_lost(struct mime_worker *);
void mime_pool_soon(void);	/* schedule, in a later turn */
/* Put a complete job in its queue. */
void mime_pool_add(struct mime_job *);
void mime_pool_forget(struct mime_job *);

#endif

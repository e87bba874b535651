/*
 * A mime-worker whose store is owned by an attacker: requests of every kind,
 * attachments that belong to nothing, results that nobody takes.
 */
#include "../hostile.h"

#include <event2/event.h>

#include "job.h"
#include "log.h"
#include "loop.h"
#include "warm.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static bool ended;

static void
on_end(struct chan *c)
{
	(void)c;
	ended = true;	/* the process would exit */
}

static void
on_broken(struct chan *c, const char *reason)
{
	(void)reason;
	on_end(c);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct chan_ops ops = { .handlers = job_handlers, .on_eof = on_end, .on_broken = on_broken };
	static const struct chan_peer peer = { .chan = 1, .role = ROLE_STORE };
	struct feed f = feed_start(data, size);
	struct chan *evil, *near;
	struct jobs *jobs;
	int fd;

	warm_libraries();
	log_set_level(LOG_LVL_ERROR);
	(void)hostile_master(ROLE_MIME);
	ended = false;
	evil = hostile_new(ROLE_STORE, ROLE_MIME, &fd);
	feed_check((jobs = jobs_new()) != NULL && (near = loop_chan(fd, &peer, &ops, jobs)) != NULL);
	for (int i = 0; i < 64 && f.n > 0 && !ended; i++) {
		bool deaf = (feed_byte(&f) & 1) != 0;

		hostile_send(evil, ROLE_STORE, ROLE_MIME, &f);
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		while (!ended && jobs_run(near))
			;
		if (!deaf)
			hostile_turn(evil);
	}
	chan_free(evil);
	chan_free(near);
	jobs_free(jobs);
	(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	return 0;
}

/*
 * reach.c - how many commands for headers and contents are on their way at
 * once. A near server is kept busy by few. To a distant one more must be under
 * way, so that answers follow each other without a pause: one is added while
 * they come as fast as the round trip lets them, and one taken away when they
 * queue, for what is urgent waits behind them. What the store is slow to take
 * counts as a queue too.
 */
#include "clock.h"
#include "engine.h"

#define PROMPT 3	/* round trips: answered so soon, the line has room */
#define LATE 6

unsigned int
reach_of(const struct engine *e, unsigned int near)
{
	return near + e->reach;
}

void
reach_answered(struct engine *e, const struct pending *p)
{
	uint64_t took = clock_ms() - p->begun_at;

	if (p->command != CMD_BODY && p->command != CMD_NEW && p->command != CMD_BACKFILL)
		return;
	if (e->rtt_ms >= LIM_COMPRESS_RTT_MS && took < PROMPT * e->rtt_ms && e->reach < LIM_REACH)
		e->reach++;
	else if (took > LATE * e->rtt_ms && e->reach > 0)
		e->reach--;
}

/*
 * loop.h - channels on libevent. Every role but the vault uses it.
 */
#ifndef COMMON_LOOP_H
#define COMMON_LOOP_H

#include "channel.h"

struct event_base;

/* The one base of this process; made at the first call, before the sandbox
 * (epoll_create is not allowed later). Exits when that fails. */
struct event_base *loop_base(void);
/* Put a channel on the base. chan_free takes it off. */
void loop_add(struct chan *);
/* chan_new + loop_add, chan_run for peer channels (all but the master's). */
struct chan *loop_chan(int fd, const struct chan_peer *, const struct chan_ops *, void *ctx);
/* Serve child.master and everything added until loop_stop() or master EOF. */
int loop_run(void);
void loop_stop(void);

/* Called once per turn, after all ready events were handled and before the
 * process sleeps: the store commits here. */
void loop_set_turn_end(void (*)(void));

#endif

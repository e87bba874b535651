/*
 * watch.h - a second connection that only waits, in IDLE in the Sent folder
 * (at Gmail in All Mail, where it hears of other folders too), where the server
 * has IDLE and not NOTIFY. It reads nothing: when it hears of a change the
 * folder becomes dirty and the first connection looks. It is a
 * comfort and never at the inbox's cost: begun when the mailbox is live, given
 * up for a long time when the server or the administrator wants fewer
 * connections, and without it the folder is asked on a clock as ever.
 */
#ifndef IMAPD_WATCH_H
#define IMAPD_WATCH_H

#include <stdbool.h>

#include "wire.h"

struct engine;
struct folder;
struct watch;

/* Begin it, if it is worth it as the first connection is now; anew, if another
 * folder is Sent, or All Mail. */
void watch_turn(struct engine *);
/* Changes of this folder come by themselves. */
bool watch_tells(const struct engine *, const struct folder *);
void watch_stream_up(struct engine *, int fd);	/* takes fd over */
void watch_stream_failed(struct engine *, struct slice code);
/* The first connection is gone, with this code or NULL: so is this one. If it
 * has just come, and not for the first time, it is why: it stays away for long. */
void watch_leave(struct engine *, const char *code);
void watch_free(struct engine *);

#endif

/*
 * stage.h - one real process of Postern, with its real sandbox, and every other
 * one around it played by the test: the master that starts and wires it, and
 * the peers, honest or stolen.
 *
 * Everything the process says to a played one is kept in the order it came
 * until somebody asks for it. All waiting is bounded and ends the test.
 */
#ifndef TESTS_DEPUTIES_STAGE_H
#define TESTS_DEPUTIES_STAGE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/types.h>

#include "channel.h"

#define STAGE_HEARD 8192	/* messages one player keeps */
#define STAGE_MS 10000		/* the longest wait for anything */

struct heard {
	enum msg_type type;
	struct wbuf bytes;
	int fd;
	bool seen;
};

/* A played process: our end of one channel to the real one. */
struct player {
	struct chan *chan;
	uint32_t number;	/* of the channel; the master's has none */
	struct heard *heard;
	size_t n;
	bool gone;		/* the real process closed it */
};

/* The real process. */
struct stage {
	enum role role;
	pid_t pid;
	struct player master;
	uint32_t last_chan;
	int status;		/* of waitpid, once it ended */
	bool ended;
};

/* The directory that built programs are in: from argv[0] of the test. */
void stage_init(const char *argv0);
/* Start a role, hand over its configuration, wait for READY. cfg sends the
 * role's own part (may be NULL). root: where it may chroot to when we are root. */
void stage_start(struct stage *, enum role, const char *ats, const char *root, void (*cfg)(struct chan *));
/* As stage_start without READY: false when it ended instead. */
bool stage_try(struct stage *, enum role, const char *ats, const char *root, void (*cfg)(struct chan *));
/* Close its master channel; it must leave by itself, with status 0. */
void stage_stop(struct stage *);
/* It must still be there. */
void stage_alive(struct stage *);

/* A played peer, wired as the master does it. */
void stage_wire(struct stage *, struct player *, enum role, const char *ats, uint32_t unit, const char *host);
void player_leave(struct player *);
void player_forget(struct player *);	/* what it heard */

/* The process has read everything that its master said before this. */
void stage_sync(struct stage *);

/* One round for all channels; waits at most ms. */
void stage_turn(int ms);
/* Turns until nothing comes any more, for about ms. */
void stage_settle(int ms);
/* The next message of a type that nobody asked for yet, awaited. */
void player_get(struct player *, enum msg_type, union msg *);
/* The same without waiting: false when there is none. */
bool player_has(struct player *, enum msg_type, union msg *);
/* Wait until the process has closed this channel and accused its peer. */
void player_broken(struct stage *, struct player *);
/* It has not. */
void player_trusted(const struct player *);

/* Log lines of the process: awaited; counted so far. Both substrings must be in it. */
void stage_logged(struct stage *, const char *what, const char *also);
size_t stage_log_count(struct stage *, const char *what);
void stage_log_forget(struct stage *);

/* Ids of a role when we are root, and a fresh directory for it, mode 0700. */
uid_t stage_uid(enum role);
void stage_directory(char path[64], enum role);
void stage_remove(const char *path);	/* it and the files in it */

#endif

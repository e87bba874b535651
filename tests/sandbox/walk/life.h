/*
 * life.h - the walk as master: it starts one real executable as posternd does,
 * configures it, lets it go behind its walls, wires it to peers whose ends the
 * walk holds, and hears what it reports.
 */
#ifndef WALK_LIFE_H
#define WALK_LIFE_H

#include <sys/types.h>

#include "messages.h"

struct life {
	enum role role;
	pid_t pid;
	int master;		/* our end of its descriptor 3; -1: it is gone */
	int status;		/* of waitpid, once gone */
	char dir[64];		/* temporary: its root or state, its socket */
	int listener;		/* of ats-worker and control, -1 */
	uint32_t last_chan;	/* number of the newest wiring */
	bool ready;
	unsigned int pongs;
	unsigned int seen[MSG__COUNT];	/* messages it sent to its master */
	uint32_t broken_chan;	/* of its last report, 0 = none since life_wire */
	char broken[LIM_REASON + 1];
	char log[LIM_LOG_TEXT + 1];	/* its last line of level error */
};

/* One process of that role from the directory of executables, READY. Ends the
 * walk when that fails. */
void life_start(struct life *, const char *libexec, enum role);
/* Its channel is closed, so it ends; then as life_gone. Removes its directory. */
void life_stop(struct life *);
/* It ended: was it by itself, without signal and without an error of its own? */
bool life_ended_well(const struct life *);

/* A wiring to a peer of that role: our end. */
int life_wire(struct life *, enum role peer, uint32_t unit);
/* A message of the master; the struct msg_* of its row. */
void life_send(struct life *, enum msg_type, const void *m, int fd);
/* Hear its reports until ms have passed or something came; false at the end of
 * the process or when nothing came. */
bool life_hear(struct life *, int ms);
/* It answers a ping of its master. */
bool life_answers(struct life *);
/* Whatever was sent to it before is handled now; false: it is gone. */
bool life_settle(struct life *);
/* Anonymous memory in KiB, and open descriptors (-1: may not be looked at). */
long life_memory(const struct life *);
int life_descriptors(const struct life *);

/* ---- life_setup.c: what each role is told before READY ---- */
void life_setup(struct life *);

/* Receive one message on any end we hold: its type, 0 at the end of file,
 * -1 when there is nothing within ms. Its descriptors are closed unless fd is
 * given. m may be NULL. The slices live until the next call. */
int walk_receive(int sock, union msg *m, int *fd, int ms);
/* Send a sound message. */
void walk_send(int sock, enum msg_type, const void *m, int fd);
void walk_die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#define WALK_HOST "127.0.0.1"	/* the label of tls-workers */

#endif

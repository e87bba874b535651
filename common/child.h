/*
 * child.h - the life of every process but the master, from main() to READY.
 *
 *	int
 *	main(int argc, char **argv)
 *	{
 *		child_start(ROLE_IMAP, &ops, NULL);	   hello, configuration
 *		...warm the libraries...
 *		child_sandbox();
 *		child_ready(NULL);
 *		...loop...
 *	}
 *
 * Descriptor 3 is the master channel; 0, 1 and 2 are /dev/null (a sanitizer
 * build in the foreground: 2 is the master's), nothing else is open. The
 * environment is empty.
 */
#ifndef COMMON_CHILD_H
#define COMMON_CHILD_H

#include "channel.h"

struct child {
	enum role role;
	struct chan *master;
	char ats[LIM_ATS_NAME + 1];
	enum log_level log_level;
};

extern struct child child;

/*
 * Called for each peer that the master wires to this process (message peer).
 * The callee makes a channel of fd (with loop_chan or chan_new) or closes it.
 */
typedef void (*child_peer_fn)(const struct chan_peer *, int fd);

/*
 * Check descriptors and argv, take hello and configuration. handlers[] serve
 * the role's own rows of the master channel, both cfg_* in SETUP and later
 * ones; hello, cfg_child, cfg_end, peer, log_level, ping are served here. drain:
 * set handlers[MSG_drain] to be told, else the process exits 0 at once.
 * Exits when anything is wrong. EOF from the master always means exit.
 */
void child_start(enum role, const chan_handler *handlers, child_peer_fn);

/* The first half of sandbox.h: root directory and ids. Only the store calls it
 * by itself, to open its database as its own user below its own root. */
void child_sandbox_drop(void);
/* Everything of sandbox.h in its order (the first half unless it is done);
 * exits EXIT_SANDBOX when a step fails. */
void child_sandbox(void);

/* Tell the master; public_key only by the vault (32 bytes), else NULL. */
void child_ready(const uint8_t *public_key);

/* The peer of chan broke the rules: tell the master, which ends it. The
 * default chan_ops.on_broken of every role calls this. */
void child_report_broken(struct chan *, const char *reason);

#endif

/*
 * harness.h - posternd under a test harness; only in the build for tests, see
 * common/attack.h. posternd connects to the SOCK_SEQPACKET socket named by
 * the environment variable POSTERN_TEST_HARNESS and does not start without
 * it. The first packet it reads is its settings, "key=value ...":
 *
 *	sandbox=N	SANDBOX_* flags more for every child (1: as on kernel 6.1)
 *	without=N	WITHOUT_* of sandbox.h: walls that are left out
 *	left_out=PROFILE:CALL	one line of a list of system calls that is left out
 *
 * Then orders, one a packet, "REQ VERB ...", answered by one packet each:
 *
 *	REQ attack LABEL KIND ARGUMENT...[\nDATA]	(a descriptor may come with it)
 *		-> REQ report TEXT | REQ died signal N [core] | REQ died exit N
 *	REQ spawn LABEL ROLE ATS UNIT HOST	("-" = none)
 *		one more process of that role, wired to nobody, known to nobody
 *		-> REQ ok PID, when it is READY
 *	REQ pid LABEL	-> REQ ok PID, when it is READY
 *	REQ end LABEL	-> REQ ok, its place is given up
 *	anything wrong	-> REQ error TEXT
 *
 * LABEL is what log lines begin with (proc_label), or the name given by spawn.
 * A process that dies under an order is started again at once. One order at a
 * time for a process; an order for one that is not READY waits. When the
 * harness goes away, posternd ends.
 */
#ifndef MASTER_HARNESS_H
#define MASTER_HARNESS_H

#include "master.h"

/* What the harness knows of a place; NULL in struct proc: nothing. */
struct harness_place;

/* Connect and take the settings; exits when there is no harness. */
void harness_start(void);
/* Serve its orders from the loop. */
void harness_serve(void);

/* Queue attack_setup for a child. */
int harness_setup(struct proc *);
/* READY. True: it is wired to nobody, do nothing more. */
bool harness_ready(struct proc *);
/* It died, with this wait status: answers what waits. True: nobody else needs to know. */
bool harness_gone(struct proc *, int status);
/* Whether the death was ordered: then it starts again at once. Forgets it. */
bool harness_ordered(struct proc *);
void harness_forget(struct proc *);
/* Wired to nobody? */
bool harness_apart(const struct proc *);
int harness_on_report(struct chan *, const union msg *, int *);

#endif

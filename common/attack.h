/*
 * attack.h - a process that behaves as if an attacker owned it. Only in the
 * build for tests (make TEST_HOOKS=1, POSTERN_TEST_HOOKS): common/attack*.c
 * and master/harness*.c are not even compiled otherwise, and since the rows
 * attack* of messages.def are part of the table's hash, the processes of one
 * kind of build refuse those of the other. make install refuses the build,
 * and its posternd starts only for a test harness.
 *
 * The harness (tests/sandbox/harness.py) listens on a SOCK_SEQPACKET socket
 * named by POSTERN_TEST_HARNESS; posternd connects to it, takes one packet of
 * settings, and from then on one order a packet (see master/harness.h):
 *
 *	1 attack imapd-worker[agency/17] open_passwd
 *	2 attack ats-worker[agency] raw peer=store times=1000\n<bytes of a message>
 *
 * An order travels to that process over its own channel (row attack) and is
 * carried out in its handler; its result comes back (row attack_report), or
 * its death is the result. Kinds of orders:
 *
 *	an attempt of attack.def	one thing an attacker would try; the result is
 *			"allowed", "errno EACCES", "limit ...", "none ..."
 *	raw		sends the given bytes, unchecked, as one packet over the
 *			channel to a peer; arguments, all but peer optional:
 *			peer=ROLE	role_name of the peer; posternd = the master
 *			unit=N host=H	which of several peers of that role
 *			times=N		again and again (until all are sent: it waits)
 *			fds=N		with N descriptors of /dev/null
 *			pass=1		with the descriptor that came with the order
 *			memfd=N		with a sealed memfd of N bytes
 *			pad=N		N more zero bytes behind the given ones
 *			cut=N		only the first N bytes
 *			result "sent N", or "errno NAME after N"
 *	peers		the peers it is wired to: "store/0/-#12 ..." as
 *			role/unit/host#channel
 *	list n=N	row N of attack.def as "name|group|text", "none" behind the last
 *	calls n=N	line N of its list of system calls (syscalls.def) as
 *			"label|allowed or refused|why", "none" behind the last
 *	use label=L	uses the call of that line as a library would: "used", or
 *			"none" where an ordinary run does that (attack_use.c)
 *	exit status=N	ends it
 */
#ifndef COMMON_ATTACK_H
#define COMMON_ATTACK_H

#include "channel.h"

#include <stddef.h>

#define ATTACK_RESULT_MAX LIM_DETAIL

/* One order as an attempt sees it. */
struct attack {
	struct slice argument;		/* "key=value key=value" */
	struct slice data;
	int fd;				/* passed with the order, else /dev/null */
	char result[ATTACK_RESULT_MAX + 1];
};

/* The value of key in the argument as text; false when it is not there. */
bool attack_arg(const struct attack *, const char *key, char *, size_t);
/* As a number; otherwise the default. */
unsigned long attack_number(const struct attack *, const char *key, unsigned long otherwise);

/* Results. attack_say sets the text itself. */
void attack_say(struct attack *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* r as of a system call: "allowed" unless -1, then "errno NAME". */
void attack_outcome(struct attack *, long r);

/* ---- used by child.c ---- */
int attack_on_order(struct chan *, const union msg *, int *fd);
/* A peer was wired with this descriptor. */
void attack_note_peer(const struct chan_peer *, int fd);

#endif

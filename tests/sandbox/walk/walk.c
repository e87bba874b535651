/*
 * walk LIBEXEC ROLE refuse|master STRIDE
 * walk LIBEXEC ROLE unasked
 * walk LIBEXEC ROLE flood N
 *
 * Attacks one real role executable, behind its real walls, over its channels.
 */
#include "walk.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FAILURES_SHOWN 20

void
walk_failed(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	if (w->failures++ == FAILURES_SHOWN)
		walk_die("and so on");
	printf("FAILED %s <- %s: ", role_name(w->life.role), role_name(w->peer));
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

bool
walk_legal(enum msg_type t, enum role from, enum role to)
{
	return (msg_table[t].from & (1u << from)) != 0 && (msg_table[t].to & (1u << to)) != 0;
}

bool
walk_wired(enum role a, enum role b)
{
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++)
		if (!craft_carries(t) && a != ROLE_MASTER && b != ROLE_MASTER &&
		    (walk_legal(t, a, b) || walk_legal(t, b, a)))
			return true;
	return false;
}

bool
walk_ends_with_peer(enum role role)
{
	return role == ROLE_SMTP || role == ROLE_MIME;
}

uint32_t
walk_unit(enum role peer)
{
	return role_table[peer].scope == SCOPE_UNIT ? 1 : 0;
}

void
walk_begin(struct walk *w, const char *libexec, enum role role)
{
	*w = (struct walk){ .libexec = libexec };
	for (int r = 0; r < ROLE__COUNT; r++)
		w->witness[r] = -1;
	life_start(&w->life, libexec, role);
	witness_begin(w);
	(void)life_settle(&w->life);
	w->descriptors = life_descriptors(&w->life);
}

void
walk_end(struct walk *w)
{
	int now;

	w->peer = ROLE_MASTER;
	if (w->life.master != -1 && life_settle(&w->life) && w->descriptors != -1 &&
	    (now = life_descriptors(&w->life)) > w->descriptors)
		walk_failed(w, "%d descriptors, %d before the attacks", now, w->descriptors);
	for (int r = 0; r < ROLE__COUNT; r++)
		if (w->witness[r] != -1)
			close(w->witness[r]);
	life_stop(&w->life);
	if (!life_ended_well(&w->life))
		walk_failed(w, "ends with status %x", (unsigned int)w->life.status);
}

void
walk_again(struct walk *w)
{
	struct walk fresh;
	enum role peer = w->peer;

	walk_end(w);
	walk_begin(&fresh, w->libexec, w->life.role);
	fresh.attacks = w->attacks;
	fresh.failures = w->failures;
	fresh.peer = peer;
	*w = fresh;
}

static enum role
role_named(const char *name)
{
	for (enum role r = ROLE_MASTER + 1; r < ROLE__COUNT; r++)
		if (strcmp(role_name(r), name) == 0)
			return r;
	walk_die("no role %s", name);
}

int
main(int argc, char **argv)
{
	struct walk w;
	unsigned long n = argc == 5 ? strtoul(argv[4], NULL, 10) : 0;
	bool counted = argc == 5 && n > 0;

	(void)signal(SIGPIPE, SIG_IGN);
	if (argc < 4)
		walk_die("usage: walk libexec role refuse|master|unasked|flood [n]");
	walk_begin(&w, argv[1], role_named(argv[2]));
	if (strcmp(argv[3], "refuse") == 0 && counted)
		walk_refuse(&w, (unsigned int)n);
	else if (strcmp(argv[3], "master") == 0 && counted)
		walk_master(&w, (unsigned int)n);
	else if (strcmp(argv[3], "unasked") == 0)
		walk_unasked(&w);
	else if (strcmp(argv[3], "flood") == 0 && counted)
		walk_flood(&w, n);
	else
		walk_die("what is %s?", argv[3]);
	walk_end(&w);
	printf("%s: %u attacks, %u failures\n", argv[2], w.attacks, w.failures);
	return w.failures == 0 ? 0 : 1;
}

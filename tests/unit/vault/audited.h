/*
 * audited.h - what the vault says for the audit log, heard by a master that the
 * test plays: whole lines, in order.
 */
#ifndef VAULT_AUDITED_H
#define VAULT_AUDITED_H

#include "served.h"

#include <stdio.h>

#include "audit.h"
#include "child.h"

#define PLACE "ats=agency link=7 unit=7 service=imap host=imap.example.org port=993 "

static char audited[8192];
static struct chan *above;

static void
collect(void *ctx, const char *key, struct slice text)
{
	size_t n = strlen(audited);

	(void)ctx;
	snprintf(audited + n, sizeof(audited) - n, " %s=%.*s", key, (int)text.n, (const char *)text.p);
}

static int
on_audit(struct chan *c, const union msg *m, int *fd)
{
	size_t n = strlen(audited);

	(void)c;
	(void)fd;
	assert_true(m->audit.event < AUDIT__COUNT);
	snprintf(audited + n, sizeof(audited) - n, "\n%s", audit_table[m->audit.event].name);
	assert_int_equal(audit_decode(m->audit.event, m->audit.fields, collect, NULL), 0);
	return 0;
}

static int
on_state(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

/* Exactly these lines since the last look. */
static inline void
told(const char *lines)
{
	chan_write(child.master);
	chan_read(above);
	assert_string_equal(audited, lines);
	audited[0] = '\0';
}

/* With the mechanism, ticket and what follows, of one line about ticket id. */
static inline void
told_of(const char *event, const char *mechanism, uint64_t id, const char *rest)
{
	char line[400];

	snprintf(line, sizeof(line), "\n%s " PLACE "mechanism=%s ticket=%016llx%s", event, mechanism,
	    (unsigned long long)id, rest);
	told(line);
}

static inline void
audited_start(void)
{
	static const struct chan_peer vault = { .role = ROLE_VAULT }, own = { .role = ROLE_MASTER };
	static const chan_handler handlers[MSG__COUNT] = { [MSG_audit] = on_audit,
		[MSG_vault_state] = on_state };
	static const struct chan_ops ops = { .handlers = handlers, .on_broken = broken },
		own_ops = { .handlers = serve_master };
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	child.master = chan_new(fds[0], ROLE_VAULT, &own, &own_ops, NULL);
	above = chan_new(fds[1], ROLE_MASTER, &vault, &ops, NULL);
	assert_true(child.master != NULL && above != NULL);
	chan_run(child.master);
	chan_run(above);
}

#endif

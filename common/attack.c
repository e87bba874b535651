/* Orders of the test harness: taken over the master channel, dispatched, reported. */
#include "attack.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attack_private.h"
#include "child.h"

static const struct {
	const char *name;
	void (*fn)(struct attack *);
} kinds[] = {
	{ "raw", attack_raw },
	{ "peers", attack_peers },
	{ "list", attack_list },
	{ "calls", attack_calls },
	{ "use", attack_use },
	{ "exit", attack_exit },
};

bool
attack_arg(const struct attack *a, const char *key, char *out, size_t size)
{
	const char *p = (const char *)a->argument.p, *end = p + a->argument.n;
	size_t n = strlen(key);

	while (p != NULL && p < end) {
		const char *next = memchr(p, ' ', (size_t)(end - p));
		size_t len = (size_t)((next != NULL ? next : end) - p);

		if (len > n && memcmp(p, key, n) == 0 && p[n] == '=')
			return slice_copy(slice_mem(p + n + 1, len - n - 1), out, size) == 0;
		p = next != NULL ? next + 1 : end;
	}
	return false;
}

unsigned long
attack_number(const struct attack *a, const char *key, unsigned long otherwise)
{
	char text[32];

	return attack_arg(a, key, text, sizeof(text)) ? strtoul(text, NULL, 0) : otherwise;
}

void
attack_say(struct attack *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(a->result, sizeof(a->result), fmt, ap);
	va_end(ap);
}

void
attack_outcome(struct attack *a, long r)
{
	const char *name = strerrorname_np(errno);

	if (r != -1)
		attack_say(a, "allowed");
	else
		attack_say(a, "errno %s", name != NULL ? name : "?");
}

/* ---- small kinds ---- */

void
attack_exit(struct attack *a)
{
	exit((int)attack_number(a, "status", 0));
}

/* ---- dispatch ---- */

static void
carry_out(struct attack *a, struct slice name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (slice_eq_str(name, kinds[i].name)) {
			kinds[i].fn(a);
			return;
		}
	if (!attack_try(a, name))
		attack_say(a, "unknown order");
}

int
attack_on_order(struct chan *c, const union msg *m, int *fd)
{
	static struct attack a;

	a = (struct attack){ .argument = m->attack.argument, .data = m->attack.data, .fd = *fd };
	carry_out(&a, m->attack.name);
	(void)send_attack_report(c,
	    &(struct msg_attack_report){ .req = m->attack.req, .result = slice_str(a.result) });
	/* The next attempt may be the last: nothing may wait for the loop. */
	(void)chan_flush_blocking(c);
	return 0;
}

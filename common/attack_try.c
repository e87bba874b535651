/* The attempts of attack.def, by name. */
#include "attack_try.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

char try_space[4096];
const struct timespec try_no_time = { .tv_nsec = -1 };
char *const try_argv[] = { (char *)(uintptr_t) "sh", NULL };

#define CALL(name, ...) syscall(SYS_##name, ##__VA_ARGS__)
#define PID(who) ((pid_t)attack_number(a, who, 0))
#define PATH(what) try_path(a, what)
#define FD (a->fd)

#define TRY(name, group, text, expression)                                                                             \
	static long t_##name(struct attack *a)                                                                         \
	{                                                                                                              \
		(void)a;                                                                                               \
		return (long)(expression);                                                                             \
	}
#include "attack.def"
#undef TRY

static const struct {
	const char *name, *group, *text;
	long (*fn)(struct attack *);
} tries[] = {
#define TRY(name, group, text, expression) { #name, group, text, t_##name },
#include "attack.def"
#undef TRY
};

#define COUNT (sizeof(tries) / sizeof(tries[0]))

void
attack_list(struct attack *a)
{
	unsigned long i = attack_number(a, "n", 0);

	if (i < COUNT)
		attack_say(a, "%s|%s|%s", tries[i].name, tries[i].group, tries[i].text);
	else
		attack_say(a, "none");
}

const char *
try_path(struct attack *a, const char *key)
{
	static char path[LIM_PATH + 1];

	return attack_arg(a, key, path, sizeof(path)) ? path : "/nothing";
}

static void
outcome(struct attack *a, long r)
{
	if (r == TRY_NONE)
		attack_say(a, "none");
	else if (r != TRY_LIMIT && r != TRY_PART)
		attack_outcome(a, r);
}

bool
attack_try(struct attack *a, struct slice name)
{
	for (size_t i = 0; i < COUNT; i++)
		if (slice_eq_str(name, tries[i].name)) {
			memset(try_space, 0, sizeof(try_space));
			outcome(a, tries[i].fn(a));
			return true;
		}
	return false;
}

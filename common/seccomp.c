/*
 * The filter of each profile, from syscalls.def. Default: the process is
 * killed.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "seccomp_private.h"

#define P(x) (1u << PROFILE_##x)
#define ALL (P(VAULT) | EVENT)
#define EVENT (P(DIALER) | P(TLS) | P(WORKER) | P(MIME) | P(STORE) | P(LISTENER))
#define BODIES (P(WORKER) | P(MIME) | P(STORE) | P(LISTENER))

#define TYPE_MASK 0xfu	/* below SOCK_CLOEXEC and SOCK_NONBLOCK */

/* A condition on one argument: (argument & mask) == value. */
struct condition {
	bool used, self;
	uint8_t arg;
	uint64_t mask, value;
};

#define IS(n, v) { .used = true, .arg = n, .mask = UINT32_MAX, .value = (uint32_t)(v) }
#define NONE_OF(n, bits) { .used = true, .arg = n, .mask = (bits) }
#define TYPE(t) { .used = true, .arg = 1, .mask = TYPE_MASK, .value = (t) }
#define SELF(n) { .used = true, .self = true, .arg = n, .mask = UINT32_MAX }

#define CONDITIONS 3
enum action { ALLOW, REFUSE };

static const struct line {
	const char *label;
	int nr;
	unsigned int profiles;
	enum action action;
	const char *why;
	struct condition conditions[CONDITIONS];
} lines[] = {
#define LINE(label, call, profiles, action, why, ...)                                                                  \
	{ label, SCMP_SYS(call), profiles, action, why, { __VA_ARGS__ } },
#include "syscalls.def"
#undef LINE
};

#define COUNT (sizeof(lines) / sizeof(lines[0]))

#ifdef POSTERN_TEST_HOOKS
const char *seccomp_left_out = "";

bool
seccomp_line(enum sandbox_profile profile, size_t n, struct seccomp_row *row)
{
	for (size_t i = 0; i < COUNT; i++)
		if ((lines[i].profiles & (1u << profile)) != 0 && n-- == 0) {
			*row = (struct seccomp_row){ lines[i].label, lines[i].why, lines[i].action == REFUSE };
			return true;
		}
	return false;
}
#endif

static bool
is_for(const struct line *l, enum sandbox_profile profile)
{
#ifdef POSTERN_TEST_HOOKS
	if (strcmp(l->label, seccomp_left_out) == 0)
		return false;
#endif
	return (l->profiles & (1u << profile)) != 0;
}

static int
add_line(scmp_filter_ctx ctx, const struct line *l)
{
	struct scmp_arg_cmp cmp[CONDITIONS];
	unsigned int n = 0;

	for (; n < CONDITIONS && l->conditions[n].used; n++) {
		const struct condition *c = &l->conditions[n];

		cmp[n] = (struct scmp_arg_cmp){ .arg = c->arg, .op = SCMP_CMP_MASKED_EQ, .datum_a = c->mask,
			.datum_b = c->self ? (uint32_t)getpid() : c->value };
	}
	return seccomp_rule_add_array(ctx, l->action == ALLOW ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(EACCES), l->nr, n, cmp);
}

int
sandbox_seccomp(enum sandbox_profile profile)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = 0;

	if (ctx == NULL)
		return -1;
	for (size_t i = 0; i < COUNT && r == 0; i++)
		if (is_for(&lines[i], profile))
			r = add_line(ctx, &lines[i]);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r == 0 ? 0 : -1;
}

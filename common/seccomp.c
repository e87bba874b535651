/*
 * The system calls of each profile. Default: the process is killed. EACCES
 * for opens ("may ask, does not get"), ENOSYS for newcomers that libc tries
 * first and falls back from.
 */
#include "sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

/* The macros of seccomp.h leave the second datum out; clang minds. */
#define ARG(n, how, a, b) ((struct scmp_arg_cmp){ .arg = n, .op = how, .datum_a = a, .datum_b = b })

#define P(x) (1u << PROFILE_##x)
#define ALL (P(VAULT) | P(DIALER) | P(TLS) | P(WORKER) | P(MIME) | P(STORE) | P(LISTENER))

struct call {
	int nr;
	unsigned int profiles;
};

static const struct call allowed[] = {
	/* bytes and events on descriptors that are open */
	{ SCMP_SYS(read), ALL },
	{ SCMP_SYS(write), ALL },
	{ SCMP_SYS(readv), ALL },
	{ SCMP_SYS(writev), ALL },
	{ SCMP_SYS(recvmsg), ALL },
	{ SCMP_SYS(sendmsg), ALL },
	{ SCMP_SYS(recvfrom), P(TLS) | P(WORKER) | P(LISTENER) | P(DIALER) },
	{ SCMP_SYS(sendto), P(TLS) | P(WORKER) | P(LISTENER) | P(DIALER) },
	{ SCMP_SYS(shutdown), P(TLS) | P(WORKER) | P(LISTENER) | P(DIALER) },
	{ SCMP_SYS(close), ALL },
	{ SCMP_SYS(lseek), ALL },
	{ SCMP_SYS(fstat), ALL },
	{ SCMP_SYS(epoll_wait), ALL & ~P(VAULT) },
	{ SCMP_SYS(epoll_pwait), ALL & ~P(VAULT) },
	{ SCMP_SYS(epoll_ctl), ALL & ~P(VAULT) },
	{ SCMP_SYS(poll), P(VAULT) | P(DIALER) },
	{ SCMP_SYS(ppoll), P(VAULT) },
	/* memory: never executable, see below for mmap and mprotect */
	{ SCMP_SYS(munmap), ALL },
	{ SCMP_SYS(mremap), ALL },
	{ SCMP_SYS(madvise), ALL },
	{ SCMP_SYS(brk), ALL },
	{ SCMP_SYS(memfd_create), P(WORKER) | P(MIME) | P(STORE) | P(LISTENER) },
	{ SCMP_SYS(mlock), P(VAULT) },
	{ SCMP_SYS(munlock), P(VAULT) },
	/* oneself and the clock */
	{ SCMP_SYS(getpid), ALL },
	{ SCMP_SYS(gettid), ALL },
	{ SCMP_SYS(getrandom), ALL },
	{ SCMP_SYS(clock_gettime), ALL },
	{ SCMP_SYS(gettimeofday), ALL },
	{ SCMP_SYS(time), ALL },
	{ SCMP_SYS(futex), ALL },
	{ SCMP_SYS(rt_sigaction), ALL },
	{ SCMP_SYS(rt_sigprocmask), ALL },
	{ SCMP_SYS(rt_sigreturn), ALL },
	{ SCMP_SYS(restart_syscall), ALL },
	{ SCMP_SYS(exit), ALL },
	{ SCMP_SYS(exit_group), ALL },
	/* clients of an inherited listening socket */
	{ SCMP_SYS(accept4), P(LISTENER) },
	{ SCMP_SYS(getsockopt), P(LISTENER) | P(TLS) | P(DIALER) | P(WORKER) },
	{ SCMP_SYS(setsockopt), P(TLS) | P(DIALER) },
	/* the database: its files are open already */
	{ SCMP_SYS(pread64), P(STORE) },
	{ SCMP_SYS(pwrite64), P(STORE) },
	{ SCMP_SYS(pwritev), P(STORE) },
	{ SCMP_SYS(fdatasync), P(STORE) },
	{ SCMP_SYS(fsync), P(STORE) },
	{ SCMP_SYS(msync), P(STORE) },
	{ SCMP_SYS(ftruncate), P(STORE) },
	{ SCMP_SYS(fstatfs), P(STORE) },
	/* names and connections */
	{ SCMP_SYS(connect), P(DIALER) },
	{ SCMP_SYS(bind), P(DIALER) },
	{ SCMP_SYS(getsockname), P(DIALER) | P(TLS) },
	{ SCMP_SYS(getpeername), P(DIALER) },
	{ SCMP_SYS(uname), P(DIALER) },
	{ SCMP_SYS(sysinfo), ALL & ~P(VAULT) },
};

static const int denied_eacces[] = { SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(statx), SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat) };

static const int denied_enosys[] = { SCMP_SYS(clone3), SCMP_SYS(openat2), SCMP_SYS(close_range),
	SCMP_SYS(epoll_pwait2), SCMP_SYS(rseq) };

static const int file_reads[] = { SCMP_SYS(openat), SCMP_SYS(newfstatat), SCMP_SYS(stat), SCMP_SYS(statx),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(readlink) };

static const int fcntl_all[] = { F_GETFL, F_SETFL, F_GETFD, F_SETFD, F_ADD_SEALS, F_GET_SEALS };
static const int fcntl_locks[] = { F_GETLK, F_SETLK, F_SETLKW };

static int
add_calls(scmp_filter_ctx ctx, enum sandbox_profile profile)
{
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++)
		if ((allowed[i].profiles & (1u << profile)) != 0 &&
		    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i].nr, 0) != 0)
			return -1;
	return 0;
}

static int
add_list(scmp_filter_ctx ctx, uint32_t action, const int *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seccomp_rule_add(ctx, action, list[i], 0) != 0)
			return -1;
	return 0;
}

/* The whole 64 bits are compared; PROT_EXEC is refused here on every kernel. */
static int
add_memory(scmp_filter_ctx ctx)
{
	const struct scmp_arg_cmp no_exec = ARG(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);

	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec) != 0 ||
		       seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec) != 0
	    ? -1
	    : 0;
}

static int
add_fcntl(scmp_filter_ctx ctx, const int *cmds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
			ARG(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)cmds[i])) != 0)
			return -1;
	return 0;
}

/* abort() must look like a crash, not like a policy kill. */
static int
add_self_signal(scmp_filter_ctx ctx)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
	    ARG(0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)getpid()));
}

static int
add_dialer(scmp_filter_ctx ctx)
{
	static const int families[] = { AF_INET, AF_INET6 };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
			ARG(0, SCMP_CMP_MASKED_EQ, UINT32_MAX, (uint32_t)families[i])) != 0)
			return -1;
	return add_list(ctx, SCMP_ACT_ALLOW, file_reads, sizeof(file_reads) / sizeof(file_reads[0]));
}

static int
add_profile(scmp_filter_ctx ctx, enum sandbox_profile profile)
{
	if (profile == PROFILE_DIALER)
		return add_dialer(ctx);
	if (add_list(ctx, SCMP_ACT_ERRNO(EACCES), denied_eacces, sizeof(denied_eacces) / sizeof(int)) == -1)
		return -1;
	if (profile == PROFILE_STORE)
		return add_fcntl(ctx, fcntl_locks, sizeof(fcntl_locks) / sizeof(int));
	/* libevent asks how much there is to read. */
	if (profile == PROFILE_WORKER || profile == PROFILE_LISTENER || profile == PROFILE_TLS)
		return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, ARG(1, SCMP_CMP_MASKED_EQ, UINT32_MAX, FIONREAD));
	return 0;
}

int
sandbox_seccomp(enum sandbox_profile profile)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = -1;

	if (ctx == NULL)
		return -1;
	if (add_calls(ctx, profile) == 0 && add_memory(ctx) == 0 &&
	    add_fcntl(ctx, fcntl_all, sizeof(fcntl_all) / sizeof(int)) == 0 && add_self_signal(ctx) == 0 &&
	    add_list(ctx, SCMP_ACT_ERRNO(ENOSYS), denied_enosys, sizeof(denied_enosys) / sizeof(int)) == 0 &&
	    add_profile(ctx, profile) == 0)
		r = seccomp_load(ctx) == 0 ? 0 : -1;
	seccomp_release(ctx);
	return r;
}

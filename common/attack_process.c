/* Attempts on processes and on the kernel. */
#include "attack_try.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define STACK 65536

long
try_gone(long pid)
{
	if (pid == 0)
		_exit(0);
	return pid;
}

/* Not libc's wrapper: a child of it shares the stack and must leave at once. */
long
try_vfork(void)
{
	long r;

	__asm__ volatile("syscall\n\t"
			 "test %%rax, %%rax\n\t"
			 "jnz 1f\n\t"
			 "xor %%edi, %%edi\n\t"
			 "mov $231, %%eax\n\t"	/* exit_group */
			 "syscall\n"
			 "1:"
			 : "=a"(r)
			 : "a"((long)SYS_vfork)
			 : "rcx", "r11", "rdi", "memory");
	if (r < 0) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

long
try_clone3(void)
{
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} args = { .exit_signal = SIGCHLD };

	return try_gone(syscall(SYS_clone3, &args, sizeof(args)));
}

static int
thread(void *arg)
{
	(void)arg;
	syscall(SYS_exit, 0);
	return 0;
}

long
try_thread(void)
{
	static char stack[STACK] __attribute__((aligned(16)));

	return clone(thread, stack + sizeof(stack), CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM,
	    NULL);
}

long
try_sigqueue(pid_t pid)
{
	siginfo_t info = { .si_code = SI_QUEUE };

	return syscall(SYS_rt_sigqueueinfo, pid, 0, &info);
}

long
try_vm(long nr, pid_t pid)
{
	char byte = 0;
	struct iovec mine = { &byte, 1 }, theirs = { try_space, 1 };

	return syscall(nr, pid, &mine, 1, &theirs, 1, 0);
}

long
try_proc(pid_t pid, const char *file)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	return syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
}

long
try_realtime(void)
{
	struct sched_param p = { .sched_priority = 1 };

	return syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &p);
}

long
try_capset(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2] = { { .effective = 1u << CAP_SYS_ADMIN, .permitted = 1u << CAP_SYS_ADMIN } };

	return syscall(SYS_capset, &h, d);
}

long
try_setrlimit(void)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	return syscall(SYS_setrlimit, RLIMIT_NPROC, &all);
}

long
try_prlimit(pid_t pid)
{
	struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };

	return syscall(SYS_prlimit64, pid, RLIMIT_NPROC, &all, NULL);
}

long
try_seccomp(void)
{
	struct sock_filter allow = { .code = BPF_RET, .k = SECCOMP_RET_ALLOW };
	struct sock_fprog prog = { 1, &allow };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
}

/* getpid by the door of 32-bit programs: another table of calls. */
long
try_int80(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "r8", "r9", "r10", "r11", "memory");
	if (r < 0 && r > -4096) {
		errno = (int)-r;
		return -1;
	}
	return r;
}

long
try_core(void)
{
	abort();
}

long
try_io_uring(struct attack *a)
{
	(void)a;
	return syscall(SYS_io_uring_setup, 1, try_space);
}

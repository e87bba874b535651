/*
 * The walls from inside: each attempt runs in a process of its own behind the
 * real sandbox, with and without the walls of newer kernels, and must end the
 * way the table says. Sanitizer builds have no walls to test.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "enums.h"
#include "sandbox.h"

#ifndef POSTERN_SANITIZE

#define KILLED -1
#define HAPPENED 0	/* the attempt succeeded: no wall */

static int
try_open(void)
{
	return open("/etc/passwd", O_RDONLY) == -1 ? errno : HAPPENED;
}

static int
try_mem(void)
{
	return open("/proc/self/mem", O_RDWR) == -1 ? errno : HAPPENED;
}

static int
try_create(void)
{
	return open("/tmp/postern-test-created", O_WRONLY | O_CREAT, 0600) == -1 ? errno : HAPPENED;
}

static int
try_socket(int family)
{
	return socket(family, SOCK_STREAM, 0) == -1 ? errno : HAPPENED;
}

static int
try_inet(void)
{
	return try_socket(AF_INET);
}

static int
try_unix(void)
{
	return try_socket(AF_UNIX);
}

static int
try_netlink(void)
{
	return try_socket(AF_NETLINK);
}

static int
try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 ? errno : HAPPENED;
}

static int
try_exec(void)
{
	char *const argv[] = { (char *)(uintptr_t)"true", NULL };

	execv("/bin/true", argv);
	return errno;
}

static int
try_signal(void)
{
	return kill(getppid(), 0) == -1 ? errno : HAPPENED;
}

static int
try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == -1 ? errno : HAPPENED;
}

static int
try_exec_map(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
	    ? errno
	    : HAPPENED;
}

static int
try_exec_protect(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mprotect(p, 4096, PROT_READ | PROT_EXEC) == -1 ? errno : HAPPENED;
}

static int
try_mount(void)
{
	return mount("none", "/tmp", "tmpfs", 0, NULL) == -1 ? errno : HAPPENED;
}

static int
try_unshare(void)
{
	return syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) == -1 ? errno : HAPPENED;
}

static int
try_limits(void)
{
	return setrlimit(RLIMIT_NPROC, &(struct rlimit){ 10, 10 }) == -1 ? errno : HAPPENED;
}

static int
try_io_uring(void)
{
	return syscall(425, 1, NULL) == -1 ? errno : HAPPENED;
}

static int
try_prctl(void)
{
	return prctl(PR_SET_DUMPABLE, 1) == -1 ? errno : HAPPENED;
}

static int
try_nothing(void)
{
	return 77;	/* a process that does nothing forbidden lives */
}

#define FILES_FREE (1u << PROFILE_DIALER)
/* Who may ask for a file, and is told no: the others are killed for asking. */
#define MAY_ASK ((1u << PROFILE_DIALER) | (1u << PROFILE_MIME))

static const struct {
	const char *what;
	int (*attempt)(void);
	int expected;		/* EACCES: of those who may ask */
	unsigned int not_for;	/* profiles with another outcome, tested below */
} attempts[] = {
	{ "nothing", try_nothing, 77, 0 },
	{ "open /etc/passwd", try_open, EACCES, FILES_FREE },
	{ "open /proc/self/mem", try_mem, EACCES, 0 },
	{ "create a file", try_create, EACCES, 0 },
	{ "socket AF_INET", try_inet, KILLED, FILES_FREE },
	{ "socket AF_UNIX", try_unix, KILLED, 0 },
	{ "socket AF_NETLINK", try_netlink, KILLED, 0 },
	{ "fork", try_fork, KILLED, 0 },
	{ "exec", try_exec, KILLED, 0 },
	{ "signal the parent", try_signal, KILLED, 0 },
	{ "ptrace", try_ptrace, KILLED, 0 },
	{ "map executable memory", try_exec_map, KILLED, 0 },
	{ "make memory executable", try_exec_protect, KILLED, 0 },
	{ "mount", try_mount, KILLED, 0 },
	{ "unshare", try_unshare, KILLED, 0 },
	{ "raise a limit", try_limits, KILLED, 0 },
	{ "io_uring", try_io_uring, KILLED, 0 },
	{ "become dumpable", try_prctl, KILLED, 0 },
};

/* What the attempt came to behind the walls of that role. */
static int
run(enum role role, uint32_t flags, int (*attempt)(void))
{
	struct sandbox_request req = { .role = role, .flags = flags, .uid = getuid(), .gid = getgid() };
	struct sandbox_result res = { 0 };
	const char *step;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_drop(&req, &res, &step) == -1 || sandbox_lock(&req, &res, &step) == -1)
			_exit(99);
		_exit(attempt());
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGSYS ? KILLED : 1000 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static void
walls(uint32_t flags)
{
	for (enum role role = ROLE_VAULT; role < ROLE__COUNT; role++)
		for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
			int got, expected;

			if ((attempts[i].not_for & (1u << role_table[role].profile)) != 0)
				continue;
			got = run(role, flags, attempts[i].attempt);
			expected = attempts[i].expected;
			if (expected == EACCES && (MAY_ASK & (1u << role_table[role].profile)) == 0)
				expected = KILLED;
			if (got != expected)
				fail_msg("%s, %s: %d, expected %d", role_name(role), attempts[i].what, got, expected);
		}
}

static void
test_walls(void **state)
{
	(void)state;
	walls(0);
}

static void
test_walls_of_kernel_61(void **state)
{
	(void)state;
	walls(SANDBOX_PRETEND_61);
}

static int
try_open_etc(void)
{
	return open("/etc/hosts", O_RDONLY) == -1 ? errno : 77;
}

static int
try_open_home(void)
{
	return open("/usr/bin/true", O_RDONLY) == -1 ? errno : HAPPENED;
}

/* The dialer reads resolver files and makes internet sockets, nothing else. */
static void
test_dialer(void **state)
{
	(void)state;
	assert_int_equal(run(ROLE_DIALER, 0, try_open_etc), 77);
	assert_int_equal(run(ROLE_DIALER, 0, try_open_home), EACCES);
	assert_int_equal(run(ROLE_DIALER, 0, try_inet), HAPPENED);
	assert_int_equal(run(ROLE_DIALER, SANDBOX_PRETEND_61, try_open_home), EACCES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walls),
		cmocka_unit_test(test_walls_of_kernel_61),
		cmocka_unit_test(test_dialer),
	};
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}

#else

static void
test_no_walls(void **state)
{
	(void)state;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_no_walls) };

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}

#endif

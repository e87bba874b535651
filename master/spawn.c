/*
 * fork and exec of one child: descriptor 3 is its channel, 0 and 1 /dev/null,
 * and 2 too, nothing else open; empty environment. What a child has to say goes
 * over its channel, where nobody speaks in another's name: so not even with -d
 * does it get our standard error (but in a sanitizer build, whose reports it is).
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loop.h"
#include "master.h"

#define CHILD_FD 3

/* A child is not dumpable, so LeakSanitizer cannot stop and read it, and would
 * make a failure of each end. */
#ifdef POSTERN_SANITIZE
#define CHILD_ENVIRONMENT (char *)(uintptr_t)"ASAN_OPTIONS=detect_leaks=0"
#else
#define CHILD_ENVIRONMENT NULL
#endif

static void
reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		(void)signal(s, SIG_DFL);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static bool
keeps_stderr(void)
{
#ifdef POSTERN_SANITIZE
	return master.foreground;
#else
	return false;
#endif
}

/* Only async-signal-safe calls from here to exec. */
static void __attribute__((noreturn))
become_child(const char *path, char *const argv[], int sock)
{
	static char *const empty[] = { CHILD_ENVIRONMENT, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(sock, CHILD_FD) == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		_exit(126);
	if (!keeps_stderr() && dup2(null, 2) == -1)
		_exit(126);
	(void)fcntl(CHILD_FD, F_SETFD, 0);
	closefrom(CHILD_FD + 1);
	(void)setsid();
	/* The parent's death reaches a child as EOF on its channel; a child that
	 * is still before its first read, or stands still, is covered by this. The
	 * sandbox says it again: a change of user forgets it. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	reset_signals();
	execve(path, argv, empty);
	_exit(127);
}

int
spawn(struct proc *p)
{
	char path[LIM_PATH + 64];
	char *argv[] = { (char *)(uintptr_t)role_name(p->role), NULL };
	struct chan_peer peer = { .role = p->role, .unit = p->unit };
	int sv[2];

	snprintf(path, sizeof(path), "%s/%s", master.conf->libexec_dir, role_name(p->role));
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1)
		return -1;
	if ((p->pid = fork()) == 0)
		become_child(path, argv, sv[1]);
	close(sv[1]);
	if (p->pid == -1) {
		close(sv[0]);
		return -1;
	}
	if ((p->chan = chan_new(sv[0], ROLE_MASTER, &peer, &proc_chan_ops, p)) == NULL)
		return -1;
	loop_add(p->chan);
	return 0;
}

/*
 * Channel attacks on the master: from every role, every row of messages.def
 * whole and broken. The sender is killed, the log names it and why. And who
 * falls when one process accuses another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../sandbox/walk/craft.h"
#include "child.h"
#include "master.h"

struct master master;

static struct tenant tenant = { .name = "agency" };
static struct conf conf;
static struct craft craft;
static struct proc procs_of[ROLE__COUNT];
static int attacker[ROLE__COUNT];
static int stderr_was;

/* A process that waits to be killed. */
static pid_t
victim(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
	return pid;
}

static void
start(enum role role, bool running)
{
	struct proc *p = &procs_of[role];
	int sv[2];

	*p = (struct proc){ .role = role, .pid = victim(), .state = running ? PROC_RUNNING : PROC_STARTING };
	if (role_table[role].scope != SCOPE_HOST)
		p->tenant = &tenant;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	attacker[role] = sv[1];
	p->chan = chan_new(sv[0], ROLE_MASTER, &(struct chan_peer){ .role = role }, &proc_chan_ops, p);
	if (running)
		chan_run(p->chan);
	TAILQ_INSERT_TAIL(&procs, p, entry);
}

static void
forget_log(void)
{
	static char text[4096];
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	/* What cmocka says of a failed test must be seen. */
	text[n > 0 ? n : 0] = '\0';
	if (strstr(text, "LINE") != NULL && write(stderr_was, text, (size_t)n) != n)
		abort();
	assert_int_equal(ftruncate(STDERR_FILENO, 0), 0);
	assert_int_equal(lseek(STDERR_FILENO, 0, SEEK_SET), 0);
}

/* A fresh channel and a fresh reputation; the process, once killed, stays a zombie. */
static void
rewire(enum role role, bool running)
{
	struct proc *p = &procs_of[role];
	int sv[2];

	chan_free(p->chan);
	close(attacker[role]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	attacker[role] = sv[1];
	p->chan = chan_new(sv[0], ROLE_MASTER, &(struct chan_peer){ .role = role }, &proc_chan_ops, p);
	if (running)
		chan_run(p->chan);
	p->failed_setup = false;
	p->last_exit[0] = '\0';
	forget_log();
}

static void
end(enum role role)
{
	struct proc *p = &procs_of[role];

	wiring_forget(p);
	TAILQ_REMOVE(&procs, p, entry);
	chan_free(p->chan);
	close(attacker[role]);
	kill(p->pid, SIGKILL);
	waitpid(p->pid, NULL, 0);
}

static bool
killed(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == pid;
}

static bool
logged(const char *a, const char *b)
{
	static char text[65536];
	ssize_t n = pread(STDERR_FILENO, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return strstr(text, a) != NULL && strstr(text, b) != NULL;
}

static void
attack(enum role role, const char *what)
{
	struct proc *p = &procs_of[role];
	char line[128];

	assert_int_equal(craft_send(attacker[role], &craft), 0);
	chan_read(p->chan);
	snprintf(line, sizeof(line), "protocol breach by %s", proc_label(p));
	if (!chan_dead(p->chan) || !p->failed_setup || p->last_exit[0] == '\0' || !logged(line, p->last_exit))
		fail_msg("%s from %s was not refused: %s", what, role_name(role), p->last_exit);
}

static void
test_every_role_every_message(void **state)
{
	int n = 0;

	(void)state;
	for (enum role role = ROLE_MASTER + 1; role < ROLE__COUNT; role++) {
		start(role, true);
		for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
			const struct msg_info *info = &msg_table[t];
			bool legal = (info->from & (1u << role)) != 0 && (info->to & R_MASTER) != 0;
			bool late = info->phase != MSGP_SETUP;

			for (size_t i = 0; legal && craft_breakage(&craft, t, i); i++, n++) {
				rewire(role, late);
				attack(role, craft.what);
			}
			for (enum craft_fill f = 0; !legal && f < FILL__COUNT; f++, n++) {
				rewire(role, late);
				craft_whole(&craft, t, f);
				attack(role, craft.what);
			}
			if (legal && info->phase != MSGP_ANY) {
				rewire(role, !late);
				craft_whole(&craft, t, FILL_SOME);
				attack(role, "out of phase");
			}
		}
		for (int i = 0; i < 100 && !killed(procs_of[role].pid); i++)
			(void)poll(NULL, 0, 10);
		assert_true(killed(procs_of[role].pid));
		end(role);
	}
	print_message("%d packets\n", n);
}

static int
reach(enum role role)
{
	return role_table[role].scope == SCOPE_HOST ? 2 : role_table[role].scope == SCOPE_ATS ? 1 : 0;
}

/* Every pair that is wired, in both directions. */
static void
test_accusations(void **state)
{
	int n = 0;

	(void)state;
	for (enum role a = ROLE_MASTER + 1; a < ROLE__COUNT; a++)
		for (enum role b = ROLE_MASTER + 1; b < ROLE__COUNT; b++) {
			struct proc *p = &procs_of[a], *q = &procs_of[b];
			uint32_t chan;
			char line[256];

			if (a == b)
				continue;
			start(a, true);
			start(b, true);
			wiring_connect(p);
			if ((chan = wiring_chan(p, q)) != 0) {
				struct proc *falls = reach(b) > reach(a) ? p : q, *stays = falls == p ? q : p;
				struct msg_broken m = { .chan = chan, .reason = slice_str("because") };

				forget_log();
				wbuf_reset(&craft.bytes);
				w_u16(&craft.bytes, MSG_broken);
				msg_encode(&craft.bytes, MSG_broken, &m);
				craft.fds = FDS_NONE;
				assert_int_equal(craft_send(attacker[a], &craft), 0);
				chan_read(p->chan);
				assert_true(falls->failed_setup);
				assert_false(stays->failed_setup);
				snprintf(line, sizeof(line), "protocol breach by %s seen by ", proc_label(q));
				assert_true(logged(line, "reason=because"));
				snprintf(line, sizeof(line), " seen by %s ", proc_label(p));
				assert_true(logged(line, line));
				n++;
			}
			end(a);
			end(b);
		}
	assert_int_equal(n, 16);	/* eight pairs */
}

static int
accuse(enum role who, enum role whom, enum msg_type type)
{
	uint32_t chan = wiring_chan(&procs_of[who], &procs_of[whom]);
	union msg m = { 0 };

	assert_true(chan != 0);
	if (type == MSG_stuck)
		m.stuck.chan = chan;
	else
		m.broken.chan = chan;
	wbuf_reset(&craft.bytes);
	w_u16(&craft.bytes, (uint16_t)type);
	msg_encode(&craft.bytes, type, &m);
	craft.fds = FDS_NONE;
	return craft_send(attacker[who], &craft);
}

/* Whom we are ending has nothing to say about others. */
static void
test_the_condemned_accuses_nobody(void **state)
{
	(void)state;
	start(ROLE_STORE, true);
	start(ROLE_ATS, true);
	wiring_connect(&procs_of[ROLE_STORE]);
	assert_int_equal(accuse(ROLE_STORE, ROLE_ATS, MSG_broken), 0);
	chan_read(procs_of[ROLE_STORE].chan);
	assert_true(procs_of[ROLE_ATS].failed_setup);
	assert_int_equal(accuse(ROLE_ATS, ROLE_STORE, MSG_broken), 0);
	chan_read(procs_of[ROLE_ATS].chan);
	assert_false(procs_of[ROLE_STORE].failed_setup);
	end(ROLE_STORE);
	end(ROLE_ATS);
}

/* "Does not answer" is for parsers: a store must not end the vault by it. */
static void
test_stuck_is_for_parsers(void **state)
{
	static const enum role others[] = { ROLE_VAULT, ROLE_CONTROL, ROLE_ATS, ROLE_IMAP, ROLE_SMTP, ROLE_MIME };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		start(ROLE_STORE, true);
		start(others[i], true);
		wiring_connect(&procs_of[ROLE_STORE]);
		assert_int_equal(accuse(ROLE_STORE, others[i], MSG_stuck), 0);
		chan_read(procs_of[ROLE_STORE].chan);
		assert_int_equal(procs_of[others[i]].failed_setup, others[i] == ROLE_MIME);
		assert_int_equal(procs_of[ROLE_STORE].failed_setup, others[i] != ROLE_MIME);
		end(ROLE_STORE);
		end(others[i]);
	}
}

static int
log_to_file(void **state)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	(void)state;
	stderr_was = dup(STDERR_FILENO);
	(void)signal(SIGPIPE, SIG_IGN);
	child.role = ROLE_MASTER;
	master.conf = &conf;
	TAILQ_INIT(&master.tenants);
	TAILQ_INIT(&tenant.units);
	logger_open(true, LOG_LVL_INFO);
	fflush(stderr);
	return fd == -1 || dup2(fd, STDERR_FILENO) == -1 || close(fd) == -1 ? -1 : 0;
}

static int
log_to_stderr(void **state)
{
	(void)state;
	return dup2(stderr_was, STDERR_FILENO) == -1 || close(stderr_was) == -1 ? -1 : 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_role_every_message),
		cmocka_unit_test(test_accusations),
		cmocka_unit_test(test_the_condemned_accuses_nobody),
		cmocka_unit_test(test_stuck_is_for_parsers),
	};
	int r = cmocka_run_group_tests_name("walk", tests, log_to_file, log_to_stderr);

	wbuf_free(&craft.bytes);
	return r;
}

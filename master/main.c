/*
 * posternd - starts, wires, confines and supervises the processes of Postern.
 */
#include <err.h>
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit_log.h"
#include "child.h"
#ifdef POSTERN_TEST_HOOKS
#include "harness.h"
#endif
#include "loop.h"
#include "master.h"
#include "vault.h"

#define DEFAULT_CONF POSTERN_SYSCONFDIR "/postern/postern.conf"

struct master master;

/* In which order processes end: those that make work first, then those that
 * carry it, then those that serve everybody. */
static const uint32_t end_order[] = { R_ATS | R_CONTROL | R_IMAP | R_SMTP, R_TLS | R_MIME | R_STORE,
	R_VAULT | R_DIALER };
static size_t end_stage;

static void __attribute__((noreturn))
usage(void)
{
	fprintf(stderr, "usage: posternd [-dnv] [-f file]\n");
	exit(2);
}

/* ---- signals ---- */

static void
end_next(void)
{
	while (end_stage < sizeof(end_order) / sizeof(end_order[0]) && proc_end_roles(end_order[end_stage]))
		end_stage++;
	if (end_stage == sizeof(end_order) / sizeof(end_order[0]))
		loop_stop();
}

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	(void)what;
	(void)arg;
	if (master.draining) {
		logger_line(LOG_LVL_WARN, "second signal, ending at once");
		proc_kill_all();
		loop_stop();
		return;
	}
	logger_line(LOG_LVL_INFO, "ending (signal %d)", (int)sig);
	master.draining = true;
	proc_stop_restarts();
	end_next();
}

static void
on_child(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	proc_reap();
	if (master.draining)
		end_next();
}

static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	if (!master.draining)
		(void)reload("signal");
}

static void
catch(int sig, event_callback_fn fn)
{
	struct event *ev = evsignal_new(loop_base(), sig, fn, NULL);

	if (ev == NULL || event_add(ev, NULL) == -1)
		logger_fatal("no memory for signals");
}

/* ---- files that children read once ---- */

/* A number that changes when one of them is written or replaced. */
static uint64_t
resolver_files(void)
{
	static const char *const paths[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf" };
	struct stat st;
	uint64_t sum = 1;

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (stat(paths[i], &st) == 0)
			sum = sum * 31 + (uint64_t)st.st_mtime + (uint64_t)st.st_ino + (uint64_t)st.st_size;
	return sum;
}

static void
end_all_of(enum role role)
{
	struct proc *p = TAILQ_FIRST(&procs), *next;

	for (; p != NULL; p = next) {
		next = TAILQ_NEXT(p, entry);
		if (p->role == role)
			proc_end(p);
	}
}

static void
on_watch(evutil_socket_t fd, short what, void *arg)
{
	static uint64_t resolver;
	static time_t bundle;
	uint64_t files = resolver_files();
	time_t now;
	struct stat st;

	(void)fd;
	(void)what;
	(void)arg;
	if (master.draining)
		return;
	if (resolver != 0 && files != resolver) {
		logger_line(LOG_LVL_INFO, "resolver files changed, restarting the dialer");
		proc_restart(proc_find(ROLE_DIALER, NULL, 0));
	}
	resolver = files;
	now = stat(master.conf->ca_file, &st) == 0 ? st.st_mtime : bundle;
	if (bundle != 0 && now != bundle) {
		logger_line(LOG_LVL_INFO, "CA bundle changed, restarting the tls-workers");
		end_all_of(ROLE_TLS);
	}
	bundle = now;
}

static void
watch_files(void)
{
	static const struct timeval period = { .tv_sec = LIM_WATCH_SECONDS };
	struct event *ev = event_new(loop_base(), -1, EV_PERSIST, on_watch, NULL);

	if (ev == NULL || event_add(ev, &period) == -1)
		logger_fatal("no memory for a timer");
	on_watch(-1, 0, NULL);
}

/* ---- start ---- */

/* A channel for each child, and the children's own limits are cut from ours. */
static void
raise_files(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
	}
}

static void
prepare_directories(void)
{
	char path[LIM_PATH + 16];

	if (make_directory(master.conf->state_dir, 0711, getuid(), getgid()) == -1)
		exit(1);
	snprintf(path, sizeof(path), "%s/empty", master.conf->state_dir);
	if (make_directory(path, 0555, getuid(), getgid()) == -1)
		exit(1);
}

static void
say_build(void)
{
#ifdef POSTERN_SANITIZE
	logger_line(LOG_LVL_WARN, "SANITIZER BUILD: no seccomp, no Landlock, no RLIMIT_AS. Never use it for real mail.");
#endif
	if (!master.is_root)
		logger_line(LOG_LVL_WARN, "not root: no chroot and no users of their own; seccomp and Landlock hold");
}

static void
options(int argc, char **argv, bool *check_only)
{
	int ch;

	master.conf_path = DEFAULT_CONF;
	while ((ch = getopt(argc, argv, "df:nv")) != -1) {
		switch (ch) {
		case 'd':
			master.foreground = true;
			break;
		case 'f':
			master.conf_path = optarg;
			break;
		case 'n':
			*check_only = true;
			break;
		case 'v':
			printf("posternd %s\n", POSTERN_VERSION);
			exit(0);
		default:
			usage();
		}
	}
	if (optind != argc)
		usage();
}

int
main(int argc, char **argv)
{
	bool check_only = false;

#ifdef POSTERN_TEST_HOOKS
	harness_start();
#endif
	options(argc, argv, &check_only);
	master.is_root = geteuid() == 0;
	master.started_at = (uint64_t)time(NULL);
	TAILQ_INIT(&master.tenants);
	child.role = ROLE_MASTER;
	if (sodium_init() == -1)
		errx(1, "libsodium does not start");
	if ((master.conf = conf_read(master.conf_path)) == NULL)
		return 1;
	if (check_only) {
		printf("configuration OK\n");
		return 0;
	}
	if (!master.foreground && daemon(0, 0) == -1)
		err(1, "daemon");
	logger_open(master.conf->log_stderr || master.foreground, master.conf->log_level);
	(void)prctl(PR_SET_DUMPABLE, 0);
	(void)setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	raise_files();
	(void)signal(SIGPIPE, SIG_IGN);
	if (master.is_root)
		master.sandbox_flags |= SANDBOX_CHROOT;
	say_build();
	prepare_directories();
	vault_prepare();
	if ((master.control_fd = listen_unix(master.conf->control_socket, control_mode(master.conf), NULL)) == -1)
		return 1;
	catch(SIGTERM, on_term);
	catch(SIGINT, on_term);
	catch(SIGCHLD, on_child);
	catch(SIGHUP, on_hup);
	watch_files();
	alive_start();
#ifdef POSTERN_TEST_HOOKS
	harness_serve();
	logger_line(LOG_LVL_WARN, "BUILD FOR TESTS: its processes do what a test harness orders. Never use it for real mail.");
#endif
	audit_start(master.conf);
	logger_line(LOG_LVL_INFO, "posternd %s starts pid=%d", POSTERN_VERSION, (int)getpid());
	(void)proc_new(ROLE_VAULT, NULL, 0, NULL, true);
	(void)loop_run();
	audit_stop(master.draining ? "signal" : "failed");
	logger_line(LOG_LVL_INFO, "posternd ended");
	return 0;
}

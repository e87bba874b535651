/*
 * posternd whose children are owned by attackers. Nothing is forked: a spawn
 * leaves us the child's end of its channel. Steps of the input: 0 to 4 a
 * message of a child, 5 a child dies, 6 time passes, 7 an ordinary unit with
 * its worker and a stream is ordered.
 */
#include <signal.h>
#include <sys/wait.h>

int postern_main(int, char **);
#define main postern_main
#include "../../../master/main.c"
#undef main

#include "../clock.h"
#include "../hostile.h"
#include "scratch.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

#define KIDS 64

static struct kid {
	struct proc *proc;
	struct chan *far;	/* NULL: the place is free */
	pid_t pid;
	enum role role;
	bool ready;
	int status;		/* -1: it lives */
} kids[KIDS];
static pid_t last_pid;

/* ---- what the operating system would do ---- */

int
kill(pid_t pid, int sig)
{
	feed_check(pid > 0);	/* never a group, never everybody */
	for (size_t i = 0; i < KIDS; i++)
		if (kids[i].far != NULL && kids[i].pid == pid && kids[i].status == -1)
			kids[i].status = sig;
	return 0;
}

pid_t
waitpid(pid_t pid, int *status, int options)
{
	(void)pid;
	(void)options;
	for (size_t i = 0; i < KIDS; i++) {
		if (kids[i].far == NULL || kids[i].status == -1)
			continue;
		*status = kids[i].status;
		chan_free(kids[i].far);
		kids[i].far = NULL;
		return kids[i].pid;
	}
	return 0;
}

int
spawn(struct proc *p)
{
	struct chan_peer peer = { .role = p->role, .unit = p->unit }, up = { .role = ROLE_MASTER };
	struct kid *k = kids;
	int sv[2];

	while (k < kids + KIDS && k->far != NULL)
		k++;
	if (k == kids + KIDS || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) == -1) {
		errno = EAGAIN;
		return -1;
	}
	*k = (struct kid){ .proc = p, .pid = p->pid = ++last_pid, .role = p->role, .status = -1 };
	feed_check((k->far = chan_new(sv[1], p->role, &up, &hostile_ops, NULL)) != NULL);
	feed_check((p->chan = chan_new(sv[0], ROLE_MASTER, &peer, &proc_chan_ops, p)) != NULL);
	loop_add(p->chan);
	return 0;
}

/* ---- turns ---- */

/* A fresh child took its configuration and says that it is ready. */
static void
become_ready(struct kid *k)
{
	struct msg_ready m = { .uid = 1, .seccomp = true };

	if (k->role == ROLE_VAULT)
		m.public_key = feed_fill(32, 'k');
	k->ready = true;
	chan_read(k->far);
	(void)send_ready(k->far, &m);
	chan_run(k->far);
	if (k->role == ROLE_VAULT)
		(void)send_vault_state(k->far, &(struct msg_vault_state){ .public_key = m.public_key });
	chan_write(k->far);
}

static void
turn(void)
{
	(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	for (size_t i = 0; i < KIDS; i++) {
		if (kids[i].far == NULL || kids[i].status != -1)
			continue;
		if (!kids[i].ready)
			become_ready(&kids[i]);
		else
			hostile_turn(kids[i].far);
	}
	proc_reap();
}

static void
turns(unsigned int n)
{
	while (n-- > 0)
		turn();
}

/* The n-th of those that live, or NULL. */
static struct kid *
kid_at(unsigned int n)
{
	size_t count = 0;

	for (int pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < KIDS; i++) {
			if (kids[i].far == NULL || kids[i].status != -1 || !kids[i].ready)
				continue;
			if (pass == 0)
				count++;
			else if (n-- == 0)
				return &kids[i];
		}
		if (count == 0)
			return NULL;
		n = n % (unsigned int)count;
	}
	return NULL;
}

static struct kid *
kid_of(enum role role)
{
	for (size_t i = 0; i < KIDS; i++)
		if (kids[i].far != NULL && kids[i].status == -1 && kids[i].ready && kids[i].role == role)
			return &kids[i];
	return NULL;
}

/* ---- steps ---- */

static void
ordinary(uint8_t unit)
{
	struct kid *store = kid_of(ROLE_STORE), *imap;
	struct msg_unit_run run = { .unit = unit, .link = unit, .generation = 1, .imap_host = slice_str("imap.example.org"),
		.imap_port = 993, .imap_security = SECURITY_TLS, .smtp_host = slice_str("smtp.example.org"),
		.smtp_port = 465, .smtp_security = SECURITY_TLS };

	if (store == NULL)
		return;
	(void)send_unit_run(store->far, &run);
	(void)send_worker_start(store->far, &(struct msg_worker_start){ .unit = unit, .role = ROLE_IMAP, .keep = true });
	turns(4);
	if ((imap = kid_of(ROLE_IMAP)) != NULL)
		(void)send_stream_want(imap->far, &(struct msg_stream_want){ .service = SERVICE_IMAP });
	turns(3);
}

static void
step(struct feed *f)
{
	uint8_t b = feed_byte(f);
	struct kid *k = kid_at(b / 8);

	if (b % 8 == 6)
		clock_skip(1u << (b / 8 % 8));
	else if (b % 8 == 7)
		ordinary(1 + b / 8 % 4);
	else if (k != NULL && b % 8 == 5)
		k->status = feed_byte(f) % 2 == 0 ? 0 : SIGSEGV;
	else if (k != NULL)
		hostile_send(k->far, k->role, ROLE_MASTER, f);
	turn();
}

/* ---- life ---- */

static void
configure(void)
{
	static const char providers[] = "provider \"x\" { imap = \"i.example:993:tls\" smtp = \"s.example:465:tls\" }\n";
	char text[2048], path[128];
	const char *dir = scratch();
	int n;

	scratch_put("providers", providers, sizeof(providers) - 1, NULL, 0, path, sizeof(path));
	scratch_put("key", "key", 3, NULL, 0, path, sizeof(path));
	n = snprintf(text, sizeof(text), "state-dir = \"%s/state\"\nvault-key = \"%s/key\"\nproviders = \"%s/providers\"\n"
	    "control-socket = \"%s/control\"\nlog-level = \"error\"\nhost \"imap.example.org\" { allow-none = true }\n"
	    "ats \"main\" { socket = \"%s/state/main.sock\" uids = {1} }\n"
	    "ats \"other\" { socket = \"%s/state/other.sock\" uids = {1} }\n", dir, dir, dir, dir, dir, dir);
	scratch_put("conf", text, (size_t)n, NULL, 0, path, sizeof(path));
	feed_check((master.conf = conf_read(path)) != NULL);
	feed_check(make_directory(master.conf->state_dir, 0700, getuid(), getgid()) == 0);
	feed_check((master.control_fd = open("/dev/null", O_RDWR | O_CLOEXEC)) != -1);
}

static void
start(void)
{
	feed_check(sodium_init() != -1);
	TAILQ_INIT(&master.tenants);
	child.role = ROLE_MASTER;
	configure();
	logger_open(true, LOG_LVL_ERROR);
	vault_prepare();
	alive_start();
}

static void
end(void)
{
	struct proc *p, *next;
	struct tenant *t;

	master.draining = true;
	for (int i = 0; i < 100 && !TAILQ_EMPTY(&procs); i++) {
		for (p = TAILQ_FIRST(&procs); p != NULL; p = next) {
			next = TAILQ_NEXT(p, entry);
			p->keep = false;
			proc_end(p);
		}
		for (size_t k = 0; k < KIDS; k++)
			if (kids[k].far != NULL && kids[k].status == -1)
				kids[k].status = 0;
		proc_reap();
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	}
	feed_check(TAILQ_EMPTY(&procs));
	while ((t = TAILQ_FIRST(&master.tenants)) != NULL) {
		tenant_stop(t);
		free(t);	/* posternd lets it lie: tenants rarely go */
	}
	master.draining = master.vault_known = false;
	master.vault = VAULT_AWAY;
	clock_on = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	if (master.conf == NULL)
		start();
	clock_start();
	(void)proc_new(ROLE_VAULT, NULL, 0, NULL, true);
	turns(8);
	for (int i = 0; i < 100 && f.n > 0; i++)
		step(&f);
	end();
	return 0;
}

/*
 * stream_stage.h - the master's streams with processes that are played: two
 * tenants at one host, and what each process hears. Include it in one source
 * of a program.
 */
#ifndef UNIT_MASTER_STREAM_STAGE_H
#define UNIT_MASTER_STREAM_STAGE_H

#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <event2/event.h>
#include <unistd.h>

#include "audit_file.h"
#include "loop.h"
#include "../own_time.h"
#include "master.h"
#include "said.h"

struct master master;

static struct conf conf;
static struct conf_ats ats = { .max_links = 10 };
static struct tenant tenant = { .name = "agency", .conf = &ats }, tenant_2 = { .name = "bureau", .conf = &ats };
static struct unit units[3], unit_2;
enum { VAULT, STORE, ONE, TWO, THREE, TLS, TLS_B, STORE_2, ONE_2, TLS_2, PROCS };	/* _2: of the second tenant */
static struct proc run[PROCS];
static struct chan *far[PROCS];		/* what each process hears */
static uint64_t ticket[PROCS];		/* the last one given to a tls-worker */
static char failed[LIM_CODE + 1];	/* what the last worker was told */
static bool failed_watch;		/* of its second connection */
static unsigned int told_steps;		/* to the stores */
static int log_fd, stderr_was;
static char audit_dir[64];

static int
ignore(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return 0;
}

static int
on_open(struct chan *c, const union msg *m, int *fd)
{
	(void)fd;
	ticket[(uintptr_t)chan_ctx(c)] = m->stream_open.ticket;
	return 0;
}

static int
on_failed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	failed_watch = m->stream_failed.watch;
	return slice_copy(m->stream_failed.code, failed, sizeof(failed));
}

static int
on_told_step(struct chan *c, const union msg *m, int *fd)
{
	told_steps++;
	return ignore(c, m, fd);
}

static const chan_handler hears[MSG__COUNT] = { [MSG_peer] = ignore, [MSG_ticket] = ignore, [MSG_unit_step] = on_told_step,
	[MSG_stream_up] = ignore, [MSG_stream_open] = on_open, [MSG_stream_failed] = on_failed, [MSG_drain] = ignore };
static const struct chan_ops far_ops = { .handlers = hears };

static void
start_of(struct tenant *t, size_t i, enum role role, uint32_t unit, const char *host)
{
	struct chan_peer m = { .role = ROLE_MASTER };
	struct proc *p = &run[i];
	int sv[2];

	*p = (struct proc){ .role = role, .unit = unit, .state = PROC_RUNNING, .pid = 1 << 30,
		.tenant = role == ROLE_VAULT ? NULL : t };
	assert_int_equal(slice_copy(slice_str(host), p->host, sizeof(p->host)), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	p->chan = chan_new(sv[0], ROLE_MASTER, &(struct chan_peer){ .role = role }, &proc_chan_ops, p);
	far[i] = chan_new(sv[1], role, &m, &far_ops, (void *)i);
	chan_run(p->chan);
	chan_run(far[i]);
	TAILQ_INSERT_TAIL(&procs, p, entry);
}

static void
start(size_t i, enum role role, uint32_t unit, const char *host)
{
	start_of(&tenant, i, role, unit, host);
}

static void
hear(void)
{
	for (size_t i = 0; i < PROCS; i++) {
		chan_write(run[i].chan);
		chan_read(far[i]);
	}
}

static void
want(size_t i)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	int fd = -1;

	failed[0] = '\0';
	time_pass(1000 / LIM_LOGINS_SECOND);	/* the host has room for another login */
	assert_int_equal(stream_on_want(run[i].chan, &m, &fd), 0);
	hear();
}

static __attribute__((unused)) int
step(size_t i, uint64_t t)
{
	union msg m = { .stream_step = { .ticket = t, .step = STEP_DNS, .ok = true } };
	int fd = -1, r = stream_on_step(run[i].chan, &m, &fd);

	hear();
	return r;
}

static int
end(size_t i, uint64_t t)
{
	union msg m = { .stream_end = { .ticket = t } };
	int fd = -1;

	return stream_on_end(run[i].chan, &m, &fd);
}

static __attribute__((unused)) size_t
logged(const char *what)
{
	return times_in(log_fd, what);
}

static __attribute__((unused)) size_t
audited(const char *what)
{
	return times_in(audit_file.fd, what);
}

static int
setup(void **state)
{
	(void)state;
	memset(ticket, 0, sizeof(ticket));
	conf.max_links = 2 * LIM_PROBES_ATS;
	conf.n_ats = 2;
	master.conf = &conf;
	master.vault = VAULT_OPEN;
	TAILQ_INIT(&master.tenants);
	TAILQ_INIT(&tenant.units);
	TAILQ_INSERT_TAIL(&master.tenants, &tenant, entry);
	for (uint32_t i = 0; i < 3; i++) {
		units[i] = (struct unit){ .number = i + 1, .link = i + 1, .port = { 0, 993, 465 },
			.security = { 0, SECURITY_TLS, SECURITY_TLS } };
		(void)slice_copy(slice_str(i < 2 ? "a.example" : "b.example"), units[i].host[SERVICE_IMAP], LIM_HOST + 1);
		TAILQ_INSERT_TAIL(&tenant.units, &units[i], entry);
	}
	TAILQ_INIT(&tenant_2.units);
	TAILQ_INSERT_TAIL(&master.tenants, &tenant_2, entry);
	unit_2 = units[0];
	TAILQ_INSERT_TAIL(&tenant_2.units, &unit_2, entry);
	start(VAULT, ROLE_VAULT, 0, "");
	start(STORE, ROLE_STORE, 0, "");
	for (uint32_t i = 0; i < 3; i++)
		start(ONE + i, ROLE_IMAP, i + 1, "");
	start(TLS, ROLE_TLS, 0, "a.example");
	start(TLS_B, ROLE_TLS, 0, "b.example");
	start_of(&tenant_2, STORE_2, ROLE_STORE, 0, "");
	start_of(&tenant_2, ONE_2, ROLE_IMAP, 1, "");
	start_of(&tenant_2, TLS_2, ROLE_TLS, 0, "a.example");
	wiring_connect(&run[VAULT]);
	want(TWO);	/* keeps its tls-worker while others come and go */
	want(THREE);
	assert_true(ticket[TLS] != 0 && ticket[TLS_B] != 0 && ticket[TLS] != ticket[TLS_B]);
	fflush(stderr);
	stderr_was = dup(STDERR_FILENO);
	assert_true((log_fd = memfd_create("log", 0)) != -1 && dup2(log_fd, STDERR_FILENO) != -1);
	snprintf(audit_dir, sizeof(audit_dir), "/tmp/postern-stream.XXXXXX");
	assert_true(mkdtemp(audit_dir) != NULL && audit_file_open(audit_dir) == 0);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	(void)dup2(stderr_was, STDERR_FILENO);
	for (size_t i = 0; i < PROCS; i++) {
		stream_forget(&run[i]);
		wiring_forget(&run[i]);
		TAILQ_REMOVE(&procs, &run[i], entry);
		chan_free(run[i].chan);
		chan_free(far[i]);
	}
	close(log_fd);
	close(stderr_was);
	assert_int_equal(unlinkat(audit_file.dirfd, "audit-000001.log", 0), 0);
	audit_file_close();
	return rmdir(audit_dir);
}

/* The login of the last want is done: the worker has its connection. */
static __attribute__((unused)) void
up(uint64_t t)
{
	union msg m = { .stream_ready = { .ticket = t } };
	int fd = -1;

	assert_int_equal(stream_on_ready(run[TLS].chan, &m, &fd), 0);
	hear();
}

static void
no_clock(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Its place is filled by a fresh one. */
static __attribute__((unused)) void
start_again(size_t i)
{
	if (run[i].timer == NULL)
		assert_non_null(run[i].timer = evtimer_new(loop_base(), no_clock, NULL));
	run[i].ending = false;
	run[i].state = PROC_RUNNING;
}

#endif

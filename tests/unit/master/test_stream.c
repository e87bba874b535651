/*
 * A tls-worker that was taken over, at the master: it speaks of tickets that
 * another one was given, or says steps without end. And a worker that asks for
 * connections all the time.
 * limit: LIM_STREAM_STEPS LIM_TICKETS_PER_MINUTE LIM_STREAMS_WORKER LIM_STREAM_WAIT_MS
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

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
static struct tenant tenant = { .name = "agency", .conf = &ats };
static struct unit units[3];
enum { VAULT, STORE, ONE, TWO, THREE, TLS, TLS_B, PROCS };
static struct proc run[PROCS];
static struct chan *far[PROCS];		/* what each process hears */
static uint64_t ticket[PROCS];		/* the last one given to a tls-worker */
static char failed[LIM_CODE + 1];	/* what the last worker was told */
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
	return slice_copy(m->stream_failed.code, failed, sizeof(failed));
}

static const chan_handler hears[MSG__COUNT] = { [MSG_peer] = ignore, [MSG_ticket] = ignore, [MSG_unit_step] = ignore,
	[MSG_stream_up] = ignore, [MSG_stream_open] = on_open, [MSG_stream_failed] = on_failed, [MSG_drain] = ignore };
static const struct chan_ops far_ops = { .handlers = hears };

static void
start(size_t i, enum role role, uint32_t unit, const char *host)
{
	struct chan_peer m = { .role = ROLE_MASTER };
	struct proc *p = &run[i];
	int sv[2];

	*p = (struct proc){ .role = role, .unit = unit, .state = PROC_RUNNING, .pid = 1 << 30,
		.tenant = role == ROLE_VAULT ? NULL : &tenant };
	assert_int_equal(slice_copy(slice_str(host), p->host, sizeof(p->host)), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	p->chan = chan_new(sv[0], ROLE_MASTER, &(struct chan_peer){ .role = role }, &proc_chan_ops, p);
	far[i] = chan_new(sv[1], role, &m, &far_ops, (void *)i);
	chan_run(p->chan);
	chan_run(far[i]);
	TAILQ_INSERT_TAIL(&procs, p, entry);
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

static int
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

static size_t
logged(const char *what)
{
	return times_in(log_fd, what);
}

static size_t
audited(const char *what)
{
	return times_in(audit_file.fd, what);
}

static int
setup(void **state)
{
	(void)state;
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
	start(VAULT, ROLE_VAULT, 0, "");
	start(STORE, ROLE_STORE, 0, "");
	for (uint32_t i = 0; i < 3; i++)
		start(ONE + i, ROLE_IMAP, i + 1, "");
	start(TLS, ROLE_TLS, 0, "a.example");
	start(TLS_B, ROLE_TLS, 0, "b.example");
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

static void
tickets_of_another(void **state)
{
	union msg m = { .stream_ready = { .ticket = ticket[TLS] } };
	int fd = -1;

	(void)state;
	assert_int_equal(step(TLS_B, ticket[TLS]), -1);
	assert_int_equal(logged("tls-worker[agency/b.example] names the ticket of tls-worker[agency/a.example], "
				"stream of ats=agency unit=2"), 1);
	assert_int_equal(stream_on_ready(run[TLS_B].chan, &m, &fd), -1);
	assert_int_equal(end(TLS_B, ticket[TLS]), -1);
	assert_int_equal(logged("names the ticket of"), 3);
	assert_int_equal(audited(" ticket.refused role=tls-worker ats=agency host=b.example "), 3);
	assert_int_equal(audited(" owner_ats=agency owner_unit=2 owner_host=a.example reason=of\\sanother\\sprocess "), 3);
	/* One that nobody has may have ended meanwhile. */
	assert_int_equal(step(TLS_B, ticket[TLS] + 1), 0);
	assert_int_equal(end(TLS_B, 0), 0);
	assert_int_equal(step(TLS, ticket[TLS]), 0);	/* its own goes on */
}

static void
steps_without_end(void **state)
{
	(void)state;
	for (int i = 0; i < LIM_STREAM_STEPS; i++)
		assert_int_equal(step(TLS, ticket[TLS]), 0);
	assert_int_equal(step(TLS, ticket[TLS]), -1);
}

static void
logins_without_end(void **state)
{
	int i = 0;

	(void)state;
	for (; i < 2 * LIM_TICKETS_PER_MINUTE && strcmp(failed, "auth.too_many_attempts") != 0; i++) {
		uint64_t before = ticket[TLS];

		want(ONE);
		if (ticket[TLS] != before)
			assert_int_equal(end(TLS, ticket[TLS]), 0);	/* "net.reset" */
	}
	assert_string_equal(failed, "auth.too_many_attempts");
	assert_int_equal(i, LIM_TICKETS_PER_MINUTE + 1);
	for (int k = 0; k < 5; k++)
		want(ONE);
	assert_int_equal(logged("imapd-worker[agency/1] asks for too many logins"), 1);
	assert_int_equal(audited(" login.refused ats=agency unit=1 service=imap code=auth.too_many_attempts "), 1);
}

/* The login of the last want is done: the worker has its connection. */
static void
up(uint64_t t)
{
	union msg m = { .stream_ready = { .ticket = t } };
	int fd = -1;

	assert_int_equal(stream_on_ready(run[TLS].chan, &m, &fd), 0);
	hear();
}

/* Those it used are not told as ended yet: some, not any number. */
static void
streams_of_one_worker(void **state)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	uint64_t first = 0;
	int fd = -1;

	(void)state;
	for (int i = 0; i < LIM_STREAMS_WORKER; i++) {
		want(ONE);
		assert_string_equal(failed, "");
		first = i == 0 ? ticket[TLS] : first;
		up(ticket[TLS]);
	}
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), -1);
	assert_int_equal(end(TLS, first), 0);
	want(ONE);
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), -1);	/* one login at a time */
}

/* Nothing happens but time: the worker is told all the same. */
static void
waits_for_the_vault(void **state)
{
	(void)state;
	time_pass(60000);
	master.vault = VAULT_AWAY;
	want(ONE);
	time_pass(LIM_STREAM_WAIT_MS - 1);
	stream_retry();
	hear();
	assert_string_equal(failed, "");
	time_pass(1);
	hear();
	assert_string_equal(failed, "proc.crashed");
	/* One whose vault comes in the last moment goes on. */
	want(ONE);
	time_pass(LIM_STREAM_WAIT_MS - 1);
	master.vault = VAULT_OPEN;
	ticket[TLS] = 0;
	stream_retry();
	time_pass(LIM_STREAM_WAIT_MS);
	hear();
	assert_string_equal(failed, "");
	assert_true(ticket[TLS] != 0);
}

/* The vault was locked while it waited for its moment: it has all its time afterwards. */
static void
waits_after_a_lock(void **state)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	int fd = -1;

	(void)state;
	want(ONE);
	up(ticket[TLS]);
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), 0);
	master.vault = VAULT_LOCKED;
	time_pass(LIM_STREAM_WAIT_MS);
	master.vault = VAULT_OPEN;
	run[TLS].state = PROC_STARTING;
	time_pass(LIM_STREAM_WAIT_MS);
	ticket[TLS] = 0;
	stream_retry();
	hear();
	assert_string_equal(failed, "");
	run[TLS].state = PROC_RUNNING;
	stream_retry();
	hear();
	assert_true(ticket[TLS] != 0);
}

/* All come back at once: each login begins at its moment, a message to be sent at once. */
static void
logins_are_spread(void **state)
{
	union msg m = { .stream_want = { .service = SERVICE_IMAP } };
	uint64_t before;
	int fd = -1;

	(void)state;
	want(ONE);
	before = ticket[TLS];
	up(before);
	failed[0] = '\0';
	assert_int_equal(stream_on_want(run[ONE].chan, &m, &fd), 0);
	hear();
	stream_retry();	/* something happens meanwhile */
	hear();
	assert_true(ticket[TLS] == before);
	time_pass(1000 / LIM_LOGINS_SECOND - 1);
	hear();
	assert_true(ticket[TLS] == before);
	time_pass(1);
	hear();
	assert_true(ticket[TLS] != before);
	assert_string_equal(failed, "");
}

static void
no_clock(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Its place is filled by a fresh one. */
static void
start_again(size_t i)
{
	if (run[i].timer == NULL)
		assert_non_null(run[i].timer = evtimer_new(loop_base(), no_clock, NULL));
	run[i].ending = false;
	run[i].state = PROC_RUNNING;
}

/* What starts beside its worker stays until that one has asked, or is gone. */
static void
started_beside(void **state)
{
	(void)state;
	start_again(TLS);
	assert_int_equal(end(TLS, ticket[TLS]), 0);
	assert_true(run[TLS].ending);	/* nobody uses it and nobody will */
	start_again(TLS);
	stream_expect(&run[ONE]);
	assert_ptr_equal(run[TLS].awaited, &run[ONE]);
	stream_release(&run[TLS]);
	assert_false(run[TLS].ending);
	want(ONE);
	assert_null(run[TLS].awaited);
	assert_int_equal(end(TLS, ticket[TLS]), 0);
	assert_true(run[TLS].ending);

	start_again(TLS);
	stream_expect(&run[ONE]);
	stream_expect(&run[TWO]);
	stream_forget(&run[ONE]);
	assert_false(run[TLS].ending);	/* the other one is still to come */
	stream_forget(&run[TWO]);
	assert_true(run[TLS].ending);

	/* No login can begin: nothing is started for it. */
	start_again(TLS);
	master.vault = VAULT_LOCKED;
	stream_expect(&run[ONE]);
	assert_null(run[TLS].awaited);
	event_free(run[TLS].timer);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(tickets_of_another), T(steps_without_end), T(logins_without_end),
		T(streams_of_one_worker), T(waits_for_the_vault), T(waits_after_a_lock), T(logins_are_spread),
		T(started_beside) };

	if (sodium_init() == -1)
		return 1;
	logger_open(true, LOG_LVL_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

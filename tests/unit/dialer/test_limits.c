/* Limits of the dialer, on both sides of each: queues and shares with dials that are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "../own_time.h"
#include "asker.h"
#include "child.h"
#include "dial.h"
#include "log.h"

#define TURNS 100	/* enough to handle all that is sent here */

/* ---- dials that last until they are ended ---- */
struct dial {
	dial_fn fn;
	void *arg;
	char host[LIM_HOST + 1];
};

static struct dial *active[2 * LIM_DIAL_ACTIVE_ALL];
static size_t n_active;

struct dial *
dial_start(const char *host, uint16_t port, bool private_ok, dial_fn fn, void *arg)
{
	struct dial *d = calloc(1, sizeof(*d));

	(void)port;
	(void)private_ok;
	*d = (struct dial){ .fn = fn, .arg = arg };
	(void)slice_copy(slice_str(host), d->host, sizeof(d->host));
	active[n_active++] = d;
	return d;
}

void
dial_cancel(struct dial *d)
{
	size_t i = 0;

	while (active[i] != d)
		i++;
	active[i] = active[--n_active];
	free(d);
}

/* The one that began last fails. */
static void
dial_ends(void)
{
	struct dial *d = active[--n_active];

	d->fn(d->arg, &(struct dial_result){ .fd = -1, .step = STEP_TCP, .code = "net.refused" });
	free(d);
}

static size_t
active_of(const char *host)
{
	size_t n = 0;

	for (size_t i = 0; i < n_active; i++)
		n += strcmp(active[i]->host, host) == 0;
	return n;
}

/* ---- those who ask ---- */
static unsigned int refused, answered;

static int
on_dial_failed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)fd;
	if (slice_eq_str(m->dial_failed.code, "net.dns_temp"))
		refused++;
	else
		answered++;
	return 0;
}

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("broken: %s", reason);
}

static struct chan *
asker(const char *ats, const char *host)
{
	static const chan_handler handlers[MSG__COUNT] = { [MSG_dial_failed] = on_dial_failed };
	static const struct chan_ops ops = { .handlers = handlers, .on_eof = chan_free, .on_broken = on_broken };
	struct chan_peer tls = { .role = ROLE_TLS }, dialer = { .role = ROLE_DIALER };
	struct chan *c;
	int fds[2];

	assert_int_equal(slice_copy(slice_str(ats), tls.ats, sizeof(tls.ats)), 0);
	assert_int_equal(slice_copy(slice_str(host), tls.host, sizeof(tls.host)), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	asker_wire(&tls, fds[1]);
	c = chan_new(fds[0], ROLE_TLS, &dialer, &ops, NULL);
	assert_non_null(c);
	chan_run(c);
	loop_add(c);
	return c;
}

static void
ask(struct chan *c, unsigned int times)
{
	for (unsigned int i = 1; i <= times; i++) {
		assert_int_equal(send_dial(c, &(struct msg_dial){ .req = i, .port = 993 }), 0);
		time_turns(4);
	}
	time_turns(TURNS);
}

static void
all_leave(struct chan **c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		chan_free(c[i]);
	time_turns(TURNS);
	assert_int_equal(n_active, 0);
	refused = answered = 0;
}

/* limit: LIM_DIAL_QUEUE LIM_DIAL_ACTIVE */
static void
one_asker(void **state)
{
	struct chan *c[2] = { asker("a", "one"), asker("a", "two") };

	(void)state;
	ask(c[0], LIM_DIAL_ACTIVE);
	assert_int_equal(active_of("one"), LIM_DIAL_ACTIVE);
	ask(c[0], LIM_DIAL_QUEUE - LIM_DIAL_ACTIVE);
	assert_int_equal(active_of("one"), LIM_DIAL_ACTIVE);
	assert_int_equal(refused, 0);
	ask(c[0], 1);
	assert_int_equal(refused, 1);
	ask(c[1], 1);		/* nothing to the other */
	assert_int_equal(active_of("two"), 1);
	assert_int_equal(refused, 1);
	dial_ends();
	dial_ends();		/* a place for one who waits, and in the queue */
	time_turns(TURNS);
	assert_int_equal(answered, 2);
	assert_int_equal(active_of("one"), LIM_DIAL_ACTIVE);
	ask(c[0], 1);
	assert_int_equal(refused, 1);
	all_leave(c, 2);
}

/* limit: LIM_DIAL_ACTIVE_ATS LIM_DIAL_ACTIVE_ALL */
static void
tenants(void **state)
{
	struct chan *c[9];
	size_t n = 0;

	(void)state;
	for (; n < 4; n++)
		ask(c[n] = asker("a", "dead"), LIM_DIAL_ACTIVE);
	assert_int_equal(active_of("dead"), LIM_DIAL_ACTIVE_ATS);	/* of 64 */
	for (; n < 6; n++)
		ask(c[n] = asker("b", "more"), LIM_DIAL_ACTIVE);
	ask(c[n++] = asker("c", "last"), LIM_DIAL_ACTIVE_ALL - LIM_DIAL_ACTIVE_ATS - 2 * LIM_DIAL_ACTIVE);
	assert_int_equal(n_active, LIM_DIAL_ACTIVE_ALL);
	ask(c[n++] = asker("d", "late"), 1);
	assert_int_equal(n_active, LIM_DIAL_ACTIVE_ALL);
	assert_int_equal(refused, 0);
	dial_ends();		/* who came late is served before the greedy one */
	time_turns(TURNS);
	assert_int_equal(n_active, LIM_DIAL_ACTIVE_ALL);
	assert_int_equal(active_of("late"), 1);
	all_leave(c, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_asker),
		cmocka_unit_test(tenants),
	};

	child.role = ROLE_DIALER;
	log_set_level(LOG_LVL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

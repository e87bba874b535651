/* The queues of several askers: bounded, answered each, served in turn. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "asker.h"
#include "child.h"
#include "dial.h"
#include "log.h"
#include "loop.h"
#include "resolve.h"

#define MANY 100	/* more than one asker may have waiting */

static struct {
	unsigned int answers, refused, busy;
	uint32_t first_of[3], order;
} seen;

static int fillers[3];

static int
on_dial_failed(struct chan *c, const union msg *m, int *fd)
{
	size_t who = (size_t)(uintptr_t)chan_ctx(c);

	(void)fd;
	seen.answers++;
	seen.order++;
	if (slice_eq_str(m->dial_failed.code, "net.refused")) {
		seen.refused++;
		if (seen.first_of[who] == 0)
			seen.first_of[who] = seen.order;
	} else
		seen.busy++;
	return 0;
}

static int
on_dialed(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	seen.answers++;
	return 0;
}

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	fail_msg("broken: %s", reason);
}

static const chan_handler handlers[MSG__COUNT] = { [MSG_dial_failed] = on_dial_failed, [MSG_dialed] = on_dialed };
static const struct chan_ops ops = { .handlers = handlers, .on_eof = chan_free, .on_broken = on_broken };

static struct chan *
asker_of(const char *ats, size_t who, const char *host, uint32_t flags)
{
	struct chan_peer tls = { .role = ROLE_TLS, .flags = flags }, dialer = { .role = ROLE_DIALER };
	struct chan *c;
	int fds[2];

	assert_int_equal(slice_copy(slice_str(ats), tls.ats, sizeof(tls.ats)), 0);
	assert_int_equal(slice_copy(slice_str(host), tls.host, sizeof(tls.host)), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
	asker_wire(&tls, fds[1]);
	c = chan_new(fds[0], ROLE_TLS, &dialer, &ops, (void *)(uintptr_t)who);
	assert_non_null(c);
	chan_run(c);
	loop_add(c);
	return c;
}

static struct chan *
asker(size_t who, const char *host, uint32_t flags)
{
	return asker_of("agency", who, host, flags);
}

static in_port_t
closed_port(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	return ntohs(in.sin_port);	/* stays bound, never listens */
}

static void
test_turns(void **state)
{
	struct chan *greedy = asker(1, "127.0.0.1", PEER_PRIVATE_OK), *small = asker(2, "127.0.0.1", PEER_PRIVATE_OK);
	struct msg_dial m = { .port = closed_port() };

	(void)state;
	memset(&seen, 0, sizeof(seen));
	for (m.req = 1; m.req <= MANY; m.req++)
		assert_int_equal(send_dial(greedy, &m), 0);
	assert_int_equal(send_dial(small, &m), 0);
	while (seen.answers < MANY + 1)
		assert_int_equal(event_base_loop(loop_base(), EVLOOP_ONCE), 0);
	assert_int_equal(seen.refused + seen.busy, MANY + 1);
	assert_true(seen.busy > 0 && seen.refused >= LIM_DIAL_QUEUE);
	/* The small one did not wait for the greedy one's whole queue. */
	assert_true(seen.first_of[2] > 0 && seen.first_of[2] < MANY);
	chan_free(greedy);
	chan_free(small);
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
}

/* A port whose connects neither work nor fail: its backlog is full. */
static in_port_t
silent_port(int *fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(listen(*fd, 0), 0);
	assert_int_equal(getsockname(*fd, (struct sockaddr *)&in, &n), 0);
	for (int i = 0; i < 3; i++) {
		int c = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

		(void)connect(c, (struct sockaddr *)&in, sizeof(in));
		fillers[i] = c;
	}
	return ntohs(in.sin_port);
}

/* A tenant with tls-workers for many hosts, all dead, takes its share and no more:
 * another one is served at once. */
static void
test_tenants_share(void **state)
{
	struct chan *many[8], *small;
	int fd;
	struct msg_dial dead = { .port = silent_port(&fd) }, m = { .req = 1, .port = closed_port() };

	(void)state;
	memset(&seen, 0, sizeof(seen));
	for (size_t i = 0; i < 8; i++) {
		many[i] = asker_of("greedy", 1, "127.0.0.1", PEER_PRIVATE_OK);
		for (dead.req = 1; dead.req <= LIM_DIAL_QUEUE; dead.req++)
			assert_int_equal(send_dial(many[i], &dead), 0);
	}
	for (int i = 0; i < 20; i++)
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	small = asker_of("small", 2, "127.0.0.1", PEER_PRIVATE_OK);
	assert_int_equal(send_dial(small, &m), 0);
	for (int i = 0; i < 1000 && seen.refused == 0; i++) {
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		usleep(1000);
	}
	assert_int_equal(seen.first_of[2], 1);
	assert_int_equal(seen.answers, 1);	/* the greedy one still waits for its dead hosts */
	for (size_t i = 0; i < 8; i++)
		chan_free(many[i]);
	chan_free(small);
	for (int i = 0; i < 20; i++)
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	for (int i = 0; i < 3; i++)
		close(fillers[i]);
	close(fd);
}

static void
test_leaves_while_dialing(void **state)
{
	struct chan *c = asker(1, "localhost", PEER_PRIVATE_OK);
	struct msg_dial m = { .req = 1, .port = closed_port() };

	(void)state;
	for (int i = 0; i < 10; i++)
		assert_int_equal(send_dial(c, &m), 0);
	event_base_loop(loop_base(), EVLOOP_NONBLOCK);
	chan_free(c);
	for (int i = 0; i < 20; i++)
		assert_int_not_equal(event_base_loop(loop_base(), EVLOOP_NONBLOCK), -1);
}

static int
setup(void **state)
{
	(void)state;
	child.role = ROLE_DIALER;
	log_set_level(LOG_LVL_ERROR);
	resolve_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_tenants_share),
		cmocka_unit_test(test_leaves_while_dialing),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

/* Dials against sockets of this test: codes, names, deadlines, fairness. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/event.h>

#include "dial.h"
#include "loop.h"
#include "resolve.h"

struct got {
	struct dial_result r;
	bool done;
};

static void
on_result(void *arg, const struct dial_result *r)
{
	struct got *g = arg;

	assert_false(g->done);
	g->r = *r;
	g->done = true;
}

static int
listener(in_port_t *port, int backlog)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	if (backlog > 0)
		assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	*port = ntohs(in.sin_port);
	return fd;
}

static struct got
run(const char *host, in_port_t port, bool private_ok)
{
	struct got g = { 0 };

	assert_non_null(dial_start(host, port, private_ok, on_result, &g));
	assert_false(g.done);
	while (!g.done)
		assert_int_equal(event_base_loop(loop_base(), EVLOOP_ONCE), 0);
	return g;
}

static void
test_connects(void **state)
{
	static const char *const hosts[] = { "127.0.0.1", "localhost" };
	in_port_t port;
	int server = listener(&port, 5);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct got g = run(hosts[i], port, true);
		int peer = accept(server, NULL, NULL), on = 0;
		socklen_t n = sizeof(on);

		assert_true(g.r.fd >= 0 && peer >= 0);
		assert_true(g.r.loopback);
		assert_string_equal(g.r.address, "127.0.0.1");
		assert_int_equal(getsockopt(g.r.fd, SOL_SOCKET, SO_KEEPALIVE, &on, &n), 0);
		assert_int_equal(on, 1);
		close(peer);
		close(g.r.fd);
	}
	close(server);
}

static void
test_codes(void **state)
{
	in_port_t port;
	int bound = listener(&port, 0);
	struct got g;

	(void)state;
	g = run("127.0.0.1", port, true);
	assert_int_equal(g.r.fd, -1);
	assert_int_equal(g.r.step, STEP_TCP);
	assert_string_equal(g.r.code, "net.refused");
	assert_non_null(strstr(g.r.detail, "127.0.0.1"));
	g = run("localhost", port, false);
	assert_string_equal(g.r.code, "net.blocked_address");
	assert_int_equal(g.r.step, STEP_TCP);
	g = run("127.0.0.1", port, false);
	assert_string_equal(g.r.code, "net.blocked_address");
	g = run("224.0.0.1", port, true);
	assert_string_equal(g.r.code, "net.blocked_address");
	g = run("no-such-host.invalid", port, true);
	assert_string_equal(g.r.code, "net.dns_not_found");
	assert_int_equal(g.r.step, STEP_DNS);
	close(bound);
}

static void
test_cancel(void **state)
{
	in_port_t port;
	int server = listener(&port, 5);
	struct got g = { 0 };
	struct dial *d = dial_start("localhost", port, true, on_result, &g);

	(void)state;
	dial_cancel(d);
	d = dial_start("127.0.0.1", port, true, on_result, &g);
	event_base_loop(loop_base(), EVLOOP_ONCE);
	if (!g.done)
		dial_cancel(d);
	else
		close(g.r.fd);
	dial_cancel(NULL);
	close(server);
}

static int
setup(void **state)
{
	(void)state;
	resolve_init();
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

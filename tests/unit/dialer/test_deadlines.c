/*
 * Deadlines of a dial and limits of the resolver: a name server is played
 * here, c-ares is told to ask it, and to ask faster than limits.h says.
 */
#include <ares.h>
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

#include "../own_time.h"
#include "dial.h"
#include "resolve.h"

#define QUERY_MS 40	/* instead of LIM_DNS_QUERY_MS: c-ares has its own clock */
#define HOST "mail.example"

static int name_server;
static struct ares_options given;	/* what resolve.c asked c-ares for */

static int
port_of(int fd)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof(in);

	assert_int_equal(bind(fd, (struct sockaddr *)&in, sizeof(in)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&in, &n), 0);
	return ntohs(in.sin_port);
}

int
ares_init_options(ares_channel *channel, struct ares_options *options, int mask)
{
	static int (*real)(ares_channel *, struct ares_options *, int);
	struct in_addr here = { .s_addr = htonl(INADDR_LOOPBACK) };
	static char hosts_never[] = "b";

	if (real == NULL)
		*(void **)&real = dlsym(RTLD_NEXT, "ares_init_options");
	given = *options;
	name_server = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	options->timeout = QUERY_MS;
	options->servers = &here;
	options->nservers = 1;
	options->udp_port = (unsigned short)port_of(name_server);
	options->lookups = hosts_never;
	return real(channel, options, mask | ARES_OPT_SERVERS | ARES_OPT_UDP_PORT | ARES_OPT_LOOKUPS);
}

/* ---- the name server ---- */

/* The next question, or 0. */
static size_t
question(uint8_t *q, size_t size, struct sockaddr_in *from)
{
	socklen_t n = sizeof(*from);
	ssize_t got = recvfrom(name_server, q, size, 0, (struct sockaddr *)from, &n);

	return got > 0 ? (size_t)got : 0;
}

static size_t
drop_questions(void)
{
	struct sockaddr_in from;
	uint8_t q[512];
	size_t n = 0;

	while (question(q, sizeof(q), &from) > 0)
		n++;
	return n;
}

/* 127.0.0.1 to those for an A, nothing to those for an AAAA. */
static void
answer_questions(void)
{
	static const uint8_t a[] = { 0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1 };
	struct sockaddr_in from;
	uint8_t q[512];
	size_t n, end;

	while ((n = question(q, sizeof(q) - sizeof(a), &from)) > 0) {
		end = 12 + strlen(HOST) + 2 + 4;	/* without EDNS */
		assert_true(n >= end);
		q[2] |= 0x80;
		q[3] = 0;
		q[7] = q[end - 3] == 1;
		q[11] = 0;
		if (q[7])
			memcpy(q + end, a, sizeof(a));
		n = end + (q[7] ? sizeof(a) : 0);
		assert_int_equal(sendto(name_server, q, n, 0, (struct sockaddr *)&from, sizeof(from)), (ssize_t)n);
	}
}

/* Real milliseconds go by, and c-ares gets its turns in them. */
static void
real_pass(unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i += 5) {
		usleep(5000);
		time_pass(5);
	}
}

struct looked {
	unsigned int n[3];
};

static void
on_looked(void *arg, enum resolve_status status, const char *why, const struct address_list *list)
{
	struct looked *l = arg;

	(void)why;
	(void)list;
	l->n[status]++;
}

/* limit: LIM_DNS_TRIES: an answer to the last of them is good, after it the name service does not answer. */
static void
tries(void **state)
{
	struct looked l = { 0 };
	size_t asked = 0, rounds = 0;

	(void)state;
	assert_int_equal(given.tries, LIM_DNS_TRIES);
	assert_non_null(resolve_start(HOST, on_looked, &l));
	for (int i = 0; i < 100 && l.n[RESOLVE_OK] == 0; i++) {
		size_t n = 0;

		real_pass(10);
		if (rounds < LIM_DNS_TRIES - 1)
			n = drop_questions();
		else
			answer_questions();
		asked += n;
		rounds = asked / 2;
	}
	assert_int_equal(l.n[RESOLVE_OK], 1);
	assert_non_null(resolve_start(HOST, on_looked, &l));
	asked = 0;
	for (int i = 0; i < 100 && l.n[RESOLVE_TEMP] == 0; i++) {
		real_pass(10);
		asked += drop_questions();
	}
	assert_int_equal(l.n[RESOLVE_TEMP], 1);
	assert_int_equal(asked, 2 * LIM_DNS_TRIES);
}

/* limit: LIM_DNS_LOOKUPS: forgotten ones count too, until they end. */
static void
lookups(void **state)
{
	struct lookup *all[LIM_DNS_LOOKUPS];
	struct looked l = { 0 };

	(void)state;
	for (size_t i = 0; i < LIM_DNS_LOOKUPS; i++)
		assert_non_null(all[i] = resolve_start(HOST, on_looked, &l));
	resolve_forget(all[0]);
	assert_int_equal(l.n[RESOLVE_TEMP], 0);
	assert_null(resolve_start(HOST, on_looked, &l));
	assert_int_equal(l.n[RESOLVE_TEMP], 1);
	for (int i = 0; i < 100 && l.n[RESOLVE_OK] < LIM_DNS_LOOKUPS - 1; i++) {
		real_pass(5);
		answer_questions();
	}
	assert_int_equal(l.n[RESOLVE_OK], LIM_DNS_LOOKUPS - 1);
	assert_non_null(resolve_start(HOST, on_looked, &l));
	for (int i = 0; i < 100 && l.n[RESOLVE_OK] < LIM_DNS_LOOKUPS; i++) {
		real_pass(5);
		answer_questions();
	}
	assert_int_equal(l.n[RESOLVE_TEMP], 1);
}

static int
watched(void)
{
	return event_base_get_num_events(loop_base(), EVENT_BASE_COUNT_ADDED);
}

/* limit: LIM_DNS_SOCKETS: one more is not looked at. */
static void
sockets(void **state)
{
	int before = watched(), fds[LIM_DNS_SOCKETS + 1];

	(void)state;
	for (int i = 0; i <= LIM_DNS_SOCKETS; i++) {
		fds[i] = socket(AF_INET, SOCK_DGRAM, 0);
		given.sock_state_cb(given.sock_state_cb_data, fds[i], 1, 0);
		assert_int_equal(watched() - before, i < LIM_DNS_SOCKETS ? i + 1 : LIM_DNS_SOCKETS);
	}
	for (int i = 0; i <= LIM_DNS_SOCKETS; i++) {
		given.sock_state_cb(given.sock_state_cb_data, fds[i], 0, 0);
		close(fds[i]);
	}
	assert_int_equal(watched(), before);
}

/* ---- whole dials ---- */
struct got {
	struct dial_result r;
	bool done;
};

static void
on_result(void *arg, const struct dial_result *r)
{
	struct got *g = arg;

	g->r = *r;
	g->done = true;
}

/* limit: LIM_DIAL_DNS_MS */
static void
slow_name_service(void **state)
{
	int server = socket(AF_INET, SOCK_STREAM, 0), port = port_of(server);

	(void)state;
	assert_int_equal(listen(server, 5), 0);
	for (uint64_t wait = LIM_DIAL_DNS_MS - 1; wait <= LIM_DIAL_DNS_MS; wait++) {
		struct got g = { 0 };

		(void)drop_questions();
		assert_non_null(dial_start(HOST, (uint16_t)port, true, on_result, &g));
		time_turns(4);
		time_pass(wait);
		assert_int_equal(g.done, wait == LIM_DIAL_DNS_MS);
		answer_questions();
		for (int i = 0; i < 100 && !g.done; i++) {
			usleep(1000);
			time_turns(4);
		}
		assert_int_equal(g.r.fd >= 0, wait < LIM_DIAL_DNS_MS);
		if (g.r.fd >= 0)
			close(g.r.fd);
		else
			assert_string_equal(g.r.code, "net.dns_temp");
	}
	real_pass(4 * QUERY_MS);
	close(server);
}

/* A server whose connects neither work nor fail: its backlog is full. */
static int
silent_server(int *port, int fillers[3])
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	*port = port_of(fd);
	assert_int_equal(listen(fd, 0), 0);
	in.sin_port = htons((uint16_t)*port);
	for (int i = 0; i < 3; i++) {
		fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		(void)connect(fillers[i], (struct sockaddr *)&in, sizeof(in));
	}
	return fd;
}

/* limit: LIM_DIAL_TCP_MS */
static void
silent_host(void **state)
{
	struct got g = { 0 };
	int port, fillers[3], fd = silent_server(&port, fillers);

	(void)state;
	assert_non_null(dial_start("127.0.0.1", (uint16_t)port, true, on_result, &g));
	time_turns(4);
	time_pass(LIM_DIAL_TCP_MS - 1);
	assert_false(g.done);
	time_pass(1);
	assert_true(g.done);
	assert_int_equal(g.r.step, STEP_TCP);
	assert_string_equal(g.r.code, "net.timeout");
	for (int i = 0; i < 3; i++)
		close(fillers[i]);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tries),
		cmocka_unit_test(lookups),
		cmocka_unit_test(sockets),
		cmocka_unit_test(slow_name_service),
		cmocka_unit_test(silent_host),
	};

	resolve_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}

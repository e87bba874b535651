/*
 * control between an admin, a master and two stores that are all owned by an
 * attacker. Steps of the input: 0 a new admin connects, 1 his raw bytes, 2 a
 * whole frame, 3 and 4 a store's message, 5 the master's, 6 a store goes and
 * comes, 7 the admin leaves.
 */
#include "../hostile.h"

#include <event2/event.h>

#include "client.h"
#include "frames.h"
#include "log.h"
#include "loop.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct chan *master, *stores[2];
static int admin = -1;

static void
turn(void)
{
	char sink[65536];

	for (int i = 0; i < 3; i++) {
		event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		hostile_turn(master);
		hostile_turn(stores[0]);
		hostile_turn(stores[1]);
		while (admin != -1 && recv(admin, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	}
}

static void
set_master(void)
{
	static const struct chan_peer peer = { .role = ROLE_MASTER };
	static struct chan_ops ops = { .on_eof = hostile_eof };
	int fd;

	ops.handlers = request_master;
	chan_free(child.master);
	chan_free(master);
	master = hostile_new(ROLE_MASTER, ROLE_CONTROL, &fd);
	feed_check((child.master = chan_new(fd, ROLE_CONTROL, &peer, &ops, NULL)) != NULL);
	chan_run(child.master);
	loop_add(child.master);
	child.role = ROLE_CONTROL;
}

static void
set_store(unsigned int i)
{
	struct chan_peer peer = { .chan = i + 1, .role = ROLE_STORE };
	int fd;

	chan_free(stores[i]);
	stores[i] = NULL;
	turn();
	(void)slice_copy(slice_str(i == 0 ? "main" : "other"), peer.ats, sizeof(peer.ats));
	stores[i] = hostile_new(ROLE_STORE, ROLE_CONTROL, &fd);
	tenant_peer(&peer, fd);
}

static void
hang_up(void)
{
	if (admin != -1)
		close(admin);
	admin = -1;
	turn();
}

static void
connect_admin(void)
{
	int sv[2];

	hang_up();
	feed_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, sv) == 0);
	admin = sv[0];
	feed_check(client_new(sv[1], 1000, 42) != NULL);
}

static void
say(struct slice s)
{
	if (admin != -1 && s.n > 0)
		(void)send(admin, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
say_frame(struct feed *f)
{
	struct wbuf w = { .max = LIM_CTL_FRAME };

	if (frame_put(f, &w) == 0)
		say(wbuf_slice(&w));
	wbuf_free(&w);
}

static void
step(struct feed *f)
{
	uint8_t b = feed_byte(f);

	if (b % 8 == 0)
		connect_admin();
	else if (b % 8 == 1)
		say(feed_raw(f, feed_byte(f), 255));
	else if (b % 8 == 2)
		say_frame(f);
	else if (b % 8 <= 4)
		hostile_send(stores[b % 8 - 3], ROLE_STORE, ROLE_CONTROL, f);
	else if (b % 8 == 5)
		hostile_send(master, ROLE_MASTER, ROLE_CONTROL, f);
	else if (b % 8 == 6)
		set_store(b / 8 % 2);
	else
		hang_up();
	turn();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	log_set_level(LOG_LVL_ERROR);
	set_master();
	set_store(0);
	set_store(1);
	connect_admin();
	for (int i = 0; i < 100 && f.n > 0; i++)
		step(&f);
	hang_up();
	for (unsigned int i = 0; i < 2; i++) {
		chan_free(stores[i]);
		stores[i] = NULL;
	}
	turn();
	feed_check(TAILQ_EMPTY(&clients));
	return 0;
}

/*
 * A tls-worker between a hostile server, dialer and vault. Steps of the input:
 * 0 and 1 a message of the dialer, of the vault; 2 the master opens a stream;
 * 3 the dialer has connected it; 4 bytes of the server; 5 the vault answers as
 * it should; 6 the worker writes or closes; 7 the server closes, or time passes.
 */
#include "../clock.h"
#include "../hostile.h"

#include <event2/event.h>

#include "context.h"
#include "log.h"
#include "loop.h"
#include "peers.h"
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct chan *dialer, *vault;
static int server = -1, worker = -1;
static uint32_t opened;

static void
drain(int fd)
{
	char sink[16384];

	while (fd != -1 && recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
}

static void
turn(void)
{
	for (int i = 0; i < 3; i++) {
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		hostile_turn(dialer);
		hostile_turn(vault);
		hostile_turn(hostile_master(ROLE_TLS));
		chan_write(child.master);
		drain(server);
		drain(worker);
	}
}

static struct chan *
wire(enum role role)
{
	struct chan_peer peer = { .chan = role, .role = role };
	struct chan *c;
	int fd;

	c = hostile_new(role, ROLE_TLS, &fd);
	peers_wire(&peer, fd);
	return c;
}

static void
hang_up(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

static int
pair(int *ours)
{
	int sv[2];

	hang_up(ours);
	feed_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0);
	*ours = sv[0];
	return sv[1];
}

static void
open_stream(uint8_t how)
{
	struct msg_stream_open m = { .ticket = 1 + how % 4, .service = how % 2 != 0 ? SERVICE_IMAP : SERVICE_SMTP,
		.port = 993, .security = (uint8_t)(SECURITY_TLS + how / 8 % 3) };

	opened++;
	session_open(&m, pair(&worker));
}

static void
say(int *fd, struct slice s)
{
	if (*fd != -1 && s.n > 0)
		(void)send(*fd, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
answer(uint8_t which)
{
	static const char *const names[] = { "PLAIN", "LOGIN", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS" };

	(void)send_auth_respond(vault,
	    &(struct msg_auth_respond){ .ticket = 1 + which / 4 % 4, .mechanism = slice_str(names[which % 4]),
		.data = slice_str(which % 4 < 2 ? "secret" : "n,,n=anna,r=nonce") });
}

static void
step(struct feed *f)
{
	uint8_t b = feed_byte(f);

	switch (b % 8) {
	case 0:
		hostile_send(dialer, ROLE_DIALER, ROLE_TLS, f);
		break;
	case 1:
		hostile_send(vault, ROLE_VAULT, ROLE_TLS, f);
		break;
	case 2:
		open_stream(b / 8);
		break;
	case 3:
		/* turn() has heard the number of the dial */
		(void)send_dialed(dialer,
		    &(struct msg_dialed){ .req = (uint32_t)feed_heard, .address = slice_str("127.0.0.1"), .loopback = true },
		    pair(&server));
		break;
	case 4:
		say(&server, feed_raw(f, feed_byte(f), 255));
		break;
	case 5:
		answer(b / 8);
		break;
	case 6:
		if (b < 128)
			say(&worker, slice_str("A1 NOOP\r\n"));
		else
			hang_up(&worker);
		break;
	default:
		if (b < 128)
			clock_skip(b / 8);
		else
			hang_up(&server);
		break;
	}
	turn();
}

static void
start(void)
{
	static struct session_setup setup = { .host = "imap.example.org", .allow_none = true };

	(void)hostile_master(ROLE_TLS);
	log_init(child.master, LOG_LVL_ERROR);
	(void)signal(SIGPIPE, SIG_IGN);	/* as child_start does */
	setup.tls = context_new("", SLICE_NONE);
	session_setup(&setup);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool started;
	struct feed f = feed_start(data, size);

	if (!started)
		start();
	started = true;
	clock_start();
	opened = 0;
	dialer = wire(ROLE_DIALER);
	vault = wire(ROLE_VAULT);
	turn();
	for (int i = 0; i < 100 && f.n > 0; i++) {
		if (chan_dead(dialer))
			dialer = (chan_free(dialer), wire(ROLE_DIALER));
		if (chan_dead(vault))
			vault = (chan_free(vault), wire(ROLE_VAULT));
		step(&f);
	}
	hang_up(&server);
	hang_up(&worker);
	chan_free(dialer);
	chan_free(vault);
	dialer = vault = NULL;
	for (int i = 0; i < 20 && session_count() > 0; i++) {
		clock_skip(100);
		turn();
	}
	feed_check(session_count() == 0);
	clock_on = false;
	return 0;
}

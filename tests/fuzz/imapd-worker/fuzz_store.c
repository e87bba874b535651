/*
 * An imapd-worker between a hostile store and a hostile server. Steps of the
 * input: 0 and 1 a message of the store, 2 bytes of the server, 3 the tag of
 * the oldest pending command, then bytes, 4 an ordinary configuration, 5 a
 * stream comes up, 6 it ends, 7 time passes.
 */
#include "../clock.h"
#include "../hostile.h"

#include <event2/event.h>

/* The process itself, which is gone when it says so. */
static bool ended;

static void
end(int status)
{
	(void)status;
	ended = true;
}

int imapd_main(void);
#define main imapd_main
#define exit(status) end(status)
#include "../../../imapd-worker/main.c"
#undef exit
#undef main

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct chan *evil;
static int server = -1;
static uint64_t next_mailbox;

/* Folders that are found get a number, some with a position. */
static int
bind_found(struct chan *c, const union msg *m, int *fd)
{
	struct msg_mailbox_bound b = { .raw_name = m->mailbox_found.raw_name, .mailbox = ++next_mailbox };

	(void)fd;
	if (next_mailbox % 2 == 0) {
		b.uidvalidity = 7;
		b.uidnext = 10;
		b.modseq = 5;
		b.uid_low = 2;
	}
	return send_mailbox_bound(c, &b);
}

static void
wire(void)
{
	static chan_handler handlers[MSG__COUNT];
	static const struct chan_ops binding = { .handlers = handlers, .on_eof = hostile_eof, .on_broken = hostile_broken };
	struct chan_peer peer = { .chan = 1, .role = ROLE_STORE };
	int fd;

	memcpy(handlers, hostile_handlers, sizeof(handlers));
	handlers[MSG_mailbox_found] = bind_found;
	chan_free(evil);
	evil = hostile_new(ROLE_STORE, ROLE_IMAP, &fd);
	chan_set_ops(evil, &binding);
	on_peer(&peer, fd);
}

static void
turn(void)
{
	char sink[16384];

	for (int i = 0; i < 3; i++) {
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		hostile_turn(evil);
		hostile_turn(hostile_master(ROLE_IMAP));
		chan_write(child.master);
		while (server != -1 && recv(server, sink, sizeof(sink), MSG_DONTWAIT) > 0)
			;
	}
}

static void
hang_up(void)
{
	if (server != -1)
		close(server);
	server = -1;
}

static void
say(const void *p, size_t n)
{
	if (server != -1 && n > 0)
		(void)send(server, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
say_tag(void)
{
	char tag[16];
	int n = snprintf(tag, sizeof(tag), "P%u ", engine.writer.npending > 0 ? engine.writer.pending[0].tag : 1);

	say(tag, (size_t)n);
}

static void
stream_up(void)
{
	int sv[2];

	hang_up();
	turn();
	feed_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0);
	server = sv[0];
	engine_stream_up(&engine, sv[1], false);
}

static void
step(struct feed *f)
{
	uint8_t b = feed_byte(f);
	struct slice s;

	switch (b % 8) {
	case 0:
	case 1:
		hostile_send(evil, ROLE_STORE, ROLE_IMAP, f);
		break;
	case 2:
	case 3:
		if (b % 8 == 3)
			say_tag();
		s = feed_raw(f, feed_byte(f), 255);
		say(s.p, s.n);
		break;
	case 4:
		(void)send_sync_config(evil,
		    &(struct msg_sync_config){ .first = b / 8 % 4, .period_days = b / 32 % 2, .all_folders = b > 128 });
		break;
	case 5:
		stream_up();
		break;
	case 6:
		hang_up();
		break;
	default:
		clock_skip(1u << b / 8 % 12);
		break;
	}
	turn();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	(void)hostile_master(ROLE_IMAP);
	log_init(child.master, LOG_LVL_ERROR);
	(void)signal(SIGPIPE, SIG_IGN);	/* as child_start does */
	clock_start();
	ended = false;
	next_mailbox = 0;
	engine_init(&engine, &host, NULL);
	wire();
	for (int i = 0; i < 150 && f.n > 0 && !ended; i++) {
		if (chan_dead(evil))
			wire();
		step(&f);
	}
	hang_up();
	chan_free(evil);
	evil = NULL;
	turn();
	chan_free(store);
	store = NULL;
	engine_free(&engine);
	turn();
	clock_on = false;
	return 0;
}

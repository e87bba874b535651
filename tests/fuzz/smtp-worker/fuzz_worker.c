/*
 * A smtp-worker between a hostile store, master and server. Steps of the
 * input: 0 the store's message, 1 the server's bytes, 2 an ordinary
 * configuration, 3 an ordinary item, 4 the permission to end it, 5 a stream
 * comes up, 6 a stream failed, 7 the server closes, or time passes.
 */
#include "../clock.h"
#include "../hostile.h"

#include <event2/event.h>

#include "job.h"
#include "log.h"
#include "loop.h"
#include "stream.h"

/* Its state lives in this file alone; its end is ours to see. */
static bool ended;

static void
end(int status)
{
	(void)status;
	ended = true;
}

#define exit(status) end(status)
#include "../../../smtp-worker/worker.c"
#undef exit

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static struct chan *evil;
static int server = -1;

static void
turn(void)
{
	char sink[16384];

	for (int i = 0; i < 3; i++) {
		(void)event_base_loop(loop_base(), EVLOOP_NONBLOCK);
		hostile_turn(evil);
		hostile_turn(hostile_master(ROLE_SMTP));
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
stream_up(void)
{
	int sv[2];

	/* The master gives one only to who asked. */
	if (!w.wanted || stream_engine() != NULL)
		return;
	hang_up();
	feed_check(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) == 0);
	server = sv[0];
	worker_stream_up(sv[1]);
}

static void
stream_failed(struct feed *f)
{
	struct slice code = feed_str(f, LIM_CODE), detail = feed_str(f, LIM_DETAIL);

	if (w.wanted && stream_engine() == NULL)
		worker_stream_failed(code, detail);
}

static void
send_one(uint8_t n)
{
	struct wbuf rcpts = { .max = 0 };
	struct msg_send_item m = { .submission = 1u + n % 4, .from = slice_str("anna@example.org"), .utf8 = n % 2 != 0,
		.data = slice_str("Subject: x\r\n\r\n.dot\r\nend") };

	list_add(&rcpts, slice_str("carl@example.com"));
	list_add(&rcpts, slice_str("desk@example.com"));
	m.rcpts = wbuf_slice(&rcpts);
	if (chan_credits(evil) > 0)
		(void)send_send_item(evil, &m, -1);
	wbuf_free(&rcpts);
}

static void
step(struct feed *f)
{
	uint8_t b = feed_byte(f);
	struct slice s;

	switch (b % 8) {
	case 0:
		hostile_send(evil, ROLE_STORE, ROLE_SMTP, f);
		break;
	case 1:
		s = feed_raw(f, feed_byte(f), 255);
		if (server != -1 && s.n > 0)
			(void)send(server, s.p, s.n, MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 2:
		(void)send_send_config(evil, &(struct msg_send_config){ .from = slice_str("anna@example.org"), .probe = b > 200 });
		break;
	case 3:
		send_one(b / 8);
		break;
	case 4:
		(void)send_data_go(evil, &(struct msg_data_go){ .submission = 1u + b / 8 % 4u });
		break;
	case 5:
		stream_up();
		break;
	case 6:
		stream_failed(f);
		break;
	default:
		if (b < 128)
			clock_skip(b / 8 * 4u);
		else
			hang_up();
		break;
	}
	turn();
}

static void
wire(void)
{
	static const struct chan_peer peer = { .chan = 1, .role = ROLE_STORE };
	int fd;

	chan_free(evil);
	evil = hostile_new(ROLE_STORE, ROLE_SMTP, &fd);
	worker_wire(&peer, fd);
}

/* The process would be gone: all of it is forgotten. */
static void
forget(void)
{
	if (w.store == NULL)
		wire();		/* somebody to tell how it ended */
	hang_up();
	stream_close();
	chan_free(evil);
	evil = NULL;
	while (job_first() != NULL)
		job_drop_first();
	chan_free(w.store);
	event_free(w.idle);
	event_free(w.retry);
	memset(&w, 0, sizeof(w));
	turn();
	clock_on = false;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = feed_start(data, size);

	(void)hostile_master(ROLE_SMTP);
	log_init(child.master, LOG_LVL_ERROR);
	(void)signal(SIGPIPE, SIG_IGN);
	clock_start();
	worker_init();
	wire();
	ended = false;
	for (int i = 0; i < 100 && f.n > 0 && !ended; i++)
		step(&f);
	forget();
	return 0;
}

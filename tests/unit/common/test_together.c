/* Messages that travel together: who waits for whom, and what breaks a channel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "channel_private.h"

static struct chan *store, *mime;
static unsigned int parsed, gathered;
static uint32_t last_req;
static const char *broken;
static bool hold, refuse, free_it;

static int
on_parse(struct chan *c, const union msg *m, int *fd)
{
	struct body b;

	assert_int_equal(body_open(&b, m->parse.data, fd), 0);
	body_close(&b);
	parsed++;
	/* In order, whatever carried them. */
	assert_true(m->parse.req > last_req);
	last_req = m->parse.req;
	if (hold)
		chan_hold(c);
	if (free_it) {
		mime = NULL;
		chan_free(c);
	}
	return refuse ? -1 : 0;
}

static void
on_eof(struct chan *c)
{
	(void)c;
	fail();
}

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	broken = reason;
}

static void
on_gather(struct chan *c)
{
	assert_ptr_equal(c, store);
	gathered++;
}

static const chan_handler handlers[MSG__COUNT] = { [MSG_parse] = on_parse };
static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

static int
wire(void **state)
{
	int sv[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	store = chan_new(sv[0], ROLE_STORE, &(struct chan_peer){ .role = ROLE_MIME }, &ops, NULL);
	mime = chan_new(sv[1], ROLE_MIME, &(struct chan_peer){ .role = ROLE_STORE }, &ops, NULL);
	chan_run(store);
	chan_run(mime);
	chan_set_gather(store, on_gather);
	parsed = gathered = last_req = 0;
	broken = NULL;
	hold = refuse = free_it = false;
	return 0;
}

static int
unwire(void **state)
{
	(void)state;
	chan_free(store);
	chan_free(mime);
	return 0;
}

static void
ask(uint32_t req, size_t size)
{
	static uint8_t bytes[LIM_INLINE + 1];
	struct msg_parse m = { .req = req };
	int fd = body_put(slice_mem(bytes, size), &m.data);

	assert_int_equal(send_parse(store, &m, fd), 0);
}

/* Packets that are there now. */
static unsigned int
packets(void)
{
	static uint8_t bytes[LIM_CHAN_MSG];
	unsigned int n = 0;

	while (recv(chan_fd(mime), bytes, sizeof(bytes), 0) > 0)
		n++;
	return n;
}

static void
waits_for_others(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		ask(i, 10);
	assert_int_equal(packets(), 0);
	assert_int_equal(gathered, 1);
	assert_false(chan_wants_write(store));
	assert_true(chan_queued(store) > 30);
	chan_write(store);
	assert_int_equal(packets(), 1);
	assert_int_equal(chan_queued(store), 0);
	assert_int_equal(chan_credits(store), LIM_CHAN_CREDITS - 3);
}

static void
arrives_in_order(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 20; i++)
		ask(i, i == 5 ? LIM_INLINE : i == 11 ? LIM_INLINE + 1 : 100);
	chan_write(store);
	chan_read(mime);
	assert_int_equal(parsed, 20);
	assert_int_equal(last_req, 20);
	chan_read(store);
	assert_int_equal(chan_credits(store), LIM_CHAN_CREDITS);
}

/* One alone is what it would be without any of this. */
static void
alone(void **state)
{
	uint8_t bytes[100];

	(void)state;
	ask(7, 10);
	chan_write(store);
	assert_true(recv(chan_fd(mime), bytes, sizeof(bytes), 0) > 2);
	assert_int_equal(bytes[0] | bytes[1] << 8, MSG_parse);
}

/* What does not wait takes along what waits before it. */
static void
takes_along(void **state)
{
	(void)state;
	ask(1, 10);
	ask(2, 10);
	ask(3, LIM_INLINE + 1);
	assert_int_equal(packets(), 2);
	ask(4, 10);
	assert_int_equal(send_credit(store, &(struct msg_credit){ .n = 1 }), 0);
	assert_int_equal(packets(), 0);
	chan_write(store);
	assert_int_equal(packets(), 1);
}

static void
without_a_loop(void **state)
{
	(void)state;
	chan_set_gather(store, NULL);
	ask(1, 10);
	assert_int_equal(packets(), 1);
}

/* No memory to gather in: all leave, in order. */
static void
without_room(void **state)
{
	(void)state;
	store->gathered.max = 100;
	for (uint32_t i = 1; i <= 3; i++)
		ask(i, 60);	/* a second one does not fit */
	chan_write(store);
	chan_read(mime);
	assert_int_equal(parsed, 3);
	assert_int_equal(chan_queued(store), 0);
	assert_false(chan_overflowed(store));
}

/* What comes when there is room again goes behind what waits for it. */
static void
behind_the_queue(void **state)
{
	uint32_t req = 1;

	(void)state;
	while (!chan_wants_write(store) && req < LIM_CHAN_CREDITS)
		ask(req++, LIM_INLINE);
	ask(req++, LIM_INLINE);
	assert_true(chan_wants_write(store));
	chan_read(mime);
	assert_in_range(parsed, 1, req - 2);	/* now there is room */
	ask(req++, 10);
	ask(req++, LIM_INLINE + 1);
	while (chan_wants_write(store)) {
		chan_write(store);
		chan_read(mime);
	}
	chan_read(mime);
	assert_int_equal(parsed, req - 1);
}

/* limit: LIM_CHAN_TOGETHER LIM_CHAN_TOGETHER_BYTES: as many leave without being told to. */
static void
enough(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < LIM_CHAN_TOGETHER; i++)
		ask(i, 10);
	assert_int_equal(packets(), 0);
	ask(LIM_CHAN_TOGETHER, 10);
	assert_int_equal(packets(), 1);
	ask(20, 10);
	ask(21, LIM_CHAN_TOGETHER_BYTES - 2 - 4 - 1 - 4);	/* its type, req, header_only, length */
	assert_int_equal(packets(), 1);		/* the first: there was no room for both */
	chan_write(store);
	assert_int_equal(packets(), 1);
	ask(22, LIM_CHAN_TOGETHER_BYTES - 2 - 4 - 1 - 4 + 1);
	assert_int_equal(packets(), 1);		/* does not wait */
}

/* ---- what a broken peer sends ---- */

static void
item(struct wbuf *list, enum msg_type type, const void *m)
{
	struct wbuf w = { .max = 0 };

	w_u16(&w, (uint16_t)type);
	msg_encode(&w, type, m);
	list_add(list, wbuf_slice(&w));
	wbuf_free(&w);
}

static void
parses(struct wbuf *list, uint32_t first, unsigned int n)
{
	for (uint32_t i = 0; i < n; i++)
		item(list, MSG_parse, &(struct msg_parse){ .req = first + i, .data = slice_str("x") });
}

static void
throw(struct wbuf *list)
{
	struct wbuf w = { .max = 0 };

	w_u16(&w, MSG_together);
	w_bytes(&w, wbuf_slice(list), SIZE_MAX);
	assert_int_equal(send(chan_fd(store), w.p, w.n, 0), (ssize_t)w.n);
	wbuf_free(&w);
	wbuf_free(list);
	chan_read(mime);
}

/* limit: LIM_CHAN_TOGETHER */
static void
too_many(void **state)
{
	struct wbuf list = { .max = 0 };

	(void)state;
	parses(&list, 1, LIM_CHAN_TOGETHER);
	throw(&list);
	assert_null(broken);
	assert_int_equal(parsed, LIM_CHAN_TOGETHER);
	parses(&list, 100, LIM_CHAN_TOGETHER + 1);
	throw(&list);
	assert_string_equal(broken, "malformed message");
	assert_int_equal(parsed, LIM_CHAN_TOGETHER);
}

static void
more_than_credits(void **state)
{
	struct wbuf list = { .max = 0 };

	(void)state;
	hold = true;
	for (uint32_t i = 0; i < LIM_CHAN_CREDITS; i += LIM_CHAN_TOGETHER) {
		parses(&list, 1 + i, LIM_CHAN_TOGETHER);
		throw(&list);
	}
	assert_null(broken);
	parses(&list, 500, 1);
	throw(&list);
	assert_string_equal(broken, "bulk message without credit");
	assert_int_equal(parsed, LIM_CHAN_CREDITS);
}

static void
nothing_in_it(void **state)
{
	struct wbuf list = { .max = 0 };

	(void)state;
	throw(&list);
	assert_string_equal(broken, "nothing together");
}

static void
list_in_list(void **state)
{
	struct wbuf list = { .max = 0 }, inner = { .max = 0 };

	(void)state;
	parses(&inner, 2, 1);
	parses(&list, 1, 1);
	item(&list, MSG_together, &(struct msg_together){ .messages = wbuf_slice(&inner) });
	wbuf_free(&inner);
	throw(&list);
	assert_string_equal(broken, "messages within messages");
	assert_int_equal(parsed, 1);
}

/* Each is checked as if it had come alone, and nothing behind a bad one counts. */
static void
bad_among_them(void **state)
{
	static const struct { enum msg_type type; const char *why; } bad[] = {
		{ MSG_none, "unknown message" },
		{ MSG_parsed, "message from the wrong role" },
		{ MSG_extract, "message nobody asked for" },
	};
	struct wbuf list = { .max = 0 }, w = { .max = 0 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		wire(state);
		parses(&list, 1, 2);
		wbuf_reset(&w);
		w_u16(&w, (uint16_t)bad[i].type);
		list_add(&list, wbuf_slice(&w));
		parses(&list, 3, 1);
		throw(&list);
		assert_string_equal(broken, bad[i].why);
		assert_int_equal(parsed, 2);
		unwire(state);
	}
	wbuf_free(&w);
	wire(state);
	refuse = true;
	parses(&list, 1, 2);
	throw(&list);
	assert_string_equal(broken, "parse");
	assert_int_equal(parsed, 1);
	unwire(state);
}

/* A handler that ends its channel hears nothing more of it. */
static void
freed_on_the_way(void **state)
{
	struct wbuf list = { .max = 0 };

	(void)state;
	free_it = true;
	parses(&list, 1, 3);
	throw(&list);
	assert_int_equal(parsed, 1);
	assert_null(broken);
}

static struct chan *client;
static unsigned int asked_at, times;

static int
on_ask(struct chan *c, const union msg *m, int *fd)
{
	(void)m;
	(void)fd;
	asked_at = parsed;
	if (free_it) {
		chan_free(mime);	/* it deletes what is being read */
		mime = NULL;
	}
	chan_free(c);
	client = NULL;
	return 0;
}

static void
hear_client(void)
{
	times++;
	if (client != NULL)
		chan_read(client);
}

/* Behind each packet somebody else is heard: who asks waits for one, not for all of them. */
static void
heard_between(void **state)
{
	static const chan_handler asks[MSG__COUNT] = { [MSG_query] = on_ask };
	static const struct chan_ops client_ops = { .handlers = asks, .on_eof = on_eof, .on_broken = on_broken };
	struct chan *ats;
	int sv[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
		client = chan_new(sv[0], ROLE_STORE, &(struct chan_peer){ .role = ROLE_ATS }, &client_ops, NULL);
		ats = chan_new(sv[1], ROLE_ATS, &(struct chan_peer){ .role = ROLE_STORE }, &ops, NULL);
		chan_run(client);
		chan_run(ats);
		chan_set_between(mime, hear_client);
		times = 0;
		free_it = i == 1;
		for (uint32_t req = last_req + 1, end = req + 4; req < end; req++) {
			ask(req, 10);
			chan_write(store);	/* a packet each */
		}
		assert_int_equal(send_query(ats, &(struct msg_query){ .req = 1 }), 0);
		asked_at = 0;
		parsed = 0;
		chan_read(mime);
		assert_int_equal(asked_at, 1);
		assert_int_equal(parsed, i == 0 ? 4 : 1);
		assert_int_equal(times, parsed);
		chan_free(ats);
	}
	assert_null(broken);
}

#define T(f) cmocka_unit_test_setup_teardown(f, wire, unwire)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(waits_for_others),
		T(arrives_in_order),
		T(alone),
		T(takes_along),
		T(without_a_loop),
		T(without_room),
		T(behind_the_queue),
		T(enough),
		T(too_many),
		T(more_than_credits),
		T(nothing_in_it),
		T(list_in_list),
		cmocka_unit_test(bad_among_them),
		T(freed_on_the_way),
		T(heard_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

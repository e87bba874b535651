/* Channels: what passes, and that everything else breaks them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "body.h"
#include "channel.h"

struct end {
	struct chan *chan;
	int logs, bulk, eof, credit_calls;
	const char *broken;
	bool hold;
	size_t body_size;
};

static struct end a, b;

static int
on_log(struct chan *c, const union msg *m, int *fd)
{
	(void)m;
	(void)fd;
	((struct end *)chan_ctx(c))->logs++;
	return 0;
}

static int
on_body(struct chan *c, const union msg *m, int *fd)
{
	struct end *e = chan_ctx(c);
	struct body body;

	e->bulk++;
	if (body_open(&body, m->parse.data, fd) == -1)
		return -1;
	e->body_size = body.data.n;
	body_close(&body);
	if (e->hold)
		chan_hold(c);
	return 0;
}

static int
on_refuse(struct chan *c, const union msg *m, int *fd)
{
	(void)c;
	(void)m;
	(void)fd;
	return -1;
}

static void
on_eof(struct chan *c)
{
	((struct end *)chan_ctx(c))->eof++;
}

static void
on_broken(struct chan *c, const char *reason)
{
	((struct end *)chan_ctx(c))->broken = reason;
}

static void
on_credit(struct chan *c)
{
	((struct end *)chan_ctx(c))->credit_calls++;
}

static const chan_handler handlers[MSG__COUNT] = { [MSG_log] = on_log, [MSG_parse] = on_body,
	[MSG_ready] = on_refuse };
static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken,
	.on_credit = on_credit };

static void
wire(enum role left, enum role right)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), 0);
	a = (struct end){ 0 };
	b = (struct end){ 0 };
	a.chan = chan_new(sv[0], left, &(struct chan_peer){ .role = right }, &ops, &a);
	b.chan = chan_new(sv[1], right, &(struct chan_peer){ .role = left }, &ops, &b);
	chan_run(a.chan);
	chan_run(b.chan);
}

static int
unwire(void **state)
{
	(void)state;
	chan_free(a.chan);
	chan_free(b.chan);
	return 0;
}

static void
raw(const void *p, size_t n, const int *fds, size_t nfds)
{
	char control[CMSG_SPACE(4 * sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)p, n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (nfds > 0) {
		struct cmsghdr *cm;

		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(nfds * sizeof(int));
		cm = CMSG_FIRSTHDR(&mh);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(nfds * sizeof(int));
		memcpy(CMSG_DATA(cm), fds, nfds * sizeof(int));
	}
	assert_int_equal(sendmsg(chan_fd(a.chan), &mh, 0), n);
}

static size_t
encode(uint8_t *out, size_t size, enum msg_type type, const void *m)
{
	struct wbuf w;
	size_t n;

	wbuf_init(&w, size);
	w_u16(&w, (uint16_t)type);
	msg_encode(&w, type, m);
	assert_false(w.failed);
	memcpy(out, w.p, n = w.n);
	wbuf_free(&w);
	return n;
}

static void
test_passes(void **state)
{
	(void)state;
	wire(ROLE_STORE, ROLE_MASTER);
	assert_int_equal(send_log(a.chan, &(struct msg_log){ .text = slice_str("hello") }), 0);
	chan_read(b.chan);
	assert_int_equal(b.logs, 1);
	assert_null(b.broken);
}

static void
test_own_mistakes_stay_here(void **state)
{
	static char big[LIM_LOG_TEXT + 1];

	(void)state;
	wire(ROLE_STORE, ROLE_MASTER);
	memset(big, 'x', sizeof(big));
	assert_int_equal(send_log(a.chan, &(struct msg_log){ .text = slice_mem(big, sizeof(big)) }), -1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(send_hello(a.chan, &(struct msg_hello){ 0 }), -1);
	assert_int_equal(errno, EINVAL);
	chan_read(b.chan);
	assert_null(b.broken);
}

/* Whole table: each message from each role that may not send it to that role. */
static void
test_wrong_role(void **state)
{
	uint8_t packet[2];

	(void)state;
	for (unsigned int t = 0; t <= MSG__COUNT + 1; t++)
		for (unsigned int from = 0; from < ROLE__COUNT; from++)
			for (unsigned int to = 0; to < ROLE__COUNT; to++) {
				bool known = t > MSG_none && t < MSG__COUNT;

				if (known && (msg_table[t].from & (1u << from)) && (msg_table[t].to & (1u << to)))
					continue;
				wire(from, to);
				packet[0] = (uint8_t)t;
				packet[1] = (uint8_t)(t >> 8);
				raw(packet, 2, NULL, 0);
				chan_read(b.chan);
				assert_string_equal(b.broken, known ? "message from the wrong role" : "unknown message");
				unwire(NULL);
			}
	wire(ROLE_STORE, ROLE_MASTER);
}

static void
test_cut_and_surplus(void **state)
{
	uint8_t packet[256] = { 0 };
	size_t n;

	(void)state;
	n = encode(packet, sizeof(packet), MSG_log, &(struct msg_log){ .level = 1, .text = slice_str("hello") });
	for (size_t cut = 1; cut <= n + 1; cut++) {
		wire(ROLE_STORE, ROLE_MASTER);
		raw(packet, cut, NULL, 0);
		chan_read(b.chan);
		assert_int_equal(b.logs, cut == n ? 1 : 0);
		assert_int_equal(b.broken != NULL, cut != n);
		unwire(NULL);
	}
	wire(ROLE_STORE, ROLE_MASTER);
}

static void
test_phase(void **state)
{
	uint8_t packet[256];
	size_t n = encode(packet, sizeof(packet), MSG_ready, &(struct msg_ready){ 0 });

	(void)state;
	wire(ROLE_STORE, ROLE_MASTER);
	raw(packet, n, NULL, 0);
	chan_read(b.chan);
	assert_string_equal(b.broken, "message out of phase");
}

static void
test_descriptors(void **state)
{
	uint8_t packet[256];
	int fds[3] = { 0, 1, 2 };
	size_t n = encode(packet, sizeof(packet), MSG_log, &(struct msg_log){ .text = slice_str("x") });
	int before = dup(0);

	(void)state;
	close(before);
	for (size_t k = 1; k <= 3; k++) {
		wire(ROLE_STORE, ROLE_MASTER);
		raw(packet, n, fds, k);
		chan_read(b.chan);
		assert_string_equal(b.broken, "wrong number of descriptors");
		unwire(NULL);
	}
	/* None of them stayed open. */
	wire(ROLE_STORE, ROLE_MASTER);
	unwire(NULL);
	int after = dup(0);
	assert_int_equal(after, before);
	close(after);
	wire(ROLE_STORE, ROLE_MASTER);
}

static void
test_nobody_asked(void **state)
{
	uint8_t packet[256];
	size_t n = encode(packet, sizeof(packet), MSG_unit_stop, &(struct msg_unit_stop){ 0 });

	(void)state;
	wire(ROLE_STORE, ROLE_MASTER);
	raw(packet, n, NULL, 0);
	chan_read(b.chan);
	assert_string_equal(b.broken, "message nobody asked for");
}

static void
test_credits(void **state)
{
	const struct msg_parse m = { .req = 1, .data = slice_str("x") };
	uint8_t packet[256];
	size_t n = encode(packet, sizeof(packet), MSG_parse, &m);

	(void)state;
	wire(ROLE_STORE, ROLE_MIME);
	b.hold = true;
	for (int i = 0; i < LIM_CHAN_CREDITS; i++)
		assert_int_equal(send_parse(a.chan, &m, -1), 0);
	assert_int_equal(send_parse(a.chan, &m, -1), -1);
	assert_int_equal(errno, EAGAIN);
	chan_read(b.chan);
	assert_int_equal(b.bulk, LIM_CHAN_CREDITS);
	/* limit: LIM_CREDITS_TOGETHER: released one by one, they are returned together. */
	for (int i = 1; i < LIM_CREDITS_TOGETHER; i++)
		chan_release(b.chan, 1);
	chan_read(a.chan);
	assert_int_equal(chan_credits(a.chan), 0);
	chan_release(b.chan, 1);
	chan_read(a.chan);
	assert_int_equal(chan_credits(a.chan), LIM_CREDITS_TOGETHER);
	assert_int_equal(a.credit_calls, 1);
	/* A sender that ignores its credits is broken. */
	for (int i = 0; i <= LIM_CREDITS_TOGETHER; i++)
		raw(packet, n, NULL, 0);
	chan_read(b.chan);
	assert_string_equal(b.broken, "bulk message without credit");
}

/* The sender may wait until all are back, few as they were. */
static void
test_last_credits(void **state)
{
	const struct msg_parse m = { .req = 1, .data = slice_str("x") };

	(void)state;
	wire(ROLE_STORE, ROLE_MIME);
	b.hold = true;
	for (int i = 0; i < 3; i++)
		assert_int_equal(send_parse(a.chan, &m, -1), 0);
	chan_read(b.chan);
	chan_release(b.chan, 2);
	chan_read(a.chan);
	assert_int_equal(chan_credits(a.chan), LIM_CHAN_CREDITS - 3);
	chan_release(b.chan, 1);
	chan_read(a.chan);
	assert_int_equal(chan_credits(a.chan), LIM_CHAN_CREDITS);
}

static void
test_credits_invented(void **state)
{
	(void)state;
	wire(ROLE_STORE, ROLE_MIME);
	assert_int_equal(send_credit(a.chan, &(struct msg_credit){ .n = 1 }), 0);
	chan_read(b.chan);
	assert_string_equal(b.broken, "more credits than given");
}

static void
test_body(void **state)
{
	static uint8_t big[LIM_INLINE + 1];
	struct msg_parse m = { .req = 1 };
	int fd;

	(void)state;
	wire(ROLE_STORE, ROLE_MIME);
	fd = body_put(slice_mem(big, sizeof(big)), &m.data);
	assert_true(fd >= 0);
	assert_int_equal(send_parse(a.chan, &m, fd), 0);
	chan_read(b.chan);
	assert_null(b.broken);
	assert_int_equal(b.body_size, sizeof(big));
	fd = body_put(slice_mem(big, LIM_INLINE), &m.data);
	assert_int_equal(fd, -1);
	assert_int_equal(send_parse(a.chan, &m, fd), 0);
	chan_read(b.chan);
	assert_int_equal(b.body_size, LIM_INLINE);
}

/* limit: LIM_BODY */
static void
test_body_limit(void **state)
{
	void *p = mmap(NULL, LIM_BODY + 1, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct msg_parse m = { .req = 1 };
	int fd;

	(void)state;
	assert_true(p != MAP_FAILED);
	wire(ROLE_STORE, ROLE_MIME);
	fd = body_put(slice_mem(p, LIM_BODY), &m.data);
	assert_true(fd >= 0);
	assert_int_equal(send_parse(a.chan, &m, fd), 0);
	chan_read(b.chan);
	assert_int_equal(b.body_size, LIM_BODY);
	assert_int_equal(body_put(slice_mem(p, LIM_BODY + 1), &m.data), -2);
	assert_int_equal(errno, EFBIG);
	munmap(p, LIM_BODY + 1);
	/* Nor is it taken from one who made it himself. */
	fd = memfd_create("x", MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, (off_t)LIM_BODY + 1), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
	assert_int_equal(send_parse(a.chan, &(struct msg_parse){ .req = 1 }, fd), 0);
	chan_read(b.chan);
	assert_string_equal(b.broken, "body that is not sealed memory");
}

static void
test_body_unsealed(void **state)
{
	int fd = memfd_create("x", MFD_ALLOW_SEALING);

	(void)state;
	assert_int_equal(ftruncate(fd, LIM_INLINE * 2), 0);
	wire(ROLE_STORE, ROLE_MIME);
	assert_int_equal(send_parse(a.chan, &(struct msg_parse){ .req = 1 }, fd), 0);
	chan_read(b.chan);
	assert_non_null(b.broken);
}

static void
test_peer_that_does_not_read(void **state)
{
	static char text[LIM_LOG_TEXT];
	int r = 0;

	(void)state;
	wire(ROLE_STORE, ROLE_MASTER);
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 100000 && r == 0; i++)
		r = send_log(a.chan, &(struct msg_log){ .text = slice_mem(text, sizeof(text)) });
	assert_int_equal(r, -1);
	assert_true(chan_queued(a.chan) <= LIM_CHAN_QUEUE);
}

static void
test_eof(void **state)
{
	(void)state;
	wire(ROLE_STORE, ROLE_MASTER);
	chan_free(a.chan);
	a.chan = NULL;
	chan_read(b.chan);
	assert_int_equal(b.eof, 1);
	chan_read(b.chan);
	assert_int_equal(b.eof, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_passes, unwire),
		cmocka_unit_test_teardown(test_own_mistakes_stay_here, unwire),
		cmocka_unit_test_teardown(test_wrong_role, unwire),
		cmocka_unit_test_teardown(test_cut_and_surplus, unwire),
		cmocka_unit_test_teardown(test_phase, unwire),
		cmocka_unit_test_teardown(test_descriptors, unwire),
		cmocka_unit_test_teardown(test_nobody_asked, unwire),
		cmocka_unit_test_teardown(test_credits, unwire),
		cmocka_unit_test_teardown(test_last_credits, unwire),
		cmocka_unit_test_teardown(test_credits_invented, unwire),
		cmocka_unit_test_teardown(test_body, unwire),
		cmocka_unit_test_teardown(test_body_limit, unwire),
		cmocka_unit_test_teardown(test_body_unsealed, unwire),
		cmocka_unit_test_teardown(test_peer_that_does_not_read, unwire),
		cmocka_unit_test_teardown(test_eof, unwire),
	};
	return cmocka_run_group_tests_name("channel", tests, NULL, NULL);
}

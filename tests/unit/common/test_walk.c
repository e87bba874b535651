/*
 * Channel attacks, codec and channel: every row of messages.def, from every
 * role to every role, whole and broken in every way craft.h knows. What may
 * pass passes once; everything else breaks the channel and leaves nothing
 * behind. The real processes are attacked in tests/sandbox.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../sandbox/walk/craft.h"
#include "channel.h"

static chan_handler handlers[MSG__COUNT];
static int handled, ended;
static unsigned int last_type;
static bool hold;
static char broken[128];
static struct craft craft;
static struct chan *receiver;
static int attacker;

#define HANDLER(n)                                                                                                     \
	static int take_##n(struct chan *c, const union msg *m, int *fd)                                                 \
	{                                                                                                              \
		(void)m;                                                                                               \
		(void)fd;                                                                                              \
		handled++;                                                                                             \
		last_type = MSG_##n;                                                                                   \
		if (hold)                                                                                              \
			chan_hold(c);                                                                                  \
		return 0;                                                                                              \
	}
#define MSG(n, from, to, phase, class, fds, fields) HANDLER(n)
#include "messages.def"
#undef MSG

static void
on_eof(struct chan *c)
{
	(void)c;
	ended++;
}

static void
on_broken(struct chan *c, const char *reason)
{
	(void)c;
	assert_string_equal(broken, "");	/* told once */
	(void)slice_copy(slice_str(reason), broken, sizeof(broken));
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

static int
fill_handlers(void **state)
{
	(void)state;
#define MSG(n, from, to, phase, class, fds, fields) handlers[MSG_##n] = take_##n;
#include "messages.def"
#undef MSG
	return 0;
}

static void
wire(enum role from, enum role to, bool running)
{
	int sv[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	attacker = sv[0];
	receiver = chan_new(sv[1], to, &(struct chan_peer){ .role = from }, &ops, NULL);
	assert_non_null(receiver);
	if (running)
		chan_run(receiver);
	handled = ended = 0;
	hold = false;
	broken[0] = '\0';
}

static void
unwire(void)
{
	chan_free(receiver);
	close(attacker);
}

static int
open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static enum role
role_of(uint32_t mask)
{
	return (enum role)__builtin_ctz(mask);
}

/* ---- what may pass ---- */

static void
test_whole(void **state)
{
	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++)
		for (enum craft_fill fill = 0; fill < FILL__COUNT; fill++) {
			const struct msg_info *info = &msg_table[t];

			if (t == MSG_credit)
				continue;
			wire(role_of(info->from), role_of(info->to), info->phase != MSGP_SETUP);
			craft_whole(&craft, t, fill);
			assert_int_equal(craft_send(attacker, &craft), 0);
			chan_read(receiver);
			if (broken[0] != '\0' || handled != 1 || last_type != t)
				fail_msg("%s: handled %d times, %s", craft.what, handled, broken);
			unwire();
		}
}

static void
test_sealed_body(void **state)
{
	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		if (msg_table[t].fds != MSGF_BODY)
			continue;
		wire(role_of(msg_table[t].from), role_of(msg_table[t].to), true);
		craft_whole(&craft, t, FILL_ZERO);
		craft.fds = FDS_SEALED;
		assert_int_equal(craft_send(attacker, &craft), 0);
		chan_read(receiver);
		if (handled != 1)
			fail_msg("%s with a sealed body: %s", craft.what, broken);
		unwire();
	}
}

/* ---- what may not ---- */

/* Sent, read, refused: broken with a reason, no handler heard of it. */
static void
refused(const char *what, const char *why)
{
	chan_read(receiver);
	if (broken[0] == '\0' || handled != 0 || ended != 0 || !chan_dead(receiver))
		fail_msg("%s was not refused: handled %d, ended %d", what, handled, ended);
	if (why != NULL && strcmp(broken, why) != 0)
		fail_msg("%s: %s, not %s", what, broken, why);
}

static void
test_every_breakage(void **state)
{
	int before = open_fds(), n = 0;

	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		const struct msg_info *info = &msg_table[t];

		for (size_t i = 0; craft_breakage(&craft, t, i); i++, n++) {
			wire(role_of(info->from), role_of(info->to), info->phase != MSGP_SETUP);
			assert_int_equal(craft_send(attacker, &craft), 0);
			refused(craft.what, NULL);
			unwire();
		}
		if (open_fds() != before)
			fail_msg("%s: descriptors stay open", msg_name(t));
	}
	assert_true(n > 30 * MSG__COUNT);
	print_message("%d broken packets of %d rows\n", n, MSG__COUNT - 1);
}

/* The codec alone, at every length of the largest message there may be. */
static void
test_cut_at_every_length(void **state)
{
	union msg m;

	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		craft_whole(&craft, t, FILL_FULL);
		for (size_t n = 0; n < craft.bytes.n - 2; n++)
			if (msg_decode(t, slice_mem(craft.bytes.p + 2, n), &m) == 0)
				fail_msg("%s cut at %zu is accepted", craft.what, n);
		assert_int_equal(msg_decode(t, slice_mem(craft.bytes.p + 2, craft.bytes.n - 2), &m), 0);
	}
}

static void
test_every_wrong_role(void **state)
{
	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++)
		for (enum role from = 0; from < ROLE__COUNT; from++)
			for (enum role to = 0; to < ROLE__COUNT; to++) {
				if ((msg_table[t].from & (1u << from)) && (msg_table[t].to & (1u << to)))
					continue;
				wire(from, to, msg_table[t].phase != MSGP_SETUP);
				craft_whole(&craft, t, FILL_SOME);
				assert_int_equal(craft_send(attacker, &craft), 0);
				refused(craft.what, "message from the wrong role");
				unwire();
			}
}

static void
test_every_wrong_phase(void **state)
{
	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		if (msg_table[t].phase == MSGP_ANY)
			continue;
		wire(role_of(msg_table[t].from), role_of(msg_table[t].to), msg_table[t].phase == MSGP_SETUP);
		craft_whole(&craft, t, FILL_SOME);
		assert_int_equal(craft_send(attacker, &craft), 0);
		refused(craft.what, "message out of phase");
		unwire();
	}
}

static void
test_every_unexpected(void **state)
{
	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		chan_handler was = handlers[t];

		if (t == MSG_credit)
			continue;
		handlers[t] = NULL;
		wire(role_of(msg_table[t].from), role_of(msg_table[t].to), msg_table[t].phase != MSGP_SETUP);
		craft_whole(&craft, t, FILL_SOME);
		assert_int_equal(craft_send(attacker, &craft), 0);
		refused(craft.what, "message nobody asked for");
		unwire();
		handlers[t] = was;
	}
}

static void
test_unknown_numbers(void **state)
{
	uint8_t packet[2];

	(void)state;
	for (unsigned int t = 0; t <= 0xffff; t = t == 0 ? MSG__COUNT : t + 1) {
		packet[0] = (uint8_t)t;
		packet[1] = (uint8_t)(t >> 8);
		wire(ROLE_STORE, ROLE_MASTER, true);
		assert_int_equal(craft_send_bytes(attacker, packet, 2, FDS_NONE), 0);
		refused("an unknown number", "unknown message");
		unwire();
	}
}

static void
test_empty_packets(void **state)
{
	int before = open_fds();

	(void)state;
	for (int i = 0; i < 4; i++) {
		wire(ROLE_STORE, ROLE_MASTER, true);
		for (int k = 0; k <= i; k++)
			assert_int_equal(craft_send_bytes(attacker, "", 0, i % 2 != 0 ? FDS_MANY : FDS_NONE), 0);
		refused("an empty packet", "empty message");
		unwire();
	}
	assert_int_equal(open_fds(), before);
	/* The end itself is no breach, nor is it when something unread was there. */
	wire(ROLE_STORE, ROLE_MASTER, true);
	assert_int_equal(send_log_level(receiver, &(struct msg_log_level){ 0 }), 0);
	close(attacker);
	chan_read(receiver);
	assert_int_equal(ended, 1);
	assert_string_equal(broken, "");
	attacker = -1;
	unwire();
}

/* ---- credits ---- */

/* limit: LIM_CHAN_CREDITS */
static void
test_every_bulk_without_credit(void **state)
{
	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++) {
		if (msg_table[t].class != MSGC_BULK)
			continue;
		wire(role_of(msg_table[t].from), role_of(msg_table[t].to), true);
		hold = true;
		craft_whole(&craft, t, FILL_SOME);
		for (int i = 0; i <= LIM_CHAN_CREDITS; i++)
			assert_int_equal(craft_send(attacker, &craft), 0);
		chan_read(receiver);
		assert_int_equal(handled, LIM_CHAN_CREDITS);
		assert_string_equal(broken, "bulk message without credit");
		unwire();
	}
}

static void
test_credits_out_of_nothing(void **state)
{
	static const uint32_t numbers[] = { 0, 1, LIM_CHAN_CREDITS, INT32_MAX, UINT32_MAX };
	uint8_t packet[6] = { (uint8_t)MSG_credit, (uint8_t)(MSG_credit >> 8) };

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		wire(ROLE_MIME, ROLE_STORE, true);
		for (int b = 0; b < 4; b++)
			packet[2 + b] = (uint8_t)(numbers[i] >> (8 * b));
		for (int k = 0; k < 3; k++)
			assert_int_equal(craft_send_bytes(attacker, packet, 6, FDS_NONE), 0);
		refused("credits", numbers[i] == 0 ? "credit for nothing" : "more credits than given");
		unwire();
	}
}

/* Credits that were spent come back once: the sum never grows. */
static void
test_credits_twice(void **state)
{
	uint8_t packet[6] = { (uint8_t)MSG_credit, (uint8_t)(MSG_credit >> 8), 1 };

	(void)state;
	wire(ROLE_MIME, ROLE_STORE, true);
	assert_int_equal(send_parse(receiver, &(struct msg_parse){ .req = 1 }, -1), 0);
	assert_int_equal(craft_send_bytes(attacker, packet, 6, FDS_NONE), 0);
	chan_read(receiver);
	assert_string_equal(broken, "");
	assert_int_equal(chan_credits(receiver), LIM_CHAN_CREDITS);
	assert_int_equal(craft_send_bytes(attacker, packet, 6, FDS_NONE), 0);
	refused("a credit given twice", "more credits than given");
	unwire();
}

/* ---- a peer that does not read ---- */

/* limit: LIM_CHAN_QUEUE */
static void
test_full_queue(void **state)
{
	size_t queued = 0, one = 0;
	int r = 0, n = 0;

	(void)state;
	wire(ROLE_STORE, ROLE_MASTER, true);
	while (r == 0 && n++ < 1000000) {
		r = send_log_level(receiver, &(struct msg_log_level){ 0 });
		one = r == 0 ? chan_queued(receiver) - queued : one;
		queued = chan_queued(receiver);
	}
	assert_int_equal(r, -1);
	assert_int_equal(errno, EPIPE);
	assert_in_range(queued, LIM_CHAN_QUEUE - one + 1, LIM_CHAN_QUEUE);	/* one more did not fit */
	assert_true(n < LIM_CHAN_QUEUE / 40);	/* small messages count with what holds them */
	refused("an unread channel", "does not read its channel");
	unwire();
}

/* Descriptors run out long before memory does. limit: LIM_CHAN_QUEUE_FDS */
static void
test_full_queue_of_descriptors(void **state)
{
	int r = 0, n = 0, before = open_fds();

	(void)state;
	wire(ROLE_TLS, ROLE_DIALER, true);
	while (r == 0 && n++ < 100000)
		r = send_dialed(receiver, &(struct msg_dialed){ .req = 1 }, dup(0));
	assert_int_equal(r, -1);
	assert_int_equal(open_fds(), before + 2 + LIM_CHAN_QUEUE_FDS);	/* the last one was closed */
	refused("an unread channel", "does not read its channel");
	unwire();
	assert_int_equal(open_fds(), before);
}

/* Its lines get lost, and leave room for what must not. */
static void
test_log_that_nobody_reads(void **state)
{
	int lost = 0;

	(void)state;
	wire(ROLE_MASTER, ROLE_STORE, true);
	for (int i = 0; i < LIM_CHAN_QUEUE / 40; i++)
		lost += send_log(receiver, &(struct msg_log){ .text = slice_str("x") }) == -1;
	assert_true(lost > 0);
	assert_int_equal(send_broken(receiver, &(struct msg_broken){ .chan = 1 }), 0);
	unwire();
}

/* A child does not end because its master is slow. */
static void
test_master_that_does_not_read(void **state)
{
	int lost = 0;

	(void)state;
	wire(ROLE_MASTER, ROLE_STORE, true);
	for (int i = 0; i < LIM_CHAN_QUEUE / 40; i++)
		lost += send_broken(receiver, &(struct msg_broken){ .chan = 1 }) == -1;
	assert_true(lost > 0);
	chan_read(receiver);
	assert_string_equal(broken, "");
	unwire();
}

/* What did not fit into our buffers is not looked at. limit: LIM_CHAN_MSG */
static void
test_larger_than_buffers(void **state)
{
	static uint8_t big[LIM_CHAN_MSG + 1] = { (uint8_t)MSG_log };

	(void)state;
	wire(ROLE_STORE, ROLE_MASTER, true);
	assert_int_equal(craft_send_bytes(attacker, big, LIM_CHAN_MSG, FDS_NONE), 0);
	refused("a log of only zeros", "malformed message");	/* looked at whole */
	unwire();
	wire(ROLE_STORE, ROLE_MASTER, true);
	assert_int_equal(craft_send_bytes(attacker, big, sizeof(big), FDS_NONE), 0);
	refused("a large packet", "oversized message");
	unwire();
	wire(ROLE_STORE, ROLE_MASTER, true);
	craft_whole(&craft, MSG_log, FILL_SOME);
	craft.fds = FDS_MANY;
	assert_int_equal(craft_send(attacker, &craft), 0);
	refused("many descriptors", "oversized message");
	unwire();
}

/* ---- other ancillary data ---- */

static void
test_credentials_of_a_process(void **state)
{
	struct ucred who = { getpid(), getuid(), getgid() };
	char control[CMSG_SPACE(sizeof(who))] = { 0 };
	struct iovec iov;
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&mh);

	(void)state;
	wire(ROLE_STORE, ROLE_MASTER, true);
	craft_whole(&craft, MSG_log, FILL_SOME);
	iov = (struct iovec){ craft.bytes.p, craft.bytes.n };
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_CREDENTIALS;
	cm->cmsg_len = CMSG_LEN(sizeof(who));
	memcpy(CMSG_DATA(cm), &who, sizeof(who));
	assert_int_equal(sendmsg(attacker, &mh, 0), (ssize_t)craft.bytes.n);
	chan_read(receiver);
	assert_int_equal(handled, 1);	/* the kernel gives none to who did not ask */
	assert_string_equal(broken, "");
	unwire();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_sealed_body),
		cmocka_unit_test(test_every_breakage),
		cmocka_unit_test(test_cut_at_every_length),
		cmocka_unit_test(test_every_wrong_role),
		cmocka_unit_test(test_every_wrong_phase),
		cmocka_unit_test(test_every_unexpected),
		cmocka_unit_test(test_unknown_numbers),
		cmocka_unit_test(test_empty_packets),
		cmocka_unit_test(test_every_bulk_without_credit),
		cmocka_unit_test(test_credits_out_of_nothing),
		cmocka_unit_test(test_credits_twice),
		cmocka_unit_test(test_full_queue),
		cmocka_unit_test(test_full_queue_of_descriptors),
		cmocka_unit_test(test_log_that_nobody_reads),
		cmocka_unit_test(test_master_that_does_not_read),
		cmocka_unit_test(test_larger_than_buffers),
		cmocka_unit_test(test_credentials_of_a_process),
	};
	int r = cmocka_run_group_tests_name("walk", tests, fill_handlers, NULL);

	wbuf_free(&craft.bytes);
	return r;
}

/*
 * Channel attacks with sound messages: more than there are credits for, more
 * than the peer reads, more than fits, with what must not come along.
 */
#include "walk.h"

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
	int r = cmocka_run_group_tests_name("walk flow", tests, fill_handlers, NULL);

	wbuf_free(&craft.bytes);
	return r;
}

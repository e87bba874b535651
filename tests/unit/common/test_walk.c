/*
 * Channel attacks, codec and channel: every row of messages.def, from every
 * role to every role, whole and broken in every way craft.h knows. What may
 * pass passes once; everything else breaks the channel and leaves nothing
 * behind. The real processes are attacked in tests/sandbox.
 */
#include "walk.h"

/* ---- what may pass ---- */

static void
test_whole(void **state)
{
	(void)state;
	for (unsigned int t = MSG_none + 1; t < MSG__COUNT; t++)
		for (enum craft_fill fill = 0; fill < FILL__COUNT; fill++) {
			const struct msg_info *info = &msg_table[t];

			if (craft_carries(t))
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

		if (craft_carries(t))
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
	};
	int r = cmocka_run_group_tests_name("walk", tests, fill_handlers, NULL);

	wbuf_free(&craft.bytes);
	return r;
}

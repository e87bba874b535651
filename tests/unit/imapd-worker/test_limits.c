/* Limits of the IMAP engine, on both sides of each; those of what is read and written are in test_limits_wire.c. */
#include "../own_time.h"
#include "plain_server.h"

#define DAY_MS 86400000
#define TICKS (2 * LIM_IMAP_TICK_MS)

static const struct msg_sync_config all = { .first = 0 };

/* ---- connections ---- */

/* The next connection, when the time for it has come. */
static void
again(void)
{
	unsigned int wanted = t.wanted;

	if (t.peer != -1)
		close(t.peer);
	t.peer = -1;
	time_pass(LIM_BACKOFF_MAX_MS);
	assert_int_equal(t.wanted, wanted + 1);
	connect_stream();
}

static void
hello(void)
{
	greet("IDLE UIDPLUS", INBOX_ROW TRASH_ROW);
}

static void
inbox(unsigned int validity, unsigned int exists, unsigned int next)
{
	opened(expect("SELECT \"INBOX\""), exists, validity, next);
}

/* The inbox has UIDs 15 and 20 and is known; then IDLE. */
static void
known(void)
{
	hello();
	inbox(7, 2, 21);
	tell_15_and_20("UID FETCH 1:20 (UID FLAGS)");
	forget();
}

static void
settle(void)
{
	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 21, 0, 1, true } };
	known();
	idle();
}

/* limit: LIM_PROOF_SECONDS */
static void
proof(void **state)
{
	(void)state;
	fresh_told = 0;
	settle();
	assert_int_equal(fresh_told, 1);
	for (unsigned int i = 0; i < 2; i++) {
		time_pass(LIM_PROOF_SECONDS * 1000 - 1);
		silent();
		assert_int_equal(fresh_told, 1 + i);	/* silence is no proof */
		time_pass(20);
		idle_ends();
		tell_15_and_20("UID FETCH 1:20 (UID FLAGS)");
		idle();
		assert_int_equal(fresh_told, 2 + i);
		assert_int_equal(fresh_seconds, 0);
	}
	stop();
}

/* limit: LIM_COMMAND_SECONDS: one byte in time, and the server has as long again. */
static void
stalled(void **state)
{
	(void)state;
	start(&all);
	(void)expect("CAPABILITY");
	time_pass(LIM_COMMAND_SECONDS * 1000);
	assert_int_equal(t.e.state, ENGINE_CAPABILITY);
	say_bytes("*", 1);
	time_pass(LIM_COMMAND_SECONDS * 1000);
	assert_int_equal(t.e.state, ENGINE_CAPABILITY);
	told("");
	time_pass(TICKS);
	assert_int_equal(t.e.state, ENGINE_BACKOFF);
	told("error 0 sync.stalled\n");
	stop();
}

/* limit: LIM_BACKOFF_FIRST_MS LIM_BACKOFF_MAX_MS */
static void
backoff(void **state)
{
	unsigned int early = 0, late = 0;

	(void)state;
	for (unsigned int fails = 1; fails < 2000; fails++) {
		uint64_t ms = engine_backoff(fails), full = LIM_BACKOFF_MAX_MS;

		if (fails < 10)
			full = (uint64_t)LIM_BACKOFF_FIRST_MS << (fails - 1);
		assert_true(ms >= full / 2 && ms <= full);
		early += ms < full / 8 * 5;
		late += ms > full / 8 * 7;
	}
	assert_true(early > 100 && late > 100);	/* a quarter of them each: many links do not come back at once */
}

/* limit: LIM_IMAP_STABLE_MS */
static void
stable(void **state)
{
	(void)state;
	for (uint64_t ms = LIM_IMAP_STABLE_MS - 1; ms <= LIM_IMAP_STABLE_MS; ms++) {
		settle();
		t.e.fails = 5;
		time_pass(ms);
		close(t.peer);
		t.peer = -1;
		pump();
		assert_int_equal(t.e.fails, ms < LIM_IMAP_STABLE_MS ? 6 : 1);
		stop();
	}
}

/* limit: LIM_REJECTED_MS */
static void
rejected(void **state)
{
	(void)state;
	settle();
	again();
	close(t.peer);
	t.peer = -1;
	time_pass(LIM_BACKOFF_MAX_MS);
	engine_stream_failed(&t.e, slice_str("auth.rejected"), SLICE_NONE);
	t.wanted = 0;
	time_pass(LIM_REJECTED_MS - 1);
	assert_int_equal(t.wanted, 0);
	time_pass(1);
	assert_int_equal(t.wanted, 1);
	t.e.fails = 0;
	engine_stream_failed(&t.e, slice_str("auth.temp_unavailable"), SLICE_NONE);
	time_pass(LIM_BACKOFF_FIRST_MS);
	assert_int_equal(t.wanted, 2);
	stop();
}

/* ---- the store's orders ---- */

/* limit: LIM_IMAP_WANTS LIM_IMAP_OPS */
static void
orders(void **state)
{
	struct msg_body_want want = { .mailbox = 10, .uidvalidity = 7 };
	struct msg_op op = { .kind = OP_EXPUNGE, .mailbox = 10, .uidvalidity = 7, .uid = 15 };
	struct body none = { 0 };

	(void)state;
	start(&all);
	close(t.peer);
	t.peer = -1;
	pump();
	for (want.uid = 1; want.uid <= LIM_IMAP_WANTS; want.uid++)
		assert_int_equal(engine_body_want(&t.e, &want), 0);
	assert_int_equal(engine_body_want(&t.e, &want), -1);
	assert_int_equal(t.e.nwants, LIM_IMAP_WANTS);
	for (op.op = 1; op.op <= LIM_IMAP_OPS; op.op++)
		assert_int_equal(engine_op(&t.e, &op, &none), 0);
	assert_int_equal(engine_op(&t.e, &op, &none), -1);
	assert_int_equal(t.e.nops, LIM_IMAP_OPS);
	stop();
}

/* limit: LIM_OP_LOST: only the rest of the move is done again; then the store finds out. */
static void
op_lost(void **state)
{
	const struct msg_op m = { .op = 8, .kind = OP_MOVE, .mailbox = 10, .uidvalidity = 7, .uid = 15, .target = 11 };
	unsigned int tag;

	(void)state;
	settle();
	assert_int_equal(send_op(t.store, &m, -1), 0);
	pump();
	time_pass(LIM_OPS_GATHER_MS);
	idle_ends();
	tag = expect("UID FETCH 15 (UID FLAGS)");
	(void)expect("UID COPY 15 \"Trash\"");
	say("* 1 FETCH (UID 15 FLAGS ())");
	ok(tag);
	say("P%u OK [COPYUID 9 15 33] copied", tag + 1);
	forget();
	for (int i = 0; i <= LIM_OP_LOST; i++) {
		(void)expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)");
		again();
		assert_int_equal(strstr(t.told + t.told_at, "op 8 result") != NULL, i == LIM_OP_LOST);
		hello();
		inbox(7, 2, 21);
		forget();
	}
	assert_non_null(strstr(t.told, "op 8 result=4 uid=33 code=net.reset\n"));
	stop();
}

/* limit: LIM_EXPUNGE_TRIES: a server that says OK and expunges nothing. */
static void
expunge_tries(void **state)
{
	const struct msg_op m = { .op = 8, .kind = OP_EXPUNGE, .mailbox = 10, .uidvalidity = 7, .uid = 15 };
	unsigned int tag;

	(void)state;
	settle();
	assert_int_equal(send_op(t.store, &m, -1), 0);
	pump();
	time_pass(LIM_OPS_GATHER_MS);
	idle_ends();
	ok(expect("UID STORE 15 +FLAGS.SILENT (\\Deleted)"));
	for (int i = 1; i <= LIM_EXPUNGE_TRIES; i++) {
		tag = expect("UID EXPUNGE 15");
		(void)expect("UID FETCH 15 (UID FLAGS)");
		ok(tag);
		say("* 1 FETCH (UID 15 FLAGS (\\Deleted))");
		ok(tag + 1);
		assert_int_equal(strstr(t.told, "op 8 result=4") != NULL, i == LIM_EXPUNGE_TRIES);
	}
	stop();
}

/* limit: LIM_BODY_TRIES */
static void
body_tries(void **state)
{
	unsigned int tag;

	(void)state;
	settle();
	assert_int_equal(send_body_want(t.store, &(struct msg_body_want){ .mailbox = 10, .uidvalidity = 7, .uid = 15 }), 0);
	pump();
	idle_ends();
	for (int i = 1; i <= LIM_BODY_TRIES; i++) {
		if (i == 1) {
			tag = expect("UID FETCH 15 (UID RFC822.SIZE)");
			say("* 1 FETCH (UID 15 RFC822.SIZE 100)");
			ok(tag);
		}
		(void)expect("UID FETCH 15 (UID BODY.PEEK[])");
		again();
		assert_int_equal(strstr(t.told, "body uid=15 code=sync.item_poison") != NULL, i == LIM_BODY_TRIES);
		known();
	}
	(void)expect("IDLE");
	stop();
}

/* ---- folders ---- */

/* limit: LIM_REBUILDS_DAY: whatever connections they come on. */
static void
rebuilds(void **state)
{
	unsigned int validity = 7, told_before;

	(void)state;
	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { validity, 21, 0, 1, true } };
	for (int i = 0; i <= LIM_REBUILDS_DAY; i++) {
		hello();
		inbox(++validity, 0, 1);
		pump();
		told_before = (unsigned int)t.told_at;
		forget();
		assert_non_null(strstr(t.told + told_before, i < LIM_REBUILDS_DAY
		    ? "error 10 sync.uidvalidity_changed\n" : "error 10 sync.uidvalidity_loop\n"));
		if (i < LIM_REBUILDS_DAY)
			again();
	}
	again();
	hello();
	ok(expect("NOOP"));
	silent();	/* it rests, for a day */
	close(t.peer);
	t.peer = -1;
	time_pass(DAY_MS);
	connect_stream();
	hello();
	told_before = (unsigned int)t.told_at;
	inbox(++validity, 0, 1);
	pump();
	assert_non_null(strstr(t.told + told_before, "error 10 sync.uidvalidity_changed\n"));
	stop();
}

/* Asked for one UID as often as that; the last answer has it, or not. */
static void
asks_for_uid(const struct msg_sync_config *config, unsigned int next, const char *command, bool last)
{
	unsigned int tag;

	start(config);
	hello();
	inbox(7, 5, next);
	for (int i = 0; i <= LIM_WINDOW_TRIES; i++) {
		assert_int_equal(t.e.state, ENGINE_RUN);
		tag = expect(command);
		if (last && i == LIM_WINDOW_TRIES)
			say("* %c FETCH (UID 12)", command[6]);
		ok(tag);
	}
	pump();
	assert_int_equal(t.e.state, last ? ENGINE_RUN : ENGINE_BACKOFF);
	assert_int_equal(strstr(t.told, "error 0 sync.protocol_error\n") == NULL, last);
	stop();
}

/* limit: LIM_WINDOW_TRIES: of the low end of the window, and of the newest message. */
static void
window_tries(void **state)
{
	static const struct msg_sync_config newest3 = { .first = 3 };

	(void)state;
	asks_for_uid(&newest3, 21, "FETCH 3 (UID)", true);
	asks_for_uid(&newest3, 21, "FETCH 3 (UID)", false);
	asks_for_uid(&all, 0, "FETCH 5 (UID)", true);
	asks_for_uid(&all, 0, "FETCH 5 (UID)", false);
}

/* limit: LIM_SELECT_RETRY_MS LIM_SELECT_REFUSALS */
static void
select_refused(void **state)
{
	unsigned int tag;

	(void)state;
	start(&all);
	t.bound[0] = (struct bound){ strdup("INBOX"), { 7, 1, 0, 1, true } };
	t.bound[1] = (struct bound){ strdup("Sent"), { 8, 1, 0, 1, true } };
	greet("IDLE", INBOX_ROW SENT_ROW);
	inbox(7, 0, 1);
	for (int i = 1; i <= LIM_SELECT_REFUSALS + 1; i++) {
		tag = expect("SELECT \"Sent\"");
		forget();
		say("P%u NO nothing here", tag);
		told(i == LIM_SELECT_REFUSALS ? "error 11 sync.folder_phantom\n"
		     : i == 1 ? "error 11 sync.folder_missing\nlive\n" : "error 11 sync.folder_missing\n");
		inbox(7, 0, 1);
		idle();
		time_pass(LIM_SELECT_RETRY_MS - 1);
		silent();
		time_pass(20);
		idle_ends();
	}
	stop();
}

/* limit: LIM_LOOK_AROUND */
static void
look_around(void **state)
{
	char name[20];
	struct imap_list l = { .separator = '/' };

	(void)state;
	for (size_t n = LIM_LOOK_AROUND; n <= LIM_LOOK_AROUND + 1; n++) {
		start(&all);
		for (size_t i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "F%zu", i);
			l.name = slice_str(name);
			folders_add(&t.e.folders, &l);
			t.e.folders.v[i].synced = true;
			t.e.folders.v[i].id = 10 + i;
			t.e.folders.v[i].poll_at = UINT64_MAX;
		}
		t.e.sel.folder = &t.e.folders.v[0];
		t.e.look_around = true;
		assert_int_equal(live_poll_due(&t.e), n == LIM_LOOK_AROUND);
		assert_int_equal(t.e.folders.v[n - 1].confirm, n == LIM_LOOK_AROUND);
		t.e.sel.folder = NULL;
		stop();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proof),
		cmocka_unit_test(stalled),
		cmocka_unit_test(backoff),
		cmocka_unit_test(stable),
		cmocka_unit_test(rejected),
		cmocka_unit_test(orders),
		cmocka_unit_test(op_lost),
		cmocka_unit_test(expunge_tries),
		cmocka_unit_test(body_tries),
		cmocka_unit_test(rebuilds),
		cmocka_unit_test(window_tries),
		cmocka_unit_test(select_refused),
		cmocka_unit_test(look_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Write-back in batches: few commands, each message's own answer, the one that
 * is wrong found, nothing done twice after a lost connection.
 */
#include "write_stage.h"

/* Room for many UIDs. */
static void
settle(const char *caps)
{
	settle_at(caps, 5001);
}

/* Operations number n for UID n. */
static void
give(struct msg_op m, uint32_t first, uint32_t last)
{
	m.mailbox = 10;
	m.uidvalidity = 7;
	for (m.uid = first; m.uid <= last; m.uid++) {
		m.op = m.uid;
		assert_int_equal(send_op(t.store, &m, -1), 0);
	}
	pump();
}

/* And no more comes. */
static void
give_all(struct msg_op m, uint32_t first, uint32_t last)
{
	give(m, first, last);
	quiet();
	idle_ends();
}

static void
rows(uint32_t first, uint32_t last, const char *flags)
{
	for (uint32_t uid = first; uid <= last; uid++)
		say("* %u FETCH (UID %u FLAGS (%s))", uid, uid, flags);
}

/* \Seen is asked for; from first to last they are there. */
static void
seen(const char *set, uint32_t first, uint32_t last)
{
	char command[64];
	unsigned int tag;

	(void)snprintf(command, sizeof(command), "UID STORE %s +FLAGS.SILENT (\\Seen)", set);
	tag = expect(command);
	(void)snprintf(command, sizeof(command), "UID FETCH %s (UID FLAGS)", set);
	(void)expect(command);
	silent();
	ok(tag);
	rows(first, last, "\\Seen");
	ok(tag + 1);
}

/* limit: LIM_OP_BATCH: a thousand changes of flags are two commands and two looks. */
static void
thousand(void **state)
{
	(void)state;
	settle("IDLE UIDPLUS MOVE");
	give_all((struct msg_op){ .kind = OP_FLAGS, .flags_add = slice_str("\\Seen") }, 1, 2 * LIM_OP_BATCH);
	seen("1:500", 1, 500);
	assert_int_equal(answers(" result=1 "), 500);
	seen("501:1000", 501, 1000);
	assert_int_equal(answers(" result=1 "), 1000);
	(void)expect("IDLE");
	stop();
}

/* What comes one by one leaves together when no more comes, or after a while. */
static void
gathered(void **state)
{
	struct msg_op m = { .kind = OP_FLAGS, .flags_add = slice_str("\\Seen") };

	(void)state;
	settle("IDLE UIDPLUS MOVE");
	for (uint32_t uid = 1; uid <= 3; uid++) {
		give(m, uid, uid);
		time_pass(LIM_OPS_GATHER_MS - 1);
		silent();
	}
	time_pass(1);
	idle_ends();
	(void)expect("UID STORE 1:3 +FLAGS.SILENT (\\Seen)");
	stop();
	settle("IDLE UIDPLUS MOVE");
	for (uint32_t uid = 1; uid * (LIM_OPS_GATHER_MS / 2) < LIM_OPS_GATHERED_MS; uid++) {
		silent();
		give(m, uid, uid);
		time_pass(LIM_OPS_GATHER_MS / 2);
	}
	time_pass(LIM_OPS_GATHER_MS / 2);
	idle_ends();
	stop();
}

/* By folder, kind and flags; what waits for another on the same message does not overtake it. */
static void
grouped(void **state)
{
	struct msg_op s = { .kind = OP_FLAGS, .flags_add = slice_str("\\Seen") };
	struct msg_op f = { .kind = OP_FLAGS, .flags_add = slice_str("\\Flagged") };
	unsigned int tag;

	(void)state;
	settle("IDLE UIDPLUS MOVE");
	give(s, 4, 5);
	give(f, 9, 9);
	give(s, 7, 7);
	give(s, 9, 9);	/* behind the other flag of message 9 */
	quiet();
	idle_ends();
	seen("4:5,7", 4, 5);
	assert_non_null(strstr(t.told, "op 7 result=2 "));	/* that one is gone */
	tag = expect("UID STORE 9 +FLAGS.SILENT (\\Flagged)");
	(void)expect("UID FETCH 9 (UID FLAGS)");
	ok(tag);
	rows(9, 9, "\\Flagged");
	ok(tag + 1);
	(void)expect("UID STORE 9 +FLAGS.SILENT (\\Seen)");
	stop();
}

/* OK to STORE, and the keyword is not kept. */
static void
not_kept(void **state)
{
	unsigned int tag;

	(void)state;
	settle("IDLE UIDPLUS MOVE");
	give_all((struct msg_op){ .kind = OP_FLAGS, .flags_add = slice_str("$work") }, 3, 4);
	tag = expect("UID STORE 3:4 +FLAGS.SILENT ($work)");
	(void)expect("UID FETCH 3:4 (UID FLAGS)");
	ok(tag);
	rows(3, 3, "$Work");
	rows(4, 4, "");
	ok(tag + 1);
	told("flags 10 uid=3 $Work\nflags 10 uid=4 \nop 3 result=1 uid=0 code=\n"
	     "op 4 result=3 uid=0 code=sync.keyword_refused\n");
	stop();
}

static void
refused(const char *set)
{
	char command[64];
	unsigned int tag;

	snprintf(command, sizeof(command), "UID STORE %s +FLAGS.SILENT (\\Seen)", set);
	tag = expect(command);
	(void)heard();
	say("P%u NO cannot", tag);
	ok(tag + 1);
}

/* One of eight is wrong: halves, until it stands alone; the others are done. */
static void
halved(void **state)
{
	unsigned int tag;

	(void)state;
	settle("IDLE UIDPLUS MOVE");
	give_all((struct msg_op){ .kind = OP_FLAGS, .flags_add = slice_str("\\Seen") }, 1, 8);
	refused("1:8");
	seen("1:4", 1, 4);
	assert_int_equal(answers(" result=1 "), 4);
	refused("5:8");
	refused("5:6");
	seen("5", 5, 5);
	tag = expect("UID STORE 6 +FLAGS.SILENT (\\Seen)");
	(void)expect("UID FETCH 6 (UID FLAGS)");
	say("P%u NO cannot", tag);
	rows(6, 6, "");
	ok(tag + 1);
	assert_non_null(strstr(t.told, "op 6 result=3 uid=0 code=sync.change_refused\n"));
	seen("7:8", 7, 8);
	assert_int_equal(answers(" result=1 "), 7);
	(void)expect("IDLE");
	stop();
}

/* A MOVE of 1 to last; its tag is one more. */
static unsigned int
moving(uint32_t last)
{
	char command[64];
	unsigned int tag;

	settle("IDLE UIDPLUS MOVE");
	give_all((struct msg_op){ .kind = OP_MOVE, .target = 12 }, 1, last);
	(void)snprintf(command, sizeof(command), "UID FETCH 1:%u (UID FLAGS)", last);
	tag = expect(command);
	(void)snprintf(command, sizeof(command), "UID MOVE 1:%u \"Trash\"", last);
	(void)expect(command);
	return tag;
}

/* COPYUID names them in its own pieces, and not the one that is not there. */
static void
moved(void **state)
{
	unsigned int tag = moving(4);

	(void)state;
	rows(1, 2, "");
	rows(4, 4, "");
	ok(tag);
	say("* OK [COPYUID 9 4,1:2 70,33:34] moved");
	ok(tag + 1);
	forget();
	assert_non_null(strstr(t.told, "op 1 result=1 uid=33 code=\n"));
	assert_non_null(strstr(t.told, "op 2 result=1 uid=34 code=\n"));
	assert_non_null(strstr(t.told, "op 3 result=2 uid=0 code=\n"));
	assert_non_null(strstr(t.told, "op 4 result=1 uid=70 code=\n"));
	stop();
}

/* Sets that do not fit each other, or never end, tell nothing. */
static void
bad_copyuid(void **state)
{
	unsigned int tag = moving(2);

	(void)state;
	rows(1, 2, "");
	ok(tag);
	say("P%u OK [COPYUID 9 1:2 33] moved", tag + 1);
	forget();
	assert_non_null(strstr(t.told, "op 1 result=1 uid=0 code=\n"));
	assert_non_null(strstr(t.told, "op 2 result=1 uid=0 code=\n"));
	stop();
}

/* A MOVE that is refused half-way has told what it moved: that is not done again. */
static void
half_moved(void **state)
{
	unsigned int tag = moving(2);

	(void)state;
	rows(1, 2, "");
	ok(tag);
	say("* OK [COPYUID 9 1 33] moved");
	say("P%u NO [OVERQUOTA] full", tag + 1);
	forget();
	assert_non_null(strstr(t.told, "op 1 result=1 uid=33 code=\n"));
	assert_non_null(strstr(t.told, "op 2 result=3 uid=0 code=sync.mailbox_full\n"));
	stop();
}

/* By hand, and lost between COPY and EXPUNGE: only the rest is done again, for all of them. */
static void
by_hand(void **state)
{
	unsigned int tag;

	(void)state;
	settle("IDLE UIDPLUS");
	give_all((struct msg_op){ .kind = OP_MOVE, .target = 12 }, 1, 3);
	tag = expect("UID FETCH 1:3 (UID FLAGS)");
	(void)expect("UID COPY 1:3 \"Trash\"");
	rows(1, 1, "");
	rows(3, 3, "");
	ok(tag);
	say("P%u OK [COPYUID 9 1,3 40:41] copied", tag + 1);
	(void)expect("UID STORE 1,3 +FLAGS.SILENT (\\Deleted)");
	lose();
	begin_write("IDLE UIDPLUS", 5001);
	forget();
	tag = expect("UID STORE 1,3 +FLAGS.SILENT (\\Deleted)");
	(void)expect("UID EXPUNGE 1,3");
	(void)expect("UID FETCH 1,3 (UID FLAGS)");
	ok(tag);
	ok(tag + 1);
	ok(tag + 2);
	forget();
	assert_non_null(strstr(t.told, "op 2 result=2 "));
	assert_non_null(strstr(t.told, "op 1 result=1 uid=40 code=\n"));
	assert_non_null(strstr(t.told, "op 3 result=1 uid=41 code=\n"));
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(thousand),
		cmocka_unit_test(gathered),
		cmocka_unit_test(grouped),
		cmocka_unit_test(not_kept),
		cmocka_unit_test(halved),
		cmocka_unit_test(moved),
		cmocka_unit_test(bad_copyuid),
		cmocka_unit_test(half_moved),
		cmocka_unit_test(by_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

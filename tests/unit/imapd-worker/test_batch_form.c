/*
 * Which operations go into one batch, which part of a refused one, and whose
 * new UID is whose: on a queue alone, without a server.
 * limit: LIM_OP_BATCH
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ops.h"

static struct engine e;
static struct operation ops[LIM_OP_BATCH + 2];
static char seen[] = "\\Seen", flagged[] = "\\Flagged", none[] = "";

/* n changes of the same flags, in one folder, of UIDs 1 to n. */
static void
queue(size_t n)
{
	STAILQ_INIT(&e.ops);
	e.doing = (struct op_batch){ .code = "" };
	uidset_init(&e.doing.set, LIM_OP_BATCH);
	for (size_t i = 0; i < n; i++) {
		ops[i] = (struct operation){ .op = i + 1, .mailbox = 10, .target = 12, .kind = OP_FLAGS,
			.message_id = "", .uidvalidity = 7, .uid = (uint32_t)i + 1, .flags_add = seen, .flags_del = none,
			.most = LIM_OP_BATCH };
		STAILQ_INSERT_TAIL(&e.ops, &ops[i], entry);
	}
}

static size_t
formed(void)
{
	ops_batch_form(&e);
	return e.doing.n;
}

/* Each thing in which two can differ keeps them apart, and nothing else does. */
static void
only_what_is_alike(void **state)
{
	(void)state;
	queue(2);
	assert_int_equal(formed(), 2);
	queue(2);
	ops[1].op = 77;
	ops[1].exists = ops[1].unkept = true;	/* of an earlier look */
	ops[1].lost = 1;
	assert_int_equal(formed(), 2);
#define APART(change) (queue(2), (change), assert_int_equal(formed(), 1))
	APART(ops[1].kind = OP_EXPUNGE);
	APART(ops[1].mailbox = 11);
	APART(ops[1].uidvalidity = 8);
	APART(ops[1].target = 13);
	APART(ops[1].flags_add = flagged);
	APART(ops[1].flags_del = flagged);
	APART(ops[1].copied = true);
	APART(ops[1].by_hand = true);
	APART(ops[1].uid = 1);		/* the same message: the second waits for the first */
	/* Without a UID there is no set to put it in. */
	APART(ops[1].uid = 0);
	APART(ops[0].uid = 0);
	APART(ops[0].kind = ops[1].kind = OP_APPEND);
	APART(ops[0].kind = ops[1].kind = OP_FIND);
}

/* Past one that does not fit, but never past another on the same message. */
static void
order(void **state)
{
	(void)state;
	queue(4);
	ops[1].flags_add = flagged;
	assert_int_equal(formed(), 3);
	assert_ptr_equal(STAILQ_NEXT(&ops[0], entry), &ops[2]);
	assert_ptr_equal(STAILQ_NEXT(&ops[2], entry), &ops[3]);
	assert_ptr_equal(STAILQ_NEXT(&ops[3], entry), &ops[1]);
	queue(3);
	ops[1].flags_add = flagged;
	ops[1].uid = 3;
	assert_int_equal(formed(), 1);
	/* The same number in another folder is another message. */
	queue(3);
	ops[1].flags_add = flagged;
	ops[1].uid = 3;
	ops[1].mailbox = 11;
	assert_int_equal(formed(), 2);
}

/* limit: LIM_OP_BATCH */
static void
bounds(void **state)
{
	(void)state;
	queue(LIM_OP_BATCH);
	assert_int_equal(formed(), LIM_OP_BATCH);
	queue(LIM_OP_BATCH + 1);
	assert_int_equal(formed(), LIM_OP_BATCH);
	/* What was refused in a larger one: not with more, whoever is first. */
	queue(6);
	ops[0].most = 2;
	assert_int_equal(formed(), 2);
	queue(6);
	ops[3].most = 4;
	assert_int_equal(formed(), 4);
	assert_ptr_equal(STAILQ_NEXT(&ops[2], entry), &ops[3]);
	queue(6);
	ops[3].most = 3;
	assert_int_equal(formed(), 5);
	assert_ptr_equal(STAILQ_NEXT(&ops[5], entry), &ops[3]);
}

static bool
split(size_t n, bool whole, enum op_result failure)
{
	queue(n);
	(void)formed();
	e.doing.whole = whole;
	e.doing.failure = failure;
	for (size_t i = 0; i < n; i++)
		ops[i].exists = ops[i].unkept = true;
	return ops_batch_split(&e);
}

/* Halves of what one message may spoil; not when the folder or the moment is why. */
static void
halves(void **state)
{
	(void)state;
	assert_true(split(8, false, OP_REFUSED));
	assert_int_equal(e.doing.n, 0);
	assert_int_equal(e.doing.failure, 0);
	for (size_t i = 0; i < 8; i++)
		assert_true(ops[i].most == 4 && !ops[i].exists && !ops[i].unkept);
	assert_int_equal(formed(), 4);
	assert_true(split(3, false, OP_REFUSED));
	assert_int_equal(formed(), 1);
	assert_true(split(2, false, OP_GONE));
	assert_int_equal(formed(), 1);
	assert_false(split(1, false, OP_REFUSED));
	assert_false(split(8, true, OP_REFUSED));
	assert_false(split(8, false, OP_RETRY));
	assert_int_equal(e.doing.n, 8);
	assert_int_equal(ops[0].most, LIM_OP_BATCH);
}

static void
copied(const char *from, const char *to)
{
	struct imap_response r = { .uidvalidity = 9, .uids_from = slice_str(from), .uids_to = slice_str(to) };

	ops_batch_copied(&e, &r);
}

/* Place by place, whatever pieces the sets are in; who is not named has no copy. */
static void
pairs(void **state)
{
	(void)state;
	queue(5);
	(void)formed();
	copied("4:5,1,3", "10,20:21,7");
	assert_true(ops[3].copied && ops[3].result_uid == 10);
	assert_true(ops[4].copied && ops[4].result_uid == 20);
	assert_true(ops[0].copied && ops[0].result_uid == 21);
	assert_true(ops[2].copied && ops[2].result_uid == 7);
	assert_true(!ops[1].copied && ops[1].result_uid == 0);
	assert_int_equal(ops[0].result_validity, 9);
	/* Told again: the first word holds. */
	copied("1,2", "50:51");
	assert_int_equal(ops[0].result_uid, 21);
	assert_int_equal(ops[1].result_uid, 51);
	/* Who is not of the batch is not told. */
	queue(2);
	ops[1].flags_add = flagged;
	(void)formed();
	copied("1:2", "30:31");
	assert_false(ops[1].copied);
}

/* One alone needs no look at where it came from: some servers name another set there. */
static void
pair_of_one(void **state)
{
	(void)state;
	queue(1);
	(void)formed();
	copied("99", "33");
	assert_int_equal(ops[0].result_uid, 33);
	queue(1);
	(void)formed();
	copied("", "34");
	assert_int_equal(ops[0].result_uid, 34);
}

static void
pairs_of_nothing(void **state)
{
	static const struct { const char *from, *to; } bad[] = { { "1:2", "33" }, { "1", "33:34" }, { "", "" },
		{ "1:2", "" }, { "1:2", "x" }, { "1:x", "33:34" }, { "1:2", "33:34," } };
	char many[4 * LIM_OP_BATCH + 16] = "";
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		queue(2);
		(void)formed();
		copied(bad[i].from, bad[i].to);
		assert_true(!ops[0].copied && !ops[1].copied);
	}
	/* As many pieces as a batch has are read, more are not. */
	for (size_t i = 0; i <= LIM_OP_BATCH; i++) {
		if (i == LIM_OP_BATCH) {
			queue(2);
			(void)formed();
			copied(many, many);
			assert_true(ops[0].copied && ops[0].result_uid == 1);
		}
		n += (size_t)snprintf(many + n, sizeof(many) - n, "%s%d", n > 0 ? "," : "", i % 2 == 0 ? 1 : 5);
	}
	queue(2);
	(void)formed();
	copied(many, many);
	assert_false(ops[0].copied);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_alike),
		cmocka_unit_test(order),
		cmocka_unit_test(bounds),
		cmocka_unit_test(halves),
		cmocka_unit_test(pairs),
		cmocka_unit_test(pair_of_one),
		cmocka_unit_test(pairs_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

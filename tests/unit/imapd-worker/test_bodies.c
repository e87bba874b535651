/* Bodies: several in one FETCH, each alone where that fails, old mail behind all else. */
#include "../own_time.h"
#include "bodies_stage.h"

/* The store knows the sizes: nothing is asked before. limit: LIM_BODY_GROUP LIM_BODY_IN_FLIGHT */
static void
together(void **state)
{
	unsigned int n, first;

	(void)state;
	known(1);
	wants(100, LIM_BODY_GROUP * LIM_BODY_IN_FLIGHT + 1, 10);
	first = fetched(&n);
	assert_int_equal(n, LIM_BODY_GROUP);
	for (int i = 1; i < LIM_BODY_IN_FLIGHT; i++) {
		(void)fetched(&n);
		assert_int_equal(n, LIM_BODY_GROUP);
	}
	silent();
	for (uint32_t uid = 100; uid < 100 + LIM_BODY_GROUP; uid++)
		say("* 1 FETCH (UID %u BODY[] \"0123456789\")", uid);
	ok(first);
	(void)fetched(&n);
	assert_int_equal(n, 1);
	stop();
}

/* Commands for bodies that are under way: each is answered after some time, all its messages at once. */
static unsigned int
under_way(uint64_t took, unsigned int times)
{
	static unsigned int tags[4 + LIM_REACH + 8], counts[4 + LIM_REACH + 8];
	static uint32_t uid;
	unsigned int n = 0, k;
	uint32_t next;

	uid = 100;
	for (unsigned int i = 0;; i++) {
		char *line;

		while ((line = heard()) != NULL) {
			assert_int_equal(sscanf(line, "P%u UID FETCH %u", &tags[n], &next), 2);
			assert_true(n == 0 || next > uid);
			for (counts[n] = 1; (line = strchr(line, ',')) != NULL; line++)
				counts[n]++;
			n++;
			assert_true(n < 4 + LIM_REACH + 8);
		}
		if (i == times)
			return n;
		time_pass(took);
		for (k = counts[0]; k > 0; k--, uid++)
			say("* 1 FETCH (UID %u BODY[] \"0123456789\")", uid);
		k = tags[0];
		memmove(tags, tags + 1, --n * sizeof(tags[0]));
		memmove(counts, counts + 1, n * sizeof(counts[0]));
		ok(k);
	}
}

/* What the store is slow to take keeps nobody from asking for more: the server shall not pause. */
static void
asked_while_the_store_is_slow(void **state)
{
	static char text[100 * LIM_CHAN_CREDITS];
	unsigned int n, first;
	size_t at = 0;

	(void)state;
	known(1);
	wants(100, LIM_BODY_GROUP * (LIM_BODY_IN_FLIGHT + 1), 10);
	first = fetched(&n);
	for (int i = 1; i < LIM_BODY_IN_FLIGHT; i++)
		(void)fetched(&n);
	t.hold = true;
	for (uint32_t i = 0; i < LIM_CHAN_CREDITS; i++) {
		at += (size_t)snprintf(text + at, sizeof(text) - at, "* 1 FETCH (UID %u BODY[] \"0123456789\")\r\n", 100 + i);
		if (i == LIM_BODY_GROUP - 1)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "P%u OK done\r\n", first);
	}
	say_bytes(text, at);
	assert_true(engine_blocked(&t.e));
	(void)fetched(&n);
	assert_int_equal(n, LIM_BODY_GROUP);
	stop();
}

/* A distant server has more to do at once, but for as long as it is prompt. limit: LIM_REACH */
static void
distant(void **state)
{
	(void)state;
	known_after(1, 40);
	wants(100, 900, 10);
	assert_int_equal(under_way(0, LIM_REACH - 1), LIM_BODY_IN_FLIGHT + LIM_REACH - 1);
	stop();
	known_after(1, 40);
	wants(100, 900, 10);
	assert_int_equal(under_way(0, 2 * LIM_REACH), LIM_BODY_IN_FLIGHT + LIM_REACH);
	stop();
	/* One after the other they take ever longer, so some are neither prompt nor late. */
	known_after(1, 40);
	wants(100, 900, 10);
	assert_in_range(under_way(30, 30), LIM_BODY_IN_FLIGHT + 1, LIM_BODY_IN_FLIGHT + LIM_REACH / 2);
	stop();
	known_after(1, 40);
	wants(100, 900, 10);
	assert_int_equal(under_way(500, 20), LIM_BODY_IN_FLIGHT);
	stop();
	known_after(1, LIM_COMPRESS_RTT_MS - 1);
	wants(100, 900, 10);
	assert_int_equal(under_way(0, 20), LIM_BODY_IN_FLIGHT);
	stop();
}

/* limit: LIM_BODY_GROUP_BYTES */
static void
large_ones(void **state)
{
	unsigned int n;

	(void)state;
	known(1);
	wants(100, 4, LIM_BODY_GROUP_BYTES / 2);
	(void)fetched(&n);
	assert_int_equal(n, 2);
	(void)fetched(&n);
	assert_int_equal(n, 2);
	stop();
	known(1);
	wants(100, 2, LIM_BODY_GROUP_BYTES / 2 + 1);
	(void)fetched(&n);
	assert_int_equal(n, 1);
	stop();
}

/* One that the server cannot give costs only itself. */
static void
refused_together(void **state)
{
	unsigned int tag;

	(void)state;
	known(1);
	wants(100, 3, 10);
	tag = expect("UID FETCH 100,101,102 (UID BODY.PEEK[])");
	forget();
	say("* 1 FETCH (UID 100 BODY[] \"0123456789\")\r\nP%u NO cannot", tag);
	tag = expect("UID FETCH 101 (UID BODY.PEEK[])");
	(void)expect("UID FETCH 102 (UID BODY.PEEK[])");
	say("P%u NO cannot", tag);
	say("* 1 FETCH (UID 102 BODY[] \"0123456789\")");
	ok(tag + 1);
	told("body uid=100 code= bytes=10\nbody uid=101 code=sync.item_empty bytes=0\nbody uid=102 code= bytes=10\n");
	stop();
}

/* The connection is lost over some: which one it was is found out one by one. */
static void
lost_together(void **state)
{
	unsigned int tag;

	(void)state;
	known(1);
	wants(100, 3, 10);
	(void)expect("UID FETCH 100,101,102 (UID BODY.PEEK[])");
	say("* 1 FETCH (UID 100 BODY[] \"0123456789\")");
	close(t.peer);
	t.peer = -1;
	time_pass(LIM_BACKOFF_MAX_MS);
	connect_stream();
	hello();
	tag = expect("UID FETCH 1:2000 (UID FLAGS)");
	say("* 1 FETCH (UID 1500 FLAGS ())\r\n* 2 FETCH (UID 2000 FLAGS ())");
	ok(tag);
	(void)expect("UID FETCH 101 (UID BODY.PEEK[])");
	(void)expect("UID FETCH 102 (UID BODY.PEEK[])");
	stop();
}

/* The first page of old mail is whole at once, what is older waits for the headers; what somebody wants does not.
 * limit: LIM_FIRST_BODIES */
static void
old_mail(void **state)
{
	unsigned int tag, done = 0;
	char *line;

	(void)state;
	known(1001);
	(void)expect("UID FETCH 801:1000 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])");
	t.e.first_bodies = LIM_FIRST_BODIES - 1;
	want(1100, 10, true);
	pump();
	(void)expect("UID FETCH 601:800 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])");
	tag = expect("UID FETCH 401:600 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])");
	ok(tag - 2);
	ok(tag - 1);
	ok(tag);
	tag = expect("UID FETCH 1100 (UID BODY.PEEK[])");
	want(1101, 10, true);
	want(1102, 10, false);
	say("* 1 FETCH (UID 1100 BODY[] \"0123456789\")");
	ok(tag);
	tag = expect("UID FETCH 1102 (UID BODY.PEEK[])");
	say("* 1 FETCH (UID 1102 BODY[] \"0123456789\")");
	ok(tag);
	/* Now the headers of what is older, and behind all of them the content of 1101. */
	while ((line = heard()) != NULL && strstr(line, "BODY.PEEK[HEADER]") != NULL && done++ < 10) {
		assert_int_equal(sscanf(line, "P%u ", &tag), 1);
		ok(tag);
	}
	assert_true(done > 0);
	assert_non_null(line);
	assert_non_null(strstr(line, "UID FETCH 1101 (UID BODY.PEEK[])"));
	stop();
}

/* Old mail that somebody opens meanwhile is asked for once, and before the headers. */
static void
hurried(void **state)
{
	unsigned int tag;

	(void)state;
	known(1001);
	tag = expect("UID FETCH 801:1000 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])");
	t.e.first_bodies = LIM_FIRST_BODIES;
	want(1100, 10, true);
	pump();
	(void)expect("UID FETCH 601:800 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])");
	(void)expect("UID FETCH 401:600 (UID FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[HEADER])");
	want(1100, 10, false);
	pump();
	ok(tag);
	ok(tag + 1);
	ok(tag + 2);
	(void)expect("UID FETCH 1100 (UID BODY.PEEK[])");
	assert_int_equal(t.e.nwants, 1);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(together),
		cmocka_unit_test(asked_while_the_store_is_slow),
		cmocka_unit_test(distant),
		cmocka_unit_test(large_ones),
		cmocka_unit_test(refused_together),
		cmocka_unit_test(lost_together),
		cmocka_unit_test(old_mail),
		cmocka_unit_test(hurried),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

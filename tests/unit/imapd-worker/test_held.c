/* Messages that are larger than the server told: what the store still has of them is bounded. */
#include "../own_time.h"
#include "bodies_stage.h"

#define SMALL ((size_t)LIM_INLINE + 1)	/* the smallest that goes to a memfd */

/* As much of n bytes as is read. */
static size_t
offer(size_t n)
{
	static char bytes[STREAM_READ];
	size_t done = 0;
	ssize_t r = 1;

	memset(bytes, 'x', sizeof(bytes));
	while (done < n && r > 0) {
		pump();
		if ((r = write(t.peer, bytes, n - done < sizeof(bytes) ? n - done : sizeof(bytes))) > 0)
			done += (size_t)r;
	}
	pump();
	return done;
}

static void
announce(uint32_t uid, size_t size)
{
	say("* 1 FETCH (UID %u BODY[] {%zu}", uid, size);
}

/* A whole message, however small it was said to be. */
static void
body(uint32_t uid, size_t size)
{
	announce(uid, size);
	assert_int_equal(offer(size), size);
	say(")");
}

/* It came to the store. */
static bool
came(uint32_t uid, size_t size)
{
	char line[80];

	(void)snprintf(line, sizeof(line), "body uid=%u code= bytes=%zu\n", uid, size);
	return answers(line) == 1;
}

static void
take(unsigned int n)
{
	chan_release(t.store, n);
	t.held -= n;
	pump();
}

/* Three bodies are asked for, each said to have ten bytes; the store keeps what it gets. */
static void
begin(void)
{
	known(1);
	wants(100, 3, 10);
	(void)expect("UID FETCH 100,101,102 (UID BODY.PEEK[])");
	forget();
	t.hold = true;
}

/* limit: LIM_IMAP_HELD: so much the store may have, not a byte more. */
static void
both_sides(void **state)
{
	(void)state;
	begin();
	body(100, LIM_IMAP_HELD - SMALL);
	body(101, SMALL);
	assert_true(came(100, LIM_IMAP_HELD - SMALL) && came(101, SMALL));
	assert_false(engine_blocked(&t.e));
	stop();
	begin();
	body(100, LIM_IMAP_HELD - SMALL);
	announce(101, SMALL + 1);
	assert_true(engine_blocked(&t.e));
	stop();
}

/* The connection waits, and is not taken for dead; when the store is done with all, it goes on. */
static void
waits(void **state)
{
	size_t done;

	(void)state;
	begin();
	body(100, 2 * SMALL);
	body(101, SMALL);
	announce(102, LIM_BODY);
	done = offer(LIM_BODY);
	assert_true(done < 1024 * 1024);	/* what sockets hold */
	time_pass(3 * LIM_COMMAND_SECONDS * 1000);
	assert_true(engine_open(&t.e));
	/* Which one of them it took is not known. */
	take(1);
	assert_true(engine_blocked(&t.e));
	take(1);
	assert_int_equal(offer(LIM_BODY - done), LIM_BODY - done);
	say(")");
	assert_true(came(102, LIM_BODY));
	stop();
}

/* Headers are literals too. */
static void
headers(void **state)
{
	(void)state;
	begin();
	body(100, LIM_IMAP_HELD - SMALL);
	say("* 9 FETCH (UID 2001 FLAGS () RFC822.SIZE 9 BODY[HEADER] {%zu}", SMALL + 1);
	assert_true(engine_blocked(&t.e));
	stop();
}

/* Another store has nothing of it. */
static void
forgotten(void **state)
{
	(void)state;
	begin();
	body(100, LIM_BODY);
	engine_set_store(&t.e, NULL);
	assert_int_equal(t.e.report.held.bytes, 0);
	stop();
}

/* Whatever is taken, and in whatever order: never less is counted than is there. */
static void
never_less(void **state)
{
	static size_t there[LIM_CHAN_CREDITS];
	struct held h = { 0 };
	unsigned int n = 0;
	size_t sum = 0, k;

	(void)state;
	srandom(1);
	for (int i = 0; i < 100000; i++) {
		if (n < LIM_CHAN_CREDITS && (n == 0 || random() % 2 == 0)) {
			there[n] = (size_t)random() % 5 == 0 ? 0 : (size_t)random() % 1000;
			sum += there[n];
			if (there[n++] > 0)
				held_add(&h, there[n - 1]);
		} else {
			k = (size_t)random() % n;
			sum -= there[k];
			there[k] = there[--n];
			held_trim(&h, n);
		}
		assert_true(h.bytes >= sum && (n > 0 || h.bytes == 0));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_sides),
		cmocka_unit_test(waits),
		cmocka_unit_test(headers),
		cmocka_unit_test(forgotten),
		cmocka_unit_test(never_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

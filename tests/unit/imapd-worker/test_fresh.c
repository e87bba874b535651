/* How fresh a link is: what is a proof, what is none, and how often it is told. */
#include "write_stage.h"

static struct folder *
folder(size_t i)
{
	return &t.e.folders.v[i];
}

/* INBOX was whole so many seconds ago, and Sent; what is told of it? 0: nothing. */
static unsigned int
told_of(unsigned int inbox, unsigned int sent)
{
	fresh_told = 0;
	folder(0)->whole_at = inbox == 0 ? 0 : clock_ms() - inbox * 1000;
	folder(1)->whole_at = sent == 0 ? 0 : clock_ms() - sent * 1000;
	fresh_tell(&t.e);
	pump();
	return fresh_told == 0 ? 0 : fresh_seconds;
}

static void
anew(void)
{
	t.e.whole_at = t.e.whole_told = 0;
}

/* The folder that was looked at longest ago counts, one that never was says: nothing is known. */
static void
the_oldest_counts(void **state)
{
	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	anew();
	assert_int_equal(told_of(3, 0), 0);
	assert_int_equal(told_of(3, 5), 5);
	anew();
	assert_int_equal(told_of(7, 5), 7);
	anew();
	folder(1)->synced = false;
	assert_int_equal(told_of(3, 5), 3);
	folder(1)->synced = true;
	anew();
	t.e.live = false;
	assert_int_equal(told_of(3, 5), 0);
	t.e.live = true;
	assert_int_equal(told_of(3, 5), 5);
	stop();
}

/* Once a minute, and only what is newer. */
static void
not_too_often(void **state)
{
	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	anew();
	assert_int_equal(told_of(3, 5), 5);
	own_ms += LIM_FRESH_TELL_SECONDS * 1000 - 1;
	assert_int_equal(told_of(1, 1), 0);
	own_ms += 1;
	assert_int_equal(told_of(LIM_FRESH_TELL_SECONDS + 5, 1), 0);	/* the same as then */
	assert_int_equal(told_of(2, 1), 2);
	stop();
}

/* The second look at Sent, with that many messages. */
static void
look_at_sent(unsigned int messages, unsigned int next)
{
	unsigned int tag;

	time_pass(LIM_SENT_POLL_SECONDS * 1000);
	idle_ends();
	tag = expect("STATUS \"Sent\" (MESSAGES UIDNEXT UIDVALIDITY)");
	say("* STATUS Sent (MESSAGES %u UIDNEXT %u UIDVALIDITY 8)", messages, next);
	ok(tag);
}

/* Sent as it is known: proof. Something else: none, until it was looked at. */
static void
status(void **state)
{
	uint64_t before;
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	before = folder(1)->whole_at;
	look_at_sent(0, 1);
	assert_true(folder(1)->whole_at > before);
	tell_15_and_20("UID FETCH 1:20 (UID FLAGS)");	/* INBOX, for Sent was selected after the first look */
	idle();
	before = folder(1)->whole_at;
	look_at_sent(1, 2);
	tag = expect("SELECT \"Sent\"");
	assert_int_equal(folder(1)->whole_at, before);
	opened(tag, 1, 8, 2);
	tag = expect("UID FETCH 1:1" HEADERS);
	say_header(1, 1, "");
	ok(tag);
	assert_true(folder(1)->whole_at > before);
	stop();
}

/* New mail is fetched, and nothing else was looked at: no proof. */
static void
new_mail(void **state)
{
	uint64_t before;
	unsigned int tag;

	(void)state;
	settle_at("IDLE UIDPLUS", 21);
	before = folder(0)->whole_at;
	time_pass(1000);
	say("* 3 EXISTS");
	idle_ends();
	tag = expect("UID FETCH 21:*" HEADERS);
	say_header(3, 21, "");
	ok(tag);
	idle();
	assert_int_equal(folder(0)->whole_at, before);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_oldest_counts), cmocka_unit_test(not_too_often),
		cmocka_unit_test(status), cmocka_unit_test(new_mail) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

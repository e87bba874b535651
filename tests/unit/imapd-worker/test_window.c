/*
 * Where the wanted past begins: counted, by age, kept, widened and narrowed, against a scripted server.
 */
#include "plain_server.h"

#include <time.h>

#define NOW 1800000000	/* 15-Jan-2027 08:00:00 UTC */

time_t
time(time_t *out)
{
	if (out != NULL)
		*out = NOW;
	return NOW;
}

#define WORK_ROW "* LIST () \"/\" Work\r\n"

static void
begin(const struct msg_sync_config *config, const struct position *known, uint32_t first_low)
{
	start(config);
	if (known != NULL) {
		t.bound[0] = (struct bound){ strdup("INBOX"), *known };
		t.first_low[0] = first_low;
	}
	greet("IDLE UIDPLUS", INBOX_ROW);
}

static void
selected(const char *name, unsigned int exists, unsigned int next)
{
	char command[64];

	snprintf(command, sizeof(command), "SELECT \"%s\"", name);
	opened(expect(command), exists, 7, next);
}

static void
dates(unsigned int seq, unsigned int uid, const char *date)
{
	say("* %u FETCH (UID %u INTERNALDATE \"%s\")", seq, uid, date);
}

static void
fetched(const char *command, unsigned int seq, unsigned int uid)
{
	unsigned int tag = expect(command);

	say_header(seq, uid, "");
	ok(tag);
}

#define OLD "01-Dec-2026 12:00:00 +0000"
#define YOUNG "10-Jan-2027 12:00:00 +0000"

/* The server counts days in its own time zone: the one message that it left
 * out on the border is found, and below it nothing. */
static void
border(void **state)
{
	static const struct msg_sync_config month = { .period_days = 30 };
	unsigned int tag;

	(void)state;
	begin(&month, NULL, 0);
	selected("INBOX", 50, 1001);
	tag = expect("UID SEARCH SINCE 16-Dec-2026");
	say("* SEARCH 902 903");
	ok(tag);
	fetched("UID FETCH 902:1000" HEADERS, 50, 902);
	tag = expect("UID FETCH 702:901 (UID INTERNALDATE)");
	dates(48, 890, OLD);
	dates(49, 901, "15-Dec-2026 23:30:00 -0900");	/* 08:30 UTC of the day that was asked for */
	ok(tag);
	fetched("UID FETCH 901:901" HEADERS, 49, 901);
	tag = expect("UID FETCH 1:701 (UID INTERNALDATE)");
	dates(40, 600, OLD);
	ok(tag);
	(void)expect("IDLE");
	forget();
	assert_non_null(strstr(t.told, "synced 10 next=1001 modseq=0 low=901 complete=1\n"));
	stop();
}

/* A server whose SEARCH goes by the Date field and finds nothing at all; its
 * UIDs lie far apart. The dates themselves lead down. */
static void
no_exactness(void **state)
{
	static const struct msg_sync_config month = { .period_days = 30 };
	unsigned int tag;

	(void)state;
	begin(&month, NULL, 0);
	selected("INBOX", 3, 1000001);
	tag = expect("UID SEARCH SINCE 16-Dec-2026");
	say("* SEARCH");
	ok(tag);
	tag = expect("UID FETCH 999801:1000000 (UID INTERNALDATE)");
	dates(3, 1000000, YOUNG);
	ok(tag);
	fetched("UID FETCH 1000000:1000000" HEADERS, 3, 1000000);
	/* A gap says nothing: wider and wider. */
	ok(expect("UID FETCH 999001:999800 (UID INTERNALDATE)"));
	ok(expect("UID FETCH 995801:999000 (UID INTERNALDATE)"));
	ok(expect("UID FETCH 983001:995800 (UID INTERNALDATE)"));
	ok(expect("UID FETCH 931801:983000 (UID INTERNALDATE)"));
	ok(expect("UID FETCH 727001:931800 (UID INTERNALDATE)"));
	tag = expect("UID FETCH 1:727000 (UID INTERNALDATE)");
	dates(2, 500000, YOUNG);
	dates(1, 7, OLD);
	ok(tag);
	fetched("UID FETCH 500000:999999" HEADERS, 2, 500000);
	(void)expect("IDLE");
	forget();
	assert_non_null(strstr(t.told, "synced 10 next=1000001 modseq=0 low=500000 complete=1\n"));
	stop();
}

/* Several that SEARCH left out: down to the lowest of them, whatever lies between. */
static void
several_below(void **state)
{
	static const struct msg_sync_config month = { .period_days = 30 };
	unsigned int tag;

	(void)state;
	begin(&month, NULL, 0);
	selected("INBOX", 50, 1001);
	tag = expect("UID SEARCH SINCE 16-Dec-2026");
	say("* SEARCH 902 903");
	ok(tag);
	fetched("UID FETCH 902:1000" HEADERS, 50, 902);
	tag = expect("UID FETCH 702:901 (UID INTERNALDATE)");
	dates(46, 870, OLD);
	dates(47, 880, YOUNG);
	dates(48, 890, OLD);
	dates(49, 901, YOUNG);
	ok(tag);
	(void)expect("UID FETCH 880:901" HEADERS);
	stop();
}

/* What is complete is not measured again, whatever day it is: the store lets go what grows old. */
static void
complete(void **state)
{
	static const struct msg_sync_config both = { .first = 3, .period_days = 30 };
	static const struct position whole = { 7, 100, 0, 88, true };

	(void)state;
	begin(&both, &whole, 88);
	selected("INBOX", 50, 100);
	fetched("UID FETCH 88:99 (UID FLAGS)", 50, 99);
	(void)expect("IDLE");
	stop();
}

/* first is counted, however far the UIDs lie apart, and kept with the position. */
static void
counted(void **state)
{
	static const struct msg_sync_config newest2 = { .first = 2 };
	unsigned int tag;

	(void)state;
	begin(&newest2, NULL, 0);
	selected("INBOX", 3, 4000000000u);
	tag = expect("FETCH 2 (UID)");
	say("* 2 FETCH (UID 3000000000)");
	ok(tag);
	fetched("UID FETCH 3999999800:3999999999" HEADERS, 3, 3999999999u);
	fetched("UID FETCH 3999999600:3999999799" HEADERS, 3, 3999999700u);
	assert_int_equal(t.first_low[0], 3000000000u);
	stop();
}

/* A process that begins in the middle of the backfill counts nothing again:
 * what has come meanwhile does not take places of what was promised. */
static void
resumed(void **state)
{
	static const struct msg_sync_config newest3 = { .first = 3 };
	static const struct position half = { 7, 100, 0, 95, false };

	(void)state;
	begin(&newest3, &half, 90);
	selected("INBOX", 50, 104);
	fetched("UID FETCH 95:99 (UID FLAGS)", 49, 99);
	fetched("UID FETCH 100:103" HEADERS, 50, 103);
	fetched("UID FETCH 90:94" HEADERS, 40, 90);
	(void)expect("IDLE");
	forget();
	assert_non_null(strstr(t.told, "low=90 complete=1\n"));
	assert_int_equal(t.first_low[0], 90);
	stop();
}

/* All of it is here, and less is wanted: one question, and nothing is fetched. */
static void
narrowed(void **state)
{
	static const struct msg_sync_config newest3 = { .first = 3 };
	static const struct position whole = { 7, 100, 0, 1, false };
	unsigned int tag;

	(void)state;
	begin(&newest3, &whole, 0);
	selected("INBOX", 50, 100);
	tag = expect("FETCH 48 (UID)");
	say("* 48 FETCH (UID 88)");
	ok(tag);
	tag = expect("UID FETCH 1:99 (UID FLAGS)");
	ok(tag);
	(void)expect("IDLE");
	forget();
	assert_non_null(strstr(t.told, "low=1 complete=1\n"));
	assert_int_equal(t.first_low[0], 88);
	stop();
}

/* More is wanted: only what is below, from the top down, all of it backfill. */
static void
widened(void **state)
{
	static const struct msg_sync_config all = { .first = 0 };
	static const struct position some = { 7, 1000, 0, 900, false };

	(void)state;
	begin(&all, &some, 0);
	selected("INBOX", 500, 1000);
	fetched("UID FETCH 900:999 (UID FLAGS)", 500, 999);
	forget();
	fetched("UID FETCH 700:899" HEADERS, 400, 899);
	told("header 10 uid=899 flags= date=837596665 size=100 backfill=1 bytes=14\n"
	     "synced 10 next=1000 modseq=0 low=700 complete=0\n");
	fetched("UID FETCH 500:699" HEADERS, 300, 699);
	fetched("UID FETCH 300:499" HEADERS, 200, 499);
	stop();
}

/* Settings change on a connection that idles: the same one lists anew. */
static void
live_settings(void **state)
{
	static const struct msg_sync_config all = { .first = 0 };
	struct wbuf also = { .max = 0 };
	struct msg_sync_config more = { .first = 0 };
	unsigned int tag;

	(void)state;
	begin(&all, NULL, 0);
	selected("INBOX", 1, 2);
	fetched("UID FETCH 1:1" HEADERS, 1, 1);
	(void)expect("IDLE");
	say("+ idling");
	list_add(&also, slice_str("Work"));
	more.also = wbuf_slice(&also);
	assert_int_equal(send_sync_config(t.store, &more), 0);
	expect_raw("DONE");
	ok(t.e.writer.pending[0].tag);
	forget();
	tag = t.wanted;
	listed(INBOX_ROW WORK_ROW);
	told("found INBOX role=1 synced=1\nfound Work role=0 synced=1\nlisted 2\n");
	selected("INBOX", 1, 2);
	forget();
	fetched("UID FETCH 1:1 (UID FLAGS)", 1, 1);
	selected("Work", 1, 5);
	fetched("UID FETCH 1:4" HEADERS, 1, 4);
	forget();
	assert_non_null(strstr(t.told, "header 11 uid=4 flags= date=837596665 size=100 backfill=1 bytes=14\n"));
	assert_int_equal(t.wanted, tag);	/* no other connection was asked for */
	wbuf_free(&also);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(border),
		cmocka_unit_test(no_exactness),
		cmocka_unit_test(several_below),
		cmocka_unit_test(complete),
		cmocka_unit_test(counted),
		cmocka_unit_test(resumed),
		cmocka_unit_test(narrowed),
		cmocka_unit_test(widened),
		cmocka_unit_test(live_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

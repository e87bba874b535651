/* Messages that are looked for: many by few commands, each with its own answer. */
#include "write_stage.h"

static void
settle(const char *caps)
{
	settle_at(caps, 5001);
}

/* Numbers first to last, of Message-IDs m1@x.example, m2@x.example ... */
static void
give(uint32_t first, uint32_t last, uint32_t size)
{
	char id[32];
	struct msg_op m = { .kind = OP_FIND, .mailbox = 10, .uidvalidity = 7, .size = size,
		.internaldate = size != 0 ? 837596665 : 0 };

	for (uint32_t i = first; i <= last; i++) {
		(void)snprintf(id, sizeof(id), "m%u@x.example", i);
		m.op = i;
		m.message_id = slice_str(id);
		assert_int_equal(send_op(t.store, &m, -1), 0);
	}
	pump();
}

#define ITEMS "RFC822.SIZE 100 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" "

static void
row(uint32_t uid, const char *items, unsigned int id)
{
	char header[64];
	int n = snprintf(header, sizeof(header), "Message-ID: <m%u@x.example>\r\n\r\n", id);

	say("* %u FETCH (UID %u %sBODY[HEADER.FIELDS (MESSAGE-ID)] {%d}\r\n%s)", uid, uid, items, n, header);
}

static void
one_search(void **state)
{
	struct msg_op bare = { .op = 4, .kind = OP_FIND, .mailbox = 10, .uidvalidity = 7, .size = 100,
		.internaldate = 837596665 };
	unsigned int tag;

	(void)state;
	settle("IDLE ESEARCH");
	give(1, 3, 100);
	assert_int_equal(send_op(t.store, &bare, -1), 0);
	idle_ends();
	tag = expect("NOOP");
	(void)expect("UID SEARCH RETURN (ALL) OR OR HEADER Message-ID \"m1@x.example\" HEADER Message-ID "
		     "\"m2@x.example\" OR HEADER Message-ID \"m3@x.example\" (LARGER 99 SMALLER 101)");
	ok(tag);
	say("* ESEARCH (TAG \"P%u\") UID ALL 15:17,20:21", tag + 1);
	ok(tag + 1);
	tag = expect("UID FETCH 15:17,20:21 (UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
	row(15, ITEMS, 1);
	row(16, "RFC822.SIZE 101 INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" ", 2);	/* another of this Message-ID */
	row(17, "RFC822.SIZE 100 INTERNALDATE \"17-Jul-1996 02:44:26 -0700\" ", 2);
	row(20, ITEMS, 3);
	row(21, ITEMS, 33);
	ok(tag);
	told("op 1 result=1 uid=15 code=\nop 2 result=1 uid=0 code=\nop 3 result=1 uid=20 code=\n"
	     "op 4 result=1 uid=21 code=\n");
	idle();
	stop();
}

/* The keys of the SEARCH that comes now, which finds nothing. */
static size_t
nothing_found(void)
{
	unsigned int tag = expect("NOOP");
	const char *line = heard();
	size_t n = 0;

	assert_non_null(line);
	assert_true(strlen(line) < 8192);
	for (const char *p = line; (p = strstr(p, "HEADER Message-ID")) != NULL; p++)
		n++;
	ok(tag);
	say("* SEARCH");
	ok(tag + 1);
	return n;
}

/* limit: LIM_FIND_BATCH: so many by one command, and the next by another; five hundred are few. */
static void
five_hundred(void **state)
{
	(void)state;
	settle("IDLE");
	give(1, LIM_FIND_BATCH + 1, 0);
	idle_ends();
	assert_int_equal(nothing_found(), LIM_FIND_BATCH);
	assert_int_equal(nothing_found(), 1);
	assert_int_equal(answers(" result=1 uid=0"), LIM_FIND_BATCH + 1);
	idle();
	give(1, LIM_OP_BATCH, 0);
	idle_ends();
	for (size_t i = 0; i < LIM_OP_BATCH / LIM_FIND_BATCH; i++)
		assert_int_equal(nothing_found(), LIM_FIND_BATCH);
	idle();
	stop();
}

static char *
long_id(size_t n)
{
	static char id[LIM_FIND_ID + 2];

	memset(id, 'a', n);
	id[n] = '\0';
	return id;
}

/* limit: LIM_FIND_ID: a longer one, or one that needs a literal, goes alone. */
static void
alone(void **state)
{
	struct msg_op m = { .op = 8, .kind = OP_FIND, .mailbox = 10, .uidvalidity = 7 };

	(void)state;
	settle("IDLE");
	give(1, 1, 0);
	m.message_id = slice_str(long_id(LIM_FIND_ID));
	assert_int_equal(send_op(t.store, &m, -1), 0);
	m.message_id = slice_str(long_id(LIM_FIND_ID + 1));
	assert_int_equal(send_op(t.store, &m, -1), 0);
	give(2, 2, 0);
	idle_ends();
	assert_int_equal(nothing_found(), 3);
	assert_int_equal(nothing_found(), 1);
	idle();
	stop();
}

/* Two are asked for in one search, which is to be answered. Its tag. */
static unsigned int
two_asked(void)
{
	unsigned int tag;

	settle("IDLE");
	give(1, 2, 0);
	idle_ends();
	tag = expect("NOOP");
	(void)expect("UID SEARCH OR HEADER Message-ID \"m1@x.example\" HEADER Message-ID \"m2@x.example\"");
	ok(tag);
	return tag + 1;
}

/* OR is refused: by halves, until each is looked for alone. */
static void
or_refused(void **state)
{
	(void)state;
	say("P%u BAD what is OR?", two_asked());
	assert_int_equal(nothing_found(), 1);
	assert_int_equal(nothing_found(), 1);
	told("op 1 result=1 uid=0 code=\nop 2 result=1 uid=0 code=\n");
	stop();
}

/* The server does not say whose they are: alone. */
static void
not_told(void **state)
{
	unsigned int tag;

	(void)state;
	tag = two_asked();
	say("* SEARCH 15");
	ok(tag);
	tag = expect("UID FETCH 15 (UID RFC822.SIZE INTERNALDATE BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])");
	say("* 15 FETCH (UID 15 " ITEMS "BODY[HEADER.FIELDS (MESSAGE-ID)] NIL)");
	ok(tag);
	tag = expect("NOOP");
	(void)expect("UID SEARCH HEADER Message-ID \"m1@x.example\"");
	ok(tag);
	say("* SEARCH 15");
	ok(tag + 1);
	assert_int_equal(nothing_found(), 1);
	told("op 1 result=1 uid=15 code=\nop 2 result=1 uid=0 code=\n");
	stop();
}

/* The connection is lost on the way: all are looked for anew. */
static void
cut(void **state)
{
	unsigned int tag;

	(void)state;
	settle("IDLE");
	give(1, 2, 100);
	idle_ends();
	tag = expect("NOOP");
	(void)heard();
	ok(tag);
	say("* SEARCH 15 17");
	ok(tag + 1);
	(void)heard();
	row(17, ITEMS, 1);
	lose();
	begin_write("IDLE", 5001);
	forget();
	assert_int_equal(nothing_found(), 2);
	assert_int_equal(answers(" result=1 uid=0"), 2);
	stop();
}

/* Every second UID from first on, n of them, as numbers apart. */
static char *
apart(uint32_t first, size_t n, char between)
{
	static char text[LINES];
	size_t at = 0;

	for (size_t i = 0; i < n; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%c%u", between, first + 2 * (uint32_t)i);
	return text;
}

/* A search that finds n from UID 1 on; what is looked at is returned. */
static const char *
finds(size_t n, bool esearch, bool backwards)
{
	char *found = apart(1, n, esearch ? ',' : ' ');
	unsigned int tag;

	settle(esearch ? "IDLE ESEARCH" : "IDLE");
	give(1, 1, 100);
	idle_ends();
	tag = expect("NOOP");
	(void)heard();
	ok(tag);
	if (esearch)
		say_bytes("* ESEARCH UID ALL ", 18);
	else
		say_bytes(backwards ? "* SEARCH 900001" : "* SEARCH", backwards ? 15 : 8);
	say_bytes(found + esearch, strlen(found + esearch));
	say_bytes("\r\n", 2);
	ok(tag + 1);
	return heard();
}

/* limit: LIM_OP_BATCH: so many ranges are looked at, and of more the newest. */
static void
newest_found(void **state)
{
	static const struct {
		size_t found, older;
		bool esearch;
	} all[] = { { LIM_OP_BATCH, 0, false }, { LIM_OP_BATCH + 1, 1, false },
		{ 5 * LIM_OP_BATCH - 3, 4 * LIM_OP_BATCH - 3, false }, { 3 * LIM_OP_BATCH, 2 * LIM_OP_BATCH, true } };
	const char *line, *newest, *found;
	unsigned int tag;

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		line = finds(all[i].found, all[i].esearch, false);
		newest = apart(1 + 2 * (uint32_t)all[i].older, LIM_OP_BATCH, ',') + 1;
		assert_non_null(line);
		assert_non_null(line = strstr(line, "UID FETCH "));
		assert_memory_equal(line + 10, newest, strlen(newest));
		assert_string_equal(line + 10 + strlen(newest), " (UID RFC822.SIZE INTERNALDATE)");
		stop();
	}
	/* Not in order: the newest came first. */
	line = finds(5 * LIM_OP_BATCH, false, true);
	assert_non_null(line);
	assert_non_null(strstr(line, ",900001 (UID"));
	stop();
	/* Of two the older one's may be among the others. */
	tag = two_asked();
	found = apart(1, LIM_OP_BATCH + 1, ' ');
	say_bytes("* SEARCH", 8);
	say_bytes(found, strlen(found));
	say_bytes("\r\n", 2);
	ok(tag);
	assert_int_equal(nothing_found(), 1);
	assert_int_equal(nothing_found(), 1);
	stop();
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(one_search), cmocka_unit_test(five_hundred),
		cmocka_unit_test(alone), cmocka_unit_test(or_refused), cmocka_unit_test(not_told), cmocka_unit_test(cut),
		cmocka_unit_test(newest_found) };

	return cmocka_run_group_tests_name("finding", tests, NULL, NULL);
}

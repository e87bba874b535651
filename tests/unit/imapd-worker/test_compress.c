/*
 * COMPRESS=DEFLATE: only on a slow line to a server far away with much to come,
 * and a compressed stream is bound like a plain one.
 */
#include "../own_time.h"
#include "engine_test.h"

#include <zlib.h>

static const struct msg_sync_config all;
static struct {
	z_stream out, in;
	uint8_t raw[LINES];
} z;

static void
begin(unsigned int rtt, unsigned int messages, const char *caps)
{
	unsigned int list, tag;

	start(&all);
	tag = expect("CAPABILITY");
	time_pass(rtt);
	say("* CAPABILITY IMAP4rev1 %s", caps);
	ok(tag);
	list = expect("LIST \"\" \"*\"");
	tag = expect("SELECT \"INBOX\"");
	say("* LIST () \"/\" INBOX");
	ok(list);
	say("* %u EXISTS\r\n* OK [UIDVALIDITY 7] .\r\n* OK [UIDNEXT %u] .", messages, messages + 1);
	ok(tag);
}

/* Answer all that is asked with one message each, until something else is: its tag. */
static unsigned int
answer_slices(const char *until)
{
	char *line;
	unsigned int tag, low, high;

	while ((line = heard()) != NULL) {
		if (strstr(line, until) != NULL)
			return (unsigned int)strtoul(line + 1, NULL, 10);
		if (sscanf(line, "P%u UID FETCH %u:%u", &tag, &low, &high) != 3)
			fail_msg("not expected: %s", line);
		say_header(low, low, "");
		ok(tag);
		if (low == 1)
			return 0;
	}
	return 0;
}

/* The line is watched for ms while bytes come; is it slow? */
static bool
watch(unsigned int ms, size_t bytes)
{
	char text[4096];

	memset(text, 'x', sizeof(text));
	memcpy(text, "* OK ", 5);
	memcpy(text + sizeof(text) - 2, "\r\n", 2);
	say("* OK begins");
	for (; bytes >= sizeof(text); bytes -= sizeof(text))
		say_bytes(text, sizeof(text));
	time_pass(ms);
	say("* OK ends");
	return t.e.line.slow;
}

/* limit: LIM_COMPRESS_RTT_MS LIM_COMPRESS_LOOK_MS LIM_COMPRESS_RATE */
static void
decided_by_measure(void **state)
{
	const size_t fast = (size_t)LIM_COMPRESS_RATE * LIM_COMPRESS_LOOK_MS / 1000 + 4096;

	(void)state;
	begin(LIM_COMPRESS_RTT_MS - 1, 1000000, "COMPRESS=DEFLATE");
	assert_false(watch(LIM_COMPRESS_LOOK_MS, 0));
	stop();
	begin(LIM_COMPRESS_RTT_MS, 1000000, "");
	assert_false(watch(LIM_COMPRESS_LOOK_MS, 0));
	stop();
	begin(LIM_COMPRESS_RTT_MS, 1000000, "COMPRESS=DEFLATE");
	assert_false(watch(LIM_COMPRESS_LOOK_MS - 1, 0));
	assert_true(watch(1, 0));
	stop();
	begin(LIM_COMPRESS_RTT_MS, 1000000, "COMPRESS=DEFLATE");
	assert_false(watch(LIM_COMPRESS_LOOK_MS, fast));
	assert_true(watch(LIM_COMPRESS_LOOK_MS, fast / 2));
	stop();
}

/* limit: LIM_COMPRESS_REST */
static void
worth_its_while(void **state)
{
	const unsigned int enough = LIM_COMPRESS_REST / 2048;

	(void)state;
	begin(50, enough - 1, "COMPRESS=DEFLATE");
	assert_true(watch(LIM_COMPRESS_LOOK_MS, 0));
	assert_int_equal(answer_slices("COMPRESS"), 0);
	stop();
	begin(50, enough + 100, "COMPRESS=DEFLATE");
	assert_true(watch(LIM_COMPRESS_LOOK_MS, 0));
	assert_int_not_equal(answer_slices("COMPRESS DEFLATE"), 0);
	silent();	/* nothing is written behind it */
	stop();
}

static void
refused(void **state)
{
	unsigned int tag;

	(void)state;
	begin(50, 1000000, "COMPRESS=DEFLATE");
	assert_true(watch(LIM_COMPRESS_LOOK_MS, 0));
	tag = answer_slices("COMPRESS DEFLATE");
	say("P%u NO [COMPRESSIONACTIVE] no", tag);
	assert_null(t.e.stream.zip);
	assert_non_null(strstr(heard(), "UID FETCH"));	/* plain, and not asked again */
	assert_false(watch(LIM_COMPRESS_LOOK_MS, 0));
	stop();
}

/* The size of a folder is only asked for where it decides something. */
static void
size_is_asked_for(void **state)
{
	static const char *const caps[] = { "COMPRESS=DEFLATE STATUS=SIZE", "STATUS=SIZE", "COMPRESS=DEFLATE" };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		unsigned int tag;

		start(&all);
		tag = expect("CAPABILITY");
		time_pass(i < 3 ? LIM_COMPRESS_RTT_MS : LIM_COMPRESS_RTT_MS - 1);
		say("* CAPABILITY IMAP4rev1 LIST-EXTENDED LIST-STATUS %s", caps[i % 3]);
		ok(tag);
		(void)expect(i == 0 ? "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY SIZE))"
				    : "LIST \"\" \"*\" RETURN (STATUS (MESSAGES UIDNEXT UIDVALIDITY))");
		stop();
	}
}

/* ---- a compressed stream ---- */

static void
say_zipped(const void *p, size_t n)
{
	z.out.next_in = (Bytef *)(uintptr_t)p;
	z.out.avail_in = (uInt)n;
	do {
		z.out.next_out = z.raw;
		z.out.avail_out = sizeof(z.raw);
		(void)deflate(&z.out, Z_SYNC_FLUSH);
		say_bytes(z.raw, sizeof(z.raw) - z.out.avail_out);
	} while (z.out.avail_out == 0);
}

/* What the server reads, inflated. */
static char *
heard_zipped(void)
{
	static char text[LINES];
	ssize_t n;

	pump();
	n = read(t.peer, z.raw, sizeof(z.raw));
	assert_true(n > 0);
	z.in.next_in = z.raw;
	z.in.avail_in = (uInt)n;
	z.in.next_out = (Bytef *)text;
	z.in.avail_out = LINES - 1;
	assert_int_equal(inflate(&z.in, Z_SYNC_FLUSH), Z_OK);
	text[LINES - 1 - z.in.avail_out] = '\0';
	return text;
}

/* The OK and the first compressed bytes come in one piece. */
static void
compressed(void)
{
	static const char first[] = "* OK compressed\r\n";
	uint8_t both[200];
	unsigned int tag;
	size_t n;

	begin(50, 1000000, "COMPRESS=DEFLATE");
	assert_true(watch(LIM_COMPRESS_LOOK_MS, 0));
	tag = answer_slices("COMPRESS DEFLATE");
	memset(&z, 0, sizeof(z));
	assert_int_equal(deflateInit2(&z.out, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(inflateInit2(&z.in, -15), Z_OK);
	n = (size_t)snprintf((char *)both, 100, "P%u OK go\r\n", tag);
	z.out.next_in = (Bytef *)(uintptr_t)first;
	z.out.avail_in = sizeof(first) - 1;
	z.out.next_out = both + n;
	z.out.avail_out = 100;
	(void)deflate(&z.out, Z_SYNC_FLUSH);
	say_bytes(both, n + 100 - z.out.avail_out);
	assert_non_null(t.e.stream.zip);
}

static void
over(void)
{
	(void)deflateEnd(&z.out);
	(void)inflateEnd(&z.in);
	stop();
}

static void
both_ways(void **state)
{
	char *line, answer[300];
	unsigned int tag, low, high;

	(void)state;
	compressed();
	forget();
	line = heard_zipped();
	assert_int_equal(sscanf(line, "P%u UID FETCH %u:%u", &tag, &low, &high), 3);
	(void)snprintf(answer, sizeof(answer),
	    "* 9 FETCH (UID %u FLAGS () INTERNALDATE \"17-Jul-1996 02:44:25 -0700\" RFC822.SIZE 9 BODY[HEADER] {4}\r\na:b\n)\r\n"
	    "P%u OK done\r\n", high, tag);
	say_zipped(answer, strlen(answer));
	pump();
	(void)snprintf(answer, sizeof(answer), "header 10 uid=%u flags= date=837596665 size=9 backfill=1 bytes=4\n", high);
	assert_non_null(strstr(t.told + t.told_at, answer));
	over();
}

/* Few bytes that become one endless line meet the bound of plain lines. */
static void
bomb_in_a_line(void **state)
{
	static char text[1 << 20];
	int i;

	(void)state;
	compressed();
	memset(text, 'a', sizeof(text));
	say_zipped("* OK ", 5);
	for (i = 0; i < LIM_IMAP_LINE / (int)sizeof(text); i++) {
		assert_true(engine_open(&t.e));
		say_zipped(text, sizeof(text));
	}
	/* its reading end is gone: the last bytes go nowhere */
	assert_false(engine_open(&t.e));
	assert_non_null(strstr(t.told, "error 0 sync.protocol_error\n"));
	over();
}

static void
no_deflate_at_all(void **state)
{
	(void)state;
	compressed();
	say("* OK plain text where compressed bytes should be");
	pump();
	assert_false(engine_open(&t.e));
	assert_non_null(strstr(t.told, "error 0 sync.protocol_error\n"));
	over();
}

/* ---- the stream alone ---- */

static struct {
	struct stream s;
	size_t lines, most;	/* responses at all, and in one turn */
	size_t turn, turns;
	uint64_t literal;	/* size of the last big one */
	const char *why;	/* it was ended */
} alone;

static void
count(void *ctx, uint8_t *text, size_t n)
{
	(void)ctx;
	(void)text;
	alone.lines += n;
	alone.turn += n;
	alone.literal = alone.s.frame.spill_size;
}

static void
turn_end(void *ctx)
{
	(void)ctx;
	alone.most = alone.turn > alone.most ? alone.turn : alone.most;
	alone.turn = 0;
	alone.turns++;
}

static void
ended(void *ctx, const char *why)
{
	(void)ctx;
	alone.why = why;
}

static bool
never(void *ctx)
{
	(void)ctx;
	return false;
}

static void
open_alone(void)
{
	static const struct stream_ops ops = { count, turn_end, ended, never };
	int sv[2];

	memset(&t, 0, sizeof(t));
	memset(&z, 0, sizeof(z));
	memset(&alone, 0, sizeof(alone));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, sv), 0);
	t.peer = sv[0];
	stream_init(&alone.s, &ops, NULL);
	stream_open(&alone.s, sv[1]);
	stream_compress(&alone.s);
	assert_int_equal(deflateInit2(&z.out, 9, Z_DEFLATED, -15, 9, Z_DEFAULT_STRATEGY), Z_OK);
}

static void
close_alone(void)
{
	stream_free(&alone.s);
	(void)deflateEnd(&z.out);
	close(t.peer);
}

/* limit: LIM_INFLATE_TURN: sixteen pieces, then whoever else has something to do. */
static void
others_get_their_turn(void **state)
{
	static char text[4 << 20];
	const size_t piece = STREAM_READ;

	(void)state;
	open_alone();
	memset(text, 'a', sizeof(text));
	for (size_t i = 999; i < sizeof(text); i += 1000)
		text[i] = '\n';
	say_zipped(text, sizeof(text));
	for (int i = 0; i < 1000; i++)
		pump();
	assert_null(alone.why);
	assert_true(alone.lines > sizeof(text) - sizeof(text) / 500 && alone.lines <= sizeof(text));
	/* a line may have begun in the turn before */
	assert_true(alone.most <= LIM_INFLATE_TURN * piece + 1000);
	assert_true(alone.most > (LIM_INFLATE_TURN - 1) * piece);
	close_alone();
}

static void
say_literal(size_t size)
{
	static const char zeros[1 << 20];
	char head[80];

	(void)snprintf(head, sizeof(head), "* 1 FETCH (UID 1 BODY[] {%zu}\r\n", size);
	say_zipped(head, strlen(head));
	for (; size > 0 && alone.why == NULL; size -= size < sizeof(zeros) ? size : sizeof(zeros))
		say_zipped(zeros, size < sizeof(zeros) ? size : sizeof(zeros));
}

/* 64 KiB on the wire are 64 MiB: they lie in one memfd that goes with the
 * response, in many turns, and a byte more is not even begun. */
static void
bomb_in_a_literal(void **state)
{
	(void)state;
	open_alone();
	say_literal(LIM_BODY);
	for (int i = 0; i < 100; i++)
		pump();
	assert_int_equal(alone.s.frame.spill_size, LIM_BODY);
	assert_true(alone.turns >= LIM_BODY / (LIM_INFLATE_TURN * STREAM_READ));
	say_zipped(")\r\n", 3);
	pump();
	assert_int_equal(alone.literal, LIM_BODY);
	assert_true(alone.lines < 100 && alone.s.frame.text.cap < LIM_INLINE);
	assert_int_equal(alone.s.frame.spill_fd, -1);
	assert_null(alone.why);
	say_literal((size_t)LIM_BODY + 1);
	assert_string_equal(alone.why, "literal beyond the limit");
	close_alone();
	/* many of them in one response */
	open_alone();
	say_literal(LIM_INLINE + 1);
	say_zipped(" BODY[] {65537}\r\n", 17);
	pump();
	assert_string_equal(alone.why, "two big literals in one response");
	close_alone();
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(decided_by_measure),
		cmocka_unit_test(worth_its_while),
		cmocka_unit_test(refused),
		cmocka_unit_test(size_is_asked_for),
		cmocka_unit_test(both_ways),
		cmocka_unit_test(bomb_in_a_line),
		cmocka_unit_test(bomb_in_a_literal),
		cmocka_unit_test(no_deflate_at_all),
		cmocka_unit_test(others_get_their_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

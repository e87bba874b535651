/* The audit log's lines and chain, and what verifying says of each damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "audit_check.h"

#define LINES 6
#define TIME "2026-11-22T10:00:00.000Z"

/* A log in memory: two files, the second begins with line 5. */
struct log {
	char lines[16][512];
	size_t n;
	struct audit_head head;
};

static void
append(struct log *l, const char *rest)
{
	char text[400], hex[AUDIT_HEX_N + 1];

	snprintf(text, sizeof(text), "%d %s %s", (int)l->head.seq + 1, TIME, rest);
	audit_chain_hash(l->head.hash, slice_str(text), l->head.hash);
	l->head.seq++;
	audit_hex(l->head.hash, hex);
	snprintf(l->lines[l->n++], sizeof(l->lines[0]), "%s hash=%s\n", text, hex);
}

static void
begin_file(struct log *l, int number)
{
	char hex[AUDIT_HEX_N + 1], rest[256];

	audit_hex(l->head.hash, hex);
	snprintf(rest, sizeof(rest), "posternd pid=1 audit.file number=%d previous=%s reason=new", number, hex);
	append(l, rest);
}

static void
make(struct log *l)
{
	*l = (struct log){ .n = 0 };
	begin_file(l, 1);
	append(l, "posternd pid=1 daemon.start version=0.1 uid=0");
	append(l, "store[a] pid=2 link.made by=ats-worker uid=33 link=1 address=a@b.example");
	append(l, "vault pid=3 credential.released ats=a link=1 host=x.example");
	append(l, "store[a] pid=2 link.removed by=control uid=0 link=1");
	append(l, "posternd pid=1 daemon.stop reason=signal");
}

static struct audit_check check;

static const char *
verify(const struct log *l)
{
	audit_check_begin(&check, 0);
	for (size_t i = 0; i < l->n; i++)
		(void)audit_check_feed(&check, slice_str(l->lines[i]));
	(void)audit_check_end(&check);
	return check.wrong;
}

static const char *
verify_new(const struct log *l)
{
	audit_check_init(&check, false);
	return verify(l);
}

static void
assert_broken(const struct log *l, uint64_t line, const char *word)
{
	assert_non_null(verify_new(l));
	assert_int_equal(check.wrong_line, line);
	assert_non_null(strstr(check.wrong, word));
}

static void
test_whole(void **state)
{
	struct log l;

	(void)state;
	make(&l);
	assert_null(verify_new(&l));
	assert_int_equal(check.lines, LINES);
	assert_int_equal(check.first, 1);
	assert_memory_equal(check.head.hash, l.head.hash, AUDIT_HASH_N);
	assert_int_equal(check.torn_end, 0);
}

/* The chain is what audit_chain.h says, computed here from the words alone. */
static void
test_chain_is_documented(void **state)
{
	uint8_t bytes[512] = { 0 }, hash[32], told[32];
	struct log l;
	size_t n;

	(void)state;
	make(&l);
	n = (size_t)(strstr(l.lines[0], " hash=") - l.lines[0]);
	memcpy(bytes + 32, l.lines[0], n);
	crypto_generichash(hash, 32, bytes, 32 + n, NULL, 0);
	assert_int_equal(audit_hex_parse(slice_mem(l.lines[0] + n + 6, 64), told), 0);
	assert_memory_equal(hash, told, 32);
}

/* Any bit of any byte, in any line. */
static void
test_each_byte(void **state)
{
	struct log l, bad;

	(void)state;
	make(&l);
	for (size_t i = 0; i < l.n; i++)
		for (size_t k = 0; k < strlen(l.lines[i]); k++)
			for (int bit = 0; bit < 7; bit++) {
				bad = l;
				bad.lines[i][k] = (char)(bad.lines[i][k] ^ (1 << bit));
				if (bad.lines[i][k] == '\0')
					continue;
				/* Only the last newline leaves a whole line. */
				if (i + 1 == l.n && bad.lines[i][k + 1] == '\0') {
					assert_true(verify_new(&bad) != NULL || check.torn_end > 0);
					continue;
				}
				assert_broken(&bad, i + 1, "");
			}
}

static void
test_removed(void **state)
{
	struct log l;

	(void)state;
	for (size_t i = 0; i + 1 < LINES; i++) {
		make(&l);
		memmove(l.lines[i], l.lines[i + 1], (l.n - i - 1) * sizeof(l.lines[0]));
		l.n--;
		assert_broken(&l, i + 1, i == 0 ? "begins with audit.file" : "lines before it are missing");
	}
}

static void
test_swapped(void **state)
{
	struct log l;
	char keep[512];

	(void)state;
	make(&l);
	memcpy(keep, l.lines[2], sizeof(keep));
	memcpy(l.lines[2], l.lines[3], sizeof(keep));
	memcpy(l.lines[3], keep, sizeof(keep));
	assert_broken(&l, 3, "missing");
}

static void
test_inserted(void **state)
{
	struct log l;

	(void)state;
	make(&l);
	memmove(l.lines[4], l.lines[3], 3 * sizeof(l.lines[0]));
	l.n++;	/* line 4 twice */
	assert_broken(&l, 5, "inserted");
	make(&l);
	memmove(l.lines[4], l.lines[3], 3 * sizeof(l.lines[0]));
	l.n++;
	snprintf(l.lines[3], sizeof(l.lines[3]), "nothing to see here\n");
	assert_broken(&l, 4, "no line");
}

/* Changed, and its own hash made good: then the next one does not follow. */
static void
test_rehashed(void **state)
{
	struct log l, other;

	(void)state;
	make(&l);
	make(&other);
	other.n = 2;
	audit_check_init(&check, false);
	(void)verify(&other);
	other.head = check.head;
	append(&other, "store[a] pid=2 link.made by=ats-worker uid=44 link=1 address=a@b.example");
	memcpy(l.lines[2], other.lines[2], sizeof(l.lines[2]));
	assert_broken(&l, 4, "hash is wrong");
}

static void
test_cut(void **state)
{
	struct log l;

	(void)state;
	make(&l);
	l.n--;
	assert_null(verify_new(&l));	/* nothing in the file can tell */
	audit_check_init(&check, false);
	check.expect = l.head;
	assert_null(verify(&l));
	assert_true(check.head.seq < check.expect.seq);	/* but who knows the head can */
}

static void
test_written_anew(void **state)
{
	struct log l, other;

	(void)state;
	make(&l);
	make(&other);
	other.n = 0;
	other.head = (struct audit_head){ .seq = 0 };
	begin_file(&other, 1);
	for (int i = 0; i < LINES; i++)
		append(&other, "posternd pid=1 daemon.start version=0.1 uid=0");
	assert_null(verify_new(&other));
	audit_check_init(&check, false);
	check.expect = l.head;
	assert_non_null(strstr(verify(&other), "written anew"));
	assert_int_equal(check.wrong_line, LINES);
}

static void
add_torn(struct log *l, const char *bytes, size_t said)
{
	uint8_t digest[AUDIT_HASH_N];
	char hex[AUDIT_HEX_N + 1], rest[256];

	snprintf(l->lines[l->n++], sizeof(l->lines[0]), "%s\n", bytes);
	audit_chain_digest(slice_str(bytes), digest);
	audit_hex(digest, hex);
	snprintf(rest, sizeof(rest), "posternd pid=1 audit.torn bytes=%zu digest=%s", said, hex);
	append(l, rest);
}

static void
test_torn(void **state)
{
	struct log l;

	(void)state;
	make(&l);
	snprintf(l.lines[l.n++], sizeof(l.lines[0]), "7 2026-11-22T10:0");
	assert_null(verify_new(&l));
	assert_int_equal(check.torn_end, 17);
	make(&l);
	add_torn(&l, "7 2026-11-22T10:0", 17);
	append(&l, "posternd pid=1 daemon.start version=0.1 uid=0");
	assert_null(verify_new(&l));
	assert_int_equal(check.torn, 1);
	make(&l);	/* another length than it had */
	add_torn(&l, "7 2026-11-22T10:0", 18);
	assert_broken(&l, 7, "no line");
	make(&l);	/* the torn bytes changed afterwards */
	add_torn(&l, "7 2026-11-22T10:0", 17);
	l.lines[6][3]++;
	assert_broken(&l, 7, "no line");
	make(&l);	/* nobody tore what ends with its newline */
	snprintf(l.lines[l.n++], sizeof(l.lines[0]), "7 2026-11-22T10:0\n");
	assert_broken(&l, 7, "no line");
	make(&l);	/* all there but the newline */
	l.lines[5][strlen(l.lines[5]) - 1] = '\0';
	assert_null(verify_new(&l));
	assert_true(check.unterminated);
}

static void
test_files(void **state)
{
	struct log a, b, c;

	(void)state;
	make(&a);
	b = a;
	b.n = 0;
	begin_file(&b, 2);
	append(&b, "posternd pid=1 daemon.start version=0.1 uid=0");
	c = b;
	c.n = 0;
	begin_file(&c, 3);
	assert_null(verify_new(&a));
	assert_null(verify(&b));
	assert_null(verify(&c));
	assert_int_equal(check.lines, LINES + 3);
	assert_null(verify_new(&b));	/* alone: from its own first line on */
	assert_null(verify(&c));
	assert_int_equal(check.first, LINES + 1);
	assert_null(verify_new(&a));	/* b is not there */
	assert_non_null(strstr(verify(&c), "does not follow"));
	audit_check_init(&check, false);
	audit_check_begin(&check, 7);
	assert_int_equal(audit_check_feed(&check, slice_str(a.lines[0])), -1);
	assert_non_null(strstr(check.wrong, "another file"));
	/* Torn bytes at an end are a crash's only where nothing follows. */
	snprintf(a.lines[a.n++], sizeof(a.lines[0]), "7 2026-11-22T10:0");
	assert_null(verify_new(&a));
	assert_non_null(strstr(verify(&b), "middle of a line"));
	assert_int_equal(check.wrong_line, 1);
}

/* A terminal shows what is printed to it: no byte that it obeys, even if the chain were right. */
static void
test_printable(void **state)
{
	static const char *const bad[] = { "version=\033[2J", "version=\t", "version=\177", "version=\303\244" };
	struct log l;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char rest[100];

		make(&l);
		snprintf(rest, sizeof(rest), "posternd pid=1 daemon.start %s", bad[i]);
		append(&l, rest);
		assert_broken(&l, LINES + 1, "no line");
	}
}

static void
test_join(void **state)
{
	struct log l;

	(void)state;
	make(&l);
	audit_check_init(&check, true);
	audit_check_begin(&check, 1);
	assert_int_equal(audit_check_feed(&check, slice_str(l.lines[1] + 9)), 0);
	for (size_t i = 2; i < l.n; i++)
		assert_int_equal(audit_check_feed(&check, slice_str(l.lines[i])), 0);
	assert_int_equal(audit_check_end(&check), 0);
	assert_int_equal(check.head.seq, LINES);
	assert_memory_equal(check.head.hash, l.head.hash, AUDIT_HASH_N);
}

/* limit: LIM_AUDIT_LINE */
static void
test_longest_line(void **state)
{
	static char line[LIM_AUDIT_LINE + 3], bytes[LIM_AUDIT_LINE + 2];
	const size_t tail = sizeof(" hash=") - 1 + AUDIT_HEX_N;
	struct audit_line l;
	struct log whole;
	size_t n;

	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		n = (size_t)snprintf(line, sizeof(line), "1 %s posternd pid=1 x.y key=", TIME);
		memset(line + n, 'v', LIM_AUDIT_LINE + more - tail - n);
		snprintf(line + LIM_AUDIT_LINE + more - tail, tail + 1, " hash=%064d", 0);
		assert_int_equal(strlen(line), LIM_AUDIT_LINE + more);
		assert_int_equal(audit_line_parse(slice_str(line), &l), more == 0 ? 0 : -1);
	}
	for (size_t n_bad = LIM_AUDIT_LINE; n_bad <= LIM_AUDIT_LINE + 1; n_bad++) {
		make(&whole);
		assert_null(verify_new(&whole));
		memset(bytes, 'x', sizeof(bytes));
		audit_check_begin(&check, 0);
		check.begins = false;
		assert_int_equal(audit_check_feed(&check, slice_mem(bytes, n_bad)), n_bad > LIM_AUDIT_LINE ? -1 : 0);
	}
	assert_non_null(strstr(check.wrong, "longer"));
}

/* limit: LIM_AUDIT_TORN */
static void
test_most_torn(void **state)
{
	static char bytes[LIM_AUDIT_TORN + 2];
	uint8_t digest[AUDIT_HASH_N];
	char hex[AUDIT_HEX_N + 1], rest[256];
	struct log l;

	(void)state;
	for (size_t n = LIM_AUDIT_TORN; n <= LIM_AUDIT_TORN + 1; n++) {
		memset(bytes, 'x', sizeof(bytes));
		bytes[100] = '\n';	/* two pieces, no line */
		make(&l);
		assert_null(verify_new(&l));
		audit_chain_digest(slice_mem(bytes, n), digest);
		audit_hex(digest, hex);
		snprintf(rest, sizeof(rest), "posternd pid=1 audit.torn bytes=%zu digest=%s", n, hex);
		append(&l, rest);
		audit_check_begin(&check, 0);
		check.begins = false;
		(void)audit_check_feed(&check, slice_mem(bytes, n));
		(void)audit_check_feed(&check, slice_str("\n"));
		assert_int_equal(audit_check_feed(&check, slice_str(l.lines[l.n - 1])), n > LIM_AUDIT_TORN ? -1 : 0);
	}
}

/* Nothing grows with what is fed. */
static void
test_endless(void **state)
{
	static char big[100000];

	(void)state;
	memset(big, 'x', sizeof(big));
	audit_check_init(&check, false);
	audit_check_begin(&check, 1);
	assert_int_equal(audit_check_feed(&check, slice_mem(big, sizeof(big))), -1);
	for (size_t i = 0; i < sizeof(big); i += 2)
		big[i] = '\n';
	audit_check_init(&check, false);
	audit_check_begin(&check, 1);
	assert_int_equal(audit_check_feed(&check, slice_mem(big, sizeof(big))), -1);
	assert_int_equal(check.wrong_line, 1);
	audit_check_init(&check, true);
	audit_check_begin(&check, 1);
	assert_int_equal(audit_check_feed(&check, slice_mem(big, sizeof(big))), 0);
}

static void
test_names(void **state)
{
	char name[AUDIT_NAME_N];

	(void)state;
	audit_file_name(12, name);
	assert_string_equal(name, "audit-000012.log");
	assert_int_equal(audit_file_number(name), 12);
	assert_int_equal(audit_file_number("audit-1000000.log"), 1000000);
	assert_int_equal(audit_file_number("audit-12.log"), 0);
	assert_int_equal(audit_file_number("audit-000012.log.gz"), 0);
	assert_int_equal(audit_file_number("audit-000000.log"), 0);
	assert_int_equal(audit_file_number("taudi-000012.log"), 0);
	assert_int_equal(audit_file_number("audit-99999999999999999999.log"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_whole), cmocka_unit_test(test_chain_is_documented),
		cmocka_unit_test(test_each_byte), cmocka_unit_test(test_removed), cmocka_unit_test(test_swapped),
		cmocka_unit_test(test_inserted), cmocka_unit_test(test_rehashed), cmocka_unit_test(test_cut),
		cmocka_unit_test(test_written_anew), cmocka_unit_test(test_torn), cmocka_unit_test(test_files),
		cmocka_unit_test(test_join), cmocka_unit_test(test_endless), cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest_line), cmocka_unit_test(test_printable), cmocka_unit_test(test_most_torn) };

	if (sodium_init() == -1)
		return 1;
	return cmocka_run_group_tests_name("audit", tests, NULL, NULL);
}

/* The files of the audit log: crashes, full disks, hands from outside; and how much one may write. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_check.h"
#include "audit_file.h"
#include "master.h"

struct master master;

static char dir[64];
static struct audit_check check;

static const char *
path_of(int number)
{
	static char path[128];
	char name[AUDIT_NAME_N];

	audit_file_name((uint64_t)number, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/postern-audit.XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	audit_file_limit(LIM_AUDIT_FILE);
	audit_file_close();
	for (int i = 0; i < 20; i++)
		(void)unlink(path_of(i));
	return rmdir(dir);
}

static void
put(const char *text)
{
	audit_file_put(slice_str(text));
}

static void
put_some(int n)
{
	for (int i = 0; i < n; i++)
		put("store[agency] pid=12 link.tested by=control uid=0 link=1");
}

static void
again(void)
{
	audit_file_close();
	assert_int_equal(audit_file_open(dir), 0);
}

static size_t
file_read(int number, char *out, size_t size)
{
	int fd = open(path_of(number), O_RDONLY);
	ssize_t n;

	assert_int_not_equal(fd, -1);
	n = read(fd, out, size);
	close(fd);
	assert_true(n >= 0 && (size_t)n < size);
	out[n] = '\0';
	return (size_t)n;
}

static void
file_write(int number, const char *bytes, size_t n)
{
	int fd = open(path_of(number), O_WRONLY | O_TRUNC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* NULL: files first to last are whole. */
static const char *
verify(int first, int last)
{
	static char bytes[200000];

	audit_check_init(&check, false);
	for (int i = first; i <= last; i++) {
		size_t n = file_read(i, bytes, sizeof(bytes));

		audit_check_begin(&check, (uint64_t)i);
		(void)audit_check_feed(&check, slice_mem(bytes, n));
		(void)audit_check_end(&check);
	}
	return check.wrong;
}

static bool
has(int number, const char *text)
{
	static char bytes[200000];

	(void)file_read(number, bytes, sizeof(bytes));
	return strstr(bytes, text) != NULL;
}

/* ---- ---- */

static void
goes_on_after_a_stop(void **state)
{
	struct stat st;

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(3);
	again();
	put_some(2);
	assert_null(verify(1, 1));
	assert_int_equal(check.lines, 6);
	assert_memory_equal(&check.head, audit_file_head(), sizeof(check.head));
	assert_int_equal(stat(path_of(1), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(stat(dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* The tail is proven, not the whole of a long file. */
static void
goes_on_in_a_long_file(void **state)
{
	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(900);
	again();
	put_some(1);
	assert_int_equal(audit_file.number, 1);
	assert_null(verify(1, 1));
	assert_int_equal(check.lines, 902);
}

/* limit: LIM_AUDIT_FILE */
static void
next_files_follow(void **state)
{
	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(1);
	audit_file_limit(audit_file.size + 1);
	put_some(1);
	assert_int_equal(audit_file.number, 1);
	audit_file_limit(audit_file.size);
	put_some(1);
	assert_int_equal(audit_file.number, 2);
	audit_file_close();
	audit_file_limit(1500);
	assert_int_equal(audit_file_open(dir), 0);
	put_some(20);
	assert_true(audit_file.number >= 3);
	assert_null(verify(1, (int)audit_file.number));
	assert_int_equal(check.head.seq, audit_file_head()->seq);
	again();
	put_some(5);
	assert_null(verify(1, (int)audit_file.number));
}

/* Lengths to which a power cut may leave the last line; each start syncs, so not all of them. */
static void
torn_lines_are_closed(void **state)
{
	char bytes[4096];
	size_t n, start;

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(2);
	audit_file_close();
	n = file_read(1, bytes, sizeof(bytes));
	for (start = n - 1; bytes[start - 1] != '\n'; start--)
		;
	for (size_t cut = start + 1; cut < n; cut += cut + 12 < n ? 9 : 1) {
		file_write(1, bytes, cut);
		assert_null(verify(1, 1));
		assert_int_equal(audit_file_open(dir), 0);
		put_some(1);
		audit_file_close();
		assert_null(verify(1, 1));
		assert_int_equal(check.torn, cut < n - 1 ? 1 : 0);
		assert_int_equal(check.head.seq, 4);
	}
}

/* Blocks that were never written, as some file systems leave them. */
static void
zeros_at_the_end_are_torn(void **state)
{
	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(2);
	audit_file_close();
	assert_int_equal(truncate(path_of(1), (off_t)file_read(1, (char[4096]){ 0 }, 4096) + 3000), 0);
	assert_int_equal(audit_file_open(dir), 0);
	put_some(1);
	audit_file_close();
	audit_check_init(&check, false);
	assert_null(verify(1, 1));
	assert_int_equal(check.torn, 1);
}

static void
a_changed_end_begins_a_new_file(void **state)
{
	char bytes[4096];
	size_t n;

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(3);
	audit_file_close();
	n = file_read(1, bytes, sizeof(bytes));
	bytes[n - 90] ^= 1;
	file_write(1, bytes, n);
	assert_int_equal(audit_file_open(dir), 0);
	put_some(1);
	assert_int_equal(audit_file.number, 2);
	assert_true(has(2, "reason=broken"));
	assert_non_null(verify(1, 2));
	assert_int_equal(check.wrong_line, 4);
	assert_null(verify(2, 2));
}

/* posternd ended between making a file and its first line. */
static void
an_empty_last_file_is_used(void **state)
{
	char bytes[4096];
	int fd;

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(3);
	audit_file_close();
	for (int i = 0; i < 2; i++) {
		fd = open(path_of(2), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		assert_int_not_equal(fd, -1);
		if (i == 1)
			assert_int_equal(write(fd, "5 2026-", 7), 7);
		close(fd);
		assert_int_equal(audit_file_open(dir), 0);
		put_some(1);
		audit_file_close();
		assert_null(verify(1, 2));
		assert_int_equal(check.lines, 6);
	}
	(void)file_read(2, bytes, sizeof(bytes));
	assert_non_null(strstr(bytes, "reason=resumed"));
}

static void
one_writer_only(void **state)
{
	struct audit_file mine;

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	mine = audit_file;
	audit_file = (struct audit_file){ .fd = -1, .dirfd = -1, .limit = LIM_AUDIT_FILE };
	assert_int_equal(audit_file_open(dir), -1);
	audit_file_close();
	audit_file = mine;
	put_some(1);
	assert_null(verify(1, 1));
}

static void
files_of_others_are_refused(void **state)
{
	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	audit_file_close();
	assert_int_equal(chmod(path_of(1), 0640), 0);
	assert_int_equal(audit_file_open(dir), -1);
	audit_file_close();
	assert_int_equal(unlink(path_of(1)), 0);
	assert_int_equal(symlink("/dev/null", path_of(1)), 0);
	assert_int_equal(audit_file_open(dir), -1);
}

/* ---- a full disk: a limit on the file's size cuts writes short in the same way ---- */

static void
disk(rlim_t bytes)
{
	struct rlimit rl;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &rl), 0);
	rl.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &rl), 0);
}

static void
a_full_disk_loses_nothing_silently(void **state)
{
	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(audit_file_open(dir), 0);
	put_some(3);
	assert_true(audit_file_works());
	disk(audit_file.size + 50);
	put_some(7);
	assert_false(audit_file_works());
	assert_null(verify(1, 1));
	assert_int_equal(check.lines, 4);
	assert_int_equal(check.torn_end, 0);	/* cut back to the last line */
	disk(RLIM_INFINITY);
	audit_file_sync();	/* as the timer does: no event is needed */
	assert_true(audit_file_works());
	put_some(1);
	assert_null(verify(1, 1));
	assert_int_equal(check.lines, 6);
	assert_true(has(1, "audit.lost count=7"));
}

/* chattr +a: what was written cannot be cut back. */
static void
an_append_only_file_is_closed(void **state)
{
	(void)state;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(audit_file_open(dir), 0);
	put_some(3);
	disk(audit_file.size + 50);
	put_some(1);
	disk(RLIM_INFINITY);
	assert_int_equal(pwrite(audit_file.fd, "5 2026-11", 9, (off_t)audit_file.size), 9);
	audit_file.torn = audit_file.crashed = true;
	put_some(1);
	assert_null(verify(1, 1));
	assert_int_equal(check.torn, 1);
	assert_true(has(1, "audit.torn bytes=9"));
	assert_true(has(1, "audit.lost count=1"));
}

static void
no_new_file_no_loss(void **state)
{
	(void)state;
	audit_file_limit(500);
	assert_int_equal(audit_file_open(dir), 0);
	put_some(4);
	assert_int_equal(mkdir(path_of((int)audit_file.number + 1), 0700), 0);
	put_some(4);
	assert_true(audit_file_works());
	assert_null(verify(1, (int)audit_file.number));
	assert_int_equal(rmdir(path_of((int)audit_file.number + 1)), 0);
}

/* ---- hands from outside ---- */

static void
cutting_is_seen(void **state)
{
	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(5);
	audit_file_look();
	assert_false(has(1, "audit.touched"));
	assert_int_equal(truncate(path_of(1), (off_t)audit_file.size - 400), 0);
	audit_file_look();
	put_some(1);
	assert_true(has(1, "audit.touched what=the\\sfile\\swas\\scut"));
	assert_non_null(verify(1, 1));
}

static void
removing_is_seen(void **state)
{
	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	put_some(5);
	assert_int_equal(unlink(path_of(1)), 0);
	audit_file_look();
	put_some(1);
	assert_int_equal(audit_file.number, 2);
	assert_true(has(2, "reason=gone"));
	assert_true(has(2, "audit.touched"));
	assert_null(verify(2, 2));
	assert_int_equal(check.first, 7);
}

/* ---- lines ---- */

static void
fields_cannot_leave_their_place(void **state)
{
	struct wbuf fields = { .max = LIM_AUDIT_FIELDS }, text = { .max = LIM_AUDIT_LINE };
	struct audit_link_removed e = { .by = slice_str("x hash=00"), .uid = 3, .link = 4,
		.address = slice_str("a b\n7 2026 evil\033[2J\\\xff=") };
	struct audit_said s = { .who = "tls-worker[a/probe 3]", .pid = 9, .event = AUDIT_link_removed };
	struct audit_line l;
	char bytes[4096];

	(void)state;
	audit_encode(&fields, AUDIT_link_removed, &e);
	s.fields = wbuf_slice(&fields);
	audit_line_format(&s, &text);
	assert_int_equal(audit_file_open(dir), 0);
	audit_file_put(wbuf_slice(&text));
	assert_null(verify(1, 1));
	assert_int_equal(check.lines, 2);
	(void)file_read(1, bytes, sizeof(bytes));
	assert_int_equal(audit_line_parse(slice_mem(strchr(bytes, '\n') + 1, strlen(strchr(bytes, '\n') + 1) - 1), &l), 0);
	assert_true(slice_eq_str(l.event, "link.removed"));
	assert_true(slice_eq_str(audit_line_value(&l, "uid"), "3"));
	assert_true(slice_eq_str(audit_line_value(&l, "by"), "x\\shash=00"));
	assert_null(memchr(l.fields.p, '\033', l.fields.n));
	wbuf_free(&fields);
	wbuf_free(&text);
}

/* ---- how much one may write ---- */

static bool
refused_ticket(const char *who, const char *ats, const char *host, int64_t now)
{
	static struct wbuf fields = { .max = LIM_AUDIT_FIELDS };
	struct audit_said s = { .who = who, .pid = 1, .event = AUDIT_ticket_refused };

	wbuf_reset(&fields);
	audit_encode(&fields, AUDIT_ticket_refused, &(struct audit_ticket_refused){ .role = slice_str("tls-worker"),
	    .ats = slice_str(ats), .host = slice_str(host), .reason = slice_str("unknown") });
	s.fields = wbuf_slice(&fields);
	return audit_rate_allow(&s, now);
}

/* limit: LIM_AUDIT_PARTY_BURST LIM_AUDIT_PARTY_MINUTE */
static void
a_flood_is_bounded_and_counted(void **state)
{
	struct audit_drop d;
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 50000; i++)
		allowed += refused_ticket("vault", "bad", "mail.example", 1000000);
	assert_int_equal(allowed, LIM_AUDIT_PARTY_BURST);
	/* Another host of that tenant, and other tenants, have their own room. */
	assert_true(refused_ticket("vault", "bad", "other.example", 1000000));
	assert_true(refused_ticket("vault", "good", "mail.example", 1000000));
	assert_true(audit_rate_dropped(&d));
	assert_string_equal(d.who, "vault");
	assert_int_equal(d.event, AUDIT_ticket_refused);
	assert_int_equal(d.count, 50000 - LIM_AUDIT_PARTY_BURST);
	assert_false(audit_rate_dropped(&d));
	/* A minute later there is room for a few. */
	allowed = 0;
	for (int i = 0; i < 1000; i++)
		allowed += refused_ticket("vault", "bad", "mail.example", 1060000);
	assert_int_equal(allowed, LIM_AUDIT_PARTY_MINUTE);
	while (audit_rate_dropped(&d))
		;
}

/* Naming ever new parties does not help.
 * limit: LIM_AUDIT_CHILD_BURST LIM_AUDIT_CHILD_MINUTE */
static void
a_child_is_bounded_whoever_it_names(void **state)
{
	struct audit_drop d;
	char host[32];
	int allowed = 0;

	(void)state;
	for (int i = 0; i < 60000; i++) {
		snprintf(host, sizeof(host), "h%d.example", i);
		allowed += refused_ticket("store[bad]", "bad2", host, 2000000);
	}
	assert_int_equal(allowed, LIM_AUDIT_CHILD_BURST);
	allowed = 0;
	for (int i = 0; i < 1000; i++) {
		snprintf(host, sizeof(host), "later%d.example", i);
		allowed += refused_ticket("store[bad]", "bad2", host, 2060000);
	}
	assert_int_equal(allowed, LIM_AUDIT_CHILD_MINUTE);
	assert_true(refused_ticket("store[good]", "good2", "h1.example", 2000000));
	while (audit_rate_dropped(&d))
		;
}

/* limit: LIM_AUDIT_DROPPED */
static void
summaries_are_bounded(void **state)
{
	struct audit_drop d;
	char who[32];
	uint64_t total = 0;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(who, sizeof(who), "store[%d]", i);
		for (int k = 0; k < LIM_AUDIT_PARTY_BURST + 3; k++)
			(void)refused_ticket(who, "x", "h.example", 3000000);
	}
	for (; audit_rate_dropped(&d); n++)
		total += d.count;
	assert_int_equal(n, LIM_AUDIT_DROPPED);
	assert_true(total >= 300 * 3);	/* buckets may be shared, counts are never lost */
}

/* ---- what a child may say ---- */

static struct tenant agency = { .name = "agency" };

/* What the master makes of it: 0, or -1 and the child is ended. */
static int
says(struct proc *p, unsigned int event, struct slice fields)
{
	static const struct chan_peer peer;
	static const struct chan_ops ops;
	static struct chan *c;
	union msg m = { .audit = { .event = (uint16_t)event, .fields = fields } };
	int fds[2], fd = -1;

	if (c == NULL) {
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, fds), 0);
		c = chan_new(fds[0], ROLE_MASTER, &peer, &ops, NULL);
	}
	chan_set_ctx(c, p);
	return audit_on_event(c, &m, &fd);
}

static void
nobody_says_what_another_may(void **state)
{
	static union {
#define AUDIT(e, n, f, p, fields) struct audit_##e e;
#include "audit.def"
#undef AUDIT
	} any;
	struct wbuf w = { .max = LIM_AUDIT_FIELDS };

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	for (unsigned int role = 1; role < ROLE__COUNT; role++) {
		struct proc p = { .role = role, .tenant = &agency, .pid = 7 };

		assert_int_equal(says(&p, AUDIT_none, SLICE_NONE), -1);
		assert_int_equal(says(&p, AUDIT__COUNT, SLICE_NONE), -1);
		for (unsigned int e = 1; e < AUDIT__COUNT; e++) {
			bool may = (audit_table[e].from & (1u << role)) != 0;

			wbuf_reset(&w);
			audit_encode(&w, e, &any);
			assert_int_equal(says(&p, e, wbuf_slice(&w)), may ? 0 : -1);
			w_u8(&w, 0);
			assert_int_equal(says(&p, e, wbuf_slice(&w)), -1);
			assert_int_equal(says(&p, e, slice_mem(w.p, w.n - 2)), -1);
		}
	}
	assert_null(verify(1, 1));
	assert_true(has(1, " store[agency] pid=7 link.made "));
	assert_false(has(1, " store[agency] pid=7 credential."));
	wbuf_free(&w);
}

/* The disk gets what the bounds allow, and then a count. */
static void
a_stolen_child_does_not_fill_the_disk(void **state)
{
	struct proc p = { .role = ROLE_STORE, .tenant = &agency, .pid = 8 };
	struct wbuf w = { .max = LIM_AUDIT_FIELDS };
	struct audit_content_demand e = { .outcome = slice_str("fetching") };
	struct audit_drop d;
	uint64_t before;

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	before = audit_file_head()->seq;
	for (uint32_t i = 0; i < 100000; i++) {
		e.link = i;	/* ever new ones */
		wbuf_reset(&w);
		audit_encode(&w, AUDIT_content_demand, &e);
		assert_int_equal(says(&p, AUDIT_content_demand, wbuf_slice(&w)), 0);
	}
	assert_in_range(audit_file_head()->seq - before, LIM_AUDIT_CHILD_BURST / 2, LIM_AUDIT_CHILD_BURST + 200);
	assert_true(audit_file.size < 3 * 1024 * 1024);
	assert_true(audit_rate_dropped(&d));
	assert_string_equal(d.who, "store[agency]");
	wbuf_free(&w);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(goes_on_after_a_stop), T(goes_on_in_a_long_file), T(next_files_follow),
		T(torn_lines_are_closed), T(zeros_at_the_end_are_torn), T(a_changed_end_begins_a_new_file),
		T(an_empty_last_file_is_used), T(one_writer_only), T(files_of_others_are_refused),
		T(a_full_disk_loses_nothing_silently), T(an_append_only_file_is_closed), T(no_new_file_no_loss),
		T(cutting_is_seen), T(removing_is_seen), T(fields_cannot_leave_their_place),
		cmocka_unit_test(a_flood_is_bounded_and_counted), cmocka_unit_test(a_child_is_bounded_whoever_it_names),
		cmocka_unit_test(summaries_are_bounded),
		/* These two fill buckets: behind those that count. */
		T(nobody_says_what_another_may), T(a_stolen_child_does_not_fill_the_disk) };

	if (sodium_init() == -1)
		return 1;
	logger_open(true, LOG_LVL_ERROR);
	return cmocka_run_group_tests_name("audit files", tests, NULL, NULL);
}

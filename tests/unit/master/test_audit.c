/* The files of the audit log: crashes, full disks, hands from outside. */
#include "audit_test.h"

#include <sys/syscall.h>

/* What was asked to be on the disk, and of which file; in front of libc's. */
static int synced, synced_fd;
static bool dir_synced;

int
fdatasync(int fd)
{
	synced++;
	synced_fd = fd;
	return (int)syscall(SYS_fdatasync, fd);
}

int
fsync(int fd)
{
	if (fd == audit_file.dirfd)
		dir_synced = true;
	else
		synced++;
	synced_fd = fd;
	return (int)syscall(SYS_fsync, fd);
}

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

/* Lines by the timer, all of a moment at once; a file and its name before its first line counts. */
static void
all_is_on_the_disk(void **state)
{
	(void)state;
	synced = 0;
	dir_synced = false;
	assert_int_equal(audit_file_open(dir), 0);
	assert_true(synced == 1 && dir_synced);
	audit_file_sync();
	assert_int_equal(synced, 2);	/* its first line is one too */
	put_some(3);
	assert_true(audit_file_dirty());
	audit_file_sync();
	assert_int_equal(synced, 3);
	assert_int_equal(synced_fd, audit_file.fd);
	assert_false(audit_file_dirty());
	audit_file_sync();
	assert_int_equal(synced, 3);
	put_some(1);
	dir_synced = false;
	assert_int_equal(audit_file_begin("size"), 0);	/* the old one before the new one */
	assert_true(synced == 5 && dir_synced);
	put_some(1);
	audit_file_close();
	assert_int_equal(synced, 6);
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
	char elsewhere[128];

	(void)state;
	assert_int_equal(audit_file_open(dir), 0);
	audit_file_close();
	/* Not even where it points to one of ours. */
	snprintf(elsewhere, sizeof(elsewhere), "%s", path_of(0));
	assert_int_equal(rename(path_of(1), elsewhere), 0);
	assert_int_equal(symlink(elsewhere, path_of(1)), 0);
	assert_int_equal(audit_file_open(dir), -1);
	audit_file_close();
	assert_int_equal(rename(elsewhere, path_of(1)), 0);
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

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = { T(goes_on_after_a_stop), T(all_is_on_the_disk), T(goes_on_in_a_long_file), T(next_files_follow),
		T(torn_lines_are_closed), T(zeros_at_the_end_are_torn), T(a_changed_end_begins_a_new_file),
		T(an_empty_last_file_is_used), T(one_writer_only), T(files_of_others_are_refused),
		T(a_full_disk_loses_nothing_silently), T(an_append_only_file_is_closed), T(no_new_file_no_loss),
		T(cutting_is_seen), T(removing_is_seen), T(fields_cannot_leave_their_place) };

	if (sodium_init() == -1)
		return 1;
	logger_open(true, LOG_LVL_ERROR);
	return cmocka_run_group_tests_name("audit files", tests, NULL, NULL);
}

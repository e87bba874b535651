/*
 * Where the chain goes on: at the start, and when the next file begins.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "audit_check.h"
#include "audit_file.h"
#include "master.h"

#define TAIL_N (8 * LIM_AUDIT_LINE)	/* what is proven at a start; audit verify proves all */

struct audit_file audit_file = { .fd = -1, .dirfd = -1, .limit = LIM_AUDIT_FILE };
#define f audit_file

/* ---- a new file ---- */

static int
first_line(const char *reason)
{
	char hex[AUDIT_HEX_N + 1] = "";
	struct audit_new_file e = { .number = f.number, .previous = slice_mem(hex, AUDIT_HEX_N),
		.reason = slice_str(reason) };

	audit_hex(f.head.hash, hex);
	return audit_file_own(AUDIT_new_file, &e, 0);
}

int
audit_file_begin(const char *reason)
{
	const struct audit_file old = f;
	char name[AUDIT_NAME_N];

	audit_file_sync();
	audit_file_name(old.number + 1, name);
	f.fd = openat(f.dirfd, name, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	f.number = old.number + 1;
	f.size = 0;
	f.torn = f.crashed = false;
	if (f.fd == -1 || first_line(reason) == -1) {
		f.why = f.fd == -1 ? errno : f.why;
		logger_line(LOG_LVL_ERROR, "audit log %s/%s: %s", f.dir, name, strerror(f.why));
		if (f.fd != -1) {
			(void)unlinkat(f.dirfd, name, 0);
			close(f.fd);
		}
		f = old;
		return -1;
	}
	if (fsync(f.fd) == -1 || fsync(f.dirfd) == -1)
		logger_line(LOG_LVL_ERROR, "audit log not on the disk: %s", strerror(errno));
	if (old.fd != -1)
		close(old.fd);
	return 0;
}

/* ---- the end of what is there ---- */

/* The highest number of a file in the directory; 0: none, -1: not readable. */
static int64_t
last_number(void)
{
	int fd = dup(f.dirfd);
	DIR *d = fd != -1 ? fdopendir(fd) : NULL;
	const struct dirent *e;
	uint64_t last = 0, n;

	if (d == NULL) {
		if (fd != -1)
			close(fd);
		return -1;
	}
	rewinddir(d);
	while ((e = readdir(d)) != NULL)
		if ((n = audit_file_number(e->d_name)) > last)
			last = n;
	(void)closedir(d);
	return (int64_t)last;
}

static int
open_number(uint64_t number, int flags, struct stat *st)
{
	char name[AUDIT_NAME_N];
	int fd;

	audit_file_name(number, name);
	fd = openat(f.dirfd, name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd != -1 && fstat(fd, st) == 0 && S_ISREG(st->st_mode) && st->st_uid == geteuid() && (st->st_mode & 077) == 0)
		return fd;
	logger_line(LOG_LVL_ERROR, "audit log %s/%s: %s", f.dir, name,
	    fd == -1 ? strerror(errno) : "must be a regular file of ours with mode 0600");
	if (fd != -1)
		close(fd);
	return -1;
}

static void
check_tail(int fd, uint64_t size, uint64_t number, struct audit_check *c)
{
	uint64_t at = size > TAIL_N ? size - TAIL_N : 0;
	uint8_t bytes[8192];
	ssize_t n;

	audit_check_init(c, at > 0);
	audit_check_begin(c, number);
	while ((n = pread(fd, bytes, sizeof(bytes), (off_t)at)) > 0) {
		(void)audit_check_feed(c, slice_mem(bytes, (size_t)n));
		at += (uint64_t)n;
	}
	(void)audit_check_end(c);
}

/* The last file has no line yet: posternd ended while it was made. */
static int
begin_again(struct audit_check *c)
{
	struct stat st;
	int fd;

	f.head = (struct audit_head){ .seq = 0 };
	if (f.number > 1) {
		if ((fd = open_number(f.number - 1, O_RDONLY, &st)) == -1)
			return -1;
		check_tail(fd, (uint64_t)st.st_size, f.number - 1, c);
		close(fd);
		f.head = c->head;
	}
	f.size = 0;
	return ftruncate(f.fd, 0) == -1 ? -1 : first_line("resumed");
}

static int
go_on(const struct audit_check *c, uint64_t size)
{
	f.head = c->head;
	f.size = size - c->torn_end;
	if (c->wrong != NULL || c->head.seq == 0) {
		logger_line(LOG_LVL_ERROR, "AUDIT LOG IS BROKEN, see: posternctl audit verify; a new file begins file=%" PRIu64
		    " reason=%s", f.number, c->wrong != NULL ? c->wrong : "no line of it can be read");
		return audit_file_begin("broken");
	}
	if (c->torn_end > 0) {
		logger_line(LOG_LVL_WARN, "audit log ends in a torn line, as after a crash size=%" PRIu64, c->torn_end);
		f.torn = f.crashed = true;
	}
	if (c->unterminated)	/* all but its newline */
		return write(f.fd, "\n", 1) == 1 ? (void)f.size++, 0 : -1;
	return 0;
}

static int
take_up(void)
{
	static struct audit_check c;
	struct stat st;

	if ((f.fd = open_number(f.number, O_RDWR | O_APPEND, &st)) == -1)
		return -1;
	check_tail(f.fd, (uint64_t)st.st_size, f.number, &c);
	if (c.lines == 0 && c.wrong == NULL && (uint64_t)st.st_size == c.torn_end)
		return begin_again(&c);
	return go_on(&c, (uint64_t)st.st_size);
}

int
audit_file_open(const char *dir)
{
	int64_t last;

	if (make_directory(dir, 0700, getuid(), getgid()) == -1)
		return -1;
	if (slice_copy(slice_str(dir), f.dir, sizeof(f.dir)) == -1 ||
	    (f.dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) == -1 || (last = last_number()) == -1) {
		logger_line(LOG_LVL_ERROR, "audit log %s: %s", dir, strerror(errno));
		return -1;
	}
	/* Two writers would break the chain. */
	if (flock(f.dirfd, LOCK_EX | LOCK_NB) == -1) {
		logger_line(LOG_LVL_ERROR, "audit log %s: another posternd writes there", dir);
		return -1;
	}
	f.number = (uint64_t)last;
	return last == 0 ? audit_file_begin("new") : take_up();
}

void
audit_file_close(void)
{
	audit_file_sync();
	if (f.fd != -1)
		close(f.fd);
	if (f.dirfd != -1)
		close(f.dirfd);
	f = (struct audit_file){ .fd = -1, .dirfd = -1, .limit = f.limit };
}

/*
 * The files of the audit log: audit-000001.log and so on, appended to, never
 * renamed. One write(2) a line; fdatasync by the timer of audit_log.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit_file.h"
#include "master.h"

#define f audit_file

/* ---- one line ---- */

/* 0, or -1: then the file is as it was, or f.torn says that it is not. */
static int
append(struct slice s)
{
	ssize_t n = write(f.fd, s.p, s.n);

	if (n == (ssize_t)s.n) {
		f.dirty = true;
		return 0;
	}
	f.why = n == -1 ? errno : ENOSPC;
	if (n > 0 && ftruncate(f.fd, (off_t)f.size) == -1)
		f.torn = true;	/* chattr +a: closed by a line of its own later */
	return -1;
}

static void
stamp(struct wbuf *w)
{
	struct timespec now;
	struct tm tm;
	char text[64], full[128];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(full, sizeof(full), "%" PRIu64 " %s.%03ldZ ", f.head.seq + 1, text, now.tv_nsec / 1000000);
	w_raw(w, full, strlen(full));
}

/* from: where the line begins. */
static int
write_line(struct slice text, uint64_t from)
{
	static struct wbuf w = { .max = 2 * LIM_AUDIT_LINE };
	uint8_t hash[AUDIT_HASH_N];
	char end[AUDIT_HEX_N + 16] = " hash=";

	wbuf_reset(&w);
	stamp(&w);
	w_raw(&w, text.p, text.n);
	if (w.failed || w.n + sizeof(end) > LIM_AUDIT_LINE) {
		logger_line(LOG_LVL_ERROR, "an audit line is too long");
		return -1;
	}
	audit_chain_hash(f.head.hash, wbuf_slice(&w), hash);
	audit_hex(hash, end + 6);
	w_raw(&w, end, strlen(end));
	w_u8(&w, '\n');
	if (w.failed || append(wbuf_slice(&w)) == -1)
		return -1;
	f.size = from + w.n;
	f.head.seq++;
	memcpy(f.head.hash, hash, sizeof(hash));
	return 0;
}

int
audit_file_own(enum audit_event event, const void *fields, uint64_t from)
{
	static struct wbuf bytes = { .max = LIM_AUDIT_FIELDS }, text = { .max = LIM_AUDIT_LINE };
	struct audit_said s = { .who = "posternd", .pid = (uint32_t)getpid(), .event = event };

	wbuf_reset(&bytes);
	wbuf_reset(&text);
	audit_encode(&bytes, event, fields);
	s.fields = wbuf_slice(&bytes);
	audit_line_format(&s, &text);
	return bytes.failed || text.failed ? -1 : write_line(wbuf_slice(&text), from);
}

/* ---- after a torn line ---- */

/* What stands behind the last good line is closed and named, not removed: it
 * may be all there is of what happened last. */
static int
close_torn(uint64_t length)
{
	uint8_t bytes[LIM_AUDIT_TORN + 1], digest[AUDIT_HASH_N];
	char hex[AUDIT_HEX_N + 1] = "";
	size_t n = (size_t)(length - f.size);
	struct audit_torn e = { .digest = slice_mem(hex, AUDIT_HEX_N) };

	if (n > sizeof(bytes) || n == 0 || pread(f.fd, bytes, n, (off_t)f.size) != (ssize_t)n)
		return audit_file_begin("broken");
	if (bytes[n - 1] == '\n')
		n--;
	else if (append(slice_str("\n")) == -1)
		return -1;
	audit_chain_digest(slice_mem(bytes, n), digest);
	audit_hex(digest, hex);
	e.bytes = n;
	return audit_file_own(AUDIT_torn, &e, f.size + n + 1);
}

static int
heal(void)
{
	struct stat st;

	if (fstat(f.fd, &st) == -1)
		return -1;
	if ((uint64_t)st.st_size > f.size && (f.crashed || ftruncate(f.fd, (off_t)f.size) == -1) &&
	    close_torn((uint64_t)st.st_size) == -1)
		return -1;
	f.torn = f.crashed = false;
	return 0;
}

/* ---- events ---- */

static void
count_lost(void)
{
	if (f.lost++ > 0)
		return;
	f.lost_ms = now_ms();
	logger_line(LOG_LVL_ERROR, "AUDIT LOG CANNOT BE WRITTEN, events are only counted now reason=%s", strerror(f.why));
}

/* Everything that must stand before the next line. 0 or -1. */
static int
prepare(void)
{
	struct audit_lost e = { .count = f.lost, .seconds = (uint64_t)(now_ms() - f.lost_ms) / 1000,
		.reason = slice_str(strerror(f.why)) };

	if (f.fd == -1 || (f.torn && heal() == -1))
		return -1;
	if (f.size >= f.limit)
		(void)audit_file_begin("size");
	if (f.lost == 0)
		return 0;
	if (audit_file_own(AUDIT_lost, &e, f.size) == -1)
		return -1;
	logger_line(LOG_LVL_WARN, "audit log is written again count=%" PRIu64, f.lost);
	f.lost = 0;
	return 0;
}

void
audit_file_put(struct slice text)
{
	if (f.dirfd == -1)
		return;	/* a test without a log */
	if (prepare() == -1 || write_line(text, f.size) == -1)
		count_lost();
}

void
audit_file_sync(void)
{
	if (f.lost > 0)
		(void)prepare();
	if (!f.dirty)
		return;
	f.dirty = false;
	if (fdatasync(f.fd) == -1)
		logger_line(LOG_LVL_ERROR, "audit log not on the disk: %s", strerror(errno));
}

bool
audit_file_works(void)
{
	return f.lost == 0;
}

bool
audit_file_dirty(void)
{
	return f.dirty || f.lost > 0;
}

const struct audit_head *
audit_file_head(void)
{
	return &f.head;
}

void
audit_file_limit(uint64_t bytes)
{
	f.limit = bytes;
}

/* ---- has somebody else been at it? ---- */

static void
touched(const char *what, uint64_t found)
{
	struct audit_touched e = { .what = slice_str(what), .expected = f.size, .found = found };

	logger_line(LOG_LVL_ERROR, "AUDIT LOG WAS TOUCHED by somebody else reason=%s", what);
	(void)audit_file_own(AUDIT_touched, &e, f.size);
}

void
audit_file_look(void)
{
	char name[AUDIT_NAME_N];
	struct stat st, place;

	if (f.fd == -1 || f.torn || fstat(f.fd, &st) == -1)
		return;
	audit_file_name(f.number, name);
	if (fstatat(f.dirfd, name, &place, AT_SYMLINK_NOFOLLOW) == -1 || place.st_ino != st.st_ino ||
	    place.st_dev != st.st_dev) {
		if (audit_file_begin("gone") == 0)
			touched("the file was removed or replaced", 0);
	} else if ((uint64_t)st.st_size != f.size) {
		uint64_t expected = f.size;

		f.size = (uint64_t)st.st_size;	/* where the next line begins */
		f.torn = false;
		touched(f.size < expected ? "the file was cut" : "bytes were appended", expected);
	}
}

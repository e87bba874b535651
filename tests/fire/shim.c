/*
 * shim.c - what a test needs inside a process that cannot be reached: linked
 * into copies of the executables that only tests run, in front of libc. The
 * sources of the roles know nothing of it.
 *
 * Beside the executable may lie, made by the test:
 *   clock   8 bytes, mapped: seconds that the wall clock is ahead (little-endian)
 *   disk    8 bytes, mapped: what goes wrong with data.mdb, see enum fault
 *   ROLE.speed      8 bytes, of one role: its time goes so many times as fast, for
 *           what it reads of the monotonic clock and how long it waits for events
 *   writes  of the store: every write to data.mdb is noted here, in order, with
 *           what made it durable; see power.py
 *
 * All of it is opened before main(), so the sandbox stays as it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define HIGH_FD 200	/* above what a child looks for when it starts */
#define MAX_DATA_FDS 8

enum kind { WRITE = 1, DURABLE };
enum fault { NO_SPACE = 1, NO_SYNC = 2, NO_META = 4 };

struct note {
	uint32_t kind, len;
	uint64_t off, mono_ns;
};

static const volatile int64_t *ahead, *disk;
static int64_t speed = 1;
static int log_fd = -1;
static int data_fds[MAX_DATA_FDS], durable_fds[MAX_DATA_FDS];
static unsigned int ndata, ndurable;

int shim_beside(const char *name, int flags);
void shim_start(void) __attribute__((constructor));

/* A name that begins with a dot is added to the executable's own. */
int
shim_beside(const char *name, int flags)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 64);
	char *end;

	if (n <= 0)
		return -1;
	path[n] = '\0';
	if ((end = *name == '.' ? path + n - 1 : strrchr(path, '/')) == NULL)
		return -1;
	snprintf(end + 1, 64, "%s", name);
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags | O_CLOEXEC, 0);
}

static const volatile int64_t *
map(const char *name)
{
	int fd = shim_beside(name, O_RDONLY);
	void *p;

	if (fd == -1)
		return NULL;
	p = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	return p != MAP_FAILED ? p : NULL;
}

static void
read_speed(void)
{
	int fd = shim_beside(".speed", O_RDONLY);
	int64_t n;

	if (fd == -1)
		return;
	if (read(fd, &n, sizeof(n)) == sizeof(n) && n > 0)
		speed = n;
	close(fd);
}

void
shim_start(void)
{
	int fd;

	read_speed();
	ahead = map("clock");
	disk = map("disk");
	if ((fd = shim_beside("writes", O_WRONLY | O_APPEND)) != -1) {
		log_fd = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);
		close(fd);
	}
	errno = 0;
}

/* ---- the clock that the test sets ---- */
int
clock_gettime(clockid_t id, struct timespec *t)
{
	int r = (int)syscall(SYS_clock_gettime, id, t);

	if (r == 0 && speed != 1 && (id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE)) {
		int64_t ns = (int64_t)t->tv_nsec * speed;

		t->tv_sec = t->tv_sec * speed + ns / 1000000000;
		t->tv_nsec = ns % 1000000000;
	}
	if (r == 0 && ahead != NULL && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		t->tv_sec += *ahead;
	return r;
}

int
epoll_wait(int fd, struct epoll_event *events, int n, int ms)
{
	if (ms > 0)
		ms = (int)((ms + speed - 1) / speed);
#ifdef SYS_epoll_wait	/* the one that the filter lets through */
	return (int)syscall(SYS_epoll_wait, fd, events, n, ms);
#else
	return (int)syscall(SYS_epoll_pwait, fd, events, n, ms, NULL, 8);
#endif
}

int
gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	struct timespec t;

	(void)tz;
	(void)clock_gettime(CLOCK_REALTIME, &t);
	tv->tv_sec = t.tv_sec;
	tv->tv_usec = t.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *out)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	if (out != NULL)
		*out = t.tv_sec;
	return t.tv_sec;
}

/* ---- the writes ---- */
static int
is_one_of(int fd, const int *fds, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (fds[i] == fd)
			return 1;
	return 0;
}

static int
noted(int fd)
{
	return log_fd != -1 && is_one_of(fd, data_fds, ndata);
}

/* Does this fail? errno says how. */
static int
faulty(int fd, enum fault which, int error)
{
	if (disk == NULL || (*disk & which) == 0 || !is_one_of(fd, data_fds, ndata))
		return 0;
	errno = error;
	return 1;
}

static int
write_fails(int fd)
{
	return is_one_of(fd, durable_fds, ndurable) ? faulty(fd, NO_META, EIO) : faulty(fd, NO_SPACE, ENOSPC);
}

static void
note(enum kind kind, uint64_t off, const struct iovec *iov, int n)
{
	struct note h = { .kind = kind, .off = off };
	struct iovec all[65] = { { &h, sizeof(h) } };
	struct timespec t;

	(void)syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t);
	h.mono_ns = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	for (int i = 0; i < n && i < 64; i++) {
		all[i + 1] = iov[i];
		h.len += (uint32_t)iov[i].iov_len;
	}
	(void)!syscall(SYS_writev, log_fd, all, n < 64 ? n + 1 : 65);
}

int
open(const char *path, int flags, ...)
{
	va_list ap;
	mode_t mode;
	size_t n = strlen(path);
	int fd;

	va_start(ap, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(ap, mode_t) : 0;
	va_end(ap);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
	if (fd == -1 || n < 8 || strcmp(path + n - 8, "data.mdb") != 0 || ndata == MAX_DATA_FDS)
		return fd;
	data_fds[ndata++] = fd;
	if ((flags & O_DSYNC) != 0)
		durable_fds[ndurable++] = fd;
	return fd;
}

ssize_t
pwrite(int fd, const void *p, size_t len, off_t off)
{
	const struct iovec iov = { (void *)(uintptr_t)p, len };
	ssize_t r;

	if (write_fails(fd))
		return -1;
	/* Noted before it is done: a power cut may come in between. */
	if (noted(fd))
		note(WRITE, (uint64_t)off, &iov, 1);
	r = syscall(SYS_pwrite64, fd, p, len, off);
	if (noted(fd) && is_one_of(fd, durable_fds, ndurable) && r == (ssize_t)len)
		note(DURABLE, 0, NULL, 0);
	return r;
}

ssize_t
writev(int fd, const struct iovec *iov, int n)
{
	if (write_fails(fd))
		return -1;
	if (noted(fd))
		note(WRITE, (uint64_t)syscall(SYS_lseek, fd, 0, SEEK_CUR), iov, n);
	return syscall(SYS_writev, fd, iov, n);
}

int
fdatasync(int fd)
{
	int r = faulty(fd, NO_SYNC, EIO) ? -1 : (int)syscall(SYS_fdatasync, fd);

	if (r == 0 && noted(fd))
		note(DURABLE, 0, NULL, 0);
	return r;
}

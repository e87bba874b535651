/* Attempts on files and on the root directory. */
#include "attack_try.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FDS 4096

long
try_openat2(void)
{
	struct open_how how = { .flags = O_RDONLY | O_DIRECTORY };

	return syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how));
}

/* A handle is not even needed: what is asked is whether the call exists. */
long
try_handle(void)
{
	struct {
		unsigned int bytes;
		int type;
		unsigned char data[128];
	} h = { .bytes = sizeof(h.data) };
	int mount;
	long r = syscall(SYS_name_to_handle_at, AT_FDCWD, "/", &h, &mount, 0);

	return r == -1 ? r : syscall(SYS_open_by_handle_at, AT_FDCWD, &h, O_RDONLY);
}

/* A descriptor that can be written at a place of its own choosing is a file. */
static bool
writable_file(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags != -1 && (flags & O_ACCMODE) != O_RDONLY && pwrite(fd, "", 0, 0) == 0 && fd > 2;
}

long
try_own_files(struct attack *a)
{
	unsigned int n = 0;

	for (int fd = 0; fd < FDS; fd++)
		n += fcntl(fd, F_GETFL) != -1 && writable_file(fd);
	if (n == 0)
		return TRY_NONE;
	attack_say(a, "allowed %u", n);
	return TRY_PART;
}

/* The harness looks whether the line is in the log. */
long
try_stderr(struct attack *a)
{
	static const char line[] = "posternd: forged by an attacker\n";

	(void)a;
	return syscall(SYS_writev, 2, (&(struct { const void *p; size_t n; }){ line, sizeof(line) - 1 }), 1);
}

long
try_walk_up(void)
{
	int e = ENOENT;

	for (int fd = 0; fd < FDS; fd++) {
		long r = syscall(SYS_openat, fd, "..", O_RDONLY | O_DIRECTORY);

		if (r != -1)
			return r;
		if (errno != EBADF && errno != ENOTDIR)
			e = errno;
	}
	errno = e;
	return e == ENOENT ? TRY_NONE : -1;
}

/* Not really: whoever holds a file to write to could. */
long
try_fill_disk(struct attack *a)
{
	return try_own_files(a);
}

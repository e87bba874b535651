/* Attempts on memory, libraries and what is finite. */
#include "attack_try.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MIB (1024UL * 1024)
#define STEP (16 * MIB)
#define ENOUGH (8192 * MIB)	/* no limit worth the name; pages are not touched */
#define MOST_FDS 70000

unsigned long
try_page(void)
{
	char *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p != MAP_FAILED)
		p[0] = (char)0xc3;
	return (unsigned long)p;
}

long
try_memfd(void)
{
	return syscall(SYS_memfd_create, "attack", MFD_CLOEXEC | MFD_ALLOW_SEALING);
}

long
try_map_memfd(void)
{
	long fd = try_memfd();

	if (fd == -1 || write((int)fd, "\xc3", 1) != 1)
		return -1;
	return syscall(SYS_mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
}

/* One that no role links. The loader says no in words of its own. */
long
try_load_library(struct attack *a)
{
	if (dlopen("libBrokenLocale.so.1", RTLD_NOW) != NULL)
		return 0;
	attack_say(a, "loader %s", dlerror());
	return TRY_LIMIT;
}

static long
stopped(struct attack *a, unsigned long got)
{
	attack_say(a, "limit %s after %lu MiB", strerrorname_np(errno), got / MIB);
	return TRY_LIMIT;
}

long
try_much_memory(struct attack *a)
{
	unsigned long got = 0;

	while (got < ENOUGH && mmap(NULL, STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
				   0) != MAP_FAILED)
		got += STEP;
	return got < ENOUGH ? stopped(a, got) : 0;
}

long
try_much_heap(struct attack *a)
{
	unsigned long first = (unsigned long)syscall(SYS_brk, 0), got = 0;

	while (got < ENOUGH && (unsigned long)syscall(SYS_brk, first + got + STEP) == first + got + STEP)
		got += STEP;
	errno = ENOMEM;
	return got < ENOUGH ? stopped(a, got) : 0;
}

long
try_dup(void)
{
	return syscall(SYS_fcntl, 0, F_DUPFD, 0);
}

long
try_socket(void)
{
	return syscall(SYS_socket, AF_INET, SOCK_DGRAM, 0);
}

long
try_many(struct attack *a, long (*make)(void))
{
	unsigned int n = 0;

	while (n < MOST_FDS && make() != -1)
		n++;
	if (n == 0)
		return -1;
	if (n == MOST_FDS)
		return 0;
	attack_say(a, "limit %s after %u", strerrorname_np(errno), n);
	return TRY_LIMIT;
}

long
try_big_memfd(struct attack *a)
{
	static char block[MIB];
	long fd = try_memfd();
	unsigned long got = 0;

	if (fd == -1)
		return -1;
	while (got < 1024 * MIB && write((int)fd, block, sizeof(block)) == (ssize_t)sizeof(block))
		got += sizeof(block);
	return got < 1024 * MIB ? stopped(a, got) : 0;
}

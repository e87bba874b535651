/*
 * Uses of system calls that an ordinary run seldom or never comes to: what
 * libc and libraries do in a bad hour, through the code that does it. The
 * result is "used", or the death that belongs to it (abort: signal 6).
 */
#include "attack_private.h"

#include <fcntl.h>
#include <iconv.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "body.h"
#include "child.h"
#include "roles.h"
#include "seccomp_private.h"

#define BIG (1024 * 1024)
#define MANY 8192

/* The compiler would see through malloc and free. */
static void *volatile keep;

static void
use_heap(void)
{
	for (int i = 0; i < MANY; i++)
		keep = malloc(1000);
}

static void
use_big(void)
{
	keep = malloc(BIG);
	free(keep);
}

static void
use_realloc(void)
{
	keep = malloc(BIG);
	if (keep != NULL)
		memset(keep, 1, BIG);
	keep = realloc(keep, 32 * BIG);
	free(keep);
}

/* A broken heap: libc says so on standard error and aborts. */
static void
use_abort(void)
{
	char *p = calloc(1, 64);

	keep = p + 8;
	free(keep);
}

static void
nothing(void)
{
}

static void
use_once(void)
{
	static pthread_once_t once;

	once = PTHREAD_ONCE_INIT;
	(void)pthread_once(&once, nothing);
}

static void
use_warning(void)
{
	fputs("a warning of a library\n", stderr);
}

static void
use_random(void)
{
	char b[16];

	if (getrandom(b, sizeof(b), 0) == -1)
		keep = NULL;
}

/* What libc does where the kernel has no vDSO: the call itself. */
static void
use_clock(void)
{
	struct timespec t;

	syscall(SYS_clock_gettime, CLOCK_REALTIME, &t);
}

static void
use_day(void)
{
	struct timeval t;

	syscall(SYS_gettimeofday, &t, NULL);
}

static void
use_time(void)
{
#ifdef SYS_time
	syscall(SYS_time, NULL);
#endif
}

/* One's own body taken for a peer's: made, sealed, measured, mapped. */
static void
use_body(void)
{
	static uint8_t bytes[2 * LIM_INLINE];
	struct slice field;
	struct body b;
	int fd = body_put(slice_mem(bytes, sizeof(bytes)), &field);

	if (fd >= 0 && body_open(&b, field, &fd) == 0)
		body_close(&b);
}

/* A resolver file by stdio. */
static void
use_file(void)
{
	FILE *f = fopen("/etc/hosts", "r");

	if (f == NULL)
		return;
	(void)fgetc(f);
	fclose(f);
}

/* Never loaded, so libc looks for its file. */
static void
use_charset(void)
{
	iconv_t cd = iconv_open("UTF-8", "IBM1390");

	if (cd != (iconv_t)-1)
		(void)iconv_close(cd);
}

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(int));
}

static void
use_sort(void)
{
	int *numbers = calloc(MANY, sizeof(int));

	if (numbers != NULL)
		qsort(numbers, MANY, sizeof(int), compare);
	free(numbers);
}

static const struct {
	const char *label;
	unsigned int roles;	/* 0: all */
	void (*fn)(void);
} uses[] = {
	{ "brk", 0, use_heap },
	{ "mmap", 0, use_big },
	{ "munmap", 0, use_big },
	{ "mremap", 0, use_realloc },
	{ "writev", 0, use_abort },
	{ "getpid", 0, use_abort },
	{ "gettid", 0, use_abort },
	{ "rt_sigprocmask", 0, use_abort },
	{ "tgkill", 0, use_abort },
	{ "futex", 0, use_once },
	{ "write", 0, use_warning },
	{ "getrandom", 0, use_random },
	{ "clock_gettime", 0, use_clock },
	{ "gettimeofday", 0, use_day },
	{ "time", 0, use_time },
	{ "memfd_create", 0, use_body },
	{ "fcntl:F_ADD_SEALS", 0, use_body },
	{ "fcntl:F_GET_SEALS", 0, use_body },
	{ "lseek", 0, use_body },
	{ "openat", R_DIALER, use_file },
	{ "newfstatat", R_DIALER, use_file },
	{ "openat", R_MIME, use_charset },
	{ "sort", 0, use_sort },
};

void
attack_use(struct attack *a)
{
	char label[64] = "";

	(void)attack_arg(a, "label", label, sizeof(label));
	attack_say(a, "none");
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		if (strcmp(label, uses[i].label) == 0 && (uses[i].roles == 0 || (uses[i].roles & 1u << child.role) != 0)) {
			uses[i].fn();
			attack_say(a, "used");
			return;
		}
}

void
attack_calls(struct attack *a)
{
	struct seccomp_row row;

	if (seccomp_line(role_table[child.role].profile, attack_number(a, "n", 0), &row))
		attack_say(a, "%s|%s|%s", row.label, row.refused ? "refused" : "allowed", row.why);
	else
		attack_say(a, "none");
}

/*
 * audit_test.h - an audit log in a directory of its own, and looking at it.
 */
#ifndef TEST_MASTER_AUDIT_H
#define TEST_MASTER_AUDIT_H

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

static inline const char *
path_of(int number)
{
	static char path[128];
	char name[AUDIT_NAME_N];

	audit_file_name((uint64_t)number, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static inline int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/postern-audit.XXXXXX");
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static inline int
teardown(void **state)
{
	(void)state;
	audit_file_limit(LIM_AUDIT_FILE);
	audit_file_close();
	for (int i = 0; i < 20; i++)
		(void)unlink(path_of(i));
	return rmdir(dir);
}

static inline void
put(const char *text)
{
	audit_file_put(slice_str(text));
}

static inline void
put_some(int n)
{
	for (int i = 0; i < n; i++)
		put("store[agency] pid=12 link.tested by=control uid=0 link=1");
}

static inline void
again(void)
{
	audit_file_close();
	assert_int_equal(audit_file_open(dir), 0);
}

static inline size_t
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

static inline void
file_write(int number, const char *bytes, size_t n)
{
	int fd = open(path_of(number), O_WRONLY | O_TRUNC);

	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, bytes, n), n);
	close(fd);
}

/* NULL: files first to last are whole. */
static inline const char *
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

static inline bool
has(int number, const char *text)
{
	static char bytes[200000];

	(void)file_read(number, bytes, sizeof(bytes));
	return strstr(bytes, text) != NULL;
}

#endif

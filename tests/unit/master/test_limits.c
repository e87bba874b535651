/* Limits of the master that need no process, on both sides of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "key_source.h"
#include "master.h"
#include "said.h"

struct master master;

static uint64_t now = 5000;

uint64_t
clock_ms(void)
{
	return now;
}

static void
key_of(const char *path, size_t n)
{
	static const uint8_t zeros[LIM_KEY_FILE];
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0400);
	assert_int_equal(write(fd, zeros, n), (ssize_t)n);
	close(fd);
}

/* limit: LIM_KEY_FILE: half of it for the key, half for the next one. */
static void
key_files(void **state)
{
	char dir[] = "/tmp/postern-key-XXXXXX", path[64], next[80];
	struct conf conf = { .vault_key = path };
	uint8_t key[LIM_KEY_FILE];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(path, sizeof(path), "%s/key", dir);
	(void)snprintf(next, sizeof(next), "%s.new", path);
	key_of(path, LIM_KEY_FILE / 2 + 1);
	assert_int_equal(key_source_read(&conf, key), -1);
	key_of(path, LIM_KEY_FILE / 2);
	assert_int_equal(key_source_read(&conf, key), LIM_KEY_FILE / 2);
	key_of(next, LIM_KEY_FILE / 2);
	assert_int_equal(key_source_read(&conf, key), LIM_KEY_FILE);
	key_of(next, LIM_KEY_FILE / 2 + 1);
	assert_int_equal(key_source_read(&conf, key), -1);
	(void)unlink(path);
	(void)unlink(next);
	(void)rmdir(dir);
}

/* limit: LIM_LOG_PER_SECOND */
static void
log_lines(void **state)
{
	struct logger_rate rate = { 0 };
	int was = dup(STDERR_FILENO), fd = memfd_create("log", 0);
	size_t lines, dropped, later;

	(void)state;
	assert_true(fd != -1 && dup2(fd, STDERR_FILENO) != -1);
	for (int i = 0; i < LIM_LOG_PER_SECOND + 3; i++)
		logger_child(&rate, LOG_LVL_INFO, "child", slice_str("a line"));
	lines = times_in(fd, "a line");
	now += 1000;
	logger_child(&rate, LOG_LVL_INFO, "child", slice_str("a line"));
	later = times_in(fd, "a line");
	dropped = times_in(fd, "log lines dropped count=3");
	(void)dup2(was, STDERR_FILENO);
	close(was);
	close(fd);
	assert_int_equal(lines, LIM_LOG_PER_SECOND);
	assert_int_equal(later, LIM_LOG_PER_SECOND + 1);
	assert_int_equal(dropped, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(key_files), cmocka_unit_test(log_lines) };

	logger_open(true, LOG_LVL_DEBUG);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

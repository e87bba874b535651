/*
 * said.h - what was written to a file, a memory file or a log.
 */
#ifndef TEST_MASTER_SAID_H
#define TEST_MASTER_SAID_H

#include <stddef.h>
#include <string.h>
#include <unistd.h>

/* How often this is in it. */
static inline size_t
times_in(int fd, const char *what)
{
	static char text[1 << 20];
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	size_t count = 0;

	text[n > 0 ? n : 0] = '\0';
	for (const char *p = text; (p = strstr(p, what)) != NULL; p++)
		count++;
	return count;
}

#endif

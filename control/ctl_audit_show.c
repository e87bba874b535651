/*
 * posternctl audit show: the lines that one wants to see. It proves nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"
#include "ctl_audit.h"

#define LOOK_EVERY 1000	/* milliseconds: how often -f looks for more */

static struct filter {
	bool follow;
	const char *since, *link, *event, *dir;
} want;

static uint8_t bytes[65536];
static size_t held;	/* of a line that is not complete yet */

static int
take_options(int argc, char **argv)
{
	int i = 0;

	want = (struct filter){ .dir = NULL };
	for (; i < argc && argv[i][0] == '-'; i++) {
		const char **value = strcmp(argv[i], "-since") == 0 ? &want.since :
		    strcmp(argv[i], "-link") == 0		     ? &want.link :
		    strcmp(argv[i], "-event") == 0		     ? &want.event :
		    strcmp(argv[i], "-d") == 0			     ? &want.dir :
								       NULL;

		if (strcmp(argv[i], "-f") == 0)
			want.follow = true;
		else if (value != NULL && i + 1 < argc)
			*value = argv[++i];
		else
			ctl_usage();
	}
	if (want.link != NULL && want.link[0] == 'L')
		want.link++;
	return i;
}

/* Times compare as text: they all have the one form. */
static bool
wanted(const struct audit_line *l)
{
	size_t n = want.since != NULL ? strlen(want.since) : 0;
	size_t m = want.event != NULL ? strlen(want.event) : 0;

	if (n > 0 && memcmp(l->time.p, want.since, n < l->time.n ? n : l->time.n) < 0)
		return false;
	if (m > 0 && (l->event.n < m || memcmp(l->event.p, want.event, m) != 0))
		return false;
	return want.link == NULL || slice_eq_str(audit_line_value(l, "link"), want.link);
}

static void
show_line(struct slice line)
{
	struct audit_line l;

	if (audit_line_parse(line, &l) == -1)
		printf("? %s\n", safe_text(slice_mem(line.p, line.n < 512 ? line.n : 512)));
	else if (wanted(&l)) {
		(void)fwrite(l.chained.p, 1, l.chained.n, stdout);	/* printable, or it would not parse */
		putchar('\n');
	}
}

/* What of fd is new; false at an error. */
static bool
show_more(int fd)
{
	ssize_t n;
	uint8_t *nl;

	while ((n = read(fd, bytes + held, sizeof(bytes) - held)) > 0) {
		size_t at = 0;

		held += (size_t)n;
		while ((nl = memchr(bytes + at, '\n', held - at)) != NULL) {
			show_line(slice_mem(bytes + at, (size_t)(nl - bytes) - at));
			at = (size_t)(nl - bytes) + 1;
		}
		if (at == 0 && held == sizeof(bytes))
			at = held;	/* no line is so long */
		held -= at;
		memmove(bytes, bytes + at, held);
	}
	return n == 0;
}

/* The file after this one into path, if it is there. */
static bool
next_file(char *path, size_t size, uint64_t number)
{
	char name[AUDIT_NAME_N], next[LIM_PATH + AUDIT_NAME_N + 2];
	const char *slash = strrchr(path, '/');
	int dir = slash != NULL ? (int)(slash + 1 - path) : 0;

	if (number == 0)
		return false;	/* its name says nothing of an order */
	audit_file_name(number + 1, name);
	if (snprintf(next, sizeof(next), "%.*s%s", dir, path, name) >= (int)size || access(next, R_OK) == -1)
		return false;
	return slice_copy(slice_str(next), path, size) == 0;
}

static bool
open_next(int *fd, const char *path)
{
	(void)show_more(*fd);
	close(*fd);
	held = 0;
	return (*fd = open(path, O_RDONLY | O_CLOEXEC)) != -1;
}

static int
show_file(const char *first, bool follow, uint64_t number)
{
	char path[LIM_PATH + AUDIT_NAME_N + 2];
	int fd = open(first, O_RDONLY | O_CLOEXEC);
	bool ok = fd != -1 && slice_copy(slice_str(first), path, sizeof(path)) == 0;

	held = 0;
	while (ok && (ok = show_more(fd)) && follow && fflush(stdout) != EOF) {
		if (next_file(path, sizeof(path), number)) {
			ok = open_next(&fd, path);
			number++;
		} else
			(void)poll(NULL, 0, LOOK_EVERY);
	}
	if (!ok)
		fprintf(stderr, "posternctl: %s: %s\n", first, strerror(errno));
	if (fd != -1)
		close(fd);
	return ok ? AUDIT_WHOLE : AUDIT_UNREADABLE;
}

int
cmd_audit_show(int argc, char **argv)
{
	int taken = take_options(argc, argv), status = AUDIT_WHOLE;
	char dir[LIM_PATH + 1] = AUDIT_DIR;
	struct audit_files files = { .n = 0 };
	struct audit_head head;
	bool found;

	if (taken < argc)
		found = audit_files_named(&files, argc - taken, argv + taken);
	else {
		if (want.dir == NULL && audit_ask(&head, dir) && dir[0] != '\0')
			want.dir = dir;
		found = audit_files_in(&files, want.dir != NULL ? want.dir : AUDIT_DIR);
	}
	if (!found)
		return AUDIT_UNREADABLE;
	for (size_t i = 0; i < files.n && status == AUDIT_WHOLE; i++)
		status = show_file(files.paths[i], want.follow && i + 1 == files.n, files.numbers[i]);
	audit_files_free(&files);
	return status;
}

/*
 * posternctl audit verify: is the log whole, and if not, which line is the
 * first that is wrong.
 */
#include "ctl_audit.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl.h"

struct verdict {
	struct audit_check check;
	bool asked, running;	/* posternd, and it answered */
	const char *path;	/* where it is wrong */
	const char *wrong;	/* NULL: whole */
	uint64_t line;		/* 0: of no line */
};

/* ---- what to look at ---- */

struct wanted {
	const char *head;
	char dir[LIM_PATH + 1];
	bool dir_given;
};

static int
take_options(int argc, char **argv, struct wanted *w)
{
	int i = 0;

	*w = (struct wanted){ .dir = AUDIT_DIR };
	while (i < argc && argv[i][0] == '-') {
		if (i + 1 < argc && strcmp(argv[i], "-head") == 0)
			w->head = argv[i + 1];
		else if (i + 1 < argc && strcmp(argv[i], "-d") == 0)
			w->dir_given = slice_copy(slice_str(argv[i + 1]), w->dir, sizeof(w->dir)) == 0;
		else
			ctl_usage();
		i += 2;
	}
	if (w->dir_given && i < argc)
		ctl_usage();
	return i;
}

/* Only what is in the daemon's own place can be held against what it knows. */
static bool
choose(struct wanted *w, int argc, char **argv, struct audit_files *files, struct verdict *v)
{
	char dir[LIM_PATH + 1];

	if (argc > 0)
		return audit_files_named(files, argc, argv);
	v->asked = !w->dir_given;
	if (v->asked && (v->running = audit_ask(&v->check.expect, dir)) && dir[0] != '\0')
		memcpy(w->dir, dir, sizeof(dir));
	return audit_files_in(files, w->dir);
}

/* ---- looking ---- */

static bool
wrong(struct verdict *v, const char *path, uint64_t line, const char *why)
{
	v->path = path;
	v->line = line;
	v->wrong = why;
	return true;
}

/* false: it cannot be read. */
static bool
check_file(struct verdict *v, const char *path, uint64_t number)
{
	static uint8_t bytes[65536];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : 0;

	audit_check_begin(&v->check, number);
	while (fd != -1 && (n = read(fd, bytes, sizeof(bytes))) > 0 &&
	    audit_check_feed(&v->check, slice_mem(bytes, (size_t)n)) == 0)
		;
	if (n == -1)
		fprintf(stderr, "posternctl: %s: %s\n", path, strerror(errno));
	if (fd != -1)
		close(fd);
	if (n != -1 && audit_check_end(&v->check) == -1)
		return wrong(v, path, v->check.wrong_line, v->check.wrong);
	return n != -1;
}

static bool
check_files(struct verdict *v, const struct audit_files *f)
{
	const struct audit_check *c = &v->check;

	for (size_t i = 0; i < f->n && v->wrong == NULL; i++) {
		if (i > 0 && f->numbers[i] != 0 && f->numbers[i] != f->numbers[i - 1] + 1)
			return wrong(v, f->paths[i], 0, "a file before this one is missing");
		if (!check_file(v, f->paths[i], f->numbers[i]))
			return false;
	}
	if (v->wrong == NULL && c->head.seq < c->expect.seq)
		(void)wrong(v, f->paths[f->n - 1], c->line, "lines that once followed it were cut off");
	return true;
}

/* ---- telling ---- */

/* A head from before the first line that is here says nothing. */
static bool
compared(const struct audit_check *c)
{
	return c->expect.seq > 0 && c->expect.seq >= c->first;
}

static void
tell_json(const struct verdict *v)
{
	char hex[AUDIT_HEX_N + 1];
	const struct audit_check *c = &v->check;
	bool at_line = v->wrong != NULL && v->line > 0;

	audit_hex(c->head.hash, hex);
	json_show(json_pack("{sb sI sI sI ss sI sI so ss* so ss*}", "whole", v->wrong == NULL, "lines",
	    (json_int_t)c->lines, "first", (json_int_t)c->first, "last", (json_int_t)c->head.seq, "hash", hex, "torn",
	    (json_int_t)c->torn, "unfinishedBytes", (json_int_t)c->torn_end, "compared",
	    json_boolean(compared(c)), "file", v->wrong != NULL ? v->path : NULL, "line",
	    at_line ? json_integer((json_int_t)v->line) : json_null(), "reason", v->wrong));
}

static void
tell_text(const struct verdict *v)
{
	char hex[AUDIT_HEX_N + 1];
	const struct audit_check *c = &v->check;

	audit_hex(c->head.hash, hex);
	if (v->wrong != NULL && v->line > 0)
		printf("BROKEN  %s:%" PRIu64 ": %s\n", v->path, v->line, v->wrong);
	else if (v->wrong != NULL)
		printf("BROKEN  %s: %s\n", v->path, v->wrong);
	else
		printf("whole   lines %" PRIu64 " to %" PRIu64 "\n", c->first, c->head.seq);
	printf("head    %" PRIu64 ":%s\n", c->head.seq, hex);
	if (c->torn > 0)
		printf("torn    %" PRIu64 " lines by crashes, each closed by an audit.torn\n", c->torn);
	if (v->wrong == NULL && c->torn_end > 0)
		printf("torn    %" PRIu64 " bytes of an unfinished line at the end, as a crash leaves them\n", c->torn_end);
	if (v->wrong == NULL && c->first > 1)
		printf("note    older lines are not here: it begins with line %" PRIu64 "\n", c->first);
	if (v->wrong == NULL && !compared(c))
		printf("note    the end was compared with nothing%s; -head does that\n",
		    v->asked ? ": posternd is not running" : "");
}

int
cmd_audit_verify(int argc, char **argv)
{
	static struct verdict v;
	struct audit_files files = { .n = 0 };
	struct wanted w;
	int taken = take_options(argc, argv, &w);

	if (sodium_init() == -1)
		ctl_fail(AUDIT_UNREADABLE, "libsodium does not start");
	audit_check_init(&v.check, false);
	if (!choose(&w, argc - taken, argv + taken, &files, &v))
		return AUDIT_UNREADABLE;
	if (w.head != NULL && audit_head_parse(slice_str(w.head), &v.check.expect) == -1)
		ctl_fail(CTL_USAGE, "%s: a head is SEQUENCE:HASH, as in the log of posternd", w.head);
	if (!check_files(&v, &files)) {
		audit_files_free(&files);
		return AUDIT_UNREADABLE;
	}
	if (ctl_options.json)
		tell_json(&v);
	else
		tell_text(&v);
	audit_files_free(&files);
	return v.wrong == NULL ? AUDIT_WHOLE : AUDIT_BROKEN;
}

#include "ctl_audit.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl.h"

static void
add(struct audit_files *f, const char *dir, const char *name, uint64_t number)
{
	char **paths = reallocarray(f->paths, f->n + 1, sizeof(*paths));
	uint64_t *numbers = reallocarray(f->numbers, f->n + 1, sizeof(*numbers));

	if (paths != NULL)
		f->paths = paths;
	if (numbers != NULL)
		f->numbers = numbers;
	if (paths == NULL || numbers == NULL ||
	    asprintf(&f->paths[f->n], "%s%s%s", dir, *dir != '\0' ? "/" : "", name) == -1)
		ctl_fail(AUDIT_UNREADABLE, "out of memory");
	f->numbers[f->n++] = number;
}

/* The files are few, and readdir often gives them in order. */
static void
sort(struct audit_files *f)
{
	for (size_t i = 1; i < f->n; i++)
		for (size_t k = i; k > 0 && f->numbers[k - 1] > f->numbers[k]; k--) {
			uint64_t number = f->numbers[k];
			char *path = f->paths[k];

			f->numbers[k] = f->numbers[k - 1];
			f->paths[k] = f->paths[k - 1];
			f->numbers[k - 1] = number;
			f->paths[k - 1] = path;
		}
}

bool
audit_files_named(struct audit_files *f, int argc, char **argv)
{
	*f = (struct audit_files){ .n = 0 };
	for (int i = 0; i < argc; i++) {
		const char *slash = strrchr(argv[i], '/');

		add(f, "", argv[i], audit_file_number(slash != NULL ? slash + 1 : argv[i]));
	}
	return f->n > 0;
}

bool
audit_files_in(struct audit_files *f, const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	uint64_t number;

	*f = (struct audit_files){ .n = 0 };
	if (d == NULL) {
		fprintf(stderr, "posternctl: %s: %s\n", dir, strerror(errno));
		return false;
	}
	while ((e = readdir(d)) != NULL)
		if ((number = audit_file_number(e->d_name)) != 0)
			add(f, dir, e->d_name, number);
	(void)closedir(d);
	sort(f);
	if (f->n == 0)
		fprintf(stderr, "posternctl: %s: no audit log in it\n", dir);
	return f->n > 0;
}

void
audit_files_free(struct audit_files *f)
{
	for (size_t i = 0; i < f->n; i++)
		free(f->paths[i]);
	free(f->paths);
	free(f->numbers);
}

int
audit_head_parse(struct slice s, struct audit_head *h)
{
	const uint8_t *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;

	if (colon == NULL || audit_number_parse(slice_mem(s.p, (size_t)(colon - s.p)), &h->seq) == -1)
		return -1;
	return audit_hex_parse(slice_mem(colon + 1, s.n - (size_t)(colon - s.p) - 1), h->hash);
}

bool
audit_ask(struct audit_head *h, char *dir)
{
	struct slice text, head;
	const uint8_t *space;
	struct ctl f;

	if (!conn_reachable())
		return false;
	conn_open();
	conn_ask(CTL_audit_head, &(struct ctl_audit_head){ 0 });
	while (conn_next(&f))
		;
	conn_check(&f);
	text = f.done.text;
	space = text.n > 0 ? memchr(text.p, ' ', text.n) : NULL;
	head = slice_mem(text.p, space != NULL ? (size_t)(space - text.p) : text.n);
	if (audit_head_parse(head, h) == -1)
		ctl_fail(CTL_UNREACHABLE, "posternd sent what this posternctl does not understand");
	dir[0] = '\0';
	if (space != NULL)
		(void)slice_copy(slice_mem(space + 1, text.n - head.n - 1), dir, LIM_PATH + 1);
	return true;
}

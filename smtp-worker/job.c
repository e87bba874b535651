#include "job.h"

#include <stdlib.h>

#include "log.h"

static TAILQ_HEAD(, job) jobs = TAILQ_HEAD_INITIALIZER(jobs);

struct job *
job_first(void)
{
	return TAILQ_FIRST(&jobs);
}

static void
job_free(struct job *j)
{
	body_close(&j->item.body);
	free(j->item.rcpts);
	free(j);
}

void
job_drop_first(void)
{
	struct job *j = TAILQ_FIRST(&jobs);

	if (j == NULL)
		return;
	TAILQ_REMOVE(&jobs, j, entry);
	job_free(j);
}

static int
copy_envelope(struct item *item, const struct msg_send_item *m)
{
	struct slice list = m->rcpts, one;
	size_t n = list_count(list);

	if (n == 0 || n > LIM_RCPTS || slice_copy(m->from, item->from, sizeof(item->from)) == -1)
		return -1;
	if ((item->rcpts = calloc(n, sizeof(*item->rcpts))) == NULL)
		fatal("out of memory");
	while (list_next(&list, &one))
		if (slice_copy(one, item->rcpts[item->n_rcpts++], sizeof(*item->rcpts)) == -1)
			return -1;
	return 0;
}

int
job_add(const struct msg_send_item *m, int *fd)
{
	struct job *j = calloc(1, sizeof(*j));

	if (j == NULL)
		fatal("out of memory");
	j->item.submission = m->submission;
	j->item.utf8 = m->utf8;
	if (body_keep(&j->item.body, m->data, fd) == -1) {
		free(j);
		return -1;
	}
	if (copy_envelope(&j->item, m) == -1) {
		job_free(j);
		return -1;
	}
	TAILQ_INSERT_TAIL(&jobs, j, entry);
	return 0;
}

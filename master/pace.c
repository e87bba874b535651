#include "pace.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "limits.h"

/* Only hosts whose last slot is not past yet are kept. */
struct lane {
	LIST_ENTRY(lane) entry;
	bool urgent;
	int64_t next;		/* the first free moment */
	char host[LIM_HOST + 1];
};

static LIST_HEAD(, lane) lanes = LIST_HEAD_INITIALIZER(lanes);

static struct lane *
lane_find(const char *host, bool urgent, int64_t now)
{
	struct lane *l, *next, *found = NULL;

	for (l = LIST_FIRST(&lanes); l != NULL; l = next) {
		next = LIST_NEXT(l, entry);
		if (l->urgent == urgent && strcmp(l->host, host) == 0)
			found = l;
		else if (l->next <= now) {
			LIST_REMOVE(l, entry);
			free(l);
		}
	}
	return found;
}

static struct lane *
lane_new(const char *host, bool urgent)
{
	size_t n = strlen(host);
	struct lane *l = n <= LIM_HOST ? calloc(1, sizeof(*l)) : NULL;

	if (l == NULL)
		return NULL;
	memcpy(l->host, host, n);
	l->urgent = urgent;
	LIST_INSERT_HEAD(&lanes, l, entry);
	return l;
}

bool
pace_busy(const char *host, int64_t now)
{
	const struct lane *l = lane_find(host, false, now);

	return l != NULL && l->next > now;
}

int64_t
pace_slot(const char *host, bool urgent, int64_t now)
{
	struct lane *l = lane_find(host, urgent, now);
	int64_t at;

	if (l == NULL && (l = lane_new(host, urgent)) == NULL)
		return now;
	at = l->next > now ? l->next : now;
	l->next = at + 1000 / LIM_LOGINS_SECOND;
	return at;
}

#include "pace.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "loop.h"
#include "master.h"

static const int64_t turn_ms = 1000 / LIM_LOGINS_SECOND;

/* Those of one tenant that wait; there is none without. */
struct pace_round {
	TAILQ_ENTRY(pace_round) entry;
	struct pace_lane *lane;
	const void *whose;
	TAILQ_HEAD(, pace_wait) waits;
};

/* Only hosts where somebody waits, or whose last turn is not over, are kept. */
struct pace_lane {
	LIST_ENTRY(pace_lane) entry;
	TAILQ_HEAD(, pace_round) rounds;	/* the first one's turn is next */
	struct event *timer;
	struct pace_wait *last;	/* has its turn and made no use of it yet */
	bool urgent;
	int64_t next;		/* the first free moment */
	char host[LIM_HOST + 1];
};

static LIST_HEAD(, pace_lane) lanes = LIST_HEAD_INITIALIZER(lanes);

/* Nobody has the last turn any more. */
static void
lane_last(struct pace_lane *l, struct pace_wait *w)
{
	if (l->last != NULL)
		l->last->lane = NULL;
	if ((l->last = w) != NULL)
		w->lane = l;
}

static void
lane_free(struct pace_lane *l)
{
	lane_last(l, NULL);
	LIST_REMOVE(l, entry);
	event_free(l->timer);
	free(l);
}

static struct pace_lane *
lane_find(const char *host, bool urgent)
{
	struct pace_lane *l, *next, *found = NULL;
	int64_t now = now_ms();

	for (l = LIST_FIRST(&lanes); l != NULL; l = next) {
		next = LIST_NEXT(l, entry);
		if (l->urgent == urgent && strcmp(l->host, host) == 0)
			found = l;
		else if (l->next <= now && TAILQ_EMPTY(&l->rounds))
			lane_free(l);
	}
	return found;
}

/* At once, where its moment is there: but from the loop, whoever calls. */
static void
lane_arm(struct pace_lane *l)
{
	int64_t left = l->next - now_ms();
	struct timeval tv = { 0 };

	if (left > 0)
		tv = (struct timeval){ .tv_sec = left / 1000, .tv_usec = left % 1000 * 1000 };
	if (TAILQ_EMPTY(&l->rounds))
		(void)event_del(l->timer);
	else
		(void)event_add(l->timer, &tv);
}

static void
round_leave(struct pace_wait *w)
{
	struct pace_round *r = w->round;

	TAILQ_REMOVE(&r->waits, w, entry);
	w->round = NULL;
	if (!TAILQ_EMPTY(&r->waits))
		return;
	TAILQ_REMOVE(&r->lane->rounds, r, entry);
	free(r);
}

/* The tenant's next turn comes when all others that wait had theirs. */
static void
lane_turn(struct pace_lane *l)
{
	struct pace_round *r = TAILQ_FIRST(&l->rounds);
	struct pace_wait *w = TAILQ_FIRST(&r->waits);

	TAILQ_REMOVE(&l->rounds, r, entry);
	TAILQ_INSERT_TAIL(&l->rounds, r, entry);
	round_leave(w);
	lane_last(l, w);
	l->next = now_ms() + turn_ms;
	lane_arm(l);
	w->turn(w->arg);
}

static void
on_moment(evutil_socket_t fd, short what, void *arg)
{
	struct pace_lane *l = arg;

	(void)fd;
	(void)what;
	if (l->next > now_ms())
		lane_arm(l);
	else
		lane_turn(l);
}

static struct pace_lane *
lane_new(const char *host, bool urgent)
{
	size_t n = strlen(host);
	struct pace_lane *l = n <= LIM_HOST ? calloc(1, sizeof(*l)) : NULL;

	if (l == NULL)
		return NULL;
	if ((l->timer = evtimer_new(loop_base(), on_moment, l)) == NULL) {
		free(l);
		return NULL;
	}
	memcpy(l->host, host, n);
	l->urgent = urgent;
	TAILQ_INIT(&l->rounds);
	LIST_INSERT_HEAD(&lanes, l, entry);
	return l;
}

static struct pace_round *
round_of(struct pace_lane *l, const void *whose)
{
	struct pace_round *r;

	TAILQ_FOREACH(r, &l->rounds, entry)
		if (r->whose == whose)
			return r;
	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->lane = l;
	r->whose = whose;
	TAILQ_INIT(&r->waits);
	TAILQ_INSERT_TAIL(&l->rounds, r, entry);
	return r;
}

bool
pace_busy(const char *host)
{
	const struct pace_lane *l = lane_find(host, false);

	return l != NULL && (l->next > now_ms() || !TAILQ_EMPTY(&l->rounds));
}

bool
pace_ask(struct pace_wait *w, const char *host, bool urgent, const void *whose)
{
	struct pace_lane *l;

	pace_leave(w);
	if ((l = lane_find(host, urgent)) == NULL && (l = lane_new(host, urgent)) == NULL)
		return true;
	if (TAILQ_EMPTY(&l->rounds) && l->next <= now_ms()) {
		lane_last(l, w);
		l->next = now_ms() + turn_ms;
		return true;
	}
	if ((w->round = round_of(l, whose)) == NULL)
		return true;
	TAILQ_INSERT_TAIL(&w->round->waits, w, entry);
	lane_arm(l);
	return false;
}

bool
pace_waits(const struct pace_wait *w)
{
	return w->round != NULL;
}

void
pace_used(struct pace_wait *w)
{
	if (w->lane != NULL)
		lane_last(w->lane, NULL);
}

void
pace_leave(struct pace_wait *w)
{
	struct pace_lane *l = w->round != NULL ? w->round->lane : w->lane;

	if (l == NULL)
		return;
	if (w->round != NULL)
		round_leave(w);
	else {
		lane_last(l, NULL);
		if (l->next > now_ms())
			l->next = now_ms();
	}
	lane_arm(l);
}

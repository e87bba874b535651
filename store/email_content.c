/*
 * email_content.c - Email/fetchContent: bodies that the ATS asks for.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "changes.h"
#include "email.h"
#include "imap_session.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "match.h"
#include "quota.h"
#include "seam.h"

struct waiting {
	LIST_ENTRY(waiting) entry;
	struct asker asker;
	uint32_t account;
	uint64_t email, until;
};

static LIST_HEAD(, waiting) waiters = LIST_HEAD_INITIALIZER(waiters);
static size_t nwaiters;

static void
waiter_end(struct waiting *w, const char *error)
{
	uint64_t state = changes_state(w->account, OBJ_EMAIL);

	if (error[0] != '\0')
		out_set_error(w->asker, "serverUnavailable", "", error);
	else
		out_set_done(w->asker, w->account, OBJ_EMAIL, state, (struct msg_set_done){ .id = w->email });
	LIST_REMOVE(w, entry);
	nwaiters--;
	free(w);
}

void
email_content_done(uint32_t account, uint64_t email, const char *code)
{
	struct waiting *w, *next;

	for (w = LIST_FIRST(&waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (w->account == account && w->email == email)
			waiter_end(w, code);
	}
}

static void
on_second(evutil_socket_t fd, short what, void *arg)
{
	struct waiting *w, *next;

	(void)fd;
	(void)what;
	(void)arg;
	for (w = LIST_FIRST(&waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (w->until <= store_ticks())
			waiter_end(w, "net.timeout");
	}
}

void
email_forget(const struct chan *c)
{
	struct waiting *w;

	LIST_FOREACH(w, &waiters, entry)
		if (w->asker.chan == c)
			w->asker.chan = NULL;
	email_compose_forget(c);
}

/* Under the policy matched, only the mail of correspondents is fetched. */
static bool
allowed(const struct email *e)
{
	struct link_policy p;
	struct rec_header h;
	struct match m;

	if (link_policy(e->account, &p) == -1 || !email_header(e, &h))
		return false;
	if (p.content != CONTENT_MATCHED)
		return true;
	match_header(e->account, &h, &m);
	return m.result == MATCH_ONE || m.result == MATCH_AMBIGUOUS;
}

static void
wait_for(struct asker a, const struct email *e)
{
	struct waiting *w = nwaiters < LIM_CONTENT_WAITING ? calloc(1, sizeof(*w)) : NULL;

	if (w == NULL) {
		out_set_error(a, "serverUnavailable", "", "too many requests of this kind");
		return;
	}
	*w = (struct waiting){ .asker = a, .account = e->account, .email = e->id,
		.until = store_ticks() + LIM_CONTENT_SECONDS };
	LIST_INSERT_HEAD(&waiters, w, entry);
	nwaiters++;
	ingest_want(e->account, e->id, e->rec.backfill);
}

static void
content(struct asker a, const struct email *e)
{
	uint64_t state = changes_state(e->account, OBJ_EMAIL);

	if (!email_visible(&e->rec))
		out_set_error(a, "notFound", "", "");
	else if (e->rec.content_state != CONTENT_STATE_HEADER)
		out_set_done(a, e->account, OBJ_EMAIL, state, (struct msg_set_done){ .id = e->id });
	else if (!allowed(e))
		out_set_error(a, "forbidden", "", "the content policy is matched, and no correspondent matches");
	else if (e->rec.size > LIM_BODY)
		out_set_error(a, "tooLarge", "", "the message is larger than what is stored");
	else if (!quota_room(e->rec.size))
		out_set_error(a, "overQuota", "", "max-storage of the configuration is reached");
	else if (imap_session_of(e->account) == NULL)
		out_set_error(a, "serverUnavailable", "", "the link is not connected");
	else
		wait_for(a, e);
}

int
email_on_content(struct chan *c, const union msg *m, int *fd)
{
	struct asker a = { c, m->email_content.req };
	struct email e;

	(void)fd;
	if (!email_load(&e, m->email_content.account, m->email_content.id)) {
		out_set_error(a, "notFound", "", "");
		return 0;
	}
	content(a, &e);
	email_free(&e);
	return 0;
}

void
email_init(void)
{
	static const struct timeval second = { 1, 0 };
	struct event *tick = event_new(loop_base(), -1, EV_PERSIST, on_second, NULL);

	if (tick == NULL || event_add(tick, &second) == -1)
		fatal("out of memory");
}

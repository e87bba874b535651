/*
 * email_content.c - Email/fetchContent: bodies that the ATS asks for.
 */
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
#include "told.h"
#include "wake.h"

struct waiting {
	LIST_ENTRY(waiting) entry;
	struct asker asker;
	uint32_t account;
	uint64_t email, until;
};

static LIST_HEAD(, waiting) waiters = LIST_HEAD_INITIALIZER(waiters);
static size_t nwaiters;
static struct wake late;

static void
waiter_free(struct waiting *w)
{
	LIST_REMOVE(w, entry);
	nwaiters--;
	free(w);
}

static void
waiter_end(struct waiting *w, const char *error)
{
	uint64_t state = changes_state(w->account, OBJ_EMAIL);

	if (error[0] != '\0')
		out_set_error(w->asker, "serverUnavailable", "", error);
	else
		out_set_done(w->asker, w->account, OBJ_EMAIL, state, (struct msg_set_done){ .id = w->email });
	waiter_free(w);
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
on_late(void)
{
	struct waiting *w, *next;

	for (w = LIST_FIRST(&waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (w->until <= store_ticks())
			waiter_end(w, "net.timeout");
		else
			wake_by(&late, w->until);
	}
}

/* The body is fetched all the same, without an asker. */
void
email_forget(const struct chan *c)
{
	struct waiting *w, *next;

	for (w = LIST_FIRST(&waiters); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (w->asker.chan == c)
			waiter_free(w);
	}
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

/* What became of it, for the audit log. */
static const char *
refuse(struct asker a, const char *error, const char *description)
{
	out_set_error(a, error, "", description);
	return error;
}

static const char *
wait_for(struct asker a, const struct email *e)
{
	struct waiting *w = nwaiters < LIM_CONTENT_WAITING ? calloc(1, sizeof(*w)) : NULL;

	if (w == NULL)
		return refuse(a, "serverUnavailable", "too many requests of this kind");
	*w = (struct waiting){ .asker = a, .account = e->account, .email = e->id,
		.until = store_ticks() + LIM_CONTENT_SECONDS };
	LIST_INSERT_HEAD(&waiters, w, entry);
	nwaiters++;
	wake_by(&late, w->until);
	ingest_demand(e->account, e->id, e->rec.backfill);
	return "fetching";
}

static const char *
content(struct asker a, const struct email *e)
{
	uint64_t state = changes_state(e->account, OBJ_EMAIL);

	if (!email_visible(&e->rec))
		return refuse(a, "notFound", "");
	if (e->rec.content_state != CONTENT_STATE_HEADER) {
		out_set_done(a, e->account, OBJ_EMAIL, state, (struct msg_set_done){ .id = e->id });
		return "stored";
	}
	if (!allowed(e))
		return refuse(a, "forbidden", "the content policy is matched, and no correspondent matches");
	if (e->rec.size > LIM_BODY)
		return refuse(a, "tooLarge", "the message is larger than what is stored");
	if (imap_session_of(e->account) == NULL)
		return refuse(a, "serverUnavailable", "the link is not connected");
	return wait_for(a, e);
}

int
email_on_content(struct chan *c, const union msg *m, int *fd)
{
	const struct msg_email_content *q = &m->email_content;
	struct asker a = { c, q->req };
	struct email e;

	(void)fd;
	if (!email_load(&e, q->account, q->id)) {
		told_demand(q->account, q->id, q->uid, refuse(a, "notFound", ""));
		return 0;
	}
	told_demand(q->account, q->id, q->uid, content(a, &e));
	email_free(&e);
	return 0;
}

void
email_init(void)
{
	wake_init(&late, on_late);
}

/*
 * journal_again.c - appends that the server refused: the message is kept here,
 * its entry waits and is tried again. A folder that refuses is asked by one of
 * them at a time, in turn; when it takes that one, the others follow.
 */
#include "journal_flight.h"
#include "mailbox.h"

bool
again_waits(uint32_t link, const struct rec_pending *p)
{
	return p->kind == OP_APPEND && p->attempts == 0 && email_copy_only_here(link, p->mailbox, p->email);
}

/* Not what is wrong with the message itself, which only another message puts right. */
bool
again_worth_it(struct slice code)
{
	return !slice_eq_str(code, "sync.append_too_large") && !slice_eq_str(code, "api.invalid");
}

bool
again_may(const struct imap_session *s, struct imap_folder *f, uint64_t op, const struct rec_pending *p)
{
	/* Gone: it goes to another. Not listed in this session: asked now, it would
	 * be refused at once, again and again. */
	if (f == NULL)
		return !mailbox_exists(s->link, p->mailbox);
	if (f->scout != 0 && f->scout != op &&
	    table_get(T_pending, KEY(pending, .account = s->link, .op = f->scout), NULL))
		return false;
	if (f->again_at > store_ticks() && p->email != s->again_email)
		return false;
	f->scout = op;
	return true;
}

/* Nothing of it is under way any more. */
void
again_ended(struct imap_session *s, uint64_t op)
{
	for (size_t i = 0; i < s->nfolders; i++)
		if (s->folders[i].scout == op)
			s->folders[i].scout = 0;
}

void
again_refused(struct imap_session *s, const struct rec_pending *p)
{
	struct imap_folder *f = imap_folder_of(s, p->mailbox);
	uint64_t now = store_ticks(), wait = LIM_APPEND_AGAIN_SECONDS;

	if (p->email == s->again_email)
		s->again_email = 0;
	if (f == NULL || f->again_at > now)
		return;
	for (unsigned int i = 0; i < f->refusals && wait < LIM_APPEND_AGAIN_MOST; i++)
		wait *= 2;
	f->refusals++;
	f->refused_at = now;
	f->again_at = now + (wait < LIM_APPEND_AGAIN_MOST ? wait : LIM_APPEND_AGAIN_MOST);
}

void
journal_takes(struct imap_session *s, uint64_t mailbox)
{
	struct imap_folder *f = imap_folder_of(s, mailbox);

	if (f == NULL || f->refusals == 0)
		return;
	f->refusals = 0;
	f->again_at = 0;
	imap_drain_later(s);
}

/* Not more often than at the beginning, however much goes. */
void
journal_room(struct imap_session *s)
{
	uint64_t now = store_ticks(), at;

	for (size_t i = 0; i < s->nfolders; i++) {
		struct imap_folder *f = &s->folders[i];

		at = f->refused_at + LIM_APPEND_AGAIN_SECONDS;
		if (f->again_at <= now || at >= f->again_at)
			continue;
		f->again_at = at;
		imap_due_by(s, at > now ? at : now + 1);
	}
}

static bool
any_waits(uint64_t op, const struct rec_pending *p, void *arg)
{
	(void)op;
	*(bool *)arg = again_waits(p->account, p);
	return !*(bool *)arg;
}

void
journal_again(uint32_t link, uint64_t email)
{
	struct imap_session *s = imap_session_of(link);
	bool waits = false;

	if (s == NULL)
		return;
	journal_each(link, email, any_waits, &waits);
	if (!waits)
		return;
	s->again_email = email;
	imap_drain_later(s);
}

bool
journal_redirect(uint32_t account, uint64_t op, const struct rec_pending *p, uint64_t from, uint64_t to)
{
	struct rec_pending next = *p;

	if (p->kind != OP_APPEND || p->mailbox != from || p->attempts > 0)
		return false;
	next.mailbox = to;
	if (to != 0)
		row_pending_put(KEY(pending, .account = account, .op = op), &next);
	else
		journal_drop(account, op);
	return true;
}

struct elsewhere {
	uint32_t account;
	uint64_t from, to;
};

static bool
redirect(uint64_t op, const struct rec_pending *p, void *arg)
{
	const struct elsewhere *w = arg;

	(void)journal_redirect(w->account, op, p, w->from, w->to);
	return true;
}

void
journal_elsewhere(uint32_t account, uint64_t email, uint64_t from, uint64_t to)
{
	journal_each(account, email, redirect, &(struct elsewhere){ account, from, to });
	imap_drain_of(account);
}

uint64_t
again_due(const struct imap_session *s)
{
	uint64_t now = store_ticks(), next = UINT64_MAX;

	for (size_t i = 0; i < s->nfolders; i++)
		if (s->folders[i].again_at > now && s->folders[i].again_at < next)
			next = s->folders[i].again_at;
	return next;
}

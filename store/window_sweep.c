/*
 * window_sweep.c - letting go what is outside of the window. See window.h.
 *
 * One link after the other, a slice of rows in a turn; how far a sweep came is
 * kept in memory only, for what is gone is not found again.
 */
#include "window.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "db_work.h"
#include "email_row.h"
#include "journal.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "review.h"
#include "submit_copy.h"

struct sweep {
	STAILQ_ENTRY(sweep) entry;
	uint32_t link;
	bool aged;			/* the old ones are gone */
	uint64_t received_at, email;	/* of the last one looked at */
	uint64_t mailbox;		/* being looked at */
	uint32_t uid;
	bool kept;			/* something of the mailbox had to stay */
	size_t gone;
};

static STAILQ_HEAD(, sweep) sweeps = STAILQ_HEAD_INITIALIZER(sweeps);

/* ---- one email ---- */

static bool
any_entry(uint64_t op, const struct rec_pending *p, void *arg)
{
	(void)op;
	(void)p;
	*(bool *)arg = true;
	return false;
}

/* Must it stay for now? */
static bool
is_needed(const struct email *e)
{
	struct slice copies = wbuf_slice(&e->copies);
	bool entry = false;

	for (size_t i = 0; i < copies_count(copies); i++)
		if (copies_at(copies, i).uid == 0)
			return true;
	journal_each(e->account, e->id, any_entry, &entry);
	return entry || copies_count(copies) == 0 || submit_under_way(e->account, e->id) ||
	    review_waits(e->account, e->id);
}

static void
left_out(uint32_t link, struct copy c)
{
	window_left_out(link, c.mailbox, c.uid);
}

/* True: it is gone, with all its copies. */
static bool
let_go(uint32_t link, uint64_t id)
{
	struct email e;
	bool gone;

	if (!email_load(&e, link, id))
		return true;
	if ((gone = !is_needed(&e))) {
		for (size_t i = 0; i < copies_count(wbuf_slice(&e.copies)); i++)
			left_out(link, copies_at(wbuf_slice(&e.copies), i));
		email_erase(&e);
	}
	email_free(&e);
	return gone;
}

/* This copy is outside; the email stays as long as another is inside. */
static bool
let_copy_go(uint32_t link, struct copy c)
{
	struct uid_row u;
	struct email e;
	bool last, gone = true;

	if (!uid_get(link, c.mailbox, c.uid, &u))
		return true;
	if (!email_load(&e, link, u.email)) {
		uid_del(link, c.mailbox, c.uid);
		return true;
	}
	last = copies_count(wbuf_slice(&e.copies)) <= 1;
	if (last)
		gone = let_go(link, u.email);
	else if ((gone = !is_needed(&e))) {
		uid_del(link, c.mailbox, c.uid);
		email_copy_del(&e, c.mailbox);
		left_out(link, c);
		(void)email_project(&e);
		email_save(&e);
	}
	email_free(&e);
	return gone;
}

/* ---- by age ---- */

/* True: no more. */
static bool
sweep_old(struct sweep *w, size_t *left)
{
	uint64_t since = window_since(w->link);
	struct key_bydate k;
	struct slice key;
	struct scan s;
	bool more = true;

	if (since <= 1)
		return true;
	scan_range(&s, T_bydate,
	    KEY(bydate, .account = w->link, .received_at = w->received_at > 0 ? w->received_at : 1,
		.email = w->email + 1),
	    KEY(bydate, .account = w->link, .received_at = since, .email = 0), false);
	while (*left > 0 && (more = scan_next(&s, &key, NULL))) {
		(*left)--;
		if (key_bydate_read(key, &k) == -1)
			continue;
		w->received_at = k.received_at;
		w->email = k.email;
		w->gone += let_go(w->link, k.email);
	}
	scan_end(&s);
	return !more;
}

/* ---- by folder ---- */

/* A folder that is not synced any more begins anew when it is taken up again. */
static void
leave_folder(struct dbkey k, struct rec_mailbox *r)
{
	r->first_low = r->uidnext;
	r->uidnext = r->uid_low = r->sure_low = 0;
	r->modseq = 0;
	r->complete = false;
	row_mailbox_put(k, r);
}

/* What is below this UID goes; 0: nothing. */
static uint32_t
bottom_of(uint32_t link, uint64_t mailbox)
{
	struct dbkey k = KEY(mailbox, .account = link, .id = mailbox);
	struct row_mailbox row;
	uint32_t low;

	if (!row_mailbox_get(&row, k))
		return 0;
	if (!row.rec.synced && row.rec.uidnext != 0)
		leave_folder(k, &row.rec);
	low = row.rec.first_low;
	row_mailbox_free(&row);
	return low;
}

static void
folder_left(uint32_t link, uint64_t mailbox)
{
	struct dbkey k = KEY(mailbox, .account = link, .id = mailbox);
	struct row_mailbox row;

	if (!row_mailbox_get(&row, k))
		return;
	if (!row.rec.synced && row.rec.first_low != 0) {
		row.rec.first_low = row.rec.sure_low = 0;
		row_mailbox_put(k, &row.rec);
	}
	row_mailbox_free(&row);
}

/* True: nothing is left to look at in this mailbox. */
static bool
sweep_mailbox(struct sweep *w, size_t *left)
{
	uint32_t low = bottom_of(w->link, w->mailbox);
	struct key_uid k;
	struct slice key;
	struct scan s;
	bool more = true;

	if (low <= 1 || w->uid >= low - 1)
		return true;
	scan_range(&s, T_uid, KEY(uid, .account = w->link, .mailbox = w->mailbox, .uid = w->uid + 1),
	    KEY(uid, .account = w->link, .mailbox = w->mailbox, .uid = low), false);
	while (*left > 0 && (more = scan_next(&s, &key, NULL))) {
		(*left)--;
		if (key_uid_read(key, &k) == -1)
			continue;
		w->uid = k.uid;
		if (let_copy_go(w->link, (struct copy){ k.mailbox, k.uid }))
			w->gone++;
		else
			w->kept = true;
	}
	scan_end(&s);
	return !more;
}

static bool
next_mailbox(struct sweep *w)
{
	struct key_mailbox k;
	struct slice key;
	struct scan s;
	bool found;

	scan_range(&s, T_mailbox, KEY(mailbox, .account = w->link, .id = w->mailbox + 1),
	    KEY(mailbox, .account = w->link + 1, .id = 0), false);
	found = scan_next(&s, &key, NULL) && key_mailbox_read(key, &k) == 0;
	scan_end(&s);
	w->mailbox = found ? k.id : 0;
	w->uid = 0;
	w->kept = false;
	return found;
}

/* ---- sweeps ---- */

/* One slice of a link; true: it is done. */
static bool
sweep_slice(struct sweep *w)
{
	size_t left = LIM_DB_SLICE;

	if (!link_exists(w->link))
		return true;
	if (!w->aged && !(w->aged = sweep_old(w, &left)))
		return false;
	while (left > 0) {
		if (w->mailbox == 0 && !next_mailbox(w))
			return true;
		if (!sweep_mailbox(w, &left))
			return false;
		if (!w->kept)
			folder_left(w->link, w->mailbox);
		left -= left > 0;	/* a folder costs something even when nothing is to be done */
		if (!next_mailbox(w))
			return true;
	}
	return false;
}

/* Where a sweep stands is kept here alone: what a turn undid it comes to in an hour. */
static bool
next_slice(void)
{
	struct sweep *w = STAILQ_FIRST(&sweeps);

	if (w != NULL && sweep_slice(w) && !db_failed()) {
		if (w->gone > 0)
			log_info("mail left the window link=%u count=%zu", w->link, w->gone);
		STAILQ_REMOVE_HEAD(&sweeps, entry);
		free(w);
	}
	return !STAILQ_EMPTY(&sweeps);
}

void
window_sweep(uint32_t link)
{
	static struct db_work work = { .slice = next_slice };
	struct sweep *w;

	/* One that is under way begins again: the window may be narrower now. */
	STAILQ_FOREACH(w, &sweeps, entry)
		if (w->link == link)
			break;
	if (w != NULL) {
		w->aged = false;
		w->received_at = w->email = w->mailbox = 0;
		return;
	}
	if ((w = calloc(1, sizeof(*w))) == NULL)
		return;	/* in an hour, then */
	w->link = link;
	STAILQ_INSERT_TAIL(&sweeps, w, entry);
	db_work_start(&work);
}

void
window_sweep_all(void)
{
	link_each(window_sweep);
}

static void
on_hour(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	window_sweep_all();
}

void
window_init(void)
{
	static const struct timeval hour = { LIM_WINDOW_SWEEP_SECONDS, 0 };
	struct event *e = event_new(loop_base(), -1, EV_PERSIST, on_hour, NULL);

	if (e == NULL || event_add(e, &hour) == -1)
		fatal("no timer");
}

/*
 * journal_run.c - replay: which entry goes next, and what its answer means.
 */
#include <stdlib.h>

#include "bind.h"
#include "journal_flight.h"
#include "log.h"
#include "submit_copy.h"

/* A worker that reads nothing for a while is not broken by it. */
_Static_assert(LIM_JOURNAL_WINDOW * (2 * LIM_KEYWORDS + LIM_MESSAGE_ID + 256) + LIM_JOURNAL_APPENDS * LIM_INLINE <
	LIM_CHAN_QUEUE, "a full window of write-back must fit the queue of the channel");

static struct journal_flight *
flight_of(struct imap_session *s, uint64_t op)
{
	struct journal_flight *f;

	LIST_FOREACH(f, &s->flights[op % JOURNAL_BUCKETS], entry)
		if (f->op == op)
			return f;
	return NULL;
}

static struct journal_flight *
flight_new(struct imap_session *s, uint64_t op, uint64_t email)
{
	struct journal_flight *f = calloc(1, sizeof(*f));

	if (f == NULL) {
		db_fail("out of memory");
		return NULL;
	}
	f->op = op;
	f->email = email;
	LIST_INSERT_HEAD(&s->flights[op % JOURNAL_BUCKETS], f, entry);
	return f;
}

void
flight_sent(struct imap_session *s, struct journal_flight *f, size_t bytes)
{
	f->sent = true;
	f->bytes = bytes;
	s->nsent++;
	s->nappends += bytes > 0;
	s->append_bytes += bytes;
}

/* Nothing of it is at the server. */
static void
flight_back(struct imap_session *s, struct journal_flight *f)
{
	if (!f->sent)
		return;
	f->sent = false;
	s->nsent--;
	s->nappends -= f->bytes > 0;
	s->append_bytes -= f->bytes;
}

static void
flight_end(struct imap_session *s, struct journal_flight *f)
{
	flight_back(s, f);
	again_ended(s, f->op);
	LIST_REMOVE(f, entry);
	free(f);
}

static void
wait_for(struct journal_flight *f, uint64_t seconds)
{
	f->step = STEP_RUN;
	f->not_before = store_ticks() + seconds;
}

/* ---- one entry ---- */

static void
finish(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p)
{
	journal_drop(s->link, f->op);
	email_settle(s->link, p->email);
	flight_end(s, f);
}

/* Ask the submission's side what an answer (or none) to its search means. */
static void
found(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, uint32_t uid)
{
	struct rec_pending next = *p;

	next.attempts++;
	if (submit_copy_found(s->link, &next, uid)) {
		journal_drop(s->link, f->op);
		flight_end(s, f);
		return;
	}
	row_pending_put(KEY(pending, .account = s->link, .op = f->op), &next);
	wait_for(f, 1u << (next.attempts < 6 ? next.attempts - 1 : 5));
}

/*
 * The message is not where we thought. A move that was cut off may have
 * happened: look into its target. Else the sync may tell where it went; after
 * some looks it is given up.
 */
static void
gone(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p)
{
	if (p->kind == OP_FIND)
		found(s, f, p, 0);
	else if (p->kind == OP_EXPUNGE) {
		journal_succeeded(s, f, p, &(struct msg_op_done){ .result = OP_OK });
		finish(s, f, p);
	} else if (p->kind == OP_MOVE && f->step == STEP_RUN && !f->looked) {
		f->step = STEP_LANDED;
		f->find_in = p->target;
		f->looked = f->missing = true;
	} else if (p->kind != OP_MOVE && ++f->tries < LIM_JOURNAL_GONE_TRIES)
		wait_for(f, LIM_JOURNAL_GONE_SECONDS);
	else {
		journal_lost(s, f, p);
		flight_end(s, f);
	}
}

static void
refused(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct msg_op_done *m)
{
	if (p->kind == OP_FIND) {
		found(s, f, p, 0);
		return;
	}
	journal_refused(s, f, p, m);
	flight_end(s, f);
}

/* Go on with an entry until it is at the server, waits, or is over. */
static void
advance(struct imap_session *s, uint64_t op)
{
	struct journal_flight *f;
	struct row_pending row;

	while ((f = flight_of(s, op)) != NULL && !f->sent && f->not_before <= store_ticks()) {
		if (!row_pending_get(&row, KEY(pending, .account = s->link, .op = op))) {
			flight_end(s, f);
			return;
		}
		switch (journal_step(s, f, &row.rec)) {
		case NEXT_SENT:
			break;
		case NEXT_LATER:
			row_pending_free(&row);
			return;
		case NEXT_DONE:
			finish(s, f, &row.rec);
			break;
		case NEXT_GONE:
			gone(s, f, &row.rec);
			break;
		case NEXT_REFUSED:
			refused(s, f, &row.rec, &(struct msg_op_done){ .code = slice_str("sync.folder_missing") });
			break;
		}
		row_pending_free(&row);
	}
}

/* ---- replay ---- */

static bool
take_first(uint64_t op, const struct rec_pending *p, void *arg)
{
	if (p->kind == OP_FIND || again_waits(p->account, p))
		return true;
	*(uint64_t *)arg = op;
	return false;
}

/* May this entry go now? Entries of one email go one after the other; a search
 * for a Sent copy waits for none and holds up none, and a refused append holds up
 * none either. */
static bool
may_start(struct imap_session *s, uint64_t op, const struct rec_pending *p)
{
	uint64_t first = op;

	if (p->after != 0 && table_get(T_pending, KEY(pending, .account = s->link, .op = p->after), NULL))
		return false;
	if (p->kind != OP_FIND && p->email != 0)
		journal_each(s->link, p->email, take_first, &first);
	if (first < op || submit_holds(s->link, p))
		return false;
	return !again_waits(s->link, p) || again_may(s, imap_folder_of(s, p->mailbox), op, p);
}

static void
start(struct imap_session *s, uint64_t op)
{
	struct journal_flight *f = flight_of(s, op);
	struct row_pending row;

	if (f != NULL && (f->sent || f->not_before > store_ticks()))
		return;
	if (!row_pending_get(&row, KEY(pending, .account = s->link, .op = op)))
		return;
	if (may_start(s, op, &row.rec)) {
		imap_touch(s);
		if (f != NULL || flight_new(s, op, row.rec.email) != NULL)
			advance(s, op);
	}
	row_pending_free(&row);
}

/* Entries that must wait may be many, and what ends their wait may stand behind
 * them: a run that was cut short goes on where it stopped. */
static void
look_through(struct imap_session *s)
{
	struct scan scan;
	struct slice key;
	struct key_pending k = { .op = 0 };
	unsigned int n = 0;
	bool more = true;

	scan_range(&scan, T_pending, KEY(pending, .account = s->link, .op = s->journal_from),
	    KEY(pending, .account = s->link, .op = UINT64_MAX), false);
	while (s->nsent < LIM_JOURNAL_WINDOW && n < LIM_JOURNAL_SCAN && (more = scan_next(&scan, &key, NULL))) {
		n++;
		if (key_pending_read(key, &k) == 0)
			start(s, k.op);
	}
	scan_end(&scan);
	s->journal_any = n > 0 || s->journal_from > 0;
	if (!more)
		s->journal_from = 0;
	else if (n == LIM_JOURNAL_SCAN)
		s->journal_from = k.op + 1;
}

/* Hundreds of answers may come in one turn: it is looked through once. Who adds
 * to it asks for another turn, so an empty one need not be looked at again. */
void
journal_run(struct imap_session *s)
{
	if (!s->listed)
		return;
	if (s->journal_turn == db_turn()) {
		s->drain_after = s->drain_after || s->journal_any;
		return;
	}
	s->journal_turn = db_turn();
	look_through(s);
}

/* ---- answers ---- */

/* A copy whose UID we looked for before the operation itself. */
static void
uid_found(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct msg_op_done *m)
{
	struct email e;

	/* The folder was renumbered meanwhile: look again when that is known. */
	if (m->uid != 0 && !journal_validity_fits(s, f->find_in, m->uidvalidity)) {
		f->not_before = store_ticks() + LIM_JOURNAL_GONE_SECONDS;
		return;
	}
	if (!email_load(&e, s->link, p->email))
		return;
	if (m->uid != 0)
		journal_take_uid(&e, f->find_in, m->uid, &e.keywords);
	else {
		email_copy_del(&e, f->find_in);
		email_save(&e);
	}
	email_free(&e);
	f->step = STEP_RUN;
	if (m->uid == 0)
		email_settle(s->link, p->email);
}

/* What was found there may be another message of the same Message-ID. */
static bool
is_anothers(struct imap_session *s, const struct rec_pending *p, uint32_t uid)
{
	struct uid_row u;

	return p->kind != OP_APPEND && uid_get(s->link, p->target, uid, &u) && u.email != p->email;
}

/* The copy of a move is there, and so may the message itself still be. */
static void
half_moved(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct msg_op_done *m)
{
	struct rec_pending rest = *p;

	journal_succeeded(s, f, &(struct rec_pending){ .account = p->account, .kind = OP_COPY, .email = p->email,
	    .mailbox = p->mailbox, .target = p->target }, m);
	rest.kind = OP_EXPUNGE;
	rest.target = 0;
	row_pending_put(KEY(pending, .account = s->link, .op = f->op), &rest);
	f->step = STEP_RUN;
	email_settle(s->link, p->email);
}

static void
landed(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct msg_op_done *m)
{
	bool there = m->uid != 0 && !is_anothers(s, p, m->uid);

	f->looked = true;
	if (there && p->kind == OP_MOVE && !f->missing)
		half_moved(s, f, p, m);
	else if (there) {
		journal_succeeded(s, f, p, m);
		finish(s, f, p);
	} else if (p->kind == OP_MOVE && f->missing) {
		journal_lost(s, f, p);
		flight_end(s, f);
	} else
		f->step = STEP_RUN;
}

static void
done_ok(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct msg_op_done *m)
{
	if (f->step == STEP_FIND)
		uid_found(s, f, p, m);
	else if (f->step == STEP_LANDED)
		landed(s, f, p, m);
	else if (p->kind == OP_FIND)
		found(s, f, p, m->uid);
	else {
		journal_succeeded(s, f, p, m);
		if (p->kind == OP_FLAGS)
			f->done = f->mailbox;	/* the other copies, then it is finished */
		else
			finish(s, f, p);
	}
}

/* The sync renumbers the folder. A UID of the old numbering names nothing any
 * more; any other entry waits until its message has its new one. */
static void
renumbered(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p)
{
	if (p->kind == OP_EXPUNGE && p->uid != 0)
		gone(s, f, p);
	else {
		uint64_t searched = p->kind == OP_FIND ? p->mailbox : f->find_in;

		f->looked = f->looked || f->step == STEP_RUN;	/* nothing was done */
		journal_renumbered(s, p->kind == OP_FIND || f->step != STEP_RUN ? searched : f->mailbox);
		f->not_before = store_ticks() + LIM_JOURNAL_GONE_SECONDS;	/* the same step again */
	}
}

/* A server that says OK and keeps the message is asked some times, also across
 * restarts, then a person is told. */
static bool
given_up(struct imap_session *s, const struct journal_flight *f, const struct rec_pending *p)
{
	struct rec_pending next = *p;

	if (p->kind != OP_EXPUNGE)
		return false;	/* a move is looked for, and its rest becomes one */
	if (++next.attempts >= LIM_EXPUNGE_ROUNDS)
		return true;
	row_pending_put(KEY(pending, .account = s->link, .op = f->op), &next);
	return false;
}

static void
answer(struct imap_session *s, struct journal_flight *f, const struct rec_pending *p, const struct msg_op_done *m)
{
	/* A search that cannot be made has found nothing. */
	bool search = f->step != STEP_RUN && m->result != OP_RETRY;

	flight_back(s, f);
	if (m->result == OP_OK)
		done_ok(s, f, p, m);
	else if (m->result == OP_GONE && slice_eq_str(m->code, "sync.uidvalidity_changed"))
		renumbered(s, f, p);
	else if (search)
		done_ok(s, f, p, &(struct msg_op_done){ .result = OP_OK });
	else if (m->result == OP_GONE)
		gone(s, f, p);
	else if (m->result == OP_REFUSED)
		refused(s, f, p, m);
	else if (slice_eq_str(m->code, "sync.expunge_ignored") && given_up(s, f, p))
		refused(s, f, p, m);
	else {
		f->tries++;
		wait_for(f, f->tries < 8 ? 1u << f->tries : LIM_JOURNAL_WAIT_SECONDS);
	}
}

bool
journal_knows(struct imap_session *s, uint64_t op)
{
	struct journal_flight *f = flight_of(s, op);

	return f != NULL && f->sent;
}

int
journal_done(struct imap_session *s, const struct msg_op_done *m)
{
	struct journal_flight *f = flight_of(s, m->op);
	struct row_pending row;

	if (f == NULL || !f->sent)
		return -1;
	imap_touch(s);
	if (!row_pending_get(&row, KEY(pending, .account = s->link, .op = m->op))) {
		flight_end(s, f);	/* its email is gone */
		return 0;
	}
	answer(s, f, &row.rec, m);
	row_pending_free(&row);
	advance(s, m->op);
	return 0;
}

void
journal_end(struct imap_session *s)
{
	struct journal_flight *f;

	for (size_t i = 0; i < JOURNAL_BUCKETS; i++)
		while ((f = LIST_FIRST(&s->flights[i])) != NULL)
			flight_end(s, f);
}

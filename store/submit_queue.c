/*
 * submit_queue.c - states of submissions, and when each is due. See submit.h.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "blob.h"
#include "changes.h"
#include "email.h"
#include "imap_session.h"
#include "ingest.h"
#include "log.h"
#include "loop.h"
#include "review.h"
#include "seam.h"
#include "submit.h"
#include "submit_copy.h"

static struct event *timer;
static bool recheck;	/* a turn was undone: workers may have lost what is SENDING */

/* ---- rows ---- */

bool
submission_load(struct submission *s, uint32_t account, uint64_t id)
{
	*s = (struct submission){ .account = account, .id = id };
	return id != 0 && row_submission_get(&s->row, KEY(submission, .account = account, .id = id));
}

void
submission_free(struct submission *s)
{
	row_submission_free(&s->row);
}

void
submission_save(struct submission *s)
{
	row_submission_put(KEY(submission, .account = s->account, .id = s->id), &s->row.rec);
	changes_record(s->account, OBJ_SUBMISSION, s->id, UPDATED);
	imap_drain_of(s->account);	/* what the journal held back for it */
}

void
submission_due(const struct submission *s, uint64_t at)
{
	table_put_empty(T_due, KEY(due, .at = at, .account = s->account, .id = s->id));
	submit_schedule();
}

void
submission_undue(const struct submission *s)
{
	(void)table_del(T_due, KEY(due, .at = s->row.rec.next_try, .account = s->account, .id = s->id));
}

bool
rcpt_is_open(const struct rec_rcpt *r)
{
	return r->state == RCPT_PENDING || r->state == RCPT_TEMP;
}

/* ---- recipients ---- */

static void
rcpt_result(struct rec_rcpt *r, const struct send_answer *a, const struct rcpt_answer *own)
{
	bool refused = own != NULL && (own->reply >= 400 || (own->reply == 0 && own->code[0] != '\0'));

	if (refused) {
		r->state = own->reply >= 500 ? RCPT_FAILED : RCPT_TEMP;
		r->reply = own->reply;
		r->code = slice_str(own->code);
		r->text = slice_str(own->text);
		return;
	}
	if (a->result == SEND_UNCERTAIN)
		return;
	r->state = a->result == SEND_OK ? RCPT_SENT : a->result == SEND_PERM ? RCPT_FAILED : RCPT_TEMP;
	r->reply = a->reply;
	r->code = a->code;
	r->text = a->text;
}

struct tally {
	unsigned int sent, open, failed, newly_sent;
};

static void
tally_one(struct tally *t, const struct rec_rcpt *r, bool was_open)
{
	t->sent += r->state == RCPT_SENT;
	t->newly_sent += r->state == RCPT_SENT && was_open;
	t->open += rcpt_is_open(r);
	t->failed += r->state == RCPT_FAILED;
}

/* Rewrite the list with what this attempt made of each open recipient. */
static struct tally
apply_answers(const struct rec_submission *rec, const struct send_answer *a, struct wbuf *out, bool expired)
{
	struct slice list = rec->rcpts, item;
	struct wbuf w = { .max = 0 };
	struct tally t = { 0 };
	struct rec_rcpt r;
	size_t i = 0;

	while (list_next(&list, &item)) {
		bool open;

		if (rec_rcpt_decode(item, &r) == -1)
			continue;
		if ((open = rcpt_is_open(&r)))
			rcpt_result(&r, a, i < a->nrcpts ? &a->rcpts[i] : NULL);
		i += open;
		if (expired && rcpt_is_open(&r))
			r.state = RCPT_FAILED;
		tally_one(&t, &r, open);
		wbuf_reset(&w);
		rec_rcpt_encode(&w, &r);
		list_add(out, wbuf_slice(&w));
	}
	wbuf_free(&w);
	return t;
}

/* ---- what follows from being sent ---- */

static void
mark_answered(uint32_t account, const struct rec_header *h)
{
	struct slice ids = h->in_reply_to, id;

	while (list_next(&ids, &id))
		email_mark_answered(account, id);
}

static void
sent_effects(struct submission *s)
{
	struct email e;
	struct rec_header h;

	review_settle_submission(s->account, s->id, RESOLVE_WAS_SENT);
	if (email_load(&e, s->account, s->row.rec.email)) {
		if (email_header(&e, &h))
			mark_answered(s->account, &h);
		ingest_note_sent(&e, s->id);
		email_free(&e);
	}
	submit_copy_start(s->account, s->id);
}

static void
release_snapshot(struct submission *s)
{
	if (s->row.rec.snapshot != 0)
		blob_unref(s->account, s->row.rec.snapshot);
	s->row.rec.snapshot = 0;
}

static uint64_t
retry_delay(const struct rec_submission *rec, uint64_t first, uint64_t max)
{
	uint64_t d = first;

	for (uint32_t i = 1; i < rec->attempts && d < max; i++)
		d *= 2;
	return d < max ? d : max;
}

static void
queue_again(struct submission *s, uint64_t delay)
{
	struct rec_submission *rec = &s->row.rec;

	rec->state = SUB_QUEUED;
	rec->phase = SUBP_NONE;
	rec->next_try = store_now() + delay;
	submission_save(s);
	submission_due(s, rec->next_try);
}

static bool
expired(const struct rec_submission *rec)
{
	uint64_t since = rec->send_at > rec->created_at ? rec->send_at : rec->created_at;

	return store_past() > since + LIM_SUBMIT_SECONDS;
}

/* A connection that was lost or never came says nothing about the message:
 * the next try may follow soon. A server that said "later" means it. */
static uint64_t
next_delay(const struct rec_submission *rec)
{
	bool answered = rec->reply != 0;

	return retry_delay(rec, answered ? LIM_SUBMIT_RETRY_FIRST : LIM_SUBMIT_RETRY_DEATH, LIM_SUBMIT_RETRY_MAX);
}

static void
close_answered(struct submission *s, const struct tally *t)
{
	struct rec_submission *rec = &s->row.rec;

	if (t->open > 0) {
		queue_again(s, next_delay(rec));
		return;
	}
	rec->phase = SUBP_ANSWERED;
	rec->state = t->sent > 0 ? SUB_SENT : SUB_FAILED;
	if (t->sent > 0 && t->failed > 0)
		rec->code = slice_str("send.rcpt_partial");
	release_snapshot(s);
	submission_save(s);
}

static void
make_uncertain(struct submission *s)
{
	struct rec_submission *rec = &s->row.rec;

	rec->state = SUB_UNCERTAIN;
	rec->code = slice_str("send.uncertain");
	rec->next_try = store_now() + LIM_SUBMIT_REVIEW_SECONDS;
	submission_save(s);
	submission_due(s, rec->next_try);
	log_warn("connection lost after the final dot link=%u submission=%llu code=send.uncertain", s->account,
	    (unsigned long long)s->id);
	submit_copy_start(s->account, s->id);
}

static void
answered(struct submission *s, const struct send_answer *a, const struct tally *t)
{
	struct rec_submission *rec = &s->row.rec;

	rec->reply = a->reply;
	rec->code = a->code;
	rec->text = a->text;
	close_answered(s, t);
	log_info("submission answered link=%u submission=%llu count=%u code=%.*s", s->account,
	    (unsigned long long)s->id, t->sent, (int)a->code.n, (const char *)a->code.p);
	/* Part of the recipients may have it while others wait: the copy is due once. */
	if (t->newly_sent > 0 && t->newly_sent == t->sent)
		sent_effects(s);
}

void
submit_answered(struct submission *s, const struct send_answer *a)
{
	struct rec_submission *rec = &s->row.rec;
	bool uncertain = a->result == SEND_UNCERTAIN;
	struct wbuf rcpts = { .max = 0 };
	struct tally t = apply_answers(rec, a, &rcpts, a->result != SEND_OK && !uncertain && expired(rec));

	rec->rcpts = wbuf_slice(&rcpts);
	if (uncertain)
		make_uncertain(s);
	else
		answered(s, a, &t);
	wbuf_free(&rcpts);
	/* The record pointed into buffers of this call. */
	submission_free(s);
	(void)submission_load(s, s->account, s->id);
}

void
submit_was_sent(struct submission *s)
{
	struct send_answer a = { .result = SEND_OK };

	submission_undue(s);
	submit_answered(s, &a);
}

void
submit_cut_off(struct submission *s)
{
	if (s->row.rec.state != SUB_SENDING)
		return;
	if (s->row.rec.phase >= SUBP_DATA_SENT)
		make_uncertain(s);
	else
		queue_again(s, retry_delay(&s->row.rec, LIM_SUBMIT_RETRY_DEATH, LIM_SUBMIT_RETRY_FIRST));
}

/* ---- when ---- */

uint64_t
submit_next(uint32_t account)
{
	struct scan s;
	struct slice key;
	struct key_due k;
	uint64_t found = 0;
	struct submission sub;

	scan_range(&s, T_due, KEY(due, .at = 0), KEY(due, .at = store_now() + 1), false);
	while (found == 0 && scan_next(&s, &key, NULL)) {
		if (key_due_read(key, &k) == -1 || k.account != account || !submission_load(&sub, k.account, k.id))
			continue;
		if (sub.row.rec.state == SUB_QUEUED)
			found = k.id;
		submission_free(&sub);
	}
	scan_end(&s);
	return found;
}

static void
run_one(const struct key_due *k)
{
	struct submission s;

	if (!submission_load(&s, k->account, k->id)) {
		(void)table_del(T_due, KEY(due, .at = k->at, .account = k->account, .id = k->id));
		return;
	}
	if (s.row.rec.state == SUB_QUEUED)
		sender_want(k->account);
	else {
		(void)table_del(T_due, KEY(due, .at = k->at, .account = k->account, .id = k->id));
		if (s.row.rec.state == SUB_UNCERTAIN)
			(void)review_open(&(struct review_input){ .reason = REVIEW_UNCERTAIN_SEND,
			    .account = s.account, .email = s.row.rec.email, .submission = s.id });
	}
	submission_free(&s);
}

static void
sleep_until_next(void)
{
	struct timeval tv = { LIM_OVERDUE_SECONDS, 0 };
	struct scan s;
	struct slice key;
	struct key_due k;
	uint64_t now = store_now();

	scan_range(&s, T_due, KEY(due, .at = 0), KEY(due, .at = UINT64_MAX), false);
	if (!scan_next(&s, &key, NULL))
		return;	/* what comes in wakes it */
	if (key_due_read(key, &k) == 0 && k.at > now)
		tv.tv_sec = (time_t)(k.at - now < LIM_QUEUE_SLEEP_SECONDS ? k.at - now : LIM_QUEUE_SLEEP_SECONDS);
	scan_end(&s);
	evtimer_add(timer, &tv);
}

/* A slice of what is due. What stays QUEUED must not keep the rest from its
 * turn: the next slice begins behind this one. */
static bool
run_slice(void)
{
	static struct key_due from;
	struct scan s;
	struct slice key;
	struct key_due k;
	unsigned int n = 0;

	scan_range(&s, T_due, KEY(due, .at = from.at, .account = from.account, .id = from.id),
	    KEY(due, .at = store_now() + 1), false);
	for (; n < LIM_DB_SLICE && scan_next(&s, &key, NULL); n++) {
		if (key_due_read(key, &k) == -1)
			continue;
		run_one(&k);
		from = k;
		from.id++;
	}
	scan_end(&s);
	if (n < LIM_DB_SLICE)
		from = (struct key_due){ .at = 0 };
	return n == LIM_DB_SLICE;
}

/* What is SENDING and at no worker is settled by its phase. */
static void
settle_all(void)
{
	struct scan s;
	struct slice key;
	struct key_submission k;
	struct submission sub;

	scan_prefix(&s, T_submission, PREFIX(submission, 0, .account = 0), false);
	while (scan_next(&s, &key, NULL)) {
		if (key_submission_read(key, &k) == -1 || sender_has(k.account, k.id) ||
		    !submission_load(&sub, k.account, k.id))
			continue;
		submit_cut_off(&sub);
		submission_free(&sub);
	}
	scan_end(&s);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (recheck) {
		recheck = false;
		settle_all();
	}
	submit_look_at_clock();
	if (run_slice())
		submit_schedule();
	else
		sleep_until_next();
}

void
submit_schedule(void)
{
	static const struct timeval soon = { 0, 1000 };

	if (timer != NULL)
		evtimer_add(timer, &soon);
}

/* The turn was undone, perhaps for a full disk: not at once again. */
static void
on_aborted(void)
{
	static const struct timeval later = { LIM_OVERDUE_SECONDS, 0 };

	recheck = true;
	evtimer_add(timer, &later);
}

void
submit_init(void)
{
	if ((timer = evtimer_new(loop_base(), on_timer, NULL)) == NULL)
		fatal("out of memory");
	db_hook(DB_ABORTED, on_aborted);
}

void
submit_start(void)
{
	settle_all();
	submit_redate(LIM_SUBMIT_RETRY_MAX);
	submit_schedule();
}

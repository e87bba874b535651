/*
 * sender.c - the smtp-worker of a link while it sends: one submission at a
 * time, each phase committed before the next message leaves. See submit.h.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "blob.h"
#include "body.h"
#include "child.h"
#include "foreign.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "seam.h"
#include "submit.h"

/* One link's sending. Kept while the store runs; small. */
struct sender {
	LIST_ENTRY(sender) entry;
	uint32_t account;
	struct chan *chan;		/* NULL: no worker */
	bool quitting;			/* send_quit has left */
	uint64_t started, not_before;	/* store_ticks() */
	unsigned int fails;		/* workers in a row that achieved nothing */
	uint64_t item;			/* submission at the worker; 0: none */
	struct rcpt_answer *rcpts;	/* of the item */
	size_t nrcpts;
	uint64_t turn;
};

static LIST_HEAD(, sender) senders = LIST_HEAD_INITIALIZER(senders);

static struct sender *
sender_of(uint32_t account)
{
	struct sender *s;

	LIST_FOREACH(s, &senders, entry)
		if (s->account == account)
			return s;
	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("out of memory");
	s->account = account;
	LIST_INSERT_HEAD(&senders, s, entry);
	return s;
}

static void
item_forget(struct sender *s)
{
	free(s->rcpts);
	s->rcpts = NULL;
	s->nrcpts = 0;
	s->item = 0;
}

static void
channel_close(struct sender *s)
{
	if (s->chan == NULL)
		return;
	out_forget(s->chan);
	chan_free(s->chan);
	s->chan = NULL;
	s->quitting = false;
}

static void
settle(const struct sender *s)
{
	struct submission sub;

	if (!submission_load(&sub, s->account, s->item))
		return;
	/* Who was refused before the dot is known even so. */
	if (sub.row.rec.state == SUB_SENDING && sub.row.rec.phase >= SUBP_DATA_SENT)
		submit_answered(&sub, &(struct send_answer){ .result = SEND_UNCERTAIN, .rcpts = s->rcpts,
		    .nrcpts = s->nrcpts });
	else
		submit_cut_off(&sub);
	submission_free(&sub);
}

bool
sender_has(uint32_t account, uint64_t submission)
{
	struct sender *s;

	LIST_FOREACH(s, &senders, entry)
		if (s->account == account)
			return s->chan != NULL && s->item == submission;
	return false;
}

/* The worker is gone; what it had is settled by its phase. */
static void
worker_lost(struct sender *s)
{
	uint64_t wait = s->fails < 6 ? 1u << s->fails : LIM_SENDER_WAIT_SECONDS;

	channel_close(s);
	settle(s);
	item_forget(s);
	s->started = 0;
	s->not_before = s->fails > 0 ? store_ticks() + wait : 0;
	s->fails++;
	submit_schedule();
}

/* ---- handing over ---- */

static void
quit(struct sender *s)
{
	s->quitting = true;
	out_send(s->chan, MSG_send_quit, &(struct msg_send_quit){ .unused = 0 }, OUT_NOFD);
}

static size_t
open_rcpts(const struct rec_submission *rec, struct wbuf *out)
{
	struct slice list = rec->rcpts, item;
	struct rec_rcpt r;
	size_t n = 0;

	while (list_next(&list, &item)) {
		if (rec_rcpt_decode(item, &r) == -1 || !rcpt_is_open(&r))
			continue;
		list_add(out, r.email);
		n++;
	}
	return n;
}

static bool
is_ascii(struct slice s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] >= 0x80)
			return false;
	return true;
}

/* Only the header section counts: bodies are encoded or 8BITMIME's matter. */
static struct slice
header_section(struct slice raw)
{
	const uint8_t *end = memmem(raw.p, raw.n, "\r\n\r\n", 4);

	return end != NULL ? slice_mem(raw.p, (size_t)(end - raw.p)) : raw;
}

static bool
hand(struct sender *s, struct submission *sub)
{
	struct rec_submission *rec = &sub->row.rec;
	struct wbuf rcpts = { .max = 0 };
	struct msg_send_item m = { .submission = sub->id, .from = rec->from };
	struct slice raw;
	int fd;

	if (rec->snapshot == 0 || blob_get(s->account, rec->snapshot, &raw) == -1)
		return false;
	s->nrcpts = open_rcpts(rec, &rcpts);
	s->rcpts = calloc(s->nrcpts + 1, sizeof(*s->rcpts));
	m.rcpts = wbuf_slice(&rcpts);
	m.utf8 = !is_ascii(m.rcpts) || !is_ascii(rec->from) || !is_ascii(header_section(raw));
	fd = s->nrcpts > 0 && s->rcpts != NULL ? body_put(raw, &m.data) : -2;
	if (fd != -2) {
		s->item = sub->id;
		submission_undue(sub);
		rec->state = SUB_SENDING;
		rec->phase = SUBP_HANDED;
		rec->undo = UNDO_FINAL;
		rec->attempts++;
		submission_save(sub);
		out_send(s->chan, MSG_send_item, &m, fd);
	}
	blob_release(&raw);
	wbuf_free(&rcpts);
	return fd != -2;
}

static void
give_next(struct sender *s)
{
	struct submission sub;
	uint64_t id;
	bool ok;

	if (s->chan == NULL || s->item != 0 || s->quitting)
		return;
	s->turn = db_turn();
	while ((id = submit_next(s->account)) != 0 && submission_load(&sub, s->account, id)) {
		if (!(ok = hand(s, &sub))) {
			item_forget(s);
			submission_undue(&sub);
			log_error("submission without content link=%u submission=%llu", s->account,
			    (unsigned long long)id);
			submit_answered(&sub, &(struct send_answer){ .result = SEND_PERM,
			    .code = slice_str("store.corrupt") });
		}
		submission_free(&sub);
		if (ok)
			return;
	}
	quit(s);
}

/* ---- what the worker says ---- */

/* It speaks of the message it was given and of no other. */
static bool
has_item(const struct sender *s, uint64_t submission)
{
	unsigned int strays = 0;

	if (s->item != 0 && submission == s->item)
		return true;
	if (foreign_owner(s->chan, T_submission, submission, &strays) == OWNER_SELF)
		log_error("a worker names a message it was not given link=%u submission=%llu", s->account,
		    (unsigned long long)submission);
	return false;
}

static int
on_send_rcpt(struct chan *c, const union msg *m, int *fd)
{
	struct sender *s = chan_ctx(c);
	const struct msg_send_rcpt *r = &m->send_rcpt;
	struct rcpt_answer *a;

	(void)fd;
	if (!has_item(s, r->submission) || r->index >= s->nrcpts)
		return -1;
	a = &s->rcpts[r->index];
	a->reply = r->reply;
	(void)slice_copy(r->code, a->code, sizeof(a->code));
	(void)slice_copy(r->text, a->text, sizeof(a->text));
	return 0;
}

/* All but the final dot is written. It may only follow once this is durable:
 * data_go leaves after the commit. */
static int
on_data_sent(struct chan *c, const union msg *m, int *fd)
{
	struct sender *s = chan_ctx(c);
	struct submission sub;

	(void)fd;
	if (!has_item(s, m->data_sent.submission))
		return -1;
	s->turn = db_turn();
	if (!submission_load(&sub, s->account, s->item))
		return 0;
	sub.row.rec.phase = SUBP_DATA_SENT;
	submission_save(&sub);
	submission_free(&sub);
	out_send(c, MSG_data_go, &(struct msg_data_go){ .submission = s->item }, OUT_NOFD);
	return 0;
}

/* A login that fails says nothing about the message. */
static bool
is_about_login(struct slice code)
{
	static const char *const classes[] = { "auth.", "net.", "tls.", "vault.", "oauth." };

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		if (code.n > strlen(classes[i]) && memcmp(code.p, classes[i], strlen(classes[i])) == 0)
			return true;
	return false;
}

static enum send_result
result_of(const struct msg_send_done *m, const struct submission *sub)
{
	if (m->result < SEND_OK || m->result > SEND_UNCERTAIN)
		return sub->row.rec.phase >= SUBP_DATA_SENT ? SEND_UNCERTAIN : SEND_TEMP;
	/* Before the dot nothing can be uncertain, and nothing can be sent. */
	if (sub->row.rec.phase < SUBP_DATA_SENT && (m->result == SEND_UNCERTAIN || m->result == SEND_OK))
		return SEND_TEMP;
	return m->result == SEND_PERM && is_about_login(m->code) ? SEND_TEMP : m->result;
}

static int
on_send_done(struct chan *c, const union msg *m, int *fd)
{
	struct sender *s = chan_ctx(c);
	const struct msg_send_done *d = &m->send_done;
	struct submission sub;

	(void)fd;
	if (!has_item(s, d->submission))
		return -1;
	s->turn = db_turn();
	if (submission_load(&sub, s->account, s->item)) {
		struct send_answer a = { .result = result_of(d, &sub), .reply = d->reply, .code = d->code,
			.text = d->text, .rcpts = s->rcpts, .nrcpts = s->nrcpts };

		if (a.result != SEND_TEMP)
			s->fails = 0;
		submit_answered(&sub, &a);
		submission_free(&sub);
	}
	item_forget(s);
	give_next(s);
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_send_rcpt] = on_send_rcpt,
	[MSG_data_sent] = on_data_sent,
	[MSG_send_done] = on_send_done,
};

/* ---- life ---- */

static void
on_eof(struct chan *c)
{
	struct sender *s = chan_ctx(c);

	if (s->quitting && s->item == 0)
		s->fails = 0;
	worker_lost(s);
}

static void
on_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	worker_lost(chan_ctx(c));
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

void
smtp_peer(const struct chan_peer *peer, int fd)
{
	struct sender *s;
	char from[LIM_ADDRESS + 1] = "";

	if (!link_exists(peer->unit)) {
		close(fd);	/* removed while its worker was on its way */
		return;
	}
	s = sender_of(peer->unit);

	if (s->chan != NULL)
		worker_lost(s);
	if ((s->chan = loop_chan(fd, peer, &ops, s)) == NULL)
		fatal("out of memory");
	s->quitting = false;
	(void)link_address(s->account, from);
	out_send(s->chan, MSG_send_config, &(struct msg_send_config){ .from = slice_str(from) }, OUT_NOFD);
	give_next(s);
}

static bool
may_send(uint32_t account)
{
	struct row_link row;
	bool may;

	if (!row_link_get(&row, KEY(link, .no = account)))
		return false;
	may = link_may_run(&row.rec) && row.rec.mode != MODE_RECEIVE_ONLY;
	row_link_free(&row);
	return may;
}

void
sender_want(uint32_t account)
{
	struct sender *s = sender_of(account);
	uint64_t now = store_ticks();

	if (s->chan != NULL) {
		give_next(s);
		return;
	}
	if (now < s->not_before || (s->started != 0 && now < s->started + LIM_SENDER_START_SECONDS) || !may_send(account))
		return;
	s->started = now;
	link_start_smtp(account);
}

void
sender_gone(uint32_t account)
{
	struct sender *s = sender_of(account);

	/* Its channel says the same; this is for one that died before it had one. */
	if (s->chan == NULL && s->started != 0)
		worker_lost(s);
}

/* The turn was undone: a phase that is not stored must not be followed by the
 * final dot. Without its channel the worker drops the connection. The queue
 * settles what the database then still calls SENDING. */
static void
on_aborted(void)
{
	struct sender *s;

	LIST_FOREACH(s, &senders, entry) {
		if (s->chan == NULL || s->turn + 1 != db_turn())
			continue;
		channel_close(s);
		item_forget(s);
		s->started = 0;
		s->not_before = store_ticks() + LIM_SENDER_WAIT_SECONDS;
	}
}

void
sender_init(void)
{
	db_hook(DB_ABORTED, on_aborted);
}

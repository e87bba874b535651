#include "imap_session.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bind.h"
#include "child.h"
#include "foreign.h"
#include "ingest.h"
#include "journal.h"
#include "link.h"
#include "log.h"
#include "loop.h"
#include "push.h"
#include "seam.h"
#include "wake.h"

static LIST_HEAD(, imap_session) sessions = LIST_HEAD_INITIALIZER(sessions);
static bool drain_planned;

struct imap_session *
imap_session_of(uint32_t link)
{
	struct imap_session *s;

	LIST_FOREACH(s, &sessions, entry)
		if (s->link == link)
			return s;
	return NULL;
}

struct imap_folder *
imap_folder_of(struct imap_session *s, uint64_t mailbox)
{
	for (size_t i = 0; i < s->nfolders; i++)
		if (s->folders[i].id == mailbox)
			return &s->folders[i];
	return NULL;
}

void
imap_touch(struct imap_session *s)
{
	s->turn = db_turn();
	imap_due_by(s, store_ticks() + 1);
}

/* ---- rows ---- */

static void
row_free(struct imap_row *r)
{
	mime_cancel(r->job);
	body_close(&r->header);
	wbuf_free(&r->result);
	free(r->mem);
	free(r);
}

/* A copy of the message whose slices live as long as the row. */
static struct imap_row *
row_new(struct imap_session *s, enum msg_type type, const union msg *m)
{
	struct imap_row *r = calloc(1, sizeof(*r));
	struct wbuf w = { .max = LIM_CHAN_MSG };

	if (r == NULL)
		return NULL;
	msg_encode(&w, type, m);
	if (w.failed || msg_decode(type, wbuf_slice(&w), &r->m) == -1) {
		wbuf_free(&w);
		free(r);
		return NULL;
	}
	r->session = s;
	r->type = type;
	r->mem = w.p;
	return r;
}

static int
row_put(struct chan *c, enum msg_type type, const union msg *m, struct body *header)
{
	struct imap_session *s = chan_ctx(c);
	struct imap_row *r;

	if (s->nrows >= IMAP_QUEUE)
		return -1;
	if ((r = row_new(s, type, m)) == NULL) {
		db_fail("out of memory");
		return 0;
	}
	if (header != NULL) {
		r->header = *header;
		*header = (struct body){ 0 };
	}
	STAILQ_INSERT_TAIL(&s->rows, r, entry);
	s->nrows++;
	if (msg_table[type].class == MSGC_BULK)
		chan_hold(c);
	imap_touch(s);
	ingest_early(r);
	imap_drain(s);
	return 0;
}

static void
row_done(struct imap_session *s, struct imap_row *r)
{
	bool bulk = msg_table[r->type].class == MSGC_BULK;

	STAILQ_REMOVE_HEAD(&s->rows, entry);
	s->nrows--;
	row_free(r);
	if (bulk)
		chan_release(s->chan, 1);
}

/* The past and how far it is: nobody waits for these. */
static bool
may_wait(const struct imap_row *r)
{
	switch (r->type) {
	case MSG_message_header:
		return r->m.message_header.backfill;
	case MSG_mailbox_synced:
		return !r->m.mailbox_synced.complete;
	case MSG_sync_progress:
		return r->m.sync_progress.phase == PHASE_HEADERS;
	default:
		return false;
	}
}

static enum ingest
row_ingest(struct imap_row *r)
{
	enum ingest state;

	if (!may_wait(r))
		return ingest_row(r);
	db_patient();
	state = ingest_row(r);
	db_patient_end();
	return state;
}

void
imap_drain(struct imap_session *s)
{
	struct imap_row *r;
	enum ingest state = INGEST_DONE;

	while (!s->sliced && state == INGEST_DONE && (r = STAILQ_FIRST(&s->rows)) != NULL) {
		imap_touch(s);
		if ((state = row_ingest(r)) == INGEST_DONE)
			row_done(s, r);
	}
	if (state == INGEST_AGAIN) {
		s->sliced = true;
		imap_drain_later(s);
	}
	ingest_pump(s);
	journal_run(s);
}

static void
drain_all(void *unused)
{
	struct imap_session *s, *next;

	(void)unused;
	drain_planned = false;
	for (s = LIST_FIRST(&sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (!s->drain)
			continue;
		s->drain = s->sliced = false;
		imap_due_by(s, store_ticks() + 1);
		imap_drain(s);
	}
}

void
imap_drain_later(struct imap_session *s)
{
	s->drain = true;
	s->journal_any = true;	/* who asks may have added to it after it was looked through */
	if (drain_planned)
		return;
	drain_planned = db_later(drain_all, NULL);
}

void
imap_drain_of(uint32_t link)
{
	struct imap_session *s = imap_session_of(link);

	if (s != NULL)
		imap_drain_later(s);
}

/* ---- handlers: everything but bodies goes into the queue ---- */

#define QUEUED(name)                                                                                                   \
	static int on_##name(struct chan *c, const union msg *m, int *fd)                                              \
	{                                                                                                              \
		(void)fd;                                                                                              \
		return row_put(c, MSG_##name, m, NULL);                                                                \
	}
QUEUED(mailbox_found)
QUEUED(mailbox_list_end)
QUEUED(sync_progress)
QUEUED(sync_fresh)

/* True: this folder is the link's. Else *rc is what the handler returns. */
static bool
own_folder(struct chan *c, uint64_t mailbox, int *rc)
{
	struct imap_session *s = chan_ctx(c);
	enum owner owner = OWNER_SELF;

	if (imap_folder_of(s, mailbox) == NULL)
		owner = foreign_owner(c, T_mailbox, mailbox, &s->strays);
	*rc = owner == OWNER_OTHER ? -1 : 0;
	return owner == OWNER_SELF;
}

#define QUEUED_OF_FOLDER(name)                                                                                         \
	static int on_##name(struct chan *c, const union msg *m, int *fd)                                              \
	{                                                                                                              \
		int rc;                                                                                                \
		(void)fd;                                                                                              \
		return own_folder(c, m->name.mailbox, &rc) ? row_put(c, MSG_##name, m, NULL) : rc;                     \
	}
QUEUED_OF_FOLDER(mailbox_open)
QUEUED_OF_FOLDER(message_flags)
QUEUED_OF_FOLDER(uids_present)
QUEUED_OF_FOLDER(uids_vanished)
QUEUED_OF_FOLDER(mailbox_synced)

/* Mailbox 0: it concerns the link. */
static int
on_sync_error(struct chan *c, const union msg *m, int *fd)
{
	int rc;

	(void)fd;
	if (m->sync_error.mailbox != 0 && !own_folder(c, m->sync_error.mailbox, &rc))
		return rc;
	return row_put(c, MSG_sync_error, m, NULL);
}

static int
on_op_done(struct chan *c, const union msg *m, int *fd)
{
	struct imap_session *s = chan_ctx(c);
	enum owner owner = OWNER_SELF;

	(void)fd;
	if (!journal_knows(s, m->op_done.op))
		owner = foreign_owner(c, T_pending, m->op_done.op, &s->strays);
	if (owner != OWNER_SELF)
		return owner == OWNER_OTHER ? -1 : 0;
	return row_put(c, MSG_op_done, m, NULL);
}

static int
on_message_header(struct chan *c, const union msg *m, int *fd)
{
	union msg copy = *m;
	struct body b;
	int r;

	if (!own_folder(c, m->message_header.mailbox, &r))
		return r;
	if (body_keep(&b, m->message_header.header, fd) == -1)
		return -1;
	copy.message_header.header = SLICE_NONE;
	r = row_put(c, MSG_message_header, &copy, &b);
	body_close(&b);
	return r;
}

static int
on_message_body(struct chan *c, const union msg *m, int *fd)
{
	struct imap_session *s = chan_ctx(c);
	struct body b;
	int rc;

	if (!own_folder(c, m->message_body.mailbox, &rc))
		return rc;
	if (body_keep(&b, m->message_body.data, fd) == -1)
		return -1;
	imap_touch(s);
	if (ingest_body(s, &m->message_body, &b))
		chan_hold(c);
	body_close(&b);
	ingest_pump(s);
	return 0;
}

static const chan_handler handlers[MSG__COUNT] = {
	[MSG_mailbox_found] = on_mailbox_found,
	[MSG_mailbox_list_end] = on_mailbox_list_end,
	[MSG_mailbox_open] = on_mailbox_open,
	[MSG_message_header] = on_message_header,
	[MSG_message_flags] = on_message_flags,
	[MSG_uids_present] = on_uids_present,
	[MSG_uids_vanished] = on_uids_vanished,
	[MSG_mailbox_synced] = on_mailbox_synced,
	[MSG_sync_progress] = on_sync_progress,
	[MSG_sync_fresh] = on_sync_fresh,
	[MSG_sync_error] = on_sync_error,
	[MSG_message_body] = on_message_body,
	[MSG_op_done] = on_op_done,
};

/* ---- life ---- */

static void
session_end(struct imap_session *s)
{
	struct imap_row *r;

	LIST_REMOVE(s, entry);
	while ((r = STAILQ_FIRST(&s->rows)) != NULL) {
		STAILQ_REMOVE_HEAD(&s->rows, entry);
		row_free(r);
	}
	for (size_t i = 0; i < LIM_BODIES_ASKED; i++)
		mime_cancel(s->bodies[i].job);
	journal_end(s);
	out_forget(s->chan);
	chan_free(s->chan);
	free(s->folders);
	free(s);
}

void
imap_stop(struct imap_session *s)
{
	session_end(s);
}

static void
on_eof(struct chan *c)
{
	session_end(chan_ctx(c));
}

static void
on_broken(struct chan *c, const char *reason)
{
	child_report_broken(c, reason);
	session_end(chan_ctx(c));
}

static const struct chan_ops ops = { .handlers = handlers, .on_eof = on_eof, .on_broken = on_broken };

static void
worker_end(struct imap_session *s)
{
	struct msg_worker_stop m = { .unit = s->link, .role = ROLE_IMAP };

	session_end(s);
	if (child.master != NULL)
		(void)send_worker_stop(child.master, &m);
}

void
imap_worker_again(uint32_t link)
{
	if (child.master != NULL)
		(void)send_worker_start(child.master,
		    &(struct msg_worker_start){ .unit = link, .role = ROLE_IMAP, .keep = true });
}

void
imap_restart(struct imap_session *s)
{
	uint32_t link = s->link;

	worker_end(s);
	imap_worker_again(link);
}

static void
send_config(struct imap_session *s)
{
	struct row_link row;
	struct link_policy p;

	if (link_policy(s->link, &p) == -1 || !row_link_get(&row, KEY(link, .no = s->link)))
		return;
	out_send(s->chan, MSG_sync_config,
	    &(struct msg_sync_config){ .first = p.first, .period_days = p.period_days,
		.all_folders = row.rec.all_folders, .inbox = row.rec.inbox, .sent = row.rec.sent,
		.also = row.rec.also, .host = row.rec.imap_host },
	    OUT_NOFD);
	row_link_free(&row);
}

void
imap_settings(struct imap_session *s)
{
	s->sweep = true;
	imap_touch(s);	/* if the turn fails, a fresh worker asks for them */
	send_config(s);
}

void
imap_peer(const struct chan_peer *peer, int fd)
{
	struct imap_session *s = imap_session_of(peer->unit);

	/* Removed while its worker was on its way: nothing may be written for it. */
	if (!link_exists(peer->unit)) {
		close(fd);
		return;
	}
	if (s != NULL)
		session_end(s);	/* its end comes after its successor */
	if ((s = calloc(1, sizeof(*s))) == NULL)
		fatal("out of memory");
	s->link = peer->unit;
	s->look_at = WAKE_NEVER;
	STAILQ_INIT(&s->rows);
	if ((s->chan = loop_chan(fd, peer, &ops, s)) == NULL)
		fatal("out of memory");
	chan_set_between(s->chan, push_hear);
	LIST_INSERT_HEAD(&sessions, s, entry);
	link_now_reset(s->link);
	imap_touch(s);	/* if the turn fails, its configuration is not sent */
	send_config(s);
}

/* What came too late for the turn has its own. */
static void
turn_over(void)
{
	struct imap_session *s;

	LIST_FOREACH(s, &sessions, entry)
		if (s->drain_after) {
			s->drain_after = false;
			imap_drain_later(s);
		}
}

/* The turn was undone: what the worker told in it is lost here and forgotten
 * there. It starts over from the position that is stored. */
static void
on_aborted(void)
{
	struct imap_session *s, *next;
	uint32_t link;

	for (s = LIST_FIRST(&sessions); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->turn + 1 != db_turn())
			continue;
		link = s->link;
		worker_end(s);
		imap_rest(link);
	}
	turn_over();
}

static void
on_due(void)
{
	uint64_t now = store_ticks();
	struct imap_session *s;

	imap_due_rest(imap_rest_over());
	LIST_FOREACH(s, &sessions, entry) {
		if (s->look_at <= now) {
			ingest_release(s);
			ingest_pump(s);
			journal_run(s);
			s->look_at = imap_due_next(s);
		}
		imap_due_by(s, s->look_at);
	}
}

void
imap_init(void)
{
	imap_due_init(on_due);
	db_hook(DB_COMMITTED, turn_over);
	db_hook(DB_ABORTED, on_aborted);
}

/*
 * hello.c - a connection from CAPABILITY to work: who are you, who am I, what
 * may be used, which folders are there and which of them have changed.
 *
 * Only CAPABILITY is waited for, where the server has not told it with the
 * login. ID, ENABLE, the SELECT of INBOX, NAMESPACE and LIST go out together,
 * and where STATUS comes with LIST (RFC 5819) or can be asked, folders that are
 * as they were need no SELECT: an unchanged mailbox costs one or two round trips.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"
#include "utf7.h"

#include <string.h>

static void
ask_capability(struct engine *e)
{
	e->asked_at = clock_ms();
	(void)imap_begin(&e->writer, CMD_CAPABILITY);
	imap_text(&e->writer, "CAPABILITY");
	(void)imap_end(&e->writer);
}

void
session_start(struct engine *e, bool told)
{
	imap_writer_reset(&e->writer);
	e->caps = 0;
	quirks_init(&e->quirks);
	quirks_host(&e->quirks, wbuf_slice(&e->server));
	e->ask_names = e->names_new = false;	/* all are listed soon */
	e->state = ENGINE_CAPABILITY;
	e->timed = false;
	e->told = told;
	if (!told)
		ask_capability(e);
}

/* RFC 2971. A name and a version, nothing of the machine or the mailbox; some
 * servers refuse SELECT to programs without a name. */
void
hello_who(struct imap_writer *w)
{
	(void)imap_begin(w, CMD_ID);
	imap_text(w, "ID (\"name\" \"Postern\" \"version\" \"%s\")", POSTERN_VERSION);
	(void)imap_end(w);
}

/* Only what is used (RFC 5161): QRESYNC brings CONDSTORE with it, UTF8=ACCEPT
 * messages and names as they are. */
static void
enable(struct engine *e)
{
	bool qresync = !e->probe && (e->caps & CAP_QRESYNC) != 0, utf8 = (e->caps & CAP_UTF8) != 0;

	if ((e->caps & CAP_ENABLE) == 0 || (!qresync && !utf8))
		return;
	(void)imap_begin(&e->writer, CMD_ENABLE);
	imap_text(&e->writer, "ENABLE%s%s", qresync ? " QRESYNC" : "", utf8 ? " UTF8=ACCEPT" : "");
	(void)imap_end(&e->writer);
}

/* MODSEQ only where the server knows it; SIZE makes it look at each message, so
 * only while compression is undecided. */
static void
status_items(struct engine *e, bool size)
{
	imap_text(&e->writer, "(MESSAGES UIDNEXT UIDVALIDITY%s%s)", e->condstore ? " HIGHESTMODSEQ" : "",
	    size && (e->caps & CAP_STATUS_SIZE) != 0 ? " SIZE" : "");
}

void
hello_status_ask(struct engine *e, struct folder *f, enum command command)
{
	imap_begin(&e->writer, command)->folder = f;
	imap_text(&e->writer, "STATUS ");
	imap_mailbox(&e->writer, slice_str(f->raw_name));
	imap_text(&e->writer, " ");
	/* Alone: beside other items Cyrus 3.6 answers it with bytes of its memory. */
	if (e->state == ENGINE_STATUS)
		imap_text(&e->writer, "(MAILBOXID)");
	else
		status_items(e, false);
	(void)imap_end(&e->writer);
}

static void
list(struct engine *e, struct slice root)
{
	struct wbuf pattern;
	bool status = (e->caps & CAP_LIST_STATUS) != 0 && !e->probe && e->before.n <= LIM_LIST_STATUS;

	wbuf_init(&pattern, LIM_MAILBOX_NAME + 1);
	w_raw(&pattern, root.p, root.n);
	w_u8(&pattern, '*');
	(void)imap_begin(&e->writer, CMD_LIST);
	imap_text(&e->writer, "LIST \"\" ");
	imap_mailbox(&e->writer, wbuf_slice(&pattern));
	wbuf_free(&pattern);
	if ((e->caps & CAP_LIST_EXTENDED) != 0 && !e->list_plain && (status || (e->caps & CAP_SPECIAL_USE) != 0)) {
		imap_text(&e->writer, " RETURN (%s", (e->caps & CAP_SPECIAL_USE) != 0 ? "SPECIAL-USE" : "");
		if (status) {
			imap_text(&e->writer, "%sSTATUS ", (e->caps & CAP_SPECIAL_USE) != 0 ? " " : "");
			status_items(e, compress_possible(e) && !e->was_live);
		}
		imap_text(&e->writer, ")");
	}
	(void)imap_end(&e->writer);
}

/* Sequence numbers and news of a folder are of no use while there is a new list. */
static void
unselect(struct engine *e)
{
	bool selected = e->sel.folder != NULL;

	select_leave(e);
	if (!selected || (e->caps & CAP_UNSELECT) == 0)
		return;
	(void)imap_begin(&e->writer, CMD_UNSELECT);
	imap_text(&e->writer, "UNSELECT");
	(void)imap_end(&e->writer);
}

static void
list_begin(struct engine *e)
{
	unselect(e);
	if (e->before.n > 0)
		folders_free(&e->folders);	/* of a list that broke off */
	else
		e->before = e->folders;
	e->folders = (struct folders){ 0 };
	e->relist = e->live = e->foreign_asked = false;
	e->task = TASK_NONE;
	e->progress_done = e->progress_total = 0;
	e->state = ENGINE_LIST;
	sync_progress(e, PHASE_LISTING);
}

static void
list_ask(struct engine *e)
{
	if ((e->caps & CAP_NAMESPACE) != 0) {
		(void)imap_begin(&e->writer, CMD_NAMESPACE);
		imap_text(&e->writer, "NAMESPACE");
		(void)imap_end(&e->writer);
	}
	list(e, SLICE_NONE);
}

void
session_list(struct engine *e)
{
	list_begin(e);
	list_ask(e);
}

/* INBOX is there under this name wherever it is (RFC 3501 s. 5.1). */
static void
select_inbox(struct engine *e)
{
	const struct folder *f = folders_by_name(&e->before, slice_str("INBOX"));

	if (e->probe || (e->inbox.n > 0 && !slice_case_eq_str(wbuf_slice(&e->inbox), "INBOX")) ||
	    (f != NULL && (clock_ms() < f->retry_at || !f->synced)))
		return;
	select_begin(e, NULL);
}

void
hello_capable(struct engine *e)
{
	e->asked_at = clock_ms();
	imap_writer_caps(&e->writer, e->caps);
	e->condstore = (e->caps & CAP_CONDSTORE) != 0;
	quirks_caps(&e->quirks, e->caps);
	e->list_plain = false;
	if ((e->caps & CAP_ID) != 0)
		hello_who(&e->writer);
	enable(e);
	list_begin(e);
	/* Before LIST: the STATUS of a folder that is open is at hand, and many a
	 * server reads through a large one for it. */
	select_inbox(e);
	list_ask(e);
}

/* Most servers tell them with the OK to the login (RFC 3501 s. 7.1). */
void
hello_told(struct engine *e, const struct imap_response *r)
{
	e->told = false;
	if (r->status == IMAP_OK && r->code == IMAP_CODE_CAPABILITY)
		hello_capable(e);
	else
		ask_capability(e);
}

void
hello_server(struct engine *e, const struct imap_server *s)
{
	quirks_id(&e->quirks, s->name);
	quirks_id(&e->quirks, s->vendor);
}

void
hello_enabled(struct engine *e, uint32_t caps)
{
	if (imap_pending(&e->writer, CMD_ENABLE) == NULL)
		return;
	if ((caps & CAP_QRESYNC) != 0)
		e->qresync = e->condstore = true;
	if ((caps & CAP_UTF8) != 0)
		e->writer.utf8 = true;
}

/* ---- what LIST and STATUS say ---- */

/* Names are kept in modified UTF-7 whatever the server speaks: the store knows
 * folders by them, and a server may learn UTF8=ACCEPT one day. */
static struct slice
kept_name(struct engine *e, struct slice name)
{
	wbuf_reset(&e->scratch);
	if (!e->writer.utf8 || utf7_encode(name, &e->scratch) == -1)
		return name;
	return wbuf_slice(&e->scratch);
}

void
hello_list(struct engine *e, const struct imap_list *l)
{
	struct imap_list kept = *l;

	kept.name = kept_name(e, l->name);
	names_row(e, &kept);
	if (imap_pending(&e->writer, CMD_LIST) != NULL)
		folders_add(&e->folders, &kept);
}

void
hello_namespaces(struct engine *e, const struct imap_spaces *s)
{
	size_t i;

	if (imap_pending(&e->writer, CMD_NAMESPACE) == NULL)
		return;
	for (i = 0; i < s->n; i++)
		folders_space(&e->folders, s->v[i].kind, kept_name(e, s->v[i].prefix), s->v[i].separator);
}

static void
take_status(struct folder *f, const struct imap_mailbox_status *m)
{
	if (m->has_messages) {
		f->status = *m;
		f->status.name = f->status.objectid = SLICE_NONE;
		f->status_known = true;
	}
	if (m->objectid.n > 0)
		(void)slice_copy(m->objectid, f->objectid, sizeof(f->objectid));
}

void
hello_status(struct engine *e, const struct imap_mailbox_status *m)
{
	struct folder *f = folders_by_name(&e->folders, kept_name(e, m->name));

	if (f == NULL)
		return;
	if (e->state == ENGINE_LIST || e->state == ENGINE_STATUS)
		take_status(f, m);
	else
		live_status(e, f, m);
}

/* ---- the folders ---- */

static void
tell_found(struct engine *e)
{
	struct msg_mailbox_list_end end = { .count = (uint32_t)e->folders.n };
	size_t i;

	for (i = 0; i < e->folders.n; i++) {
		const struct folder *f = &e->folders.v[i];
		struct msg_mailbox_found m = { .raw_name = slice_str(f->raw_name), .name = slice_str(f->name),
			.separator = f->separator, .role = f->role, .selectable = f->selectable, .synced = f->synced,
			.objectid = slice_str(f->objectid) };

		report_send(&e->report, MSG_mailbox_found, &m, -1);
	}
	report_send(&e->report, MSG_mailbox_list_end, &end, -1);
	e->state = ENGINE_BIND;
	session_bound(e);
}

static void
warn_once(struct engine *e)
{
	/* Said once: each listing finds out the same. */
	if (folders_role(&e->folders, MBOX_SENT) == NULL && !e->no_sent_told) {
		e->no_sent_told = true;
		engine_sync_error(e, 0, "sync.sent_folder_unknown", SLICE_NONE);
	}
	if ((e->caps & CAP_GMAIL) != 0 && folders_role(&e->folders, MBOX_ALL) == NULL && !e->no_all_told) {
		e->no_all_told = true;
		engine_sync_error(e, 0, "sync.allmail_hidden", SLICE_NONE);
	}
}

/* All folders have their number (operations may mean any of them): the work begins. */
void
session_bound(struct engine *e)
{
	size_t i;

	if (e->state != ENGINE_BIND)
		return;
	for (i = 0; i < e->folders.n; i++) {
		if (e->folders.v[i].selectable && e->folders.v[i].id == 0)
			return;
	}
	e->state = ENGINE_RUN;
	e->notify = NOTIFY_OFF;	/* the folders may be others now */
	e->list_at = clock_ms() + LIM_RELIST_SECONDS * 1000;
	e->proof_at = clock_ms() + engine_proof_ms(e);
	warn_once(e);
	/* INBOX was selected before it had a number. */
	if (e->sel.folder != NULL)
		select_settled(e);
	engine_turn(e);
}

/* Its position is known now: is there anything that a round would find? */
bool
hello_changed(struct engine *e, struct folder *f)
{
	if (f->pos.uidvalidity == 0)
		return true;
	/* Deletions need no listing where VANISHED tells them; the first one is not far all the same. */
	if (e->qresync && f->reconcile_at == 0)
		f->reconcile_at = clock_ms() + LIM_RECONCILE_FIRST_SECONDS * 1000;
	if (f == e->wanted || f == e->sel.folder)
		return false;	/* SELECT tells it */
	if (!e->condstore || f->pos.modseq == 0 || (!e->qresync && f->messages == 0))
		return true;
	if (f->status_known && f->status.has_modseq) {
		if (live_differs(e, f, &f->status))
			return true;
		f->messages = f->status.messages;
		f->looked_at = clock_ms();
		live_looked_at(e, f);
	} else
		f->poll_at = 0;
	return false;
}

/* The id of each folder, as many at once as are allowed. */
static void
ask_status(struct engine *e)
{
	for (; e->cursor < e->folders.n && imap_can_begin(&e->writer); e->cursor++) {
		struct folder *f = &e->folders.v[e->cursor];

		if (f->selectable)
			hello_status_ask(e, f, CMD_STATUS);
	}
	if (e->cursor == e->folders.n && imap_pending(&e->writer, CMD_STATUS) == NULL)
		tell_found(e);
}

/* Folders of others are only of interest to who names some of them. */
static bool
ask_foreign(struct engine *e)
{
	const struct folders *fs = &e->folders;
	size_t i, n = 0;

	if (e->foreign_asked || e->also.n == 0)
		return false;
	e->foreign_asked = true;
	for (i = 0; i < fs->nspaces && n < LIM_FOREIGN_LISTS && imap_can_begin(&e->writer); i++) {
		if (!folders_space_unlisted(fs, i))
			continue;
		list(e, slice_str(fs->spaces[i].prefix));
		n++;
	}
	return n > 0;
}

static void
listed(struct engine *e)
{
	const struct msg_sync_config c = { .all_folders = e->all_folders, .inbox = wbuf_slice(&e->inbox),
		.sent = wbuf_slice(&e->sent), .also = wbuf_slice(&e->also) };

	e->folders.labels = (e->caps & CAP_GMAIL) != 0;
	folders_choose(&e->folders, &c);
	folders_inherit(&e->folders, &e->before);
	select_tie(e, folders_by_name(&e->folders, slice_str("INBOX")));
	e->cursor = 0;
	if (e->probe)
		e->state = ENGINE_PROBE;
	else if ((e->caps & CAP_OBJECTID) != 0)
		e->state = ENGINE_STATUS;
	else
		tell_found(e);
}

void
hello_listed(struct engine *e, const struct imap_response *r)
{
	/* Says it can, and cannot: a plain LIST. */
	if (r->status == IMAP_BAD && !e->list_plain && (e->caps & CAP_LIST_EXTENDED) != 0) {
		e->list_plain = true;
		list(e, SLICE_NONE);
		return;
	}
	if (r->status != IMAP_OK && !e->foreign_asked) {
		engine_drop(e, engine_code(r, "sync.list_empty"), r->text);
		return;
	}
	if (e->folders.n == 0) {
		engine_drop(e, "sync.list_empty", SLICE_NONE);
		return;
	}
	if (imap_pending(&e->writer, CMD_LIST) == NULL && !ask_foreign(e))
		listed(e);
}

void
session_turn(struct engine *e)
{
	if (e->state == ENGINE_STATUS)
		ask_status(e);
	else if (e->state == ENGINE_PROBE && e->writer.npending == 0)
		probe_turn(e);
}

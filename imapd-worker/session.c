/*
 * session.c - a connection from CAPABILITY to the list of folders, and the
 * distribution of everything the server says.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"

#include <string.h>

void
session_start(struct engine *e)
{
	imap_writer_reset(&e->writer);
	e->caps = 0;
	e->ask_names = e->names_new = false;	/* all are listed soon */
	e->state = ENGINE_CAPABILITY;
	(void)imap_begin(&e->writer, CMD_CAPABILITY);
	imap_text(&e->writer, "CAPABILITY");
	(void)imap_end(&e->writer);
}

void
session_list(struct engine *e)
{
	select_leave(e);
	if (e->before.n > 0)
		folders_free(&e->folders);	/* of a list that broke off */
	else
		e->before = e->folders;
	e->folders = (struct folders){ 0 };
	e->relist = e->live = false;
	e->task = TASK_NONE;
	e->progress_done = e->progress_total = 0;
	e->state = ENGINE_LIST;
	sync_progress(e, PHASE_LISTING);
	(void)imap_begin(&e->writer, CMD_LIST);
	imap_text(&e->writer, "LIST \"\" \"*\"");
	if ((e->caps & (CAP_SPECIAL_USE | CAP_LIST_EXTENDED)) == (CAP_SPECIAL_USE | CAP_LIST_EXTENDED))
		imap_text(&e->writer, " RETURN (SPECIAL-USE)");
	(void)imap_end(&e->writer);
}

/* ENABLE only what is used (RFC 5161): QRESYNC brings CONDSTORE with it. */
static void
enable(struct engine *e)
{
	e->writer.caps = e->caps;
	e->condstore = (e->caps & CAP_CONDSTORE) != 0;
	if (e->probe || (e->caps & (CAP_QRESYNC | CAP_ENABLE)) != (CAP_QRESYNC | CAP_ENABLE)) {
		session_list(e);
		return;
	}
	e->state = ENGINE_ENABLE;
	(void)imap_begin(&e->writer, CMD_ENABLE);
	imap_text(&e->writer, "ENABLE QRESYNC");
	(void)imap_end(&e->writer);
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
	e->proof_at = clock_ms() + LIM_PROOF_SECONDS * 1000;
	/* Said once: each listing finds out the same. */
	if (folders_role(&e->folders, MBOX_SENT) == NULL && !e->no_sent_told) {
		e->no_sent_told = true;
		engine_sync_error(e, 0, "sync.sent_folder_unknown", SLICE_NONE);
	}
	engine_turn(e);
}

/* One STATUS for each folder, as many at once as are allowed. */
static void
ask_objectids(struct engine *e)
{
	for (; e->cursor < e->folders.n && imap_can_begin(&e->writer); e->cursor++) {
		struct folder *f = &e->folders.v[e->cursor];
		struct pending *p;

		if (!f->selectable)
			continue;
		p = imap_begin(&e->writer, CMD_OBJECTID);
		p->folder = f;
		imap_text(&e->writer, "STATUS ");
		imap_mailbox(&e->writer, slice_str(f->raw_name));
		imap_text(&e->writer, " (MAILBOXID)");
		(void)imap_end(&e->writer);
	}
	if (e->cursor == e->folders.n && e->writer.npending == 0)
		tell_found(e);
}

static void
list_ended(struct engine *e, const struct imap_response *r)
{
	const struct msg_sync_config c = { .all_folders = e->all_folders, .inbox = wbuf_slice(&e->inbox),
		.sent = wbuf_slice(&e->sent), .also = wbuf_slice(&e->also) };

	if (r->status != IMAP_OK) {
		engine_drop(e, engine_code(r, "sync.list_empty"), r->text);
		return;
	}
	if (e->folders.n == 0) {
		engine_drop(e, "sync.list_empty", SLICE_NONE);
		return;
	}
	folders_choose(&e->folders, &c);
	folders_inherit(&e->folders, &e->before);
	e->cursor = 0;
	if (e->probe)
		e->state = ENGINE_PROBE;
	else if ((e->caps & CAP_OBJECTID) != 0)
		e->state = ENGINE_OBJECTIDS;
	else
		tell_found(e);
}

static void
take_objectid(struct engine *e, const struct imap_mailbox_status *m)
{
	struct folder *f = folders_by_name(&e->folders, m->name);

	if (f != NULL && m->objectid.n > 0 && memchr(m->objectid.p, '\0', m->objectid.n) == NULL)
		(void)slice_copy(m->objectid, f->objectid, sizeof(f->objectid));
}

void
session_turn(struct engine *e)
{
	if (e->state == ENGINE_OBJECTIDS)
		ask_objectids(e);
	else if (e->state == ENGINE_PROBE && e->writer.npending == 0)
		probe_turn(e);
}

/* ---- what the server says ---- */

void
session_tagged(struct engine *e, const struct pending *p, struct imap_response *r)
{
	if (r->code == IMAP_CODE_CAPABILITY)
		e->caps = r->caps;
	switch (p->command) {
	case CMD_CAPABILITY:
		if (r->status == IMAP_OK)
			enable(e);
		else
			engine_protocol_error(e, "CAPABILITY refused");
		break;
	case CMD_ENABLE:
		session_list(e);
		break;
	case CMD_LIST:
		list_ended(e, r);
		break;
	case CMD_OBJECTID:
		break;
	case CMD_NAMES:
		names_tagged(e);
		break;
	case CMD_SELECT:
		select_tagged(e, p, r);
		break;
	case CMD_POLL:
	case CMD_NOOP:
	case CMD_IDLE:
		live_tagged(e, p, r);
		break;
	case CMD_NOTIFY:
		notify_tagged(e, r);
		break;
	case CMD_SIZES:
	case CMD_BODY:
		bodies_tagged(e, p, r);
		break;
	case CMD_OP:
	case CMD_OP_LOOK:
	case CMD_OP_FIND:
		ops_tagged(e, p, r);
		break;
	case CMD_LOGOUT:
		e->host->leave(e->host_ctx);
		break;
	default:
		sync_tagged(e, p, r);
	}
}

static void
tagged(struct engine *e, struct imap_response *r)
{
	struct pending p;

	if (imap_finish(&e->writer, r->tag, &p) == -1)
		engine_protocol_error(e, "an answer to no command");
	else
		session_tagged(e, &p, r);
}

static void
continued(struct engine *e)
{
	if (e->idle == IDLE_ASKED)
		e->idle = IDLE_ON;
	else if (imap_continue(&e->writer) == -1)
		engine_protocol_error(e, "a continuation nobody waits for");
}

static void
untagged_status(struct engine *e, const struct imap_response *r)
{
	if (r->status == IMAP_BYE) {
		engine_drop(e, engine_code(r, "net.bye"), r->text);
		return;
	}
	if (r->code == IMAP_CODE_CAPABILITY)
		e->caps = r->caps;
	if (r->code == IMAP_CODE_NOTIFICATIONOVERFLOW)
		notify_overflow(e);
	if (imap_pending(&e->writer, CMD_SELECT) != NULL)
		select_response(e, r);
	if (r->code == IMAP_CODE_COPYUID || r->code == IMAP_CODE_APPENDUID)
		ops_untagged(e, r);
}

static void
enabled(struct engine *e, const struct imap_response *r)
{
	if (imap_pending(&e->writer, CMD_ENABLE) == NULL)
		return;
	if ((r->caps & CAP_QRESYNC) != 0)
		e->qresync = e->condstore = true;
}

static void
mailbox_status(struct engine *e, const struct imap_mailbox_status *m)
{
	if (e->state == ENGINE_OBJECTIDS)
		take_objectid(e, m);
	else
		live_status(e, m);
}

void
session_response(struct engine *e, struct imap_response *r)
{
	switch (r->kind) {
	case IMAP_CONTINUE:
		continued(e);
		break;
	case IMAP_TAGGED:
		tagged(e, r);
		break;
	case IMAP_STATUS:
		untagged_status(e, r);
		break;
	case IMAP_CAPABILITY:
		e->caps = r->caps;
		break;
	case IMAP_ENABLED:
		enabled(e, r);
		break;
	case IMAP_LIST:
		names_row(e, &r->list);
		if (imap_pending(&e->writer, CMD_LIST) != NULL)
			folders_add(&e->folders, &r->list,
			    (e->caps & (CAP_IMAP4REV1 | CAP_IMAP4REV2)) == CAP_IMAP4REV2);
		break;
	case IMAP_MAILBOX_STATUS:
		mailbox_status(e, &r->mailbox);
		break;
	case IMAP_EXISTS:
		rows_exists(e, (uint32_t)r->number);
		break;
	case IMAP_EXPUNGE:
		rows_expunge(e, (uint32_t)r->number);
		break;
	case IMAP_FETCH:
		rows_fetch(e, r);
		break;
	case IMAP_SEARCH:
	case IMAP_ESEARCH:
		rows_search(e, r);
		break;
	case IMAP_VANISHED:
		rows_vanished(e, r->set, r->earlier);
		break;
	case IMAP_OTHER:
		break;
	}
}

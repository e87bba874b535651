/*
 * session.c - everything the server says goes to who asked for it.
 */
#include "clock.h"
#include "engine.h"

void
session_tagged(struct engine *e, const struct pending *p, struct imap_response *r)
{
	if (r->code == IMAP_CODE_CAPABILITY)
		e->caps = r->caps;
	switch (p->command) {
	case CMD_CAPABILITY:
		if (r->status == IMAP_OK)
			hello_capable(e);
		else
			engine_protocol_error(e, "CAPABILITY refused");
		break;
	case CMD_ID:
	case CMD_ENABLE:
	case CMD_NAMESPACE:
	case CMD_STATUS:
	case CMD_UNSELECT:
		break;	/* what they bring is untagged, and all can be done without */
	case CMD_LIST:
		hello_listed(e, r);
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
	case CMD_COMPRESS:
		compress_tagged(e, r);
		break;
	case CMD_SIZES:
	case CMD_BODY:
		bodies_tagged(e, p, r);
		break;
	case CMD_OP:
	case CMD_OP_LOOK:
	case CMD_OP_FIND:
	case CMD_OP_MARKED:
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

	if (imap_finish(&e->writer, r->tag, &p) == -1) {
		engine_protocol_error(e, "an answer to no command");
		return;
	}
	if (!e->timed)
		e->rtt_ms = clock_ms() - e->asked_at;
	e->timed = true;
	reach_answered(e, &p);
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
	if (e->told)
		hello_told(e, r);
	if (r->code == IMAP_CODE_NOTIFICATIONOVERFLOW)
		notify_overflow(e);
	if (imap_pending(&e->writer, CMD_SELECT) != NULL)
		select_response(e, r);
	else if (r->code == IMAP_CODE_UIDVALIDITY && e->sel.folder != NULL && r->number != e->sel.uidvalidity) {
		/* Its UIDs are others from now on, also of what is on its way. */
		engine_drop(e, "sync.uidvalidity_changed", r->text);
		return;
	}
	if (r->code == IMAP_CODE_COPYUID || r->code == IMAP_CODE_APPENDUID)
		ops_untagged(e, r);
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
		hello_enabled(e, r->caps);
		break;
	case IMAP_LIST:
		hello_list(e, &r->list);
		break;
	case IMAP_MAILBOX_STATUS:
		hello_status(e, &r->mailbox);
		break;
	case IMAP_ID:
		hello_server(e, &r->server);
		break;
	case IMAP_NAMESPACE:
		hello_namespaces(e, &r->spaces);
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

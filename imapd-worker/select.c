/*
 * select.c - SELECT and what it tells. Always SELECT, never EXAMINE: only so
 * does the server tell honestly what may be written (READ-WRITE,
 * PERMANENTFLAGS), and write-back needs no second look. Messages are fetched
 * by PEEK alone, so nothing is marked as seen.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"

#include <string.h>

/* Did it tell of something that no round has looked into, or not to its end? */
static bool
owes_a_look(const struct engine *e)
{
	const struct selected *s = &e->sel;

	return s->arrived || s->expunged || s->flags_unknown || (e->task == TASK_ROUND && e->round.kind == ROUND_QUICK);
}

void
select_leave(struct engine *e)
{
	struct folder *f = e->sel.folder;

	/* It was watched until now. */
	if (f != NULL) {
		live_looked_at(e, f);
		f->dirty = f->dirty || owes_a_look(e);
	}
	e->sel = (struct selected){ 0 };
}

void
select_begin(struct engine *e, struct folder *f)
{
	struct pending *p;

	select_leave(e);
	e->wanted = f;
	p = imap_begin(&e->writer, CMD_SELECT);
	p->folder = f;
	imap_text(&e->writer, "SELECT ");
	imap_mailbox(&e->writer, slice_str(f != NULL ? f->raw_name : "INBOX"));
	/* With QRESYNC enabled every SELECT is CONDSTORE-aware (RFC 7162 s. 3.2.3). */
	if (e->condstore && !e->qresync && imap_pending(&e->writer, CMD_ENABLE) == NULL)
		imap_text(&e->writer, " (CONDSTORE)");
	if (imap_end(&e->writer) == -1)
		fatal("a folder's name cannot be written");
}

bool
select_folder(struct engine *e, struct folder *f)
{
	if (e->sel.folder == f)
		return true;
	select_begin(e, f);
	return false;
}

static void
selected(struct engine *e, struct folder *f)
{
	f->failures = 0;
	f->retry_at = 0;
	e->sel.untied = false;
	e->sel.folder = f;
	if (f->id != 0 || !f->synced)
		select_settled(e);
}

void
select_tie(struct engine *e, struct folder *inbox)
{
	struct pending *p = imap_pending(&e->writer, CMD_SELECT);

	if (p != NULL && p->folder == NULL)
		p->folder = e->wanted = inbox;
	else if (e->sel.untied && inbox != NULL)
		selected(e, inbox);
	else
		select_missed(e);	/* more folders than are kept, and it is not among them */
}

void
select_missed(struct engine *e)
{
	if (e->sel.untied)
		e->sel = (struct selected){ 0 };
}

/* Untagged data while SELECT is pending. */
void
select_response(struct engine *e, const struct imap_response *r)
{
	switch (r->code) {
	case IMAP_CODE_UIDVALIDITY:
		e->sel.uidvalidity = r->number <= UINT32_MAX ? (uint32_t)r->number : 0;
		break;
	case IMAP_CODE_UIDNEXT:
		e->sel.uidnext = r->number <= UINT32_MAX ? (uint32_t)r->number : 0;
		break;
	case IMAP_CODE_HIGHESTMODSEQ:
		e->sel.modseq = r->number;
		break;
	case IMAP_CODE_NOMODSEQ:
		e->sel.modseq = 0;
		break;
	case IMAP_CODE_CLOSED:	/* RFC 7162 s. 3.2.11: what came before was of the other folder */
		e->sel = (struct selected){ 0 };
		break;
	case IMAP_CODE_PERMANENTFLAGS:
		e->sel.keywords_any = r->number == 1;
		break;
	case IMAP_CODE_READ_ONLY:
		e->sel.read_only = true;
		break;
	default:
		break;
	}
}

static void
tell_open(struct engine *e, const struct folder *f)
{
	const struct selected *s = &e->sel;
	struct msg_mailbox_open m = { .mailbox = f->id, .uidvalidity = s->uidvalidity, .uidnext = s->uidnext,
		.modseq = s->modseq, .exists = s->exists, .read_only = s->read_only, .keywords_any = s->keywords_any };

	if (f->synced && f->id != 0)
		report_send(&e->report, MSG_mailbox_open, &m, -1);
}

/* Is there anything that a round would find? Without MODSEQ nobody knows; a
 * folder that was looked at just now is believed for a while, see proof_due(). */
static bool
looks_changed(const struct engine *e, const struct folder *f)
{
	if (f->pos.uidvalidity != e->sel.uidvalidity || f->pos.uidnext != e->sel.uidnext ||
	    (e->sel.modseq != 0 && f->pos.modseq != e->sel.modseq))
		return true;
	/* Deletions count as changes there; elsewhere the number must be the same,
	 * and that of an empty folder be known. */
	if (e->sel.modseq != 0 && (e->qresync || (f->messages == e->sel.exists && f->looked_at != 0)))
		return false;
	if (f->messages != e->sel.exists)
		return true;
	return clock_ms() - f->looked_at > LIM_SENT_POLL_SECONDS * 1000;
}

/* This folder cannot be had: the others can. */
static void
unusable(struct engine *e, struct folder *f, const char *code, struct slice why)
{
	e->refusal = code;
	f->failures++;
	f->dirty = f->synced;
	f->retry_at = clock_ms() + LIM_SELECT_RETRY_MS;
	if (f->failures == LIM_SELECT_REFUSALS)
		code = "sync.folder_phantom";
	if (e->state != ENGINE_PROBE)
		engine_sync_error(e, f->id, code, why);
}

static void
refused(struct engine *e, struct folder *f, const struct imap_response *r)
{
	const char *code = engine_code(r, "sync.folder_missing");

	if (engine_temporary(r)) {
		engine_drop(e, code, r->text);
		return;
	}
	/* Gone, or renamed: what is new is listed. */
	if (r->code == IMAP_CODE_NONEXISTENT && e->state == ENGINE_RUN)
		e->ask_names = true;
	if (f != NULL)		/* not listed yet: in its turn it is refused again */
		unusable(e, f, code, r->text);
}

void
select_tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	struct folder *f = p->folder;

	e->wanted = NULL;
	if (r->status != IMAP_OK) {
		e->sel = (struct selected){ 0 };
		refused(e, f, r);
		return;
	}
	if (r->code == IMAP_CODE_READ_ONLY)
		e->sel.read_only = true;
	if (e->sel.uidvalidity == 0) {	/* RFC 3501 s. 6.3.1: it has no unique identifiers */
		e->sel = (struct selected){ 0 };
		if (f == NULL || f->role == MBOX_INBOX)
			engine_protocol_error(e, "SELECT without UIDVALIDITY");
		else
			unusable(e, f, "sync.protocol_error", slice_str("SELECT without UIDVALIDITY"));
		return;
	}
	if (f != NULL)
		selected(e, f);
	else
		e->sel.untied = true;
}

/* The server shows only so many, and the store should know that there are more. */
static void
look_for_plateau(struct engine *e, struct folder *f)
{
	if (e->quirks.plateau == 0 || e->sel.exists < e->quirks.plateau || f->plateau_told)
		return;
	f->plateau_told = true;
	engine_sync_error(e, f->id, "sync.count_plateau", SLICE_NONE);
}

/* What others did to the flags while the inbox was not selected nobody tells where
 * there is no MODSEQ: if it is believed now, it is looked at when that ends. */
static uint64_t
proof_due(const struct engine *e, const struct folder *inbox)
{
	bool unsure = inbox->synced && !inbox->dirty && e->sel.modseq == 0 && e->sel.exists > 0;

	return unsure ? inbox->looked_at + LIM_SENT_POLL_SECONDS * 1000 : clock_ms() + engine_proof_ms(e);
}

void
select_settled(struct engine *e)
{
	struct folder *f = e->sel.folder;

	/* The position survives in the store only for the same UIDVALIDITY. */
	if (f->synced && looks_changed(e, f))
		f->dirty = true;
	else
		e->sel.known = e->sel.exists;
	if (f->role == MBOX_INBOX)
		e->proof_at = proof_due(e, f);
	if (!f->dirty && e->qresync)
		f->messages = e->sel.exists;
	look_for_plateau(e, f);
	tell_open(e, f);
}

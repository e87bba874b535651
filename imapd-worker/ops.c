/*
 * ops.c - write-back: what the ATS changed, done on the server. One operation
 * at a time, UIDVALIDITY compared first. Nothing that other programs marked
 * as deleted is ever expunged: only single UIDs, by UIDPLUS (RFC 4315).
 */
#include "clock.h"
#include "engine.h"
#include "imap_date.h"
#include "log.h"
#include "messages.h"

#include <stdlib.h>
#include <string.h>

static void
op_free(struct operation *o)
{
	free(o->flags_add);
	free(o->flags_del);
	free(o->message_id);
	body_close(&o->data);
	free(o);
}

void
ops_clear(struct engine *e)
{
	struct operation *o;

	while ((o = STAILQ_FIRST(&e->ops)) != NULL) {
		STAILQ_REMOVE_HEAD(&e->ops, entry);
		op_free(o);
	}
	e->nops = 0;
}

int
engine_op(struct engine *e, const struct msg_op *m, struct body *data)
{
	struct operation *o = calloc(1, sizeof(*o));

	if (e->nops >= LIM_IMAP_OPS) {
		free(o);
		body_close(data);
		return -1;
	}
	if (o == NULL)
		fatal("out of memory");
	*o = (struct operation){ .op = m->op, .mailbox = m->mailbox, .target = m->target,
		.internaldate = m->internaldate, .kind = m->kind, .uidvalidity = m->uidvalidity, .uid = m->uid,
		.flags_add = slice_dup(m->flags_add), .flags_del = slice_dup(m->flags_del),
		.message_id = slice_dup(m->message_id), .data = *data, .code = "" };
	*data = (struct body){ 0 };
	if (o->flags_add == NULL || o->flags_del == NULL || o->message_id == NULL)
		fatal("out of memory");
	STAILQ_INSERT_TAIL(&e->ops, o, entry);
	e->nops++;
	engine_turn(e);
	return 0;
}

/* The first operation is over; its folders are looked at again. */
static bool
done(struct engine *e, enum op_result result, const char *code)
{
	struct operation *o = STAILQ_FIRST(&e->ops);
	struct folder *target = folders_by_id(&e->folders, o->kind == OP_APPEND ? o->mailbox : o->target);
	struct msg_op_done m = { .op = o->op, .result = (uint8_t)result, .uidvalidity = o->result_validity,
		.uid = o->result_uid, .code = slice_str(code), .detail = slice_str(o->detail) };

	if (target != NULL)
		target->poll_at = 0;
	if (result != OP_OK)
		log_info("operation not done code=%s", code);
	STAILQ_REMOVE_HEAD(&e->ops, entry);
	e->nops--;
	report_send(&e->report, MSG_op_done, &m, -1);
	op_free(o);
	return true;
}

static bool
refuse(struct engine *e, const char *code)
{
	return done(e, OP_REFUSED, code);
}

/* ---- commands ---- */

static void
look(struct engine *e, const struct operation *o)
{
	struct pending *p = imap_begin(&e->writer, CMD_OP_LOOK);

	p->low = p->high = o->uid;
	imap_text(&e->writer, "UID FETCH %u (UID FLAGS%s)", o->uid,
	    e->condstore && e->sel.modseq != 0 ? " MODSEQ" : "");
	(void)imap_end(&e->writer);
}

static void
ended(struct engine *e, struct operation *o)
{
	if (imap_end(&e->writer) == 0) {
		o->sent = true;
		return;
	}
	o->failure = OP_REFUSED;
	o->code = "api.invalid";
}

static void
store(struct engine *e, struct operation *o, const char *how, const char *flags)
{
	if (flags[0] == '\0' || o->failure != 0)
		return;
	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "UID STORE %u %sFLAGS.SILENT ", o->uid, how);
	imap_flags(&e->writer, slice_str(flags));
	ended(e, o);
}

static void
copy(struct engine *e, struct operation *o, const char *verb)
{
	const struct folder *target = folders_by_id(&e->folders, o->target);

	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "UID %s %u ", verb, o->uid);
	imap_mailbox(&e->writer, slice_str(target->raw_name));
	ended(e, o);
}

/* OK to UID EXPUNGE does not say that it went: Dovecot may answer so before it
 * has seen its own \\Deleted of just now. So it is looked for. */
static void
expunge(struct engine *e, struct operation *o)
{
	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "UID EXPUNGE %u", o->uid);
	ended(e, o);
	o->looked = o->exists = false;
	look(e, o);
}

static void
remove_one(struct engine *e, struct operation *o)
{
	store(e, o, "+", "\\Deleted");
	expunge(e, o);
}

static void
append(struct engine *e, struct operation *o, const struct folder *f)
{
	char date[IMAP_DATE_LEN];

	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "APPEND ");
	imap_mailbox(&e->writer, slice_str(f->raw_name));
	imap_text(&e->writer, " ");
	imap_flags(&e->writer, slice_str(o->flags_add));
	if (o->internaldate != 0) {
		imap_date_format(o->internaldate, date);
		imap_text(&e->writer, " \"%s\"", date);
	}
	imap_text(&e->writer, " ");
	imap_literal(&e->writer, &o->data);
	ended(e, o);
}

/* NOOP first: a SEARCH only sees messages that were announced. */
static void
find(struct engine *e, struct operation *o)
{
	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "NOOP");
	(void)imap_end(&e->writer);
	(void)imap_begin(&e->writer, CMD_OP_FIND);
	imap_text(&e->writer, "UID SEARCH %sHEADER Message-ID ",
	    (e->caps & CAP_ESEARCH) != 0 ? "RETURN (ALL) " : "");
	imap_astring(&e->writer, slice_str(o->message_id));
	if (imap_end(&e->writer) == 0)
		return;
	o->failure = OP_REFUSED;
	o->code = "api.invalid";
}

/* ---- kinds: true when the operation is over ---- */

static bool
run_flags(struct engine *e, struct operation *o)
{
	if (o->step++ == 0) {
		store(e, o, "+", o->flags_add);
		store(e, o, "-", o->flags_del);
		if (o->failure == 0)
			look(e, o);
		return false;
	}
	return done(e, o->exists ? OP_OK : OP_GONE, "");
}

/* Both COPY and MOVE say OK for a UID that is not there: so look at it first. */
static bool
run_copy(struct engine *e, struct operation *o)
{
	if (folders_by_id(&e->folders, o->target) == NULL)
		return refuse(e, "sync.folder_missing");
	if (o->step++ == 0) {
		look(e, o);
		copy(e, o, "COPY");
		return false;
	}
	return done(e, o->exists || o->copied ? OP_OK : OP_GONE, "");
}

/* Asked for so many times, and perhaps once more. True: it is over. */
static bool
removed(struct engine *e, struct operation *o, unsigned int times)
{
	if (!o->exists)
		return done(e, OP_OK, "");
	if (times >= LIM_EXPUNGE_TRIES)
		return done(e, OP_RETRY, "sync.expunge_unsupported");
	expunge(e, o);
	return false;
}

static bool
run_move(struct engine *e, struct operation *o)
{
	bool move = (e->caps & CAP_MOVE) != 0;

	if (folders_by_id(&e->folders, o->target) == NULL)
		return refuse(e, "sync.folder_missing");
	if ((!move || o->by_hand) && (e->caps & CAP_UIDPLUS) == 0)
		return refuse(e, "sync.expunge_unsupported");
	switch (o->step++) {
	case 0:
		o->by_hand = !move;
		look(e, o);
		copy(e, o, move ? "MOVE" : "COPY");
		return false;
	case 1:
		if (!o->exists && !o->copied)
			return done(e, OP_GONE, "");
		if (!o->by_hand)
			return done(e, OP_OK, "");
		o->copied = true;
		remove_one(e, o);
		return false;
	default:
		return removed(e, o, o->step - 2);
	}
}

static bool
run_expunge(struct engine *e, struct operation *o)
{
	if ((e->caps & CAP_UIDPLUS) == 0)
		return refuse(e, "sync.expunge_unsupported");
	if (o->step++ == 0) {
		remove_one(e, o);
		return false;
	}
	return removed(e, o, o->step - 1);
}

static bool
run_find(struct engine *e, struct operation *o)
{
	if (o->message_id[0] == '\0')
		return refuse(e, "api.invalid");
	if (o->step++ == 0) {
		find(e, o);
		return false;
	}
	return done(e, OP_OK, "");
}

/* Without APPENDUID the new message is looked for by its Message-ID. */
static bool
run_append(struct engine *e, struct operation *o, struct folder *f)
{
	switch (o->step) {
	case 0:
		if (o->data.data.n == 0)
			return refuse(e, "api.invalid");
		o->step++;
		append(e, o, f);
		return false;
	case 1:
		if (o->copied || o->message_id[0] == '\0')
			return done(e, OP_OK, "");
		if (clock_ms() < f->retry_at)
			return done(e, OP_OK, "");
		if (!select_folder(e, f))
			return false;
		o->step++;
		find(e, o);
		return false;
	default:
		return done(e, OP_OK, "");
	}
}

static bool
changes_message(const struct operation *o)
{
	return o->kind == OP_FLAGS || o->kind == OP_MOVE || o->kind == OP_EXPUNGE;
}

/* True: the folder is selected and is the one the store means. */
static bool
reach(struct engine *e, struct operation *o, struct folder *f, bool *over)
{
	*over = false;
	if (e->sel.folder != f && clock_ms() < f->retry_at) {
		*over = refuse(e, e->refusal != NULL ? e->refusal : "sync.folder_missing");
		return false;
	}
	if (!select_folder(e, f))
		return false;
	if (o->uidvalidity != 0 && o->uidvalidity != e->sel.uidvalidity)
		*over = done(e, OP_GONE, "sync.uidvalidity_changed");
	else if (changes_message(o) && e->sel.read_only)
		*over = refuse(e, "sync.folder_denied");
	else if (o->uid == 0 && o->kind != OP_FIND)
		*over = refuse(e, "api.invalid");
	return !*over;
}

static bool
run_kind(struct engine *e, struct operation *o, struct folder *f)
{
	bool over;

	if (o->kind == OP_APPEND)
		return run_append(e, o, f);
	if (!reach(e, o, f, &over))
		return over;
	if (o->kind == OP_FIND) {
		o->result_validity = e->sel.uidvalidity;
		return run_find(e, o);
	}
	switch (o->kind) {
	case OP_FLAGS:
		return run_flags(e, o);
	case OP_MOVE:
		return run_move(e, o);
	case OP_COPY:
		return run_copy(e, o);
	case OP_EXPUNGE:
		return run_expunge(e, o);
	default:
		return refuse(e, "api.invalid");
	}
}

bool
ops_turn(struct engine *e)
{
	struct operation *o = STAILQ_FIRST(&e->ops);
	struct folder *f;

	if (e->writer.npending > 0 || e->wanted != NULL)
		return false;
	if (o == NULL)
		return true;
	/* Refused, and the message is not there (any more): that explains it. */
	if (o->failure != 0)
		return done(e, o->looked && !o->exists && !o->copied ? OP_GONE : o->failure, o->code);
	f = folders_by_id(&e->folders, o->mailbox);
	if (f == NULL || !f->selectable)
		return refuse(e, "sync.folder_missing");
	if (run_kind(e, o, f))
		return true;
	/* A command that could not be written fails at once. */
	return o->failure != 0 && e->writer.npending == 0 ? done(e, o->failure, o->code) : false;
}

/* ---- answers ---- */

static void
take_uid(struct operation *o, const struct imap_response *r)
{
	struct slice set = r->uids_to;
	struct uidrange range;
	bool bad;

	if (r->code != (o->kind == OP_APPEND ? IMAP_CODE_APPENDUID : IMAP_CODE_COPYUID) ||
	    !uidset_next(&set, &range, &bad))
		return;
	o->copied = true;
	o->result_validity = r->uidvalidity;
	o->result_uid = range.first;
}

void
ops_untagged(struct engine *e, const struct imap_response *r)
{
	struct operation *o = STAILQ_FIRST(&e->ops);

	if (e->task == TASK_OP && o != NULL && o->sent)
		take_uid(o, r);
}

static void
failed(struct operation *o, const struct imap_response *r)
{
	struct slice text = r->text;

	if (o->failure != 0)
		return;
	o->failure = r->code == IMAP_CODE_EXPUNGEISSUED ? OP_GONE : engine_temporary(r) ? OP_RETRY : OP_REFUSED;
	o->code = engine_code(r, "sync.folder_denied");
	text.n = text.n > LIM_DETAIL ? LIM_DETAIL : text.n;
	(void)slice_copy(text, o->detail, sizeof(o->detail));
}

void
ops_tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	struct operation *o = STAILQ_FIRST(&e->ops);

	if (o == NULL)
		return;
	if (p->command == CMD_OP_LOOK && r->status == IMAP_OK) {
		o->looked = true;
		o->exists = p->rows > 0;
	}
	if (p->command == CMD_OP_FIND && r->status == IMAP_OK) {
		o->result_uid = p->high;
		o->result_validity = e->sel.uidvalidity;
	}
	if (r->status != IMAP_OK)
		failed(o, r);
	else if (p->command == CMD_OP) {
		take_uid(o, r);
		/* Without COPYUID: the message was seen, and COPY says OK. */
		o->copied = o->copied || (o->by_hand && o->exists);
	}
}

/* The store finds out what became of an operation that was under way. */
void
ops_dropped(struct engine *e)
{
	struct operation *o = STAILQ_FIRST(&e->ops);

	if (e->task != TASK_OP || o == NULL)
		return;
	/* Copied and not yet removed: a second copy would double the message. */
	if (o->by_hand && o->copied && o->lost++ < LIM_OP_LOST) {
		o->step = 1;
		o->failure = 0;
		o->code = "";
		return;
	}
	if (o->sent) {
		(void)done(e, OP_RETRY, "net.reset");
		return;
	}
	o->step = 0;
	o->failure = 0;
	o->code = "";
	o->looked = o->exists = o->copied = false;
}

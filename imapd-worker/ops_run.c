/*
 * ops_run.c - a batch in its folder: the commands of each kind, step by step.
 * UIDVALIDITY is compared first. Nothing that other programs marked as deleted
 * is ever expunged: only single UIDs, by UIDPLUS (RFC 4315).
 */
#include "clock.h"
#include "imap_date.h"
#include "messages.h"
#include "ops.h"

/* ---- commands ---- */

static void
put_set(struct engine *e)
{
	const struct uidset *s = &e->doing.set;
	size_t i;

	for (i = 0; i < s->n; i++) {
		imap_text(&e->writer, "%s%u", i > 0 ? "," : "", s->r[i].first);
		if (s->r[i].last > s->r[i].first)
			imap_text(&e->writer, ":%u", s->r[i].last);
	}
}

static void
look(struct engine *e)
{
	const struct uidset *s = &e->doing.set;
	struct pending *p = imap_begin(&e->writer, CMD_OP_LOOK);

	p->low = s->r[0].first;
	p->high = s->r[s->n - 1].last;
	imap_text(&e->writer, "UID FETCH ");
	put_set(e);
	imap_text(&e->writer, " (UID FLAGS%s)", e->condstore && e->sel.modseq != 0 ? " MODSEQ" : "");
	(void)imap_end(&e->writer);
}

static void
cannot_write(struct engine *e)
{
	e->doing.failure = OP_REFUSED;
	e->doing.whole = true;
	e->doing.code = "api.invalid";
}

static void
ended(struct engine *e)
{
	if (imap_end(&e->writer) == 0)
		e->doing.sent = true;
	else
		cannot_write(e);
}

static void
store(struct engine *e, const char *how, const char *flags)
{
	if (flags[0] == '\0' || e->doing.failure != 0)
		return;
	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "UID STORE ");
	put_set(e);
	imap_text(&e->writer, " %sFLAGS.SILENT ", how);
	imap_flags(&e->writer, slice_str(flags));
	ended(e);
}

static void
copy(struct engine *e, const char *verb)
{
	const struct folder *target = folders_by_id(&e->folders, STAILQ_FIRST(&e->ops)->target);

	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "UID %s ", verb);
	put_set(e);
	imap_text(&e->writer, " ");
	imap_mailbox(&e->writer, slice_str(target->raw_name));
	ended(e);
}

/* OK to UID EXPUNGE does not say that they went: Dovecot may answer so before it
 * has seen its own \\Deleted of just now. So they are looked for. */
static void
expunge(struct engine *e)
{
	struct operation *o;

	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "UID EXPUNGE ");
	put_set(e);
	ended(e);
	e->doing.looked = false;
	OPS_BATCH_EACH(o, e)
		o->exists = false;
	look(e);
}

static void
remove_set(struct engine *e)
{
	store(e, "+", "\\Deleted");
	expunge(e);
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
	ended(e);
}

/* NOOP first: a SEARCH only sees messages that were announced. */
static void
find(struct engine *e, const struct operation *o)
{
	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "NOOP");
	(void)imap_end(&e->writer);
	(void)imap_begin(&e->writer, CMD_OP_FIND);
	imap_text(&e->writer, "UID SEARCH %sHEADER Message-ID ",
	    (e->caps & CAP_ESEARCH) != 0 ? "RETURN (ALL) " : "");
	imap_astring(&e->writer, slice_str(o->message_id));
	if (imap_end(&e->writer) == -1)
		cannot_write(e);
}

/* ---- kinds: true when the batch is over ---- */

static bool
refuse(struct engine *e, const char *code)
{
	return ops_all_done(e, OP_REFUSED, code);
}

/* STORE says OK for a keyword that is not kept, and for a message that is not there. */
static bool
run_flags(struct engine *e)
{
	struct operation *o = STAILQ_FIRST(&e->ops);

	if (e->doing.step++ == 0) {
		store(e, "+", o->flags_add);
		store(e, "-", o->flags_del);
		if (e->doing.failure == 0)
			look(e);
		return false;
	}
	ops_gone(e);
	while (e->doing.n > 0) {
		o = STAILQ_FIRST(&e->ops);
		ops_done(e, o, o->unkept ? OP_REFUSED : OP_OK, o->unkept ? "sync.folder_denied" : "");
	}
	return true;
}

/* Both COPY and MOVE say OK for a UID that is not there: so look at it first. */
static bool
run_copy(struct engine *e)
{
	if (folders_by_id(&e->folders, STAILQ_FIRST(&e->ops)->target) == NULL)
		return refuse(e, "sync.folder_missing");
	if (e->doing.step++ == 0) {
		look(e);
		copy(e, "COPY");
		return false;
	}
	ops_gone(e);
	return ops_all_done(e, OP_OK, "");
}

static void
begin_move(struct engine *e, bool move)
{
	struct operation *o;

	OPS_BATCH_EACH(o, e)
		o->by_hand = !move;
	look(e);
	copy(e, move ? "MOVE" : "COPY");
}

/* By hand: what is not sure to be copied is not removed. */
static bool
remove_copied(struct engine *e)
{
	ops_gone(e);
	if (e->doing.n == 0 || !STAILQ_FIRST(&e->ops)->by_hand)
		return ops_all_done(e, OP_OK, "");
	ops_batch_set(e);
	remove_set(e);
	return false;
}

/* Asked for so many times; those that are still there perhaps once more. */
static bool
removed(struct engine *e, unsigned int times)
{
	ops_not_there(e);
	if (e->doing.n == 0)
		return true;
	if (times >= LIM_EXPUNGE_TRIES)
		return ops_all_done(e, OP_RETRY, "sync.expunge_unsupported");
	ops_batch_set(e);
	expunge(e);
	return false;
}

static bool
run_move(struct engine *e)
{
	const struct operation *o = STAILQ_FIRST(&e->ops);
	bool move = (e->caps & CAP_MOVE) != 0;

	if (folders_by_id(&e->folders, o->target) == NULL)
		return refuse(e, "sync.folder_missing");
	if ((!move || o->by_hand) && (e->caps & CAP_UIDPLUS) == 0)
		return refuse(e, "sync.expunge_unsupported");
	/* Copied on an earlier connection: only the rest is left. */
	if (e->doing.step == 0 && o->by_hand && o->copied)
		e->doing.step = 1;
	switch (e->doing.step++) {
	case 0:
		begin_move(e, move);
		return false;
	case 1:
		return remove_copied(e);
	default:
		return removed(e, e->doing.step - 2);
	}
}

static bool
run_expunge(struct engine *e)
{
	if ((e->caps & CAP_UIDPLUS) == 0)
		return refuse(e, "sync.expunge_unsupported");
	if (e->doing.step++ == 0) {
		remove_set(e);
		return false;
	}
	return removed(e, e->doing.step - 1);
}

static bool
run_find(struct engine *e, const struct operation *o)
{
	if (o->message_id[0] == '\0')
		return refuse(e, "api.invalid");
	if (e->doing.step++ == 0) {
		find(e, o);
		return false;
	}
	return ops_all_done(e, OP_OK, "");
}

/* Without APPENDUID the new message is looked for by its Message-ID. */
static bool
run_append(struct engine *e, struct operation *o, struct folder *f)
{
	switch (e->doing.step) {
	case 0:
		if (o->data.data.n == 0)
			return refuse(e, "api.invalid");
		e->doing.step++;
		append(e, o, f);
		return false;
	case 1:
		if (o->copied || o->message_id[0] == '\0' || clock_ms() < f->retry_at)
			return ops_all_done(e, OP_OK, "");
		if (!select_folder(e, f))
			return false;
		e->doing.step++;
		find(e, o);
		return false;
	default:
		return ops_all_done(e, OP_OK, "");
	}
}

static bool
changes_message(const struct operation *o)
{
	return o->kind == OP_FLAGS || o->kind == OP_MOVE || o->kind == OP_EXPUNGE;
}

/* True: the folder is selected and is the one the store means. */
static bool
reach(struct engine *e, const struct operation *o, struct folder *f, bool *over)
{
	*over = false;
	if (e->sel.folder != f && clock_ms() < f->retry_at) {
		*over = refuse(e, e->refusal != NULL ? e->refusal : "sync.folder_missing");
		return false;
	}
	if (!select_folder(e, f))
		return false;
	if (o->uidvalidity != 0 && o->uidvalidity != e->sel.uidvalidity)
		*over = ops_all_done(e, OP_GONE, "sync.uidvalidity_changed");
	else if (changes_message(o) && e->sel.read_only)
		*over = refuse(e, "sync.folder_denied");
	else if (o->uid == 0 && o->kind != OP_FIND)
		*over = refuse(e, "api.invalid");
	return !*over;
}

bool
ops_run(struct engine *e, struct folder *f)
{
	struct operation *o = STAILQ_FIRST(&e->ops);
	bool over;

	if (o->kind == OP_APPEND)
		return run_append(e, o, f);
	if (!reach(e, o, f, &over))
		return over;
	if (o->kind == OP_FIND) {
		o->result_validity = e->sel.uidvalidity;
		return run_find(e, o);
	}
	if (e->doing.step == 0)
		ops_batch_set(e);
	switch (o->kind) {
	case OP_FLAGS:
		return run_flags(e);
	case OP_MOVE:
		return run_move(e);
	case OP_COPY:
		return run_copy(e);
	case OP_EXPUNGE:
		return run_expunge(e);
	default:
		return refuse(e, "api.invalid");
	}
}

/*
 * ops_run.c - a batch in its folder: the commands of each kind, step by step.
 * UIDVALIDITY is compared first. What other programs marked as deleted is not
 * expunged: single UIDs are, by UIDPLUS (RFC 4315); without it all that is
 * marked, if the server says that nothing but ours is.
 */
#include "clock.h"
#include "imap_date.h"
#include "messages.h"
#include "ops.h"
#include "utf7.h"

#include <string.h>

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

void
ops_look_for(struct engine *e, const char *items)
{
	const struct uidset *s = &e->doing.set;
	struct pending *p = imap_begin(&e->writer, CMD_OP_LOOK);

	p->low = s->r[0].first;
	p->high = s->r[s->n - 1].last;
	imap_text(&e->writer, "UID FETCH ");
	put_set(e);
	imap_text(&e->writer, " (UID %s)", items);
	(void)imap_end(&e->writer);
}

static void
look(struct engine *e)
{
	ops_look_for(e, e->condstore && e->sel.modseq != 0 ? "FLAGS MODSEQ" : "FLAGS");
}

void
ops_cannot_write(struct engine *e)
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
		ops_cannot_write(e);
}

static void
put_store(struct engine *e, const char *how, const char *flags)
{
	(void)imap_begin(&e->writer, CMD_OP);
	imap_text(&e->writer, "UID STORE ");
	put_set(e);
	imap_text(&e->writer, " %sFLAGS.SILENT ", how);
	imap_flags(&e->writer, slice_str(flags));
	ended(e);
}

static void
store(struct engine *e, const char *how, const char *flags)
{
	if (flags[0] != '\0' && e->doing.failure == 0)
		put_store(e, how, flags);
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

static void
look_again(struct engine *e)
{
	struct operation *o;

	e->doing.looked = false;
	OPS_BATCH_EACH(o, e)
		o->exists = false;
	look(e);
}

/* OK to UID EXPUNGE does not say that they went: Dovecot may answer so before it
 * has seen its own \\Deleted of just now. So they are looked for. */
static void
expunge(struct engine *e)
{
	e->doing.expunges++;
	(void)imap_begin(&e->writer, CMD_OP);
	if ((e->caps & CAP_UIDPLUS) != 0) {
		imap_text(&e->writer, "UID EXPUNGE ");
		put_set(e);
	} else
		imap_text(&e->writer, "EXPUNGE");
	ended(e);
	look_again(e);
}

/* What would EXPUNGE take? */
static void
ask_marked(struct engine *e)
{
	(void)imap_begin(&e->writer, CMD_OP_MARKED);
	imap_text(&e->writer, "UID SEARCH %sDELETED", (e->caps & CAP_ESEARCH) != 0 ? "RETURN (ALL) " : "");
	(void)imap_end(&e->writer);
	e->doing.asked_marked = true;
	e->doing.others_marked = false;
}

static void
expunge_ours(struct engine *e)
{
	if ((e->caps & CAP_UIDPLUS) != 0)
		expunge(e);
	else
		ask_marked(e);
}

static void
remove_set(struct engine *e)
{
	store(e, "+", "\\Deleted");
	e->doing.marked = true;
	expunge_ours(e);
}

/* A deletion that is refused leaves no mark: somebody's next EXPUNGE would take it. */
bool
ops_unmark(struct engine *e)
{
	bool marked = e->doing.marked && e->doing.failure == OP_REFUSED;

	e->doing.marked = false;
	if (!marked)
		return false;
	put_store(e, "-", "\\Deleted");
	look_again(e);
	return true;
}

/* Once UTF8=ACCEPT is enabled, RFC 6855 s. 4 wants it said that a header has
 * more than ASCII. */
static bool
needs_utf8(const struct engine *e, struct slice raw)
{
	const uint8_t *end = memmem(raw.p, raw.n, "\r\n\r\n", 4);

	return e->writer.utf8 && (e->caps & CAP_UTF8) != 0 &&
	    utf8_beyond_ascii(slice_mem(raw.p, end != NULL ? (size_t)(end - raw.p) : raw.n));
}

static void
append(struct engine *e, struct operation *o, const struct folder *f)
{
	bool utf8 = needs_utf8(e, o->data.data);
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
	imap_text(&e->writer, utf8 ? " UTF8 (~" : " ");
	imap_literal(&e->writer, &o->data);
	imap_text(&e->writer, "%s", utf8 ? ")" : "");
	ended(e);
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
		ops_done(e, o, o->unkept ? OP_REFUSED : OP_OK, o->unkept ? "sync.keyword_refused" : "");
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

/* What is left is still there: perhaps once more, or it stays marked. */
static bool
removed(struct engine *e)
{
	if (e->doing.asked_marked) {
		e->doing.asked_marked = false;
		e->doing.only_mark = e->doing.others_marked;
		if (e->doing.only_mark)
			look_again(e);
		else
			expunge(e);
		return false;
	}
	ops_not_there(e);
	if (e->doing.n == 0)
		return true;
	if (e->doing.only_mark)
		return ops_all_done(e, OP_OK, "sync.expunge_unsupported");
	if (e->doing.expunges >= LIM_EXPUNGE_TRIES)
		return ops_all_done(e, OP_RETRY, "sync.expunge_ignored");
	ops_batch_set(e);
	expunge_ours(e);
	return false;
}

static bool
run_move(struct engine *e)
{
	const struct operation *o = STAILQ_FIRST(&e->ops);

	if (folders_by_id(&e->folders, o->target) == NULL)
		return refuse(e, "sync.folder_missing");
	/* Copied on an earlier connection: only the rest is left. */
	if (e->doing.step == 0 && o->by_hand && o->copied)
		e->doing.step = 1;
	switch (e->doing.step++) {
	case 0:
		begin_move(e, (e->caps & CAP_MOVE) != 0);
		return false;
	case 1:
		return remove_copied(e);
	default:
		return removed(e);
	}
}

/* Gmail takes only a label off when a message is expunged anywhere but in Trash. */
static bool
to_trash(const struct engine *e, const struct operation *o)
{
	return (e->caps & CAP_GMAIL) != 0 && (e->caps & CAP_MOVE) != 0 && o->target != 0 &&
	    folders_by_id(&e->folders, o->target) != NULL;
}

static bool
run_expunge(struct engine *e)
{
	bool move = to_trash(e, STAILQ_FIRST(&e->ops));

	if (e->doing.step++ > 0)
		return move ? ops_all_done(e, OP_OK, "") : removed(e);
	if (move)
		copy(e, "MOVE");
	else
		remove_set(e);
	return false;
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
		ops_find_ask(e);
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
	/* What an earlier connection has copied is not undone by new numbers: GONE says
	 * that nothing was done, after RETRY the store looks for the copy. */
	if (o->uidvalidity != 0 && o->uidvalidity != e->sel.uidvalidity)
		*over = ops_all_done(e, o->copied ? OP_RETRY : OP_GONE, "sync.uidvalidity_changed");
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
	if (o->kind == OP_FIND)
		return ops_find_run(e);
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

/*
 * ops.c - write-back: what the ATS changed, done on the server. The queue, the
 * answers, and what becomes of a batch that is cut off or refused. See ops.h.
 */
#include "clock.h"
#include "log.h"
#include "messages.h"
#include "ops.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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
	ops_batch_end(e);
}

/* An ATS writes a thousand changes one by one, each as soon as the last is
 * answered; a person waits for none of them. What goes alone anyhow goes now. */
static void
gather(struct engine *e, const struct operation *o)
{
	bool together = o->kind != OP_APPEND && o->kind != OP_FIND;

	e->ops_at = together ? clock_ms() : 0;
	if (!together || e->ops_since == 0)
		e->ops_since = e->ops_at;
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
		.size = m->size,
		.flags_add = slice_dup(m->flags_add), .flags_del = slice_dup(m->flags_del),
		.message_id = slice_dup(m->message_id), .data = *data, .most = LIM_OP_BATCH };
	*data = (struct body){ 0 };
	if (o->flags_add == NULL || o->flags_del == NULL || o->message_id == NULL)
		fatal("out of memory");
	STAILQ_INSERT_TAIL(&e->ops, o, entry);
	e->nops++;
	gather(e, o);
	engine_turn(e);
	return 0;
}

uint64_t
ops_due_at(const struct engine *e)
{
	uint64_t quiet = e->ops_at + LIM_OPS_GATHER_MS, end = e->ops_since + LIM_OPS_GATHERED_MS;

	if (STAILQ_EMPTY(&e->ops))
		return UINT64_MAX;
	if (e->ops_since == 0 || e->nops >= LIM_OP_BATCH)
		return 0;
	return quiet < end ? quiet : end;
}

bool
ops_due(const struct engine *e)
{
	return ops_due_at(e) <= clock_ms();
}

/* ---- the end of an operation ---- */

/* Its folders are looked at again. */
void
ops_done(struct engine *e, struct operation *o, enum op_result result, const char *code)
{
	struct folder *target = folders_by_id(&e->folders, o->kind == OP_APPEND ? o->mailbox : o->target);
	struct msg_op_done m = { .op = o->op, .result = (uint8_t)result, .uidvalidity = o->result_validity,
		.uid = o->result_uid, .code = slice_str(code), .detail = slice_str(e->doing.detail) };

	if (target != NULL)
		target->poll_at = 0;
	e->look_labels = e->folders.labels;	/* at All Mail at the least */
	if (result != OP_OK)
		log_info("operation not done code=%s", code);
	STAILQ_REMOVE(&e->ops, o, operation, entry);
	e->nops--;
	e->doing.n--;
	report_send(&e->report, MSG_op_done, &m, -1);
	op_free(o);
}

bool
ops_all_done(struct engine *e, enum op_result result, const char *code)
{
	while (e->doing.n > 0)
		ops_done(e, STAILQ_FIRST(&e->ops), result, code);
	return true;
}

/* Those of the batch for which is() holds. */
static void
end_some(struct engine *e, bool (*is)(const struct operation *), enum op_result result)
{
	struct operation *o = STAILQ_FIRST(&e->ops), *next;
	size_t left = e->doing.n;

	for (; left > 0; left--, o = next) {
		next = STAILQ_NEXT(o, entry);
		if (is(o))
			ops_done(e, o, result, "");
	}
}

static bool
is_gone(const struct operation *o)
{
	return !o->exists && !o->copied;
}

static bool
is_absent(const struct operation *o)
{
	return !o->exists;
}

static bool
is_moved(const struct operation *o)
{
	return o->kind == OP_MOVE && o->copied && !o->by_hand;
}

void
ops_gone(struct engine *e)
{
	end_some(e, is_gone, OP_GONE);
}

void
ops_not_there(struct engine *e)
{
	end_some(e, is_absent, OP_OK);
}

/* Refused. A message that is not there (any more) explains it, and a MOVE that
 * was refused half-way has told what it moved (RFC 6851 s. 3.3). */
static bool
failed_batch(struct engine *e)
{
	struct op_batch *b = &e->doing;

	if (ops_unmark(e))
		return false;
	end_some(e, is_moved, OP_OK);
	if (ops_batch_split(e))
		return true;
	if (b->looked)
		ops_gone(e);
	(void)ops_all_done(e, b->failure, b->code);
	ops_batch_end(e);
	return true;
}

bool
ops_turn(struct engine *e)
{
	struct folder *f;
	bool over;

	if (e->writer.npending > 0 || e->wanted != NULL)
		return false;
	if (STAILQ_EMPTY(&e->ops))
		return true;
	if (e->doing.n == 0)
		ops_batch_form(e);
	if (e->doing.failure != 0)
		return failed_batch(e);
	f = folders_by_id(&e->folders, STAILQ_FIRST(&e->ops)->mailbox);
	if (f == NULL || !f->selectable)
		over = ops_all_done(e, OP_REFUSED, "sync.folder_missing");
	else
		over = ops_run(e, f);
	/* A command that could not be written fails at once. */
	if (!over && e->doing.failure != 0 && e->writer.npending == 0)
		return failed_batch(e);
	if (over)
		ops_batch_end(e);
	return over;
}

/* ---- answers ---- */

static bool
has_flag(struct slice flags, const char *word, size_t n)
{
	const char *p = (const char *)flags.p, *end = p + flags.n;

	while (p < end) {
		const char *space = memchr(p, ' ', (size_t)(end - p));
		size_t len = (size_t)((space != NULL ? space : end) - p);

		if (len == n && strncasecmp(p, word, n) == 0)
			return true;
		p += len + 1;
	}
	return false;
}

/* Are all of these words (or none of them) among the flags? */
static bool
all_are(struct slice flags, const char *words, bool there)
{
	size_t n;

	for (; *words != '\0'; words += n + (words[n] == ' ')) {
		n = strcspn(words, " ");
		if (n > 0 && has_flag(flags, words, n) != there)
			return false;
	}
	return true;
}

/* A message of the batch is there, and its flags are known. */
void
ops_row(struct engine *e, const struct imap_fetch *f)
{
	struct slice flags = slice_str(f->flags);
	struct operation *o = STAILQ_FIRST(&e->ops);

	if (o != NULL && o->kind == OP_FIND && e->doing.n > 0)
		ops_find_row(e, f);
	if (!f->has_flags || imap_pending_uid(&e->writer, CMD_OP_LOOK, f->uid) == NULL)
		return;
	OPS_BATCH_EACH(o, e) {
		if (o->uid != f->uid)
			continue;
		o->exists = true;
		o->unkept = o->kind == OP_FLAGS && !(all_are(flags, o->flags_add, true) &&
		    all_are(flags, o->flags_del, false));
	}
}

/* Is all of it ours? What a server tells is in ranges of what there is. */
void
ops_marked(struct engine *e, uint32_t first, uint32_t last)
{
	const struct uidset *s = &e->doing.set;

	for (size_t i = 0; i < s->n; i++)
		if (s->r[i].first <= first && last <= s->r[i].last)
			return;
	e->doing.others_marked = true;
}

static void
take_uid(struct engine *e, const struct imap_response *r)
{
	struct operation *o = STAILQ_FIRST(&e->ops);
	struct slice set = r->uids_to;
	struct uidrange range;
	bool bad;

	if (r->code == IMAP_CODE_COPYUID && (o->kind == OP_COPY || o->kind == OP_MOVE))
		ops_batch_copied(e, r);
	if (r->code != IMAP_CODE_APPENDUID || o->kind != OP_APPEND || !uidset_next(&set, &range, &bad))
		return;
	o->copied = true;
	o->result_validity = r->uidvalidity;
	o->result_uid = range.first;
}

void
ops_untagged(struct engine *e, const struct imap_response *r)
{
	if (e->task == TASK_OP && e->doing.n > 0 && e->doing.sent)
		take_uid(e, r);
}

static void
failed(struct op_batch *b, uint8_t kind, const struct imap_response *r)
{
	struct slice text = r->text;

	if (b->failure != 0)
		return;
	b->failure = r->code == IMAP_CODE_EXPUNGEISSUED ? OP_GONE : engine_temporary(r) ? OP_RETRY : OP_REFUSED;
	b->code = engine_code(r, "sync.change_refused");
	if (kind == OP_APPEND && (r->code == IMAP_CODE_LIMIT || r->code == IMAP_CODE_TOOBIG)) {
		b->failure = OP_REFUSED;
		b->code = "sync.append_too_large";
	}
	b->whole = r->code == IMAP_CODE_NOPERM || r->code == IMAP_CODE_READ_ONLY || r->code == IMAP_CODE_TRYCREATE ||
	    r->code == IMAP_CODE_NONEXISTENT;
	text.n = text.n > LIM_DETAIL ? LIM_DETAIL : text.n;
	(void)slice_copy(text, b->detail, sizeof(b->detail));
}

/* Without COPYUID: the message was seen, and COPY says OK. */
static void
copied_by_hand(struct engine *e)
{
	struct operation *o;

	OPS_BATCH_EACH(o, e)
		o->copied = o->copied || (o->by_hand && o->exists);
}

void
ops_tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	struct operation *o = STAILQ_FIRST(&e->ops);

	if (o == NULL || e->doing.n == 0)
		return;
	if (p->command == CMD_OP_MARKED) {
		e->doing.others_marked |= r->status != IMAP_OK || !p->answered;
		return;
	}
	if (p->command == CMD_OP_LOOK && r->status == IMAP_OK)
		e->doing.looked = true;
	if (p->command == CMD_OP_FIND && r->status == IMAP_OK)
		ops_find_tagged(e, p);
	if (r->status != IMAP_OK)
		failed(&e->doing, o->kind, r);
	else if (p->command == CMD_OP) {
		take_uid(e, r);
		copied_by_hand(e);
	}
}

/*
 * The store finds out what became of operations that were under way. What was
 * copied and not yet removed stays: a second copy would double the message.
 */
void
ops_dropped(struct engine *e)
{
	struct operation *o = STAILQ_FIRST(&e->ops), *next;
	size_t left = e->task == TASK_OP ? e->doing.n : 0;

	for (; left > 0; left--, o = next) {
		next = STAILQ_NEXT(o, entry);
		o->exists = o->unkept = false;
		if (o->by_hand && o->copied && o->lost++ < LIM_OP_LOST)
			continue;
		if (e->doing.sent)
			ops_done(e, o, OP_RETRY, "net.reset");
		else
			o->copied = o->by_hand = false;
	}
	ops_batch_end(e);
}

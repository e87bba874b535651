/*
 * bodies.c - whole messages for the store, some in one FETCH, some such
 * commands on the way at once. What is too large is never asked for: the store
 * says the size it knows, or it is asked first. The size said is not trusted,
 * the literal's own announcement counts: it is read when the store has room for
 * it, report.h. A command that fails with several messages is repeated for each
 * alone, so one message costs only itself.
 *
 * What is wanted now goes before old mail's headers, the contents of old mail
 * behind them, but for the first page of a mailbox.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"

#include <stdlib.h>
#include <string.h>

/* What is wanted for old mail may be wanted at once later. */
static bool
hurried(struct engine *e, const struct msg_body_want *m)
{
	size_t i;

	for (i = 0; i < e->nwants && !m->backfill; i++) {
		struct want *w = &e->wants[i];

		if (w->uid != m->uid || w->mailbox != m->mailbox || w->answered || !w->backfill)
			continue;
		w->backfill = false;
		e->nurgent++;
		return true;
	}
	return false;
}

int
engine_body_want(struct engine *e, const struct msg_body_want *m)
{
	size_t cap = e->wants_cap == 0 ? 16 : e->wants_cap * 2;
	struct want *v;

	if (hurried(e, m)) {
		engine_turn(e);
		return 0;
	}
	if (e->nwants >= LIM_IMAP_WANTS)
		return -1;
	if (e->nwants == e->wants_cap) {
		if ((v = reallocarray(e->wants, cap, sizeof(*v))) == NULL)
			fatal("out of memory");
		e->wants = v;
		e->wants_cap = cap;
	}
	e->wants[e->nwants++] = (struct want){ .mailbox = m->mailbox, .uidvalidity = m->uidvalidity, .uid = m->uid,
		.size = m->size, .backfill = m->backfill };
	e->nurgent += !m->backfill;
	engine_turn(e);
	return 0;
}

void
bodies_clear(struct engine *e)
{
	free(e->wants);
	e->wants = NULL;
	e->nwants = e->wants_cap = e->batch = e->nurgent = 0;
}

bool
bodies_due(const struct engine *e)
{
	return e->nurgent > 0 || (e->nwants > 0 && e->first_bodies < LIM_FIRST_BODIES);
}

bool
bodies_left(const struct engine *e)
{
	return e->nwants > 0;
}

/* fd is taken over; -1: the bytes are in data, or there are none. */
static void
answer(struct engine *e, struct want *w, const char *code, struct slice data, int fd)
{
	struct msg_message_body m = { .mailbox = w->mailbox, .uid = w->uid, .code = slice_str(code), .data = data };

	w->answered = true;
	e->nurgent -= !w->backfill;
	if (code[0] != '\0')
		log_info("message without content code=%s uid=%u", code, w->uid);
	report_send(&e->report, MSG_message_body, &m, fd);
}

static void
answer_all(struct engine *e, const char *code)
{
	size_t i;

	for (i = 0; i < e->batch; i++) {
		if (!e->wants[i].answered)
			answer(e, &e->wants[i], code, SLICE_NONE, -1);
	}
}

/* The answered leave the queue, the others stay in order. */
static void
sweep(struct engine *e)
{
	size_t i, k = 0, batch = 0;

	for (i = 0; i < e->nwants; i++) {
		if (e->wants[i].answered)
			continue;
		batch += i < e->batch;
		e->wants[k++] = e->wants[i];
	}
	e->nwants = k;
	e->batch = batch;
}

static void
end_batch(struct engine *e)
{
	sweep(e);
	e->batch = 0;
	if (e->nwants == 0)
		bodies_clear(e);
}

/* Bring wants of the first one's folder to the front: what is wanted now, if there is any. */
static void
gather(struct engine *e)
{
	size_t i, k = e->batch, first;
	bool now = e->nurgent > 0;
	struct want w;

	for (first = k; first < e->nwants && now && e->wants[first].backfill; first++)
		;
	if (k == 0 && first < e->nwants)
		e->mailbox = e->wants[first].mailbox;
	for (i = k; i < e->nwants && k < LIM_BODY_BATCH; i++) {
		if (e->wants[i].mailbox != e->mailbox || (now && e->wants[i].backfill))
			continue;
		w = e->wants[i];
		memmove(e->wants + k + 1, e->wants + k, (i - k) * sizeof(w));
		w.asked = w.seen = w.size > 0;
		w.tag = 0;
		e->first_bodies += w.backfill && e->first_bodies < LIM_FIRST_BODIES;
		e->wants[k++] = w;
	}
	e->batch = k;
}

void
bodies_start(struct engine *e)
{
	e->batch = 0;
	gather(e);
}

/* Why none of the batch can be fetched, or NULL. May have begun a SELECT. */
static const char *
obstacle(struct engine *e, struct folder *f)
{
	size_t i;

	if (f == NULL || !f->selectable)
		return "sync.folder_missing";
	if (e->sel.folder != f) {
		if (clock_ms() < f->retry_at)
			return e->refusal != NULL ? e->refusal : "sync.folder_missing";
		(void)select_folder(e, f);
		return NULL;
	}
	for (i = 0; i < e->batch; i++) {
		if (!e->wants[i].answered && e->wants[i].uidvalidity != e->sel.uidvalidity)
			answer(e, &e->wants[i], "sync.uidvalidity_changed", SLICE_NONE, -1);
	}
	return NULL;
}

/* One message more of a command, which begins with the first. */
static struct pending *
ask_also(struct engine *e, struct pending *p, enum command command, uint32_t uid)
{
	if (p != NULL) {
		imap_text(&e->writer, ",%u", uid);
		return p;
	}
	p = imap_begin(&e->writer, command);
	imap_text(&e->writer, "UID FETCH %u", uid);
	return p;
}

/* False: there was nothing to ask for. */
static bool
ask_end(struct engine *e, const struct pending *p, const char *items)
{
	if (p == NULL)
		return false;
	imap_text(&e->writer, " (UID %s)", items);
	(void)imap_end(&e->writer);
	return true;
}

_Static_assert(sizeof("P4294967295 UID FETCH  (UID RFC822.SIZE)") + LIM_BODY_BATCH * sizeof("4294967295") < 8192,
    "a command for a batch is longer than RFC 7162 s. 4 lets a client expect to be read");

/* True: some were asked for. */
static bool
ask_sizes(struct engine *e)
{
	struct pending *p = NULL;
	size_t i;

	for (i = 0; i < e->batch; i++) {
		struct want *w = &e->wants[i];

		if (w->answered || w->asked || w->uid == 0)
			continue;
		w->asked = true;
		p = ask_also(e, p, CMD_SIZES, w->uid);
	}
	return ask_end(e, p, "RFC822.SIZE");
}

void
bodies_size(struct engine *e, uint32_t uid, uint32_t size)
{
	size_t i;

	if (imap_pending(&e->writer, CMD_SIZES) == NULL)
		return;
	for (i = 0; i < e->batch; i++) {
		if (e->wants[i].uid == uid) {
			e->wants[i].seen = true;
			e->wants[i].size = size;
		}
	}
}

/* May it be asked for? What cannot be is answered. */
static bool
fetchable(struct engine *e, struct want *w)
{
	if (w->answered || w->tag != 0)
		return false;
	if (!w->seen)
		answer(e, w, "sync.gone", SLICE_NONE, -1);
	else if (w->size > LIM_BODY)
		answer(e, w, "sync.item_too_large", SLICE_NONE, -1);
	return !w->answered;
}

/* One command: the next message that waits and, if it has not failed before, those behind it. */
static bool
ask_some(struct engine *e)
{
	struct pending *p = NULL;
	uint64_t bytes = 0;
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < e->batch && n < LIM_BODY_GROUP; i++) {
		struct want *w = &e->wants[i];

		if (!fetchable(e, w) || (n > 0 && (w->alone || bytes + w->size > LIM_BODY_GROUP_BYTES)))
			continue;
		p = ask_also(e, p, CMD_BODY, w->uid);
		w->tag = p->tag;
		w->told = false;
		bytes += w->size;
		n++;
		if (w->alone)
			break;
	}
	return ask_end(e, p, "BODY.PEEK[]");
}

static void
ask_bodies(struct engine *e)
{
	while (imap_in_flight(&e->writer, CMD_BODY) < reach_of(e, LIM_BODY_IN_FLIGHT) &&
	    imap_can_begin(&e->writer) && ask_some(e))
		;
}

/* The answered leave; others of the folder join while nothing else is more urgent. */
static void
refill(struct engine *e)
{
	size_t i, left = 0;

	for (i = 0; i < e->batch; i++)
		left += !e->wants[i].answered;
	if (left > LIM_BODY_BATCH - LIM_BODY_GROUP)
		return;
	sweep(e);
	if (left > 0 && schedule_bodies(e) && !schedule_urgent(e))
		gather(e);
}

bool
bodies_turn(struct engine *e)
{
	struct folder *f;
	const char *code;

	if (e->batch == 0 || e->wanted != NULL)
		return e->wanted == NULL;
	f = folders_by_id(&e->folders, e->mailbox);
	if ((code = obstacle(e, f)) != NULL)
		answer_all(e, code);
	else if (e->sel.folder != f)
		return false;
	else {
		refill(e);
		if (imap_pending(&e->writer, CMD_SIZES) != NULL || ask_sizes(e))
			return false;
		ask_bodies(e);
	}
	if (e->writer.npending > 0)
		return false;
	end_batch(e);
	return true;
}

static struct want *
want_of(struct engine *e, uint32_t uid)
{
	size_t i;

	for (i = 0; i < e->batch; i++) {
		if (e->wants[i].uid == uid && !e->wants[i].answered)
			return &e->wants[i];
	}
	return NULL;
}

bool
bodies_row(struct engine *e, const struct imap_fetch *f)
{
	struct want *w = want_of(e, f->uid);
	int fd = -1;

	if (w == NULL || w->tag == 0)
		return false;
	w->told = true;
	/* NIL, or nothing where there should be something: see bodies_tagged. */
	if (f->body_nil || (f->body.n == 0 && w->size > 0))
		return false;
	if (f->body_big && (fd = imap_frame_take(&e->stream.frame)) == -1) {
		engine_protocol_error(e, "a body literal that is not there");
		return false;
	}
	answer(e, w, "", f->body_big ? SLICE_NONE : f->body, fd);
	return true;
}

/* How many of the command's messages have no answer; *first is one of them. */
static unsigned int
unanswered(struct engine *e, uint32_t tag, struct want **first)
{
	unsigned int n = 0;
	size_t i;

	for (i = 0; i < e->batch; i++) {
		if (e->wants[i].tag != tag || e->wants[i].answered)
			continue;
		*first = n++ == 0 ? &e->wants[i] : *first;
	}
	return n;
}

/* They are asked for again, each alone. */
static void
part(struct engine *e, uint32_t tag)
{
	size_t i;

	for (i = 0; i < e->batch; i++) {
		if (e->wants[i].tag != tag)
			continue;
		e->wants[i].alone = true;
		e->wants[i].tag = 0;
	}
}

static void
sizes_tagged(struct engine *e, bool ok)
{
	size_t i;

	/* Cannot say sizes: try the bodies one by one. */
	for (i = 0; !ok && i < e->batch; i++)
		e->wants[i].seen = e->wants[i].alone = true;
}

void
bodies_tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	struct want *w = NULL;
	unsigned int n;

	if (r->status != IMAP_OK && engine_temporary(r)) {
		engine_drop(e, engine_code(r, "sync.throttled"), r->text);
		return;
	}
	if (p->command == CMD_SIZES) {
		sizes_tagged(e, r->status == IMAP_OK);
		return;
	}
	if ((n = unanswered(e, p->tag, &w)) == 0)
		return;
	if (n > 1) {
		part(e, p->tag);
		return;
	}
	/* Not a word of it, or RFC 5530 s. 3: it was expunged or moved since its size was told. */
	answer(e, w, (r->status == IMAP_OK && !w->told) || r->code == IMAP_CODE_EXPUNGEISSUED ? "sync.gone" :
	    "sync.item_empty", SLICE_NONE, -1);
}

/* A message that takes the connection down with it is not asked for ever. */
static void
count_drop(struct engine *e, uint32_t tag, bool too_large)
{
	struct want *w = NULL;
	unsigned int n = unanswered(e, tag, &w);

	if (n > 1)
		part(e, tag);
	else if (n == 1 && (too_large || ++w->tries >= LIM_BODY_TRIES))
		answer(e, w, too_large ? "sync.item_too_large" : "sync.item_poison", SLICE_NONE, -1);
}

void
bodies_dropped(struct engine *e, bool protocol)
{
	bool too_large = protocol && e->stream.frame.error != NULL && strstr(e->stream.frame.error, "beyond") != NULL;
	struct want *w = NULL;
	unsigned int i;

	/* The first that has something to come is what it stopped at. */
	for (i = 0; e->task == TASK_BODIES && i < e->writer.npending; i++) {
		const struct pending *p = &e->writer.pending[i];

		if (p->command != CMD_BODY || unanswered(e, p->tag, &w) == 0)
			continue;
		count_drop(e, p->tag, too_large);
		break;
	}
	end_batch(e);
}

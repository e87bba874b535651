/*
 * bodies.c - whole messages for the store. Sizes are asked first, for a
 * handful of messages at once, so that what is too large is never sent; the
 * size said is not trusted, the literal's own announcement counts.
 */
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "messages.h"

#include <stdlib.h>
#include <string.h>

int
engine_body_want(struct engine *e, const struct msg_body_want *m)
{
	size_t cap = e->wants_cap == 0 ? 16 : e->wants_cap * 2;
	struct want *v;

	if (e->nwants >= LIM_IMAP_WANTS)
		return -1;
	if (e->nwants == e->wants_cap) {
		if ((v = reallocarray(e->wants, cap, sizeof(*v))) == NULL)
			fatal("out of memory");
		e->wants = v;
		e->wants_cap = cap;
	}
	e->wants[e->nwants++] = (struct want){ .mailbox = m->mailbox, .uidvalidity = m->uidvalidity, .uid = m->uid };
	engine_turn(e);
	return 0;
}

void
bodies_clear(struct engine *e)
{
	free(e->wants);
	e->wants = NULL;
	e->nwants = e->wants_cap = e->batch = 0;
}

bool
bodies_due(const struct engine *e)
{
	return e->nwants > 0;
}

/* fd is taken over; -1: the bytes are in data, or there are none. */
static void
answer(struct engine *e, struct want *w, const char *code, struct slice data, int fd)
{
	struct msg_message_body m = { .mailbox = w->mailbox, .uid = w->uid, .code = slice_str(code), .data = data };

	w->answered = true;
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
	size_t i, k = 0;

	for (i = 0; i < e->nwants; i++) {
		if (!e->wants[i].answered)
			e->wants[k++] = e->wants[i];
	}
	e->nwants = k;
	e->batch = 0;
	if (k == 0)
		bodies_clear(e);
}

/* Bring wants of the first one's folder to the front. */
void
bodies_start(struct engine *e)
{
	struct want w;
	size_t i, k = 0;

	for (i = 0; i < e->nwants && k < LIM_BODY_BATCH; i++) {
		if (e->wants[i].mailbox != e->wants[0].mailbox)
			continue;
		w = e->wants[i];
		memmove(e->wants + k + 1, e->wants + k, (i - k) * sizeof(w));
		w.asked = w.seen = false;
		e->wants[k++] = w;
	}
	e->batch = k;
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
		if (p == NULL) {
			p = imap_begin(&e->writer, CMD_SIZES);
			imap_text(&e->writer, "UID FETCH %u", w->uid);
		} else
			imap_text(&e->writer, ",%u", w->uid);
	}
	if (p == NULL)
		return false;
	imap_text(&e->writer, " (UID RFC822.SIZE)");
	(void)imap_end(&e->writer);
	return true;
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

static unsigned int
in_flight(const struct engine *e)
{
	unsigned int i, n = 0;

	for (i = 0; i < e->writer.npending; i++)
		n += e->writer.pending[i].command == CMD_BODY;
	return n;
}

static void
ask_bodies(struct engine *e)
{
	size_t i;

	for (i = 0; i < e->batch && in_flight(e) < LIM_BODY_IN_FLIGHT && imap_can_begin(&e->writer); i++) {
		struct want *w = &e->wants[i];
		struct pending *p;

		if (w->answered || imap_pending_uid(&e->writer, CMD_BODY, w->uid) != NULL)
			continue;
		if (!w->seen) {
			answer(e, w, "sync.gone", SLICE_NONE, -1);
			continue;
		}
		if (w->size > LIM_BODY) {
			answer(e, w, "sync.item_too_large", SLICE_NONE, -1);
			continue;
		}
		p = imap_begin(&e->writer, CMD_BODY);
		p->low = p->high = w->uid;
		imap_text(&e->writer, "UID FETCH %u (UID BODY.PEEK[])", w->uid);
		(void)imap_end(&e->writer);
	}
}

bool
bodies_turn(struct engine *e)
{
	struct folder *f;
	const char *code;

	if (e->batch == 0 || e->wanted != NULL)
		return e->wanted == NULL;
	f = folders_by_id(&e->folders, e->wants[0].mailbox);
	if ((code = obstacle(e, f)) != NULL)
		answer_all(e, code);
	else if (e->sel.folder != f)
		return false;
	else if (imap_pending(&e->writer, CMD_SIZES) != NULL || ask_sizes(e))
		return false;
	else
		ask_bodies(e);
	if (e->writer.npending > 0)
		return false;
	sweep(e);
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
	struct pending *p = imap_pending_uid(&e->writer, CMD_BODY, f->uid);
	struct want *w = p != NULL ? want_of(e, f->uid) : NULL;
	int fd = -1;

	if (p != NULL)
		p->answered = true;
	/* NIL, or nothing where there should be something: see bodies_tagged. */
	if (w == NULL || f->body_nil || (f->body.n == 0 && w->size > 0))
		return false;
	p->rows++;
	if (f->body_big && (fd = imap_frame_take(&e->stream.frame)) == -1) {
		engine_protocol_error(e, "a body literal that is not there");
		return false;
	}
	answer(e, w, "", f->body_big ? SLICE_NONE : f->body, fd);
	return true;
}

void
bodies_tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	struct want *w;

	if (r->status != IMAP_OK && engine_temporary(r)) {
		engine_drop(e, engine_code(r, "sync.throttled"), r->text);
		return;
	}
	if (p->command == CMD_SIZES) {
		/* Cannot say sizes: try the bodies one by one. */
		for (size_t i = 0; r->status != IMAP_OK && i < e->batch; i++)
			e->wants[i].seen = true;
	} else if ((w = want_of(e, p->low)) != NULL)
		/* Not a word of it, or RFC 5530 s. 3: it was expunged or moved since its size was told. */
		answer(e, w, (r->status == IMAP_OK && !p->answered) || r->code == IMAP_CODE_EXPUNGEISSUED ?
		    "sync.gone" : "sync.item_empty", SLICE_NONE, -1);
}

/* A message that takes the connection down with it is not asked for ever. */
void
bodies_dropped(struct engine *e, bool protocol)
{
	bool too_large = protocol && e->stream.frame.error != NULL && strstr(e->stream.frame.error, "beyond") != NULL;
	unsigned int i;

	for (i = 0; e->task == TASK_BODIES && i < e->writer.npending; i++) {
		const struct pending *p = &e->writer.pending[i];
		struct want *w = p->command == CMD_BODY ? want_of(e, p->low) : NULL;

		if (w == NULL)
			continue;
		if (too_large || ++w->tries >= LIM_BODY_TRIES)
			answer(e, w, too_large ? "sync.item_too_large" : "sync.item_poison", SLICE_NONE, -1);
		break;
	}
	sweep(e);
}

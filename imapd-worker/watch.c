/*
 * watch.c - the second connection. See watch.h.
 */
#include "watch.h"
#include "clock.h"
#include "engine.h"
#include "log.h"
#include "loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum watch_state {
	WATCH_OFF,	/* may begin */
	WATCH_REST,	/* not before the timer */
	WATCH_WANTED,	/* a stream is on its way */
	WATCH_SELECT,
	WATCH_ASKED,	/* IDLE is on its way */
	WATCH_ON,
	WATCH_RENEW	/* DONE is on its way */
};

struct watch {
	enum watch_state state;
	struct stream stream;
	struct imap_writer writer;
	struct imap_response response;
	struct event *timer;
	uint64_t since;		/* of the stream */
	unsigned int fails;	/* in a row */
	unsigned int blames;	/* in a row: the first connection went when this one came */
	bool news, begun;	/* the folder changed; IDLE has just begun */
	bool told;		/* that it waits */
	char name[LIM_MAILBOX_NAME + 1];	/* of the folder, as LIST gave it */
};

/* When what the state waits for comes, or is late. */
static void
set(struct watch *w, enum watch_state state, uint64_t ms)
{
	struct timeval tv = { (time_t)(ms / 1000), (suseconds_t)(ms % 1000 * 1000) };

	w->state = state;
	if (event_add(w->timer, &tv) == -1)
		fatal("out of memory");
}

static struct folder *
folder_of(const struct engine *e)
{
	return folders_by_name(&e->folders, slice_str(e->watch->name));
}

/* It is asked now; where it is All Mail, Sent is known by it too. */
static void
ask(struct engine *e, struct folder *f)
{
	struct folder *sent = folders_role(&e->folders, MBOX_SENT);

	f->poll_at = 0;
	if (f->role == MBOX_ALL && sent != NULL)
		sent->poll_at = 0;
}

/* It tells no more: the folder is asked, now and by the clock. */
static void
deaf(struct engine *e)
{
	struct folder *f = folder_of(e);

	if (f == NULL || !engine_open(e) || e->state != ENGINE_RUN)
		return;
	ask(e, f);
	engine_wake_in(e, 0);
}

/* Not at present, or not for us: nothing that the next try would change. */
static bool
refused(const char *code)
{
	return strncmp(code, "sync.", 5) == 0 || strncmp(code, "auth.", 5) == 0 || strncmp(code, "oauth.", 6) == 0;
}

/* A lost connection is made again like the first. */
static void
rest(struct engine *e, const char *code)
{
	struct watch *w = e->watch;
	bool was_on = w->state == WATCH_ON || w->state == WATCH_RENEW;
	uint64_t ms;

	if (w->since != 0 && clock_ms() - w->since >= LIM_IMAP_STABLE_MS)
		w->fails = w->blames = 0;
	w->since = 0;
	w->told = false;
	stream_close(&w->stream);
	imap_writer_reset(&w->writer);
	ms = refused(code) ? LIM_WATCH_REFUSED_MS : engine_backoff(++w->fails);
	set(w, WATCH_REST, ms);
	if (was_on)
		deaf(e);
	log_info("no second connection, its folder is asked on a clock code=%s ms=%llu", code,
	    (unsigned long long)ms);
}

/* ---- what it says ---- */

static void
idle(struct watch *w)
{
	(void)imap_begin(&w->writer, CMD_IDLE);
	imap_text(&w->writer, "IDLE");
	(void)imap_end(&w->writer);
	set(w, WATCH_ASKED, LIM_COMMAND_SECONDS * 1000);
}

/* Read-only, so that nobody's \Recent is taken. */
static void
examine(struct engine *e)
{
	struct watch *w = e->watch;

	imap_writer_caps(&w->writer, e->caps);
	if ((e->caps & CAP_ID) != 0)
		hello_who(&w->writer);
	(void)imap_begin(&w->writer, CMD_SELECT);
	imap_text(&w->writer, "EXAMINE ");
	imap_mailbox(&w->writer, slice_str(w->name));
	if (imap_end(&w->writer) == -1)
		fatal("a folder's name cannot be written");
	set(w, WATCH_SELECT, LIM_COMMAND_SECONDS * 1000);
}

/* ---- what it hears ---- */

static void
tagged(struct engine *e, const struct pending *p, const struct imap_response *r)
{
	struct watch *w = e->watch;

	if (p->command == CMD_ID)
		return;
	if (r->status != IMAP_OK)
		rest(e, engine_code(r, "sync.protocol_error"));
	else if (p->command == CMD_SELECT || w->state == WATCH_RENEW)
		idle(w);
	else
		rest(e, "sync.protocol_error");	/* IDLE ended by itself */
}

static void
continued(struct engine *e)
{
	struct watch *w = e->watch;

	if (w->state == WATCH_SELECT && imap_continue(&w->writer) == 0)
		return;		/* the name is a literal */
	if (w->state != WATCH_ASKED) {
		rest(e, "sync.protocol_error");
		return;
	}
	if (!w->told)
		log_info("second connection waits");
	w->begun = !w->told;
	w->told = true;
	set(w, WATCH_ON, engine_proof_ms(e));
}

static void
on_response(void *ctx, uint8_t *text, size_t n)
{
	struct engine *e = ctx;
	struct watch *w = e->watch;
	struct imap_response *r = &w->response;
	struct pending p;

	if (imap_response_parse(r, text, n, w->stream.frame.limits->inline_max) == -1) {
		rest(e, "sync.protocol_error");
		return;
	}
	switch (r->kind) {
	case IMAP_CONTINUE:
		continued(e);
		break;
	case IMAP_TAGGED:
		if (imap_finish(&w->writer, r->tag, &p) == -1)
			rest(e, "sync.protocol_error");
		else
			tagged(e, &p, r);
		break;
	case IMAP_STATUS:
		if (r->status == IMAP_BYE)
			rest(e, engine_code(r, "net.bye"));
		break;
	case IMAP_EXISTS:
	case IMAP_EXPUNGE:
	case IMAP_VANISHED:
	case IMAP_FETCH:
		w->news |= w->state != WATCH_SELECT;	/* that tells how it is */
		break;
	default:
		break;
	}
}

static void
on_turn_end(void *ctx)
{
	struct engine *e = ctx;
	struct watch *w = e->watch;
	struct folder *f;

	if ((!w->news && !w->begun) || (w->state != WATCH_ON && w->state != WATCH_RENEW))
		return;
	if ((f = folder_of(e)) != NULL) {
		ask(e, f);	/* also for what came before it listened */
		f->dirty = f->dirty || w->news;
		e->look_labels = e->look_labels || (w->news && f->role == MBOX_ALL);
	}
	w->news = w->begun = false;
	engine_turn(e);
}

static void
on_end(void *ctx, const char *reason)
{
	rest(ctx, reason != NULL ? "sync.protocol_error" : "net.reset");
}

static bool
on_blocked(void *ctx)
{
	(void)ctx;
	return false;
}

static const struct stream_ops ops = { on_response, on_turn_end, on_end, on_blocked };

/* ---- its clock ---- */

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct engine *e = arg;
	struct watch *w = e->watch;

	(void)fd;
	(void)what;
	if (w->state == WATCH_REST) {
		w->state = WATCH_OFF;
		watch_turn(e);
	} else if (w->state == WATCH_ON) {
		imap_done(&w->writer);
		set(w, WATCH_RENEW, LIM_COMMAND_SECONDS * 1000);
		stream_kick(&w->stream);
	} else if (w->state != WATCH_OFF && w->state != WATCH_WANTED)
		rest(e, "net.timeout");
}

/* ---- life ---- */

static struct watch *
watch_new(struct engine *e)
{
	struct watch *w = calloc(1, sizeof(*w));

	if (w == NULL || (w->timer = evtimer_new(loop_base(), on_timer, e)) == NULL)
		fatal("out of memory");
	stream_init(&w->stream, &ops, e);
	imap_writer_init(&w->writer, w->stream.out);
	return w;
}

void
watch_free(struct engine *e)
{
	struct watch *w = e->watch;

	if (w == NULL)
		return;
	e->watch = NULL;
	imap_writer_reset(&w->writer);
	stream_free(&w->stream);
	event_free(w->timer);
	free(w);
}

/* Where folders are labels, All Mail hears of what happens in most of them. */
static struct folder *
best(const struct engine *e)
{
	struct folder *all = e->folders.labels ? folders_role(&e->folders, MBOX_ALL) : NULL;

	return all != NULL && all->synced ? all : folders_role(&e->folders, MBOX_SENT);
}

/* The folder that would be asked on a clock, though the server could tell. */
static struct folder *
worth_it(const struct engine *e)
{
	struct folder *f = best(e);

	if (!e->live || e->probe || (e->caps & CAP_IDLE) == 0 || f == NULL || !f->synced || f->id == 0 ||
	    f == folders_role(&e->folders, MBOX_INBOX) || clock_ms() < f->retry_at)
		return NULL;
	if ((e->caps & CAP_NOTIFY) != 0 && e->notify != NOTIFY_REFUSED && (e->notify != NOTIFY_ON || f->watched))
		return NULL;
	return f;
}

void
watch_turn(struct engine *e)
{
	struct folder *f = worth_it(e);
	struct watch *w;

	if (f == NULL)
		return;
	if (e->watch == NULL)
		e->watch = watch_new(e);
	w = e->watch;
	if (w->state > WATCH_WANTED && strcmp(w->name, f->raw_name) != 0)
		rest(e, "net.reset");	/* another folder is the one now */
	if (w->state != WATCH_OFF)
		return;
	w->state = WATCH_WANTED;
	e->host->want_watch(e->host_ctx);
}

bool
watch_tells(const struct engine *e, const struct folder *f)
{
	const struct watch *w = e->watch;
	const struct folder *at;

	if (w == NULL || (w->state != WATCH_ON && w->state != WATCH_RENEW) || (at = folder_of(e)) == NULL)
		return false;
	return at == f || (at->role == MBOX_ALL && f->role == MBOX_SENT);
}

void
watch_stream_up(struct engine *e, int fd)
{
	struct folder *f = worth_it(e);
	struct watch *w = e->watch;

	if (w == NULL || w->state != WATCH_WANTED || f == NULL ||
	    slice_copy(slice_str(f->raw_name), w->name, sizeof(w->name)) == -1) {
		evutil_closesocket(fd);
		if (w != NULL && w->state == WATCH_WANTED)
			w->state = WATCH_OFF;
		return;
	}
	w->since = clock_ms();
	w->news = w->begun = false;
	imap_writer_reset(&w->writer);
	examine(e);
	stream_open(&w->stream, fd);
}

void
watch_stream_failed(struct engine *e, struct slice code)
{
	char text[LIM_CODE + 1] = "net.reset";

	if (e->watch == NULL || e->watch->state != WATCH_WANTED)
		return;
	if (code.n > 0)
		(void)slice_copy(code, text, sizeof(text));
	rest(e, text);
}

void
watch_leave(struct engine *e, const char *code)
{
	struct watch *w = e->watch;
	bool blamed = code != NULL && strcmp(code, "sync.too_many_connections") == 0;

	if (w == NULL)
		return;
	/* Once may be chance: both went, for some other reason. */
	if (w->since != 0 && clock_ms() - w->since < LIM_WATCH_BLAME_MS)
		blamed |= ++w->blames == LIM_WATCH_BLAMES;
	if (blamed)
		w->blames = 0;
	if (blamed || w->state >= WATCH_SELECT)
		rest(e, blamed ? "sync.too_many_connections" : "net.reset");
}

#include "engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"

static void
say(struct engine *e, const char *text)
{
	if (evbuffer_add(e->out, text, strlen(text)) == -1)
		fatal("out of memory");
}

/* The sender's domain, when it can stand in an EHLO; else an address literal. */
static void
say_ehlo(struct engine *e, const char *from)
{
	const char *at = strrchr(from, '@');
	const char *domain = at != NULL ? at + 1 : "";
	size_t n = strspn(domain, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-");
	bool fits = n > 0 && n <= LIM_HOST && domain[n] == '\0';

	say(e, "EHLO ");
	say(e, fits ? domain : "[127.0.0.1]");
	say(e, "\r\n");
}

void
engine_start(struct engine *e, const struct engine_ops *ops, void *ctx, struct evbuffer *out, const char *from,
    bool probe)
{
	memset(e, 0, sizeof(*e));
	e->ops = ops;
	e->ctx = ctx;
	e->out = out;
	e->probe = probe;
	if (slice_copy(slice_str(from), e->probe_from, sizeof(e->probe_from)) == -1)
		e->probe_from[0] = '\0';
	reply_init(&e->reply);
	e->state = ENGINE_EHLO;
	say_ehlo(e, e->probe_from);
}

void
engine_item_done(struct engine *e, enum send_result result, unsigned int reply, const char *code, const char *text)
{
	if (e->item == NULL)
		return;
	e->item = NULL;
	e->ops->done(e->ctx, result, reply, code, text);
}

/* What an end of the connection means for the item under way. */
static void
give_item_back(struct engine *e)
{
	if (e->state == ENGINE_DOT)
		engine_item_done(e, SEND_UNCERTAIN, 0, "send.uncertain", "the connection ended after the message");
	else
		engine_item_done(e, SEND_TEMP, 0, "net.reset", "the connection ended before the message was complete");
}

static void
give_probe_back(struct engine *e)
{
	if (!e->probe)
		return;
	if (e->state == ENGINE_EHLO)
		e->ops->step(e->ctx, STEP_EHLO, false, "net.reset", "the connection ended");
	else if (e->state == ENGINE_MAIL)
		e->ops->step(e->ctx, STEP_MAIL_FROM, false, "net.reset", "the connection ended");
}

void
engine_lost(struct engine *e)
{
	if (e->state == ENGINE_DEAD)
		return;
	give_item_back(e);
	give_probe_back(e);
	e->state = ENGINE_DEAD;
}

void
engine_die(struct engine *e)
{
	if (e->state == ENGINE_DEAD)
		return;
	engine_lost(e);
	e->ops->over(e->ctx);
}

void
engine_quit(struct engine *e)
{
	if (e->state == ENGINE_IDLE) {
		say(e, "QUIT\r\n");
		e->state = ENGINE_QUIT;
	} else
		engine_die(e);
}

/* ---- EHLO ---- */

static bool
keyword(struct slice line, const char *word, struct slice *rest)
{
	size_t n = strlen(word);

	if (line.n < n || !slice_case_eq_str((struct slice){ line.p, n }, word) || (line.n > n && line.p[n] != ' '))
		return false;
	*rest = line.n > n ? (struct slice){ line.p + n + 1, line.n - n - 1 } : SLICE_NONE;
	return true;
}

static void
read_size(struct engine *e, struct slice rest)
{
	uint64_t n = 0;

	e->size = true;
	for (size_t i = 0; i < rest.n && rest.p[i] >= '0' && rest.p[i] <= '9' && n < UINT64_MAX / 20; i++)
		n = n * 10 + (uint64_t)(rest.p[i] - '0');
	e->size_limit = n;
}

static void
read_keyword(struct engine *e, struct slice line)
{
	struct slice rest;

	if (keyword(line, "PIPELINING", &rest))
		e->pipelining = true;
	else if (keyword(line, "8BITMIME", &rest))
		e->eightbit = true;
	else if (keyword(line, "SMTPUTF8", &rest))
		e->smtputf8 = true;
	else if (keyword(line, "SIZE", &rest))
		read_size(e, rest);
}

static void
become_idle(struct engine *e)
{
	e->state = ENGINE_IDLE;
	e->ops->idle(e->ctx);
}

static void
start_probe(struct engine *e)
{
	e->ops->step(e->ctx, STEP_EHLO, true, "", "");
	if (!engine_address_ok(e->probe_from)) {
		e->state = ENGINE_IDLE;
		e->ops->step(e->ctx, STEP_MAIL_FROM, false, "cfg.invalid", "not an address");
		engine_quit(e);
		return;
	}
	say(e, "MAIL FROM:<");
	say(e, e->probe_from);
	say(e, e->size ? "> SIZE=1000\r\n" : ">\r\n");
	e->state = ENGINE_MAIL;
}

/* EHLO was accepted before the login already: a refusal now is a state of the
 * server, and the stream is of no use. */
static void
reply_ehlo(struct engine *e)
{
	struct reply *r = &e->reply;

	if (r->code == 250 && e->probe)
		start_probe(e);
	else if (r->code == 250)
		become_idle(e);
	else {
		struct verdict v = verdict_of(VERDICT_EHLO, r->code, r->text);

		e->state = ENGINE_IDLE;
		e->ops->step(e->ctx, STEP_EHLO, false, v.code, r->text);
		engine_die(e);
	}
}

static void
reply_probe(struct engine *e)
{
	struct reply *r = &e->reply;
	bool ok = r->code >= 200 && r->code < 300;

	e->state = ENGINE_RSET;
	say(e, "RSET\r\n");
	e->ops->step(e->ctx, STEP_MAIL_FROM, ok, ok ? "" : verdict_of(VERDICT_MAIL, r->code, r->text).code,
	    ok ? "" : r->text);
}

static void
reply_rset(struct engine *e)
{
	if (e->probe) {
		e->state = ENGINE_IDLE;
		engine_quit(e);
	} else if (e->reply.code >= 200 && e->reply.code < 300)
		become_idle(e);
	else
		engine_die(e);
}

/* A reply nobody asked for: a 421 before it closes, or a server out of step. */
static void
reply_unasked(struct engine *e)
{
	struct reply *r = &e->reply;

	if (e->item != NULL) {
		struct verdict v = verdict_of(VERDICT_DATA, r->code, r->text);

		engine_item_done(e, v.result, r->code, v.code, r->text);
	}
	engine_die(e);
}

static void
on_reply(struct engine *e)
{
	switch (e->state) {
	case ENGINE_EHLO:
		reply_ehlo(e);
		break;
	case ENGINE_MAIL:
		if (e->probe)
			reply_probe(e);
		else
			engine_reply_mail(e);
		break;
	case ENGINE_RCPT:
		engine_reply_rcpt(e);
		break;
	case ENGINE_DATA:
		engine_reply_data(e);
		break;
	case ENGINE_DOT:
		engine_reply_dot(e);
		break;
	case ENGINE_RSET:
		reply_rset(e);
		break;
	case ENGINE_QUIT:
		engine_die(e);
		break;
	case ENGINE_IDLE:
	case ENGINE_BODY:
	case ENGINE_WAIT_GO:
		reply_unasked(e);
		break;
	case ENGINE_DEAD:
		break;
	}
}

void
engine_input(struct engine *e, struct slice in)
{
	enum reply_event event;

	while (e->state != ENGINE_DEAD && (event = reply_read(&e->reply, &in)) != REPLY_MORE) {
		if (event == REPLY_BROKEN) {
			engine_die(e);
			return;
		}
		/* The first line of an EHLO reply is a name and a greeting. */
		if (e->state == ENGINE_EHLO && e->reply.code == 250 && e->reply.lines > 1)
			read_keyword(e, e->reply.line);
		if (event == REPLY_WHOLE)
			on_reply(e);
	}
}

unsigned int
engine_patience(const struct engine *e)
{
	switch (e->state) {
	case ENGINE_IDLE:
	case ENGINE_WAIT_GO:
	case ENGINE_DEAD:
		return 0;
	case ENGINE_DATA:
		return 120;
	case ENGINE_BODY:
		return 180;
	case ENGINE_DOT:
		return 600;
	case ENGINE_QUIT:
		return 5;
	default:
		return 300;
	}
}

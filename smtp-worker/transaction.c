/*
 * One item: MAIL, RCPT for each recipient, DATA, the text, the final dot. With
 * PIPELINING the envelope goes out at once; DATA waits until a recipient was
 * accepted.
 */
#include <stdio.h>
#include <string.h>

#include "engine.h"
#include "log.h"

static void
say(struct engine *e, const char *text)
{
	if (evbuffer_add(e->out, text, strlen(text)) == -1)
		fatal("out of memory");
}

bool
engine_address_ok(const char *a)
{
	if (*a == '\0')
		return false;
	for (; *a != '\0'; a++)
		if ((unsigned char)*a <= ' ' || *a == 0x7f || *a == '<' || *a == '>')
			return false;
	return true;
}

static void
say_mail(struct engine *e)
{
	struct slice message = e->item->body.data;
	char size[32];

	say(e, "MAIL FROM:<");
	say(e, e->item->from);
	say(e, ">");
	if (e->size) {
		snprintf(size, sizeof(size), " SIZE=%llu", (unsigned long long)dot_size(message));
		say(e, size);
	}
	if (e->eightbit && dot_has_8bit(message))
		say(e, " BODY=8BITMIME");
	if (e->item->utf8)
		say(e, " SMTPUTF8");
	say(e, "\r\n");
}

/* Also forgets what the last transaction knew. */
static void
say_rset(struct engine *e)
{
	say(e, "RSET\r\n");
	e->state = ENGINE_RSET;
}

/* The mildest refusal decides whether a later try makes sense. */
static void
note_refusal(struct engine *e, struct verdict v, unsigned int reply, const char *text)
{
	if (e->verdict.code != NULL && (e->verdict.result == SEND_TEMP || v.result != SEND_TEMP))
		return;
	e->verdict = v;
	e->verdict_reply = reply;
	snprintf(e->verdict_text, sizeof(e->verdict_text), "%s", text);
}

/* All RCPTs with PIPELINING, else one; what cannot be said is passed over. */
static void
say_rcpts(struct engine *e)
{
	while (e->asked < e->item->n_rcpts) {
		const char *to = e->item->rcpts[e->asked++];

		if (!engine_address_ok(to))
			continue;
		say(e, "RCPT TO:<");
		say(e, to);
		say(e, ">\r\n");
		if (!e->pipelining)
			return;
	}
}

/* Those at the front that were passed over get their result. */
static void
settle_unsaid(struct engine *e)
{
	static const struct verdict unsaid = { SEND_PERM, "send.rcpt_unknown" };

	while (e->answered < e->asked && !engine_address_ok(e->item->rcpts[e->answered])) {
		note_refusal(e, unsaid, 0, "not an address");
		e->ops->rcpt(e->ctx, e->answered++, 0, unsaid.code, "not an address");
	}
}

/* All is answered: on with the text, or the item goes back. */
static void
envelope_done(struct engine *e)
{
	if (e->accepted > 0 && !e->mail_failed) {
		say(e, "DATA\r\n");
		e->state = ENGINE_DATA;
		return;
	}
	say_rset(e);
	engine_item_done(e, e->verdict.result, e->verdict_reply, e->verdict.code, e->verdict_text);
}

static void
envelope_next(struct engine *e)
{
	e->state = ENGINE_RCPT;
	if (!e->mail_failed) {
		settle_unsaid(e);
		if (e->answered == e->asked)
			say_rcpts(e);
		settle_unsaid(e);
	}
	if (e->answered == e->asked && (e->mail_failed || e->asked == e->item->n_rcpts))
		envelope_done(e);
}

/* How many RCPTs of a refused MAIL are still to be answered. */
static void
forget_unsaid(struct engine *e)
{
	while (e->answered < e->asked && !engine_address_ok(e->item->rcpts[e->answered]))
		e->answered++;
}

void
engine_reply_mail(struct engine *e)
{
	struct reply *r = &e->reply;

	if (r->code < 200 || r->code > 299) {
		e->mail_failed = true;
		note_refusal(e, verdict_of(VERDICT_MAIL, r->code, r->text), r->code, r->text);
		forget_unsaid(e);
	}
	envelope_next(e);
}

void
engine_reply_rcpt(struct engine *e)
{
	struct reply *r = &e->reply;
	struct verdict v;

	if (e->mail_failed) {
		e->answered++;
		forget_unsaid(e);
	} else if (r->code >= 200 && r->code < 300) {
		e->accepted++;
		e->ops->rcpt(e->ctx, e->answered++, r->code, "", r->text);
	} else {
		v = verdict_of(VERDICT_RCPT, r->code, r->text);
		note_refusal(e, v, r->code, r->text);
		e->ops->rcpt(e->ctx, e->answered++, r->code, v.code, r->text);
	}
	envelope_next(e);
}

/* ---- the text ---- */

static void
fill(struct engine *e)
{
	static uint8_t chunk[ENGINE_FILL];
	size_t n = dot_next(&e->dot, chunk, sizeof(chunk));

	if (n > 0 && evbuffer_add(e->out, chunk, n) == -1)
		fatal("out of memory");
}

static void
refused(struct engine *e)
{
	struct verdict v = verdict_of(VERDICT_DATA, e->reply.code, e->reply.text);

	say_rset(e);
	engine_item_done(e, v.result, e->reply.code, v.code, e->reply.text);
}

void
engine_reply_data(struct engine *e)
{
	if (e->reply.code >= 400) {
		refused(e);
		return;
	}
	if (e->reply.code != 354) {
		engine_die(e);
		return;
	}
	e->state = ENGINE_BODY;
	dot_init(&e->dot, e->item->body.data);
	fill(e);
	/* An empty message has nothing to drain. */
	if (evbuffer_get_length(e->out) == 0)
		engine_drained(e);
}

void
engine_drained(struct engine *e)
{
	if (e->state != ENGINE_BODY)
		return;
	if (!e->dot.ended) {
		fill(e);
		if (evbuffer_get_length(e->out) > 0)
			return;
	}
	e->state = ENGINE_WAIT_GO;
	e->ops->data_sent(e->ctx);
}

void
engine_go(struct engine *e)
{
	if (e->state != ENGINE_WAIT_GO)
		return;
	e->state = ENGINE_DOT;
	say(e, ".\r\n");
}

void
engine_reply_dot(struct engine *e)
{
	struct reply *r = &e->reply;
	bool partial = e->accepted < e->item->n_rcpts;

	if (r->code >= 400)
		refused(e);
	else if (r->code >= 300)
		engine_die(e);
	else {
		say_rset(e);
		engine_item_done(e, SEND_OK, r->code, partial ? "send.rcpt_partial" : "", r->text);
	}
}

/* ---- begin ---- */

/* What need not be asked: NULL, or the code of a refusal. */
static const char *
refuse_early(const struct engine *e, const struct item *item)
{
	if (!engine_address_ok(item->from) || item->n_rcpts == 0)
		return "cfg.invalid";
	if (item->utf8 && !e->smtputf8)
		return "send.utf8_unsupported";
	if (e->size_limit > 0 && dot_size(item->body.data) > e->size_limit)
		return "send.too_large";
	return NULL;
}

bool
engine_send(struct engine *e, const struct item *item)
{
	const char *code = refuse_early(e, item);
	char text[64] = "";

	e->item = item;
	e->asked = e->answered = e->accepted = 0;
	e->mail_failed = false;
	e->verdict = (struct verdict){ SEND_PERM, NULL };
	e->verdict_reply = 0;
	e->verdict_text[0] = '\0';
	if (code != NULL) {
		if (strcmp(code, "send.too_large") == 0)
			snprintf(text, sizeof(text), "the server takes %llu bytes", (unsigned long long)e->size_limit);
		engine_item_done(e, SEND_PERM, 0, code, text);
		return false;
	}
	e->state = ENGINE_MAIL;
	say_mail(e);
	if (e->pipelining)
		say_rcpts(e);
	return true;
}

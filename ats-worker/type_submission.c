/*
 * type_submission.c - EmailSubmission (RFC 8621 s. 7) and our additions.
 */
#include <string.h>

#include "filters.h"
#include "jmap_type.h"
#include "submission_set.h"

JMAP_DECODE(submission)

static json_t *
address_json(struct slice email)
{
	json_t *o = json_object();

	ju_set(o, "email", ju_str(email));
	ju_set(o, "parameters", json_null());
	return o;
}

static json_t *
envelope(const struct jmap_render *r)
{
	const struct rec_submission *x = &r->rec->submission;
	json_t *o = json_object(), *to = json_array();
	struct slice list = x->rcpts, item;
	struct rec_rcpt rcpt;

	while (list_next(&list, &item))
		if (rec_rcpt_decode(item, &rcpt) == 0)
			ju_push(to, address_json(rcpt.email));
	ju_set(o, "mailFrom", address_json(x->from));
	ju_set(o, "rcptTo", to);
	return o;
}

/* RFC 8621 s. 7: the reply as the server gave it, "250 2.1.5 text". */
static json_t *
reply_text(const struct rec_rcpt *r)
{
	char text[LIM_CODE + LIM_DETAIL + 16];
	int n;

	if (r->reply == 0)
		return json_string("");
	n = snprintf(text, sizeof(text), "%u %.*s", r->reply, (int)r->text.n, r->text.n > 0 ? (const char *)r->text.p : "");
	return ju_str(slice_mem(text, n > 0 ? (size_t)n : 0));
}

static const char *
delivered(uint8_t state)
{
	switch ((enum rcpt_state)state) {
	case RCPT_PENDING:
	case RCPT_TEMP:
		return "queued";
	case RCPT_FAILED:
		return "no";
	case RCPT_SENT:
		break;
	}
	return "unknown";	/* accepted by the next server; more is not known */
}

static json_t *
delivery_status(const struct jmap_render *r)
{
	const struct rec_submission *x = &r->rec->submission;
	struct slice list = x->rcpts, item;
	json_t *o = json_object(), *one;
	struct rec_rcpt rcpt;
	char email[LIM_ADDRESS + 1];

	while (list_next(&list, &item)) {
		if (rec_rcpt_decode(item, &rcpt) == -1 || slice_copy(rcpt.email, email, sizeof(email)) == -1)
			continue;
		one = json_object();
		ju_set(one, "smtpReply", reply_text(&rcpt));
		ju_set(one, "delivered", json_string(delivered(rcpt.state)));
		ju_set(one, "displayed", json_string("unknown"));
		ju_set(one, "code", ju_str_or_null(rcpt.code));
		ju_set(o, email, one);
	}
	return o;
}

static json_t *
stop_on(const struct jmap_render *r)
{
	uint8_t stop = r->rec->submission.stop_on;
	json_t *o = json_object();

	ju_set(o, "reply", json_boolean((stop & STOP_ON_REPLY) != 0));
	ju_set(o, "bounce", json_boolean((stop & STOP_ON_BOUNCE) != 0));
	return o;
}

static json_t *
render_empty(const struct jmap_render *r)
{
	(void)r;
	return json_array();
}

JMAP_RENDER(submission, render_identity, ju_id('I', x->identity))
JMAP_RENDER(submission, render_email, ju_id('E', x->email))
JMAP_RENDER(submission, render_thread, ju_id('T', x->thread))
JMAP_RENDER(submission, render_send_at, ju_date(x->send_at))
JMAP_RENDER(submission, render_undo, word_json(words_undo, x->undo))
JMAP_RENDER(submission, render_sequence, ju_str_or_null(x->sequence_id))
JMAP_RENDER(submission, render_bulk, json_boolean(x->bulk))
JMAP_RENDER(submission, render_signature, word_json(words_signature, x->signature))
JMAP_RENDER(submission, render_state, word_json(words_submission_state, x->state))
JMAP_RENDER(submission, render_key, ju_str_or_null(x->idempotency_key))

static const struct jmap_prop props[] = {
	{ "identityId", PROP_IMMUTABLE, render_identity },
	{ "emailId", PROP_IMMUTABLE, render_email },
	{ "threadId", PROP_SERVER_SET, render_thread },
	{ "envelope", PROP_IMMUTABLE, envelope },
	{ "sendAt", PROP_SERVER_SET, render_send_at },
	{ "undoStatus", 0, render_undo },
	{ "deliveryStatus", PROP_SERVER_SET, delivery_status },
	{ "dsnBlobIds", PROP_SERVER_SET, render_empty },
	{ "mdnBlobIds", PROP_SERVER_SET, render_empty },
	{ "sequenceId", PROP_IMMUTABLE, render_sequence },
	{ "stopOn", PROP_IMMUTABLE, stop_on },
	{ "bulk", PROP_IMMUTABLE, render_bulk },
	{ "signature", PROP_IMMUTABLE, render_signature },
	{ "state", PROP_SERVER_SET, render_state },
	{ "idempotencyKey", PROP_IMMUTABLE, render_key },
	{ 0 },
};

static enum filter_result
filter(struct arena *arena, struct rec_filter *f, const char *name, json_t *value)
{
	(void)arena;
	if (strcmp(name, "after") == 0)
		return filter_date(value, &f->after);
	if (strcmp(name, "before") == 0)
		return filter_date(value, &f->before);
	if (strcmp(name, "state") == 0)
		return filter_word(value, words_submission_state, &f->state);
	return FILTER_UNKNOWN;
}

static const char *const set_arguments[] = { "onSuccessUpdateEmail", "onSuccessDestroyEmail", NULL };

const struct jmap_type type_submission = { .name = "EmailSubmission", .letter = 'S', .obj = OBJ_SUBMISSION,
	.decode = submission_decode, .props = props, .filter = filter, .sort = "sendAt",
	.set_arguments = set_arguments, .set_check = submission_set_check, .create = submission_create,
	.update = submission_update, .destroy = submission_destroy, .created_row = submission_created_row,
	.set_finish = submission_set_finish };

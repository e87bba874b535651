/*
 * type_review.c - something that a person must decide.
 */
#include <string.h>

#include "filters.h"
#include "jmap_type.h"
#include "probe_steps.h"
#include "word_json.h"

static json_t *
resolution(const struct jmap_render *r)
{
	const struct rec_review *x = &r->rec->review;

	switch ((enum review_resolution)x->resolution) {
	case RESOLVE_FILE:
		return json_pack("{s:o}", "correspondentId", ju_id('C', x->correspondent));
	case RESOLVE_DISCARD:
		return json_pack("{s:b}", "discard", 1);
	case RESOLVE_SEND_AGAIN:
		return json_pack("{s:s}", "send", "again");
	case RESOLVE_WAS_SENT:
		return json_pack("{s:s}", "send", "wasSent");
	case RESOLVE_NONE:
		break;
	}
	return json_null();
}

JMAP_DECODE(review)
JMAP_RENDER(review, render_reason, word_json(words_review_reason, x->reason))
JMAP_RENDER(review, render_account, x->account != 0 ? account_id_json(x->account) : json_null())
JMAP_RENDER(review, render_email, ju_id('E', x->email))
JMAP_RENDER(review, render_submission, ju_id('S', x->submission))
JMAP_RENDER(review, render_correspondents, ju_ids('C', x->correspondents))
JMAP_RENDER(review, render_created, ju_date(x->created_at))
JMAP_RENDER(review, render_change, word_json(words_change, x->change))
JMAP_RENDER(review, render_mailbox, ju_id('M', x->mailbox))
JMAP_RENDER(review, render_error, error_json(x->code, x->detail, x->created_at))

static const struct jmap_prop props[] = {
	{ "reason", PROP_SERVER_SET, render_reason },
	{ "accountId", PROP_SERVER_SET, render_account },
	{ "emailId", PROP_SERVER_SET, render_email },
	{ "submissionId", PROP_SERVER_SET, render_submission },
	{ "correspondentIds", PROP_SERVER_SET, render_correspondents },
	{ "createdAt", PROP_SERVER_SET, render_created },
	{ "change", PROP_SERVER_SET, render_change },
	{ "mailboxId", PROP_SERVER_SET, render_mailbox },
	{ "error", PROP_SERVER_SET, render_error },
	{ "resolution", 0, resolution },
	{ 0 },
};

static enum filter_result
filter(struct arena *arena, struct rec_filter *f, const char *name, json_t *value)
{
	(void)arena;
	if (strcmp(name, "reason") == 0)
		return filter_word(value, words_review_reason, &f->reason);
	if (strcmp(name, "accountId") == 0)
		return filter_account(value, &f->account);
	if (strcmp(name, "unresolved") == 0 && json_is_boolean(value)) {
		f->unresolved = json_is_true(value);
		/* There is no filter for "resolved": false says nothing. */
		return f->unresolved ? FILTER_OK : FILTER_UNKNOWN;
	}
	return FILTER_UNKNOWN;
}

/* Exactly one of {correspondentId}, {discard: true}, {send: ...}. */
static int
read_resolution(struct jmap_set *set, json_t *v, struct msg_review_set *m)
{
	json_t *person = json_object_get(v, "correspondentId"), *send = json_object_get(v, "send");
	const char *id;

	if (!json_is_object(v) || json_object_size(v) != 1)
		return -1;
	if (json_is_true(json_object_get(v, "discard")))
		m->resolution = RESOLVE_DISCARD;
	else if (slice_eq_str(ju_slice(send), "again"))
		m->resolution = RESOLVE_SEND_AGAIN;
	else if (slice_eq_str(ju_slice(send), "wasSent"))
		m->resolution = RESOLVE_WAS_SENT;
	else {
		m->resolution = RESOLVE_FILE;
		if (!json_is_string(person) ||
		    (id = call_resolve_id(jmap_set_call(set), json_string_value(person))) == NULL)
			return -1;
		return jmap_id_parse(id, 'C', &m->correspondent);
	}
	return 0;
}

static void
update(struct jmap_set *set, const struct jmap_set_update *u)
{
	struct msg_review_set m = { .id = u->id };
	const struct rec_review *rec = &u->rec->review;
	bool send;

	if (read_resolution(set, json_object_get(u->changed, "resolution"), &m) == -1) {
		jmap_set_bad_property(set, "resolution", NULL);
		return;
	}
	send = m.resolution == RESOLVE_SEND_AGAIN || m.resolution == RESOLVE_WAS_SENT;
	if (rec->resolution != RESOLVE_NONE)
		jmap_set_bad_property(set, "resolution", "the review is resolved already");
	else if (send != (rec->reason == REVIEW_UNCERTAIN_SEND) && m.resolution != RESOLVE_DISCARD)
		jmap_set_bad_property(set, "resolution", "does not fit the reason of the review");
	else
		jmap_set_ask(set, MSG_review_set, &m, -1);
}

const struct jmap_type type_review = { .name = "Review", .letter = 'R', .obj = OBJ_REVIEW, .decode = review_decode,
	.props = props, .filter = filter, .update = update };

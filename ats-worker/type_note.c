/*
 * type_note.c - one message filed with one correspondent.
 */
#include <string.h>

#include "filters.h"
#include "jmap_type.h"
#include "word_json.h"

static json_t *
documents(const struct jmap_render *r)
{
	struct slice list = r->rec->note.documents, item;
	json_t *a = json_array();
	struct rec_document d;

	while (list_next(&list, &item)) {
		json_t *o;

		if (rec_document_decode(item, &d) == -1)
			continue;
		o = json_object();
		ju_set(o, "blobId", ju_blob_part(r->rec->note.email, d.part_id));
		ju_set(o, "accountId", account_id_json(r->rec->note.account));
		ju_set(o, "name", ju_str_or_null(d.name));
		ju_set(o, "type", ju_str(d.type));
		ju_set(o, "size", ju_uint(d.size));
		ju_push(a, o);
	}
	return a;
}

JMAP_DECODE(note)
JMAP_RENDER(note, render_correspondent, ju_id('C', x->correspondent))
JMAP_RENDER(note, render_account, account_id_json(x->account))
JMAP_RENDER(note, render_email, ju_id('E', x->email))
JMAP_RENDER(note, render_thread, ju_id('T', x->thread))
JMAP_RENDER(note, render_direction, word_json(words_direction, x->direction))
JMAP_RENDER(note, render_received, ju_date(x->received_at))
JMAP_RENDER(note, render_subject, ju_str(x->subject))
JMAP_RENDER(note, render_text, ju_str(x->text))
JMAP_RENDER(note, render_kind, word_json(words_mail_kind, x->kind))
JMAP_RENDER(note, render_reasons, ju_strings(x->kind_reasons))
JMAP_RENDER(note, render_submission, ju_id('S', x->submission))
JMAP_RENDER(note, render_backfill, json_boolean(x->backfill))

static const struct jmap_prop props[] = {
	{ "correspondentId", PROP_SERVER_SET, render_correspondent },
	{ "accountId", PROP_SERVER_SET, render_account },
	{ "emailId", PROP_SERVER_SET, render_email },
	{ "threadId", PROP_SERVER_SET, render_thread },
	{ "direction", PROP_SERVER_SET, render_direction },
	{ "receivedAt", PROP_SERVER_SET, render_received },
	{ "subject", PROP_SERVER_SET, render_subject },
	{ "text", PROP_SERVER_SET, render_text },
	{ "documents", PROP_SERVER_SET, documents },
	{ "kind", PROP_SERVER_SET, render_kind },
	{ "kindReasons", PROP_SERVER_SET, render_reasons },
	{ "submissionId", PROP_SERVER_SET, render_submission },
	{ "backfill", PROP_SERVER_SET, render_backfill },
	{ 0 },
};

static enum filter_result
filter(struct arena *arena, struct rec_filter *f, const char *name, json_t *value)
{
	(void)arena;
	if (strcmp(name, "correspondentId") == 0)
		return filter_id(value, 'C', &f->correspondent);
	if (strcmp(name, "accountId") == 0)
		return filter_account(value, &f->account);
	if (strcmp(name, "threadId") == 0)
		return filter_id(value, 'T', &f->thread);
	if (strcmp(name, "direction") == 0)
		return filter_word(value, words_direction, &f->direction);
	if (strcmp(name, "kind") == 0)
		return filter_word(value, words_mail_kind, &f->kind);
	if (strcmp(name, "after") == 0)
		return filter_date(value, &f->after);
	if (strcmp(name, "before") == 0)
		return filter_date(value, &f->before);
	return FILTER_UNKNOWN;
}

static void
destroy(struct jmap_set *set, uint64_t id)
{
	struct msg_note_destroy m = { .id = id };

	jmap_set_ask(set, MSG_note_destroy, &m, -1);
}

const struct jmap_type type_note = { .name = "Note", .letter = 'N', .obj = OBJ_NOTE, .decode = note_decode,
	.props = props, .filter = filter, .sort = "receivedAt", .destroy = destroy };

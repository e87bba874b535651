/*
 * type_email.c - Email (RFC 8621 s. 4) as the ATS reads it.
 */
#include <stdlib.h>
#include <string.h>

#include "email_body.h"
#include "email_header.h"
#include "email_set.h"
#include "email_values.h"
#include "filters.h"

JMAP_DECODE(email)

static json_t *
render_blob(const struct jmap_render *r)
{
	const struct rec_email *x = &r->rec->email;

	/* Without the bytes there is still an id; its download says why not. */
	return x->blob != 0 ? ju_blob_raw(x->blob) : ju_blob_part(r->id, SLICE_NONE);
}

static json_t *
render_mailboxes(const struct jmap_render *r)
{
	struct slice ids = r->rec->email.mailboxes;
	json_t *o = json_object();
	char text[JMAP_ID_MAX];

	for (size_t i = 0; i < ids_count(ids); i++) {
		jmap_id_print(text, 'M', ids_at(ids, i));
		ju_set(o, text, json_true());
	}
	return o;
}

static json_t *
render_keywords(const struct jmap_render *r)
{
	struct slice rest = r->rec->email.keywords;
	json_t *o = json_object();

	while (rest.n > 0) {
		const uint8_t *sp = memchr(rest.p, ' ', rest.n);
		size_t n = sp != NULL ? (size_t)(sp - rest.p) : rest.n;
		json_t *key = ju_str(slice_mem(rest.p, n));

		if (n > 0 && key != NULL)
			ju_set(o, json_string_value(key), json_true());
		json_decref(key);
		n += sp != NULL ? 1 : 0;
		rest = slice_mem(rest.p + n, rest.n - n);
	}
	return o;
}

/* One function for all header fields: the name asked for tells which. */
static json_t *
render_field(const struct jmap_render *r)
{
	const struct email_field *f = email_field_find(r->name);
	struct rec_header h;

	for (const struct email_field *e = email_fields; f == NULL && e->property != NULL; e++)
		if (strcmp(e->property, r->name) == 0)
			f = e;
	if (f == NULL || rec_header_decode(r->rec->email.header, &h) == -1)
		return json_null();
	return f->render(&h);
}

static json_t *
body_names(const struct jmap_render *r)
{
	const struct email_options *o = r->options;

	return o != NULL ? o->body_names : NULL;
}

static json_t *
render_values(const struct jmap_render *r)
{
	(void)r;
	return json_object();	/* filled in by email_values_fetch */
}

static json_t *
render_nothing(const struct jmap_render *r)
{
	(void)r;
	return json_null();
}

JMAP_RENDER(email, render_thread, ju_id('T', x->thread))
JMAP_RENDER(email, render_size, ju_uint(x->size))
JMAP_RENDER(email, render_received, ju_date(x->received_at))
JMAP_RENDER(email, render_has, json_boolean(x->has_attachment && x->content_state == CONTENT_STATE_FULL))
JMAP_RENDER(email, render_preview, x->content_state == CONTENT_STATE_FULL ? ju_str(x->preview) : json_string(""))
JMAP_RENDER(email, render_state, word_json(words_content_state, x->content_state))
JMAP_RENDER(email, render_structure, email_body_structure(r->id, x->parts, body_names(r)))
JMAP_RENDER(email, render_text, email_body_list(r->id, x->parts, PART_TEXT_BODY, body_names(r)))
JMAP_RENDER(email, render_html, email_body_list(r->id, x->parts, PART_HTML_BODY, body_names(r)))
JMAP_RENDER(email, render_attachments, email_body_list(r->id, x->parts, PART_ATTACHMENT, body_names(r)))

static const struct jmap_prop props[] = {
	{ "blobId", PROP_SERVER_SET, render_blob },
	{ "threadId", PROP_SERVER_SET, render_thread },
	{ "mailboxIds", 0, render_mailboxes },
	{ "keywords", 0, render_keywords },
	{ "size", PROP_SERVER_SET, render_size },
	{ "receivedAt", PROP_IMMUTABLE, render_received },
	{ "messageId", PROP_IMMUTABLE, render_field },
	{ "inReplyTo", PROP_IMMUTABLE, render_field },
	{ "references", PROP_IMMUTABLE, render_field },
	{ "sender", PROP_IMMUTABLE, render_field },
	{ "from", PROP_IMMUTABLE, render_field },
	{ "to", PROP_IMMUTABLE, render_field },
	{ "cc", PROP_IMMUTABLE, render_field },
	{ "bcc", PROP_IMMUTABLE, render_field },
	{ "replyTo", PROP_IMMUTABLE, render_field },
	{ "subject", PROP_IMMUTABLE, render_field },
	{ "sentAt", PROP_IMMUTABLE, render_field },
	{ "hasAttachment", PROP_SERVER_SET, render_has },
	{ "preview", PROP_SERVER_SET, render_preview },
	{ "contentState", PROP_SERVER_SET, render_state },
	{ "bodyStructure", PROP_IMMUTABLE | PROP_HIDDEN | PROP_PARTS, render_structure },
	{ "bodyValues", PROP_IMMUTABLE | PROP_PARTS, render_values },
	{ "textBody", PROP_IMMUTABLE | PROP_PARTS, render_text },
	{ "htmlBody", PROP_IMMUTABLE | PROP_PARTS, render_html },
	{ "attachments", PROP_IMMUTABLE | PROP_PARTS, render_attachments },
	{ 0 },
};

/* Fields that are kept parsed can be read; any other one only written. */
static const struct jmap_prop *
find(const char *name)
{
	static const struct jmap_prop readable = { "header:", PROP_IMMUTABLE | PROP_HIDDEN, render_field };
	static const struct jmap_prop writable = { "header:", PROP_IMMUTABLE | PROP_HIDDEN | PROP_WRITE_ONLY,
		render_nothing };

	if (strncmp(name, "header:", 7) != 0)
		return NULL;
	return email_field_find(name) != NULL ? &readable : &writable;
}

/* ---- /get arguments ---- */

static const char *const get_arguments[] = { "bodyProperties", "fetchTextBodyValues", "fetchHTMLBodyValues",
	"fetchAllBodyValues", "maxBodyValueBytes", NULL };

static int
flag(struct jmap_call *call, const char *name, bool *out)
{
	json_t *v = json_object_get(call->args, name);

	*out = json_is_true(v);
	if (v == NULL || json_is_null(v) || json_is_boolean(v))
		return 0;
	call_bad_argument(call, name);
	return -1;
}

static int
get_options(struct jmap_call *call, struct jmap_get *get)
{
	json_t *names = json_object_get(call->args, "bodyProperties");
	json_t *max = json_object_get(call->args, "maxBodyValueBytes");
	struct email_options *o = calloc(1, sizeof(*o));

	if (o == NULL) {
		call_error(call, "serverFail", "out of memory");
		return -1;
	}
	get->options = o;
	if (flag(call, "fetchTextBodyValues", &o->text) == -1 || flag(call, "fetchHTMLBodyValues", &o->html) == -1 ||
	    flag(call, "fetchAllBodyValues", &o->all) == -1)
		return -1;
	if (max != NULL && !json_is_null(max) && ju_get_uint(max, &o->max) == -1) {
		call_bad_argument(call, "maxBodyValueBytes");
		return -1;
	}
	if (names != NULL && !json_is_null(names) && (!json_is_array(names) || !email_body_names_ok(names))) {
		call_bad_argument(call, "bodyProperties");
		return -1;
	}
	o->body_names = json_is_array(names) ? names : NULL;
	return 0;
}

/* ---- /query ---- */

static enum filter_result
filter(struct arena *arena, struct rec_filter *f, const char *name, json_t *value)
{
	(void)arena;
	if (strcmp(name, "inMailbox") == 0)
		return filter_id(value, 'M', &f->in_mailbox);
	if (strcmp(name, "from") == 0)
		return filter_text(value, LIM_ADDRESS, &f->from);
	if (strcmp(name, "to") == 0)
		return filter_text(value, LIM_ADDRESS, &f->to);
	if (strcmp(name, "after") == 0)
		return filter_date(value, &f->after);
	if (strcmp(name, "before") == 0)
		return filter_date(value, &f->before);
	return FILTER_UNKNOWN;
}

/* RFC 8621 s. 4.6: what "created" tells of an Email. */
static json_t *
created(const struct msg_set_done *m)
{
	json_t *o = json_object();

	ju_set(o, "id", ju_id('E', m->id));
	ju_set(o, "blobId", m->blob != 0 ? ju_blob_raw(m->blob) : ju_blob_part(m->id, SLICE_NONE));
	ju_set(o, "threadId", ju_id('T', m->thread));
	ju_set(o, "size", ju_uint(m->size));
	return o;
}

const struct jmap_type type_email = { .name = "Email", .letter = 'E', .obj = OBJ_EMAIL, .decode = email_decode,
	.props = props, .find = find, .get_arguments = get_arguments, .get_options = get_options,
	.get_finish = email_values_fetch, .filter = filter, .sort = "receivedAt", .create = email_create,
	.update = email_update, .destroy = email_destroy, .together = true, .created = created };

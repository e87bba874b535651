/*
 * type_correspondent.c - a person whose mail is filed: contact or candidate.
 */
#include <string.h>

#include "jmap_type.h"
#include "word_json.h"

JMAP_DECODE(correspondent)
JMAP_RENDER(correspondent, render_kind, word_json(words_person, x->kind))
JMAP_RENDER(correspondent, render_name, ju_str(x->name))
JMAP_RENDER(correspondent, render_emails, ju_strings(x->emails))
JMAP_RENDER(correspondent, render_external, ju_str_or_null(x->external_id))
JMAP_RENDER(correspondent, render_related, ju_ids('C', x->related))

static const struct jmap_prop props[] = {
	{ "kind", 0, render_kind },
	{ "name", 0, render_name },
	{ "emails", 0, render_emails },
	{ "externalId", 0, render_external },
	{ "relatedIds", 0, render_related },
	{ 0 },
};

static enum filter_result
filter(struct arena *arena, struct rec_filter *f, const char *name, json_t *value)
{
	int kind;

	(void)arena;
	if (strcmp(name, "kind") == 0) {
		if ((kind = word_number(words_person, value)) == -1)
			return FILTER_INVALID;
		f->kind = (uint8_t)kind;
		return FILTER_OK;
	}
	if (!json_is_string(value))
		return FILTER_INVALID;
	if (strcmp(name, "email") == 0)
		f->email = ju_slice(value);
	else if (strcmp(name, "externalId") == 0)
		f->external_id = ju_slice(value);
	else if (strcmp(name, "text") == 0)
		f->text = ju_slice(value);
	else
		return FILTER_UNKNOWN;
	return FILTER_OK;
}

/* One address with something on both sides of its last '@', no blanks. */
static bool
address_plausible(struct slice s)
{
	const uint8_t *at = s.n > 0 ? memrchr(s.p, '@', s.n) : NULL;

	if (at == NULL || at == s.p || at == s.p + s.n - 1 || s.n > LIM_ADDRESS)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] <= ' ' || s.p[i] == 0x7f)
			return false;
	return true;
}

static int
read_emails(struct jmap_set *set, json_t *v, struct slice *out)
{
	struct wbuf w = { .max = LIM_EMAILS_PERSON * (LIM_ADDRESS + 2) };
	json_t *item;
	size_t i;

	if (!json_is_array(v) || json_array_size(v) > LIM_EMAILS_PERSON)
		return -1;
	json_array_foreach(v, i, item) {
		if (!address_plausible(ju_slice(item))) {
			wbuf_free(&w);
			return -1;
		}
		list_add(&w, ju_slice(item));
	}
	*out = arena_take(&jmap_set_call(set)->arena, &w);
	return 0;
}

static int
read_related(struct jmap_set *set, json_t *v, struct slice *out)
{
	struct wbuf w = { .max = 8 * LIM_EMAILS_PERSON };
	json_t *item;
	size_t i;

	if (!json_is_array(v) || json_array_size(v) > LIM_EMAILS_PERSON)
		return -1;
	json_array_foreach(v, i, item) {
		const char *s = json_string_value(item);
		uint64_t id;

		if (s == NULL || (s = call_resolve_id(jmap_set_call(set), s)) == NULL || jmap_id_parse(s, 'C', &id) == -1) {
			wbuf_free(&w);
			return -1;
		}
		ids_add(&w, id);
	}
	*out = arena_take(&jmap_set_call(set)->arena, &w);
	return 0;
}

static int
read_text(json_t *v, size_t max, struct slice *out)
{
	*out = ju_slice(v);
	return json_is_string(v) && out->n <= max ? 0 : -1;
}

static int
read_property(struct jmap_set *set, const char *name, json_t *v, struct rec_correspondent *c)
{
	int kind;

	if (strcmp(name, "kind") == 0) {
		kind = word_number(words_person, v);
		c->kind = (uint8_t)kind;
		return kind == -1 ? -1 : 0;
	}
	if (strcmp(name, "emails") == 0)
		return read_emails(set, v, &c->emails);
	if (strcmp(name, "name") == 0)
		return json_is_null(v) ? (c->name = SLICE_NONE, 0) : read_text(v, LIM_NAME, &c->name);
	if (strcmp(name, "externalId") == 0)
		return json_is_null(v) ? (c->external_id = SLICE_NONE, 0)
				       : read_text(v, LIM_EXTERNAL_ID, &c->external_id);
	return json_is_null(v) ? (c->related = SLICE_NONE, 0) : read_related(set, v, &c->related);
}

static void
store_it(struct jmap_set *set, enum set_action action, uint64_t id, struct rec_correspondent *c, json_t *given)
{
	struct msg_correspondent_set m = { .id = id, .action = (uint8_t)action };
	struct wbuf w = { .max = 65536 };
	const char *name;
	json_t *value;

	json_object_foreach(given, name, value)
		if (read_property(set, name, value, c) == -1) {
			jmap_set_bad_property(set, name, NULL);
			return;
		}
	if (c->kind == 0) {
		jmap_set_bad_property(set, "kind", "contact or candidate is required");
		return;
	}
	rec_correspondent_encode(&w, c);
	m.record = wbuf_slice(&w);
	if (w.failed)
		jmap_set_fail_type(set, "tooLarge", NULL);
	else
		jmap_set_ask(set, MSG_correspondent_set, &m, -1);
	wbuf_free(&w);
}

static void
create(struct jmap_set *set, json_t *object)
{
	struct rec_correspondent c = { 0 };

	store_it(set, SET_CREATE, 0, &c, object);
}

static void
update(struct jmap_set *set, const struct jmap_set_update *u)
{
	struct rec_correspondent c = u->rec->correspondent;

	store_it(set, SET_UPDATE, u->id, &c, u->changed);
}

static void
destroy(struct jmap_set *set, uint64_t id)
{
	struct msg_correspondent_set m = { .id = id, .action = SET_DESTROY };

	jmap_set_ask(set, MSG_correspondent_set, &m, -1);
}

const struct jmap_type type_correspondent = { .name = "Correspondent", .letter = 'C', .obj = OBJ_CORRESPONDENT,
	.decode = correspondent_decode, .props = props, .filter = filter, .create = create, .update = update,
	.destroy = destroy };

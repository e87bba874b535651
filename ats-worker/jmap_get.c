/*
 * jmap_get.c - /get (RFC 8620 s. 5.1) for every type, and rendering.
 */
#include <stdlib.h>
#include <string.h>

#include "jmap_type.h"

const struct jmap_prop *
jmap_prop_find(const struct jmap_type *t, const char *name)
{
	for (const struct jmap_prop *p = t->props; p->name != NULL; p++)
		if (strcmp(p->name, name) == 0)
			return p;
	return t->find != NULL ? t->find(name) : NULL;
}

static void
render_into(json_t *o, const struct jmap_prop *p, struct jmap_render *r, const char *name)
{
	if ((p->flags & PROP_WRITE_ONLY) != 0)
		return;
	r->name = name;
	ju_set(o, name, p->render(r));
}

json_t *
jmap_render_object(const struct jmap_type *t, json_t *names, const struct jmap_render *in)
{
	struct jmap_render r = *in;
	json_t *o = json_object(), *name;
	size_t i;

	ju_set(o, "id", ju_id(t->letter, r.id));
	if (names == NULL)
		for (const struct jmap_prop *p = t->props; p->name != NULL; p++)
			if ((p->flags & PROP_HIDDEN) == 0)
				render_into(o, p, &r, p->name);
	json_array_foreach(names, i, name) {
		const struct jmap_prop *p = jmap_prop_find(t, json_string_value(name));

		if (p != NULL)
			render_into(o, p, &r, json_string_value(name));
	}
	return o;
}

int
jmap_check_properties(struct jmap_call *call, const struct jmap_type *t, json_t *names)
{
	json_t *name;
	size_t i;

	if (names == NULL || json_is_null(names))
		return 0;
	if (!json_is_array(names)) {
		call_bad_argument(call, "properties");
		return -1;
	}
	json_array_foreach(names, i, name) {
		const struct jmap_prop *p = NULL;

		if (json_is_string(name))
			p = jmap_prop_find(t, json_string_value(name));
		if ((p != NULL && (p->flags & PROP_WRITE_ONLY) == 0) || slice_eq_str(ju_slice(name), "id"))
			continue;
		call_bad_argument(call, "properties");
		return -1;
	}
	return 0;
}

bool
ids_earlier(json_t *ids, size_t at)
{
	json_t *item = json_array_get(ids, at);

	for (size_t i = 0; i < at; i++)
		if (json_equal(json_array_get(ids, i), item))
			return true;
	return false;
}

int
jmap_get_ids(struct jmap_call *call, json_t *ids, char letter, struct wbuf *out, json_t *not_found)
{
	json_t *item;
	size_t i;

	wbuf_init(out, 8 * LIM_IDS);
	if (ids == NULL || json_is_null(ids))
		return 0;
	if (!json_is_array(ids)) {
		call_bad_argument(call, "ids");
		return -1;
	}
	if (json_array_size(ids) > LIM_JMAP_GET) {
		call_error(call, "requestTooLarge", NULL);
		return -1;
	}
	json_array_foreach(ids, i, item) {
		const char *s = json_string_value(item), *found;
		uint64_t id;

		if (s == NULL) {
			call_bad_argument(call, "ids");
			return -1;
		}
		if (ids_earlier(ids, i))
			continue;	/* RFC 8620 s. 5.1: each only once */
		if ((found = call_resolve_id(call, s)) != NULL && jmap_id_parse(found, letter, &id) == 0)
			ids_add(out, id);
		else
			ju_push(not_found, json_incref(item));
	}
	return 0;
}

static void
get_free(void *arg)
{
	struct jmap_get *get = arg;

	if (get->work_free != NULL)
		get->work_free(get->work);
	free(get->work);
	store_rows_free(&get->rows);
	json_decref(get->list);
	json_decref(get->not_found);
	json_decref(get->state);
	free(get->options);
}

void
jmap_get_reply(struct jmap_call *call, struct jmap_get *get)
{
	json_t *o = call_response(call);

	ju_set(o, "state", json_incref(get->state));
	ju_set(o, "list", json_incref(get->list));
	ju_set(o, "notFound", json_incref(get->not_found));
	call_done(call, o);
}

static void
render_rows(struct jmap_call *call, struct jmap_get *get)
{
	for (size_t i = 0; i < get->rows.n; i++) {
		union jmap_record rec;
		struct jmap_render r = { .id = get->rows.rows[i].id, .account = call->account, .rec = &rec,
			.options = get->options };

		if (get->type->decode(get->rows.rows[i].data, &rec) == 0)
			ju_push(get->list, jmap_render_object(get->type, get->properties, &r));
		else
			ju_push(get->not_found, ju_id(get->type->letter, r.id));
	}
}

static void
on_rows(void *ctx, const struct store_answer *a)
{
	struct jmap_call *call = ctx;
	struct jmap_get *get = call->state;
	struct slice missing;

	if (a->error != NULL) {
		call_store_error(call, a);
		return;
	}
	if (a->rows->n > LIM_JMAP_GET) {
		call_error(call, "requestTooLarge", "more than maxObjectsInGet: use a query");
		return;
	}
	missing = a->m->get_done.not_found;
	get->state = ju_state(a->m->get_done.epoch, a->m->get_done.state);
	store_rows_move(&get->rows, a->rows);
	for (size_t i = 0; i < ids_count(missing); i++)
		ju_push(get->not_found, ju_id(get->type->letter, ids_at(missing, i)));
	render_rows(call, get);
	if (get->type->get_finish != NULL)
		get->type->get_finish(call, get);
	else
		jmap_get_reply(call, get);
}

static void
note_parts(struct jmap_get *get)
{
	const struct jmap_prop *p;
	json_t *name;
	size_t i;

	if (get->properties == NULL)
		for (p = get->type->props; p->name != NULL; p++)
			if ((p->flags & PROP_PARTS) != 0 && (p->flags & PROP_HIDDEN) == 0)
				get->parts = GET_EMAIL_PARTS;
	json_array_foreach(get->properties, i, name)
		if ((p = jmap_prop_find(get->type, json_string_value(name))) != NULL && (p->flags & PROP_PARTS) != 0)
			get->parts = GET_EMAIL_PARTS;
}

static void
get_ask(struct jmap_call *call, struct jmap_get *get)
{
	json_t *ids = json_object_get(call->args, "ids");
	struct msg_get m = { .account = call->account, .type = (uint8_t)get->type->obj, .parts = get->parts };
	struct wbuf packed;

	if (jmap_get_ids(call, ids, get->type->letter, &packed, get->not_found) == -1) {
		wbuf_free(&packed);
		return;
	}
	m.all = ids == NULL || json_is_null(ids);
	m.ids = wbuf_slice(&packed);
	if (packed.failed || store_ask(&call->scope, MSG_get, &m, -1, on_rows, call) == -1)
		call_error(call, store_ask_error(), NULL);
	wbuf_free(&packed);
}

void
jmap_get_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "ids", "properties", NULL };
	const struct jmap_type *t = call->method->type;
	json_t *names = json_object_get(call->args, "properties");
	struct jmap_get *get;

	if (!call_arguments_known(call, arguments, t->get_arguments) || jmap_check_properties(call, t, names) == -1 ||
	    (get = call_state(call, sizeof(*get), get_free)) == NULL)
		return;
	get->type = t;
	get->properties = json_is_array(names) ? names : NULL;
	get->list = json_array();
	get->not_found = json_array();
	if (t->get_options != NULL && t->get_options(call, get) == -1)
		return;
	note_parts(get);
	get_ask(call, get);
}

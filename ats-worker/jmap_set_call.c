/*
 * jmap_set_call.c - /set: arguments, ifInState and the response.
 */
#include <string.h>

#include "jmap_set_private.h"

struct jmap_call *
jmap_set_call(struct jmap_set *set)
{
	return set->call;
}

json_t *
jmap_set_created(struct jmap_set *set)
{
	return set->created;
}

json_t *
jmap_set_updated(struct jmap_set *set)
{
	return set->updated;
}

json_t *
jmap_set_destroyed(struct jmap_set *set)
{
	return set->destroyed;
}

void *
jmap_set_scratch(struct jmap_set *set, size_t n)
{
	return n <= sizeof(set->scratch) ? set->scratch : NULL;
}

void
jmap_set_note_blob(struct jmap_set *set, const char *blob_id)
{
	if (set->blobs == NULL)
		set->blobs = json_array();
	ju_push(set->blobs, json_string(blob_id));
}

void
jmap_set_note(struct jmap_set *set, json_t *value)
{
	const char *sign = set->phase == SET_CREATE ? "#" : "";
	char *key = arena_printf(&set->call->arena, "%s%s", sign, set->key);

	if (set->notes == NULL)
		set->notes = json_object();
	if (key != NULL)
		ju_set(set->notes, key, value);
	else
		json_decref(value);
}

json_t *
jmap_set_notes(struct jmap_set *set)
{
	return set->notes;
}

uint64_t
jmap_set_id(struct jmap_set *set)
{
	return set->id;
}

static void
set_free(void *arg)
{
	struct jmap_set *set = arg;

	json_decref(set->created);
	json_decref(set->not_created);
	json_decref(set->updated);
	json_decref(set->not_updated);
	json_decref(set->destroyed);
	json_decref(set->not_destroyed);
	json_decref(set->changed);
	json_decref(set->blobs);
	json_decref(set->notes);
	store_rows_free(&set->rows);
}

static json_t *
or_null(json_t *map)
{
	return map != NULL && (json_object_size(map) > 0 || json_array_size(map) > 0) ? json_incref(map) : json_null();
}

void
jmap_set_reply(struct jmap_set *set)
{
	json_t *o;

	if (set->type->set_finish != NULL)
		set->type->set_finish(set);
	o = call_response(set->call);
	ju_set(o, "oldState", ju_state(set->epoch, set->old_state));
	ju_set(o, "newState", ju_state(set->epoch, set->new_state));
	ju_set(o, "created", or_null(set->created));
	ju_set(o, "updated", or_null(set->updated));
	ju_set(o, "destroyed", or_null(set->destroyed));
	ju_set(o, "notCreated", or_null(set->not_created));
	ju_set(o, "notUpdated", or_null(set->not_updated));
	ju_set(o, "notDestroyed", or_null(set->not_destroyed));
	if (set->type->destroy_reminder != NULL && json_array_size(set->destroyed) > 0)
		ju_set(o, "reminder", json_string(set->type->destroy_reminder));
	call_done(set->call, o);
}

/* The state before anything changes, and ifInState against it. */
static void
on_state(void *ctx, const struct store_answer *a)
{
	struct jmap_set *set = ctx;
	const char *wanted = json_string_value(json_object_get(set->call->args, "ifInState"));
	char state[JMAP_STATE_MAX];

	if (a->error != NULL) {
		call_store_error(set->call, a);
		return;
	}
	set->epoch = a->m->get_done.epoch;
	set->old_state = set->new_state = a->m->get_done.state;
	jmap_state_print(state, set->epoch, set->old_state);
	if (wanted != NULL && strcmp(wanted, state) != 0) {
		call_error(set->call, "stateMismatch", NULL);
		return;
	}
	set->phase = SET_CREATE;
	set->iter = json_object_iter(set->create);
	jmap_set_pump(set);
}

static json_t *
argument(struct jmap_call *call, const char *name)
{
	json_t *v = json_object_get(call->args, name);

	return json_is_null(v) ? NULL : v;
}

/* NULL, or the argument with a wrong type. */
static const char *
set_read(struct jmap_set *set)
{
	json_t *state = argument(set->call, "ifInState"), *id;
	size_t i;

	set->create = argument(set->call, "create");
	set->update = argument(set->call, "update");
	set->destroy = argument(set->call, "destroy");
	if (state != NULL && !json_is_string(state))
		return "ifInState";
	if (set->create != NULL && !json_is_object(set->create))
		return "create";
	if (set->update != NULL && !json_is_object(set->update))
		return "update";
	if (set->destroy != NULL && !json_is_array(set->destroy))
		return "destroy";
	json_array_foreach(set->destroy, i, id)
		if (!json_is_string(id))
			return "destroy";
	return NULL;
}

void
jmap_set_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "ifInState", "create", "update", "destroy", NULL };
	struct msg_get m = { .account = call->account, .type = (uint8_t)call->method->type->obj };
	struct jmap_set *set;
	const char *bad;

	if (!call_arguments_known(call, arguments, call->method->type->set_arguments) ||
	    (set = call_state(call, sizeof(*set), set_free)) == NULL)
		return;
	set->call = call;
	set->type = call->method->type;
	set->destroyed = json_array();
	if ((bad = set_read(set)) != NULL || (set->type->set_check != NULL && (bad = set->type->set_check(call)) != NULL))
		call_bad_argument(call, bad);
	else if (json_object_size(set->create) + json_object_size(set->update) + json_array_size(set->destroy) >
		 LIM_JMAP_SET)
		call_error(call, "requestTooLarge", NULL);
	else if (store_ask(&call->scope, MSG_get, &m, -1, on_state, set) == -1)
		call_error(call, store_ask_error(), NULL);
}

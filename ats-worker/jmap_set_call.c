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

struct jmap_call *
jmap_batch_call(const struct jmap_batch *batch)
{
	return batch->call;
}

json_t *
jmap_batch_created(const struct jmap_batch *batch)
{
	return batch->created;
}

json_t *
jmap_batch_updated(const struct jmap_batch *batch)
{
	return batch->updated;
}

json_t *
jmap_batch_destroyed(const struct jmap_batch *batch)
{
	return batch->destroyed;
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
	struct jmap_batch *batch = set->batch;
	const char *sign = batch->phase == SET_CREATE ? "#" : "";
	char *key = arena_printf(&set->call->arena, "%s%s", sign, set->key);

	if (batch->notes == NULL)
		batch->notes = json_object();
	if (key != NULL)
		ju_set(batch->notes, key, value);
	else
		json_decref(value);
}

json_t *
jmap_batch_notes(const struct jmap_batch *batch)
{
	return batch->notes;
}

uint64_t
jmap_set_id(struct jmap_set *set)
{
	return set->id;
}

static void
batch_free(void *arg)
{
	struct jmap_batch *batch = arg;
	struct jmap_set *set;

	while ((set = LIST_FIRST(&batch->objects)) != NULL)
		jmap_set_free(set);
	json_decref(batch->created);
	json_decref(batch->not_created);
	json_decref(batch->updated);
	json_decref(batch->not_updated);
	json_decref(batch->destroyed);
	json_decref(batch->not_destroyed);
	json_decref(batch->notes);
}

static json_t *
or_null(json_t *map)
{
	return map != NULL && (json_object_size(map) > 0 || json_array_size(map) > 0) ? json_incref(map) : json_null();
}

void
jmap_set_reply(struct jmap_batch *batch)
{
	json_t *o;

	if (batch->type->set_finish != NULL)
		batch->type->set_finish(batch);
	o = call_response(batch->call);
	ju_set(o, "oldState", ju_state(batch->epoch, batch->old_state));
	ju_set(o, "newState", ju_state(batch->epoch, batch->new_state));
	ju_set(o, "created", or_null(batch->created));
	ju_set(o, "updated", or_null(batch->updated));
	ju_set(o, "destroyed", or_null(batch->destroyed));
	ju_set(o, "notCreated", or_null(batch->not_created));
	ju_set(o, "notUpdated", or_null(batch->not_updated));
	ju_set(o, "notDestroyed", or_null(batch->not_destroyed));
	if (batch->type->destroy_reminder != NULL && json_array_size(batch->destroyed) > 0)
		ju_set(o, "reminder", json_string(batch->type->destroy_reminder));
	call_done(batch->call, o);
}

/* The state before anything changes, and ifInState against it. */
static void
on_state(void *ctx, const struct store_answer *a)
{
	struct jmap_batch *batch = ctx;
	const char *wanted = json_string_value(json_object_get(batch->call->args, "ifInState"));
	char state[JMAP_STATE_MAX];

	if (a->error != NULL) {
		call_store_error(batch->call, a);
		return;
	}
	batch->epoch = a->m->get_done.epoch;
	batch->old_state = batch->new_state = a->m->get_done.state;
	jmap_state_print(state, batch->epoch, batch->old_state);
	if (wanted != NULL && strcmp(wanted, state) != 0) {
		call_error(batch->call, "stateMismatch", NULL);
		return;
	}
	batch->phase = SET_CREATE;
	batch->iter = json_object_iter(batch->create);
	jmap_set_pump(batch);
}

static json_t *
argument(struct jmap_call *call, const char *name)
{
	json_t *v = json_object_get(call->args, name);

	return json_is_null(v) ? NULL : v;
}

/* NULL, or the argument with a wrong type. */
static const char *
batch_read(struct jmap_batch *batch)
{
	json_t *state = argument(batch->call, "ifInState"), *id;
	size_t i;

	batch->create = argument(batch->call, "create");
	batch->update = argument(batch->call, "update");
	batch->destroy = argument(batch->call, "destroy");
	if (state != NULL && !json_is_string(state))
		return "ifInState";
	if (batch->create != NULL && !json_is_object(batch->create))
		return "create";
	if (batch->update != NULL && !json_is_object(batch->update))
		return "update";
	if (batch->destroy != NULL && !json_is_array(batch->destroy))
		return "destroy";
	json_array_foreach(batch->destroy, i, id)
		if (!json_is_string(id))
			return "destroy";
	return NULL;
}

void
jmap_set_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "ifInState", "create", "update", "destroy", NULL };
	struct msg_get m = { .account = call->account, .type = (uint8_t)call->method->type->obj };
	struct jmap_batch *batch;
	const char *bad;

	if (!call_arguments_known(call, arguments, call->method->type->set_arguments) ||
	    (batch = call_state(call, sizeof(*batch), batch_free)) == NULL)
		return;
	batch->call = call;
	batch->type = call->method->type;
	batch->destroyed = json_array();
	if ((bad = batch_read(batch)) != NULL || (batch->type->set_check != NULL && (bad = batch->type->set_check(call)) != NULL))
		call_bad_argument(call, bad);
	else if (json_object_size(batch->create) + json_object_size(batch->update) + json_array_size(batch->destroy) >
		 LIM_JMAP_SET)
		call_error(call, "requestTooLarge", NULL);
	else if (store_ask(&call->scope, MSG_get, &m, -1, on_state, batch) == -1)
		call_error(call, store_ask_error(), NULL);
}

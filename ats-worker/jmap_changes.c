/*
 * jmap_changes.c - /changes (RFC 8620 s. 5.2) for every type.
 */
#include <string.h>

#include "jmap_type.h"

static void
on_changes(void *ctx, const struct store_answer *a)
{
	struct jmap_call *call = ctx;
	const struct jmap_type *t = call->method->type;
	const struct msg_changes_done *m;
	json_t *o;

	if (a->error != NULL) {
		call_store_error(call, a);
		return;
	}
	m = &a->m->changes_done;
	o = call_response(call);
	ju_set(o, "oldState", ju_state(m->epoch, m->old_state));
	ju_set(o, "newState", ju_state(m->epoch, m->new_state));
	ju_set(o, "hasMoreChanges", json_boolean(m->more));
	ju_set(o, "created", ju_ids(t->letter, m->created));
	ju_set(o, "updated", ju_ids(t->letter, m->updated));
	ju_set(o, "destroyed", ju_ids(t->letter, m->destroyed));
	if (t->obj == OBJ_MAILBOX)
		ju_set(o, "updatedProperties", json_null());
	call_done(call, o);
}

void
jmap_changes_run(struct jmap_call *call)
{
	static const char *const arguments[] = { "sinceState", "maxChanges", NULL };
	struct msg_changes m = { .account = call->account, .type = (uint8_t)call->method->type->obj, .max = LIM_IDS };
	const char *since = json_string_value(json_object_get(call->args, "sinceState"));
	json_t *max = json_object_get(call->args, "maxChanges");
	uint64_t n;

	if (!call_arguments_known(call, arguments, NULL))
		return;
	if (since == NULL) {
		call_bad_argument(call, "sinceState");
		return;
	}
	if (max != NULL && !json_is_null(max)) {
		if (ju_get_uint(max, &n) == -1 || n == 0) {
			call_bad_argument(call, "maxChanges");
			return;
		}
		m.max = n < LIM_IDS ? (uint32_t)n : LIM_IDS;
	}
	if (jmap_state_parse(since, &m.epoch, &m.since) == -1)
		call_error(call, "cannotCalculateChanges", "not a state of this server");
	else if (store_ask(&call->scope, MSG_changes, &m, -1, on_changes, call) == -1)
		call_error(call, store_ask_error(), NULL);
}
